"""What is no HTTP, or has too much in its head: answered in the one error shape, counted, and hung up on.

Left to itself Tornado answers with a bare 400, or closes without a word; neither is seen in the metrics.
"""

from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from tornado.iostream import IOStream, UnsatisfiableReadError

from handlers.base import HEADERS, error_body
from server.errors import BadRequest, BoardcastError

BARE = b"HTTP/1.1 400 Bad Request\r\n\r\n"
"""How Tornado's HTTP1Connection refuses what it cannot read."""
HEADER_BYTES = 16 << 10
"""The most that a request line and headers may have."""
SWALLOWED_BYTES = 1 << 20
"""So much of what has come by then is read before hanging up: a system that closes over unread bytes tells
the other side to forget the answer."""


class NoHttp(BadRequest):
    """The request cannot be read."""

    def __init__(self) -> None:
        super().__init__("request", "is not HTTP/1.1: in its line, its headers, or how its body is divided")


class LongHead(BadRequest):
    """There is no end to the headers."""

    status = 431

    def __init__(self) -> None:
        super().__init__("headers", f"they and the request line are longer than {HEADER_BYTES} bytes")


class LastWords:
    """Stands between Tornado and a stream where a connection ends badly.

    `asking`: whether a request's headers have come; `refused` is called with the reason, as in
    `metrics.REFUSALS`.
    """

    def __init__(self, stream: IOStream, asking: Callable[[], bool], refused: Callable[[str], None]) -> None:
        self._stream = stream
        self._asking = asking
        self._refused = refused
        self._write, self._close = stream.write, stream.close
        stream.write = self.write  # type: ignore[method-assign]
        stream.close = self.close  # type: ignore[method-assign]

    def write(self, data: Any) -> Any:
        if data != BARE:
            return self._write(data)
        self._refused("malformed")
        return self._say(NoHttp())

    def close(self, exc_info: Any = False) -> None:
        if isinstance(exc_info, UnsatisfiableReadError) and not self._stream.closed():
            long = not self._asking()  # else it is the size of a part of the body that does not end
            self._refused("headers" if long else "malformed")
            self._say(LongHead() if long else NoHttp())
        self._close(exc_info)
        for name in ("write", "close"):  # else the two would hold each other
            vars(self._stream).pop(name, None)

    def _say(self, error: BoardcastError) -> Any:
        said = self._write(_answer(error))
        self._swallow()
        return said

    def _swallow(self) -> None:
        with suppress(OSError):  # nothing is left, or the other side has gone
            for _ in range(0, SWALLOWED_BYTES, len(piece := bytearray(1 << 16))):
                if not self._stream.socket.recv_into(piece):
                    return


def _answer(error: BoardcastError) -> bytes:
    body = error_body(error)
    own = {
        "Date": formatdate(usegmt=True),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in (HEADERS | own).items())
    return f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n{lines}\r\n".encode("latin1") + body
