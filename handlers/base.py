"""What all handlers share: who may ask (Host, Origin), the one error shape, the headers of every answer."""

import asyncio
import time
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream
from tornado.web import HTTPError, RequestHandler

from handlers.codecs import JSON, MSGPACK, wants_msgpack
from handlers.headers import header
from handlers.origins import Refused, check_host, check_origin, check_site
from server.app import App
from server.budgets import Budget
from server.callers import Caller
from server.errors import BadRequest, BoardcastError, Internal, NotFound, RateLimited

log = structlog.stdlib.get_logger("http")
SHOWN = 200
"""Characters of a path in the log. What stands behind the question mark is never there."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types worker"
)
"""What our pages do without: everything inline, everything of others, every sink that makes code of text but
one: the policy `worker` knows the address of the service worker and no other (static/page/updates.js)."""
HEADERS = {
    "Server": "boardcast",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-cache",
}
"""Of every answer, unless it has others."""
WEBSOCKET_VERSION = "13"
"""Of RFC 6455."""
COOKIE = "boardcast"
"""Holds the text of a session."""


def bearer(headers: HTTPHeaders) -> str:
    """The token that a program shows; empty when it shows none."""
    scheme, _, token = (header(headers, "Authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def error_body(error: BoardcastError, *, binary: bool = False) -> bytes:
    """`{"error": {code, message, retry, details}}`, the one shape of every refusal over HTTP."""
    body = {"code": error.code, "message": error.message, "retry": error.retry, "details": error.details}
    return msgspec.msgpack.encode({"error": body}) if binary else msgspec.json.encode({"error": body})


class WrongMethod(BadRequest):
    """The path exists, the method does not."""

    status = HTTPStatus.METHOD_NOT_ALLOWED


class BaseHandler(RequestHandler):
    """`initialize(app)`: the application's parts come in by the route."""

    def initialize(self, app: App) -> None:
        self.app = app
        self.add_of_app()  # the default headers were set before
        # Nobody here takes a form. Tornado would take any body apart that says it is one, before `prepare`.
        self.request._parse_body = lambda: None  # type: ignore[method-assign]

    @cached_property
    def caller(self) -> Caller:
        """Who asks, behind the proxies that we trust."""
        headers = self.request.headers
        return self.app.proxies.caller(
            self.request.remote_ip or "",
            self.request.protocol == "https",
            header(headers, "X-Forwarded-For") or "",
            header(headers, "X-Forwarded-Proto") or "",
        )

    @property
    def budget(self) -> Budget:
        """What the address may use in a second; see `server.budgets`."""
        return self.app.budgets.of(f"address {self.caller.home}")

    def prepare(self) -> None:
        self.app.requests.add(self)
        self.judge_caller()
        self.take_part()

    def judge_caller(self) -> None:
        """Raises `Refused` unless the name and the page that ask are allowed."""
        request, config = self.request, self.app.config
        check_host(request.host, config)
        check_origin(header(request.headers, "Origin"), request.host, config, secure=self.caller.secure)
        upgrade = "Upgrade" in request.headers
        check_site(request.headers, str(request.method), config, upgrade=upgrade)

    def gone(self) -> bool:
        """Whoever asked has hung up."""
        stream = self._stream
        return stream is not None and stream.closed()

    @property
    def _stream(self) -> IOStream | None:
        """What the answer goes out by; None when it goes by something else, as a WebSocket's."""
        return getattr(self.request.connection, "stream", None)

    def take_part(self) -> None:
        """One request, and its body, of what the address may use. Raises `RateLimited`."""
        now, budget = time.monotonic(), self.budget
        self.limit("messages", "requests", budget.message(now))
        self.limit("answered_bytes", "bytes answered", budget.answer(now))
        if self.request.body:
            self.limit("received_bytes", "bytes received", budget.received(now, len(self.request.body)))

    def limit(self, name: str, what: str, wait_s: float) -> None:
        """Raises `RateLimited` when there is anything to wait for, and counts it."""
        if wait_s:
            self.app.limit_met(name)
            raise RateLimited(f"{what} of this address in a second", round(1000 * wait_s))

    def on_finish(self) -> None:
        stream = self._stream
        if stream is None or stream.closed() or not stream.writing():
            self.app.requests.discard(self)
            return

        def sent(written: "asyncio.Future[None]") -> None:
            written.exception()  # that whoever asked has hung up is no news
            self.app.requests.discard(self)

        stream.write(b"").add_done_callback(sent)  # done when all before it is

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)
        if hasattr(self, "app"):
            self.add_of_app()

    def add_of_app(self) -> None:
        """The headers that hang on the configuration, or on how it goes."""
        self._part_when_draining()
        hsts_s = self.app.config.tls.hsts_s
        if hsts_s and self.caller.secure:
            self.set_header("Strict-Transport-Security", f"max-age={hsts_s}")

    def _part_when_draining(self) -> None:
        """Whoever keeps the connection open would send the next request here, too."""
        if self.app.draining:
            self.set_header("Connection", "close")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.refuse(error if isinstance(error, BoardcastError) else self._as_refusal(status_code))

    @property
    def allowed(self) -> list[str]:
        """The methods that this path has."""
        lacking = RequestHandler._unimplemented_method
        return [name for name in self.SUPPORTED_METHODS if getattr(type(self), name.lower()) is not lacking]

    def wrong_method(self) -> WrongMethod:
        known, given = ", ".join(self.allowed), str(self.request.method)[:16]
        return WrongMethod("method", f"{given} is not possible here; possible are {known}")

    def options(self, *path: str, **named: str) -> None:
        """What is possible here. Pages of other sites learn nothing: there is no CORS."""
        self.set_status(HTTPStatus.NO_CONTENT)
        self.set_header("Allow", ", ".join(self.allowed))
        self.clear_header("Content-Type")
        self.finish()

    def refuse(self, error: BoardcastError) -> None:
        """The status of the error and the headers that go with it, and then what it says."""
        self.app.metrics.requests_failed(error.code).value += 1
        self.set_status(error.status)
        if error.status == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", "Bearer")
        if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.allowed))
        if error.status == HTTPStatus.UPGRADE_REQUIRED:
            self.set_header("Sec-WebSocket-Version", WEBSOCKET_VERSION)
        retry_after = error.details.get("retry_after_ms")
        if isinstance(retry_after, int):
            self.set_header("Retry-After", str(-(-retry_after // 1000)))  # whole seconds
        self.tell(error)

    def tell(self, error: BoardcastError) -> None:
        """In JSON, or in msgpack for who would rather have that."""
        binary = wants_msgpack(self.request.headers)
        self.set_header("Content-Type", MSGPACK if binary else JSON)
        self.finish(error_body(error, binary=binary))

    def _as_refusal(self, status: int) -> BoardcastError:
        if status == HTTPStatus.NOT_FOUND:
            return NotFound("path", self.request.path)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            return self.wrong_method()
        if status == HTTPStatus.BAD_REQUEST:  # all that Tornado finds wrong with what it could read
            return BadRequest("path", "is not text in UTF-8")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Internal()
        refusal = BadRequest("request", HTTPStatus(status).phrase.lower())
        refusal.status = status  # type: ignore[misc]  # the status that Tornado found is more exact
        return refusal

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Refusals are no news; anything else is a defect and is logged with its traceback."""
        if isinstance(value, Refused):
            self.app.metrics.requests_refused(value.reason).value += 1
            log.info("refused", path=self.request.path[:SHOWN], reason=value.message)
        elif not isinstance(value, (BoardcastError, HTTPError)):
            log.error("a request failed", path=self.request.path[:SHOWN], exc_info=(typ, value, tb))


class UnknownPath(BaseHandler):
    """Any path that no route knows."""

    def prepare(self) -> None:
        super().prepare()
        raise NotFound("path", self.request.path)

    def _as_refusal(self, status: int) -> BoardcastError:
        """Whatever method it was: the path is what is wrong."""
        return NotFound("path", self.request.path)
