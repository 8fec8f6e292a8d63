"""Answers that go out as one write, with a head that is mostly made once.

Tornado sets, checks and encodes each header of each answer by itself: that was a sixth of a request's time.
"""

import time
from asyncio import Future
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from tornado.httputil import HTTPHeaders

from handlers.base import HEADERS, BaseHandler
from handlers.headers import header


@lru_cache(maxsize=2)
def common_lines(second: int) -> str:
    """The header lines that all answers of a second since 1970 share."""
    lines = HEADERS | {"Date": formatdate(second, usegmt=True)}
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items())


class AnsweringAtOnce(BaseHandler):
    """A handler whose `_headers` hold what is particular to its answer; the others come in at its end."""

    def clear(self) -> None:
        """As Tornado's own, without the headers that all answers share, and without a `Content-Type`."""
        self._headers = HTTPHeaders()
        self._write_buffer: list[bytes] = []
        self.set_status(200)
        if hasattr(self, "app"):
            self.add_of_app()

    def flush(self, include_footers: bool = False) -> "Future[None]":
        """Called once, by `finish`; by itself, before it, for an answer that goes out piece by piece."""
        if self._headers_written:
            return super().flush(include_footers)
        if not include_footers or not self._is_usual():
            common = HTTPHeaders(HEADERS | {"Date": formatdate(usegmt=True)})
            for name in self._headers:
                common.pop(name, None)
            for name, value in self._headers.get_all():
                common.add(name, value)
            self._headers = common
            return super().flush(include_footers)
        self._headers_written = True
        own = "".join([f"{name}: {value}\r\n" for name, value in self._headers.get_all()])
        head = f"HTTP/1.1 {self._status_code} {self._reason}\r\n{common_lines(int(time.time()))}{own}\r\n"
        connection: Any = self.request.connection
        written: Future[None] = connection.write(head.encode("latin1") + b"".join(self._write_buffer))
        return written

    def _is_usual(self) -> bool:
        """An answer with a body, on a connection that stays, with none of the common headers changed."""
        request = self.request
        return (
            request.version == "HTTP/1.1"
            and request.method != "HEAD"
            and not self._should_not_send_content(self._status_code)
            and (header(request.headers, "Connection") or "keep-alive").lower() == "keep-alive"
            and not hasattr(self, "_new_cookie")
            and HEADERS.keys().isdisjoint(self._headers)
        )
