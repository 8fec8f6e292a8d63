"""`/ws`: the upgrade, and frames to and from a `Session`. Nothing in here waits for anything.

A failing `open` would never call `on_close`, and a handler that waits delays it: both stay synchronous.
"""

import asyncio
from typing import Any

from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from handlers.base import BaseHandler
from handlers.transport import StreamTransport
from server import wire
from server.app import App
from server.errors import BadRequest, Close, Unavailable
from server.session import Session

TEXT = 0x1
"""The opcode of a text frame."""


class Protocol(WebSocketProtocol13):
    """Says why before it hangs up on text that is no UTF-8 (RFC 6455, section 8.1); Tornado only hangs up."""

    def _handle_message(self, opcode: int, data: bytes) -> "asyncio.Future[None] | None":
        if opcode == TEXT and not _is_utf8(data):
            self.close(Close.NOT_UTF8, "text must be UTF-8")
        return super()._handle_message(opcode, data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class BoardSocket(BaseHandler, WebSocketHandler):
    """One browser tab or program."""

    def initialize(self, app: App) -> None:
        super().initialize(app)
        self.session: Session | None = None

    def prepare(self) -> None:
        super().prepare()
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            raise BadRequest("Upgrade", "this path speaks WebSocket only")
        if self.app.draining:
            raise Unavailable("the server is going away")
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        codec = wire.choose([name.strip() for name in offered.split(",") if name.strip()])
        if codec is None:
            known = f"{wire.JSON.subprotocol}, {wire.MSGPACK.subprotocol}"
            raise BadRequest("Sec-WebSocket-Protocol", f"none of {offered!r} is known; known are {known}")
        self.codec = codec

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        plain = super().get_websocket_protocol()
        return Protocol(self, False, plain.params) if isinstance(plain, WebSocketProtocol13) else plain

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
