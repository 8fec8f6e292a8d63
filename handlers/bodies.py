"""Bodies that are too large, answered like anything else that is refused: 413 in the one error shape.

Left to itself Tornado answers with a bare 400 and an empty page, and hangs up in the middle of the sending.
"""

import time
from typing import Any

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application

from handlers.base import HEADERS, error_body
from handlers.headers import header
from server.errors import MessageTooBig
from server.metrics import Metrics

BODY_BYTES = 1 << 20
"""The largest body that is taken."""
DRAINED_BYTES = 64 << 20
"""A larger body is read to its end, and forgotten as it comes, so that whoever sends it is ready to hear the
answer. What is larger still is answered at once, and the connection closed."""
NO_BOUND = 1 << 62


class BoundedApplication(Application):
    """An application that is given no body above BODY_BYTES. `metrics`: those refused are counted there."""

    def __init__(self, metrics: Metrics, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._metrics = metrics

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Bounded(super().start_request(server_conn, request_conn), request_conn, self._metrics)


class _Bounded(HTTPMessageDelegate):
    """One request on its way to the application; `_inner` is None once it has been answered or given up."""

    def __init__(self, inner: HTTPMessageDelegate, connection: Any, metrics: Metrics) -> None:
        self._inner: HTTPMessageDelegate | None = inner
        self._connection = connection
        self._metrics = metrics
        self._size = 0
        self._begun = 0.0

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> Any:
        assert isinstance(start_line, RequestStartLine) and self._inner is not None
        self._begun = time.monotonic()
        self._connection.set_max_body_size(NO_BOUND)  # ours are below
        announced = header(headers, "Content-Length") or "0"
        size = int(announced) if announced.isascii() and announced.isdigit() else 0
        if size <= BODY_BYTES:
            return self._inner.headers_received(start_line, headers)
        self._inner = None
        if size > DRAINED_BYTES or (header(headers, "Expect") or "").lower() == "100-continue":
            self._refuse()
        return None

    def data_received(self, chunk: bytes) -> Any:
        self._size += len(chunk)
        if self._size > BODY_BYTES:
            self._inner = None
        if self._size > DRAINED_BYTES:
            self._refuse()
        return None if self._inner is None else self._inner.data_received(chunk)

    def finish(self) -> None:
        if self._inner is None:
            self._refuse()
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()

    def _refuse(self) -> None:
        refusal = MessageTooBig(BODY_BYTES)
        body = error_body(refusal)
        own = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        headers = HTTPHeaders({**HEADERS, **own})
        line = ResponseStartLine("HTTP/1.1", refusal.status, "Content Too Large")
        self._metrics.requests_refused("body").value += 1
        self._metrics.requests_answered("4xx").observe(time.monotonic() - self._begun)
        self._connection.write_headers(line, headers, body)
        self._connection.finish()
