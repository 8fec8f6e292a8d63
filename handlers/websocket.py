"""`/ws`: the upgrade, and frames to and from a `Session`. Nothing in here waits for anything.

A failing `open` would never call `on_close`, and a handler that waits delays it: both stay synchronous.
"""

import asyncio
import base64
import typing
from collections.abc import Iterable
from http import HTTPStatus
from socket import socket
from typing import Any

import structlog
from tornado.httputil import HTTPHeaders
from tornado.iostream import SSLIOStream, StreamClosedError
from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from handlers.base import COOKIE, WEBSOCKET_VERSION, BaseHandler, bearer
from handlers.framing import BINARY, CLOSE, TEXT, FrameReader, Message
from handlers.transport import StreamTransport
from server import wire
from server.app import App
from server.errors import BadRequest, Close, Unavailable
from server.outbox import Transport

log = structlog.stdlib.get_logger("websocket")
FIRST_CHUNK, CHUNK = 1 << 10, 16 << 10
"""Bytes of one read, the first and the largest: a few frames, some dozens. Slow start: who has more to say,
and says it well, is read twice as much the next time; else it is the first one again. So what strangers send
holds the others up for a small chunk at a time."""
NO_HEADERS = HTTPHeaders()


class WrongVersion(BadRequest):
    """Of the WebSocket protocol."""

    status = HTTPStatus.UPGRADE_REQUIRED


class Protocol(WebSocketProtocol13):
    """Reads many frames at a time, and says why before it hangs up on a client that breaks the rules.

    `closed_with`: the code of our Close frame, when ours was the first one; `told`: the client's was.
    """

    __slots__ = ("_chunk", "_reader", "closed_with", "told")  # see BoardSocket

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._reader = FrameReader(self.params.max_message_size)
        self.closed_with: int | None = None
        self.told = False
        self._chunk = FIRST_CHUNK

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self.server_terminated and self.client_terminated:
            self.told = True
        elif not self.server_terminated:
            self.closed_with = code
        super().close(code, reason)

    async def _receive_frame_loop(self) -> None:
        """Until the connection ends. A plain socket is read by `_readable` as soon as nothing is buffered."""
        plain = not isinstance(self.stream, SSLIOStream)
        try:
            while not self.client_terminated:
                reading = self.stream.read_bytes(self._chunk, partial=True)
                if plain and self.stream.reading():
                    plain_socket = self.stream.socket
                    asyncio.get_running_loop().add_reader(plain_socket, self._readable, plain_socket)
                data = await reading
                whole = len(data) == self._chunk
                pause_s = self._take(data)
                if pause_s or whole:
                    await asyncio.sleep(pause_s)  # others have a turn, too
        except StreamClosedError:
            self._abort()
        finally:
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    def _readable(self, plain: socket) -> None:
        """In place of the stream, whose read stays open until it is closed: that costs a future, a second
        `recv` and a turn of the loop for each frame. What it does with writes and with the end stands.
        """
        try:
            data = plain.recv(self._chunk)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.stream.close(exc_info=error)
            return
        if not data:
            self.stream.close()
            return
        if pause_s := self._take(data):
            self._rest(plain, pause_s)

    def _rest(self, plain: socket, pause_s: float) -> None:
        """Leave in the kernel what more the client sends; it is slowed down by that, and nothing is lost."""
        loop = asyncio.get_running_loop()

        def read_on() -> None:
            if not self.stream.closed():
                loop.add_reader(plain, self._readable, plain)

        if not self.stream.closed():
            loop.remove_reader(plain)
            loop.call_later(pause_s, read_on)

    def _take(self, data: bytes) -> float:
        """Handle what came; for how long nothing more is to be read."""
        reader = self._reader
        try:
            self._hand_on(reader.feed(data))
            if reader.violation is None:
                others, reader.others = reader.others, 0
                session: Conversation | None = self.handler.session  # type: ignore[attr-defined]
                pause_s = 0.0 if session is None else session.took(len(data), others)
                if pause_s or others:
                    self._chunk = FIRST_CHUNK
                elif len(data) == self._chunk < CHUNK:
                    self._chunk *= 2
                return pause_s
            self.close(*reader.violation)
        except Exception:
            log.exception("a connection failed and is dropped")
        self._abort()
        return 0.0

    def _hand_on(self, messages: Iterable[Message]) -> None:
        """Messages go to the handler at once: Tornado's way has steps for what is packed or awaited."""
        heard = self.handler.on_message
        for opcode, payload in messages:
            if opcode == CLOSE or not self.server_terminated:  # else nobody is there to hear it
                if opcode > BINARY:
                    self._handle_message(opcode, payload)
                elif not self.client_terminated:
                    heard(payload.decode() if opcode == TEXT else payload)


class Conversation(typing.Protocol):
    """Who takes the frames of a socket, in `server`."""

    def receive(self, frame: str | bytes, /) -> None: ...

    def took(self, size: int, frames: int) -> float: ...

    def heard(self) -> None: ...

    def closed(self) -> None: ...


class BoardSocket(BaseHandler, WebSocketHandler):
    """One browser tab or program.

    Python keeps up to 30 attributes in little memory, and Tornado has nearly as many: ours stand beside them.
    """

    __slots__ = ("_protocol", "app", "codec", "session", "signed_in")

    def initialize(self, app: App) -> None:
        super().initialize(app)
        self.session: Conversation | None = None
        self._protocol: Protocol | None = None

    def prepare(self) -> None:
        super().prepare()
        if self.request.method not in self.allowed:
            raise self.wrong_method()
        if self.request.method == "OPTIONS":
            return
        if self.request.method != "GET" or self.request.headers.get("Upgrade", "").lower() != "websocket":
            raise BadRequest("Upgrade", "this path speaks WebSocket only")
        if self.request.headers.get("Sec-WebSocket-Version") != WEBSOCKET_VERSION:
            raise WrongVersion("Sec-WebSocket-Version", f"{WEBSOCKET_VERSION} is spoken here (RFC 6455)")
        if not _is_key(self.request.headers.get("Sec-WebSocket-Key", "")):
            raise BadRequest("Sec-WebSocket-Key", "is not 16 bytes in base64 (RFC 6455, section 4.1)")
        if self.app.draining:
            raise Unavailable("the server is going away")
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        codec = wire.choose([name.strip() for name in offered.split(",") if name.strip()])
        if codec is None:
            known = f"{wire.JSON.subprotocol}, {wire.MSGPACK.subprotocol}"
            raise BadRequest("Sec-WebSocket-Protocol", f"none of {offered!r} is known; known are {known}")
        self.codec = codec
        self.signed_in = bearer(self.request.headers) or self.get_cookie(COOKIE) or ""

    @property
    def allowed(self) -> list[str]:
        return ["GET", "HEAD", "OPTIONS"]

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        plain = super().get_websocket_protocol()
        if not isinstance(plain, WebSocketProtocol13):
            return plain
        self._protocol = Protocol(self, False, plain.params)
        return self._protocol

    def check_origin(self, origin: str) -> bool:
        """Already judged in `prepare`, with a text that names the setting."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return self.codec.subprotocol if subprotocols else None

    def open(self, *args: str, **kwargs: str) -> None:
        try:
            transport = StreamTransport.of(self)
        except StreamClosedError:  # gone again already
            return
        self.set_nodelay(True)
        try:
            self.session = self.connect(transport)
        except Exception:
            log.exception("a connection could not be opened")
            self.close(Close.INTERNAL, "internal error")
        self._headers = self.request.headers = NO_HEADERS  # nobody needs them any more

    def connect(self, transport: Transport) -> Conversation | None:
        """Who takes its frames; None: it is closed again."""
        caller = self.caller
        home = None if caller.shared else caller.home
        return self.app.connect(transport, self.codec, self.signed_in, home)

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
        if self.session is not None and self._protocol is not None:
            self.session.closed()
            protocol = self._protocol
            self.app.metrics.connection_closed(protocol.closed_with, self.close_code, told=protocol.told)

    def get_compression_options(self) -> dict[str, Any] | None:
        """None: no compression. It costs each member its own bytes, and invites bombs."""
        return None


def _is_key(given: str) -> bool:
    try:
        return len(base64.b64decode(given, validate=True)) == 16
    except ValueError:
        return False
