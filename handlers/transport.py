"""A WebSocket's way out, as the outbox wants it: straight to a plain socket, or through its IOStream."""

from collections.abc import Callable

from tornado.iostream import IOStream, SSLIOStream, StreamBufferFullError, StreamClosedError
from tornado.websocket import WebSocketHandler

from server.outbox import Buffer


class StreamTransport:
    """Make it in `open`, when the handler has its connection. `max_write_buffer_size` is best left unset:
    the outbox bounds what it hands over, and a full buffer costs the connection.
    """

    def __init__(
        self, stream: IOStream, closing: Callable[[], bool], close: Callable[[int, str], None]
    ) -> None:
        # A direct send on TLS can fail half-way (SSLWantWriteError) and lose the frame.
        self.send: Callable[[Buffer], int] | None = None
        if not isinstance(stream, SSLIOStream):
            self.send = stream.socket.send
        self.writing = stream.writing
        self.closing = closing
        self._stream = stream
        self._close = close

    @classmethod
    def of(cls, handler: WebSocketHandler) -> "StreamTransport":
        """The transport of an open handler. Raises `StreamClosedError` when it is closed again."""
        connection = handler.ws_connection
        if connection is None or connection.stream is None or connection.stream.closed():
            raise StreamClosedError
        return cls(connection.stream, connection.is_closing, handler.close)

    def write(self, data: Buffer, drained: Callable[[], None]) -> None:
        """Buffer `data`; `drained` is called in a later turn: it is written, or the connection is lost."""
        try:
            self._stream.write(data).add_done_callback(lambda done: drained())
        except (StreamClosedError, StreamBufferFullError):
            self._stream.close()
            self._stream.io_loop.add_callback(drained)

    def close(self, code: int, reason: str) -> None:
        self._close(code, reason)

    def abort(self) -> None:
        self._stream.close()
