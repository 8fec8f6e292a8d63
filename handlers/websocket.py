"""`/ws`: the upgrade, and frames to and from a `Session`. Nothing in here waits for anything.

A failing `open` would never call `on_close`, and a handler that waits delays it: both stay synchronous.
"""

from typing import Any

from tornado.websocket import WebSocketHandler

from handlers.base import BaseHandler
from handlers.transport import StreamTransport
from server import wire
from server.app import App
from server.errors import BadRequest, Unavailable
from server.session import Session


class BoardSocket(BaseHandler, WebSocketHandler):
    """One browser tab or program."""

    def initialize(self, app: App) -> None:
        super().initialize(app)
        self.session: Session | None = None

    def prepare(self) -> None:
        super().prepare()
        if self.app.draining:
            raise Unavailable("the server is going away")
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        codec = wire.choose([name.strip() for name in offered.split(",") if name.strip()])
        if codec is None:
            known = f"{wire.JSON.subprotocol}, {wire.MSGPACK.subprotocol}"
            raise BadRequest("Sec-WebSocket-Protocol", f"none of {offered!r} is known; known are {known}")
        self.codec = codec

    def check_origin(self, origin: str) -> bool:
        """Already judged in `prepare`, with a text that names the setting."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return self.codec.subprotocol if subprotocols else None

    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        self.session = self.app.connect(StreamTransport.of(self), self.codec)

    def on_message(self, message: str | bytes) -> None:
        if self.session is not None:
            self.session.receive(message)

    def on_ping(self, data: bytes) -> None:
        if self.session is not None:
            self.session.heard()

    def on_pong(self, data: bytes) -> None:
        if self.session is not None:
            self.session.heard()

    def on_close(self) -> None:
        if self.session is not None:
            self.session.closed()

    def get_compression_options(self) -> dict[str, Any] | None:
        """None: no compression. It costs each member its own bytes, and invites bombs."""
        return None
