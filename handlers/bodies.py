"""Bodies that are too large, answered like anything else that is refused: 413 in the one error shape.

Left to itself Tornado answers with a bare 400 and an empty page, and hangs up in the middle of the sending.
"""

import time
from collections import Counter
from http import HTTPStatus
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
from server.callers import Proxies
from server.errors import BoardcastError, MessageTooBig, RateLimited
from server.metrics import Metrics

BODY_BYTES = 1 << 20
"""The largest body that is taken."""
COME_BACK_MS = 1000
"""When there may be room again."""
DRAINED_BYTES = 64 << 20
"""A larger body is read to its end, and forgotten as it comes, so that whoever sends it is ready to hear the
answer. What is larger still is answered at once, and the connection closed."""
NO_BOUND = 1 << 62
TOO_BIG = MessageTooBig(BODY_BYTES, "body")
"""Never raised: what it says is the answer."""


class UnderWay:
    """Bytes of bodies that are not complete: nobody has been asked yet who they are, and all of it is memory.

    `home`: as `Caller.home`; None: it may stand for many, and only the sum counts.
    """

    MOST = 64 << 20
    MOST_OF_HOME = 8 << 20

    def __init__(self) -> None:
        self._all = 0
        self._homes: Counter[str] = Counter()

    def take(self, home: str | None, size: int) -> bool:
        """Whether there is room for them, taken then."""
        if self._all + size > self.MOST:
            return False
        if home is not None:
            if self._homes[home] + size > self.MOST_OF_HOME:
                return False
            self._homes[home] += size
        self._all += size
        return True

    def give(self, home: str | None, size: int) -> None:
        """They are complete, or gone."""
        self._all -= size
        if home is not None:
            self._homes[home] -= size
            if not self._homes[home]:
                del self._homes[home]


class BoundedApplication(Application):
    """An application that is given no body above BODY_BYTES, and not too many at once.

    `metrics`: those refused are counted there.
    """

    def __init__(self, metrics: Metrics, proxies: Proxies, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._metrics = metrics
        self._proxies = proxies
        self._under_way = UnderWay()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        inner = super().start_request(server_conn, request_conn)
        return _Bounded(inner, request_conn, self._metrics, self._proxies, self._under_way)


class _Bounded(HTTPMessageDelegate):
    """One request on its way to the application; `_inner` is None once it has been answered or given up."""

    def __init__(
        self,
        inner: HTTPMessageDelegate,
        connection: Any,
        metrics: Metrics,
        proxies: Proxies,
        under_way: UnderWay,
    ) -> None:
        self._inner: HTTPMessageDelegate | None = inner
        self._connection = connection
        self._metrics = metrics
        self._proxies = proxies
        self._under_way = under_way
        self._home: str | None = None
        self._held = 0
        self._refusal: BoardcastError = TOO_BIG
        self._size = 0
        self._begun = 0.0

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> Any:
        assert isinstance(start_line, RequestStartLine) and self._inner is not None
        self._begun = time.monotonic()
        start_line = _from_the_root(start_line)
        self._connection.set_max_body_size(NO_BOUND)  # ours are below
        announced = header(headers, "Content-Length") or "0"
        size = int(announced) if announced.isascii() and announced.isdigit() else 0
        if size <= BODY_BYTES:
            self._home = self._home_of(headers)
            return self._inner.headers_received(start_line, headers)
        self._inner = None
        if size > DRAINED_BYTES or (header(headers, "Expect") or "").lower() == "100-continue":
            self._refuse()
        return None

    def data_received(self, chunk: bytes) -> Any:
        self._size += len(chunk)
        if self._inner is not None and self._size > BODY_BYTES:
            self._give_up()
        if self._size > DRAINED_BYTES:
            self._refuse()
        if self._inner is None:
            return None
        if not self._under_way.take(self._home, len(chunk)):
            self._refusal = RateLimited("bytes of requests under way", COME_BACK_MS)
            self._give_up()
            return None
        self._held += len(chunk)
        return self._inner.data_received(chunk)

    def _home_of(self, headers: HTTPHeaders) -> str | None:
        peer = getattr(self._connection.context, "remote_ip", None) or ""
        caller = self._proxies.caller(peer, False, header(headers, "X-Forwarded-For") or "", "")
        return None if caller.shared else caller.home

    def _give_up(self) -> None:
        """What has come of it is forgotten, and what still comes."""
        assert self._inner is not None
        self._inner.on_connection_close()
        self._inner = None
        self._let_go()

    def _let_go(self) -> None:
        self._under_way.give(self._home, self._held)
        self._held = 0

    def finish(self) -> None:
        self._let_go()
        if self._inner is None:
            self._refuse()
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        self._let_go()
        if self._inner is not None:
            self._inner.on_connection_close()

    def _refuse(self) -> None:
        refusal = self._refusal
        body = error_body(refusal)
        own = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        reason = "Content Too Large"  # Python calls it as it was called before
        if isinstance(refusal, RateLimited):
            reason, own["Retry-After"] = HTTPStatus(refusal.status).phrase, str(COME_BACK_MS // 1000)
        headers = HTTPHeaders({**HEADERS, **own})
        line = ResponseStartLine("HTTP/1.1", refusal.status, reason)
        self._metrics.requests_refused("body").value += 1
        self._metrics.requests_failed(refusal.code).value += 1
        self._metrics.requests_answered("4xx").observe(time.monotonic() - self._begun)
        self._connection.write_headers(line, headers, body)
        self._connection.finish()


def _from_the_root(line: RequestStartLine) -> RequestStartLine:
    """A target in absolute form, as to a proxy, without its scheme and host: `Host` has that, too."""
    if line.path.startswith("/") or not line.path.lower().startswith(("http://", "https://")):
        return line
    rest = line.path.partition("://")[2].partition("/")[2]
    return line._replace(path=f"/{rest}")
