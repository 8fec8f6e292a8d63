"""What all handlers share: who may ask (Host, Origin), the one error shape, the headers of every answer."""

import ipaddress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError, RequestHandler

from server.app import App
from server.config import Config
from server.errors import BadRequest, BoardcastError, Internal, NotFound

log = structlog.stdlib.get_logger("http")
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Server": "boardcast",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Of every answer, unless it has others."""


COOKIE = "boardcast"
"""Holds the text of a session."""


class Refused(BoardcastError):
    """The address or the page that asks is not allowed. The text names the setting to change."""

    code, status, retry = "forbidden", 403, False


def check_host(host: str, config: Config) -> None:
    """Raises `Refused` for a Host that is not ours: a name that another site's DNS may point at us.

    Numeric addresses are fine: no DNS is asked for them.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    known = {"localhost", config.server.host.lower(), *config.server.hosts}
    if name not in known and not _is_numeric(name):
        raise Refused(f"the Host {host!r} is not allowed; the setting server.hosts lists further ones")


def _is_numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(origin: str | None, host: str, config: Config) -> None:
    """Raises `Refused` when a page of another site asks. No Origin: it is no page that asks."""
    if origin is None or origin in config.server.origins:
        return
    try:
        parts = urlsplit(origin)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or parts.netloc.lower() != host.lower():
        raise Refused(f"the Origin {origin!r} is not allowed; the setting server.origins lists further ones")


def bearer(headers: HTTPHeaders) -> str:
    """The token that a program shows; empty when it shows none."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def error_body(error: BoardcastError) -> bytes:
    """`{"error": {code, message, retry, details}}`, the one shape of every refusal over HTTP."""
    body = {"code": error.code, "message": error.message, "retry": error.retry, "details": error.details}
    return msgspec.json.encode({"error": body})


class BaseHandler(RequestHandler):
    """`initialize(app)`: the application's parts come in by the route."""

    def initialize(self, app: App) -> None:
        self.app = app
        self._part_when_draining()  # the default headers were set before
        # Nobody here takes a form. Tornado would take any body apart that says it is one, before `prepare`.
        self.request._parse_body = lambda: None  # type: ignore[method-assign]

    def prepare(self) -> None:
        self.app.requests.add(self)
        check_host(self.request.host, self.app.config)
        check_origin(self.request.headers.get("Origin"), self.request.host, self.app.config)

    def on_finish(self) -> None:
        self.app.requests.discard(self)

    def set_default_headers(self) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)
        if hasattr(self, "app"):
            self._part_when_draining()

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

    def refuse(self, error: BoardcastError) -> None:
        self.set_status(error.status)
        if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.allowed))
        self.set_header("Content-Type", "application/json")
        self.finish(error_body(error))

    def _as_refusal(self, status: int) -> BoardcastError:
        if status == HTTPStatus.NOT_FOUND:
            return NotFound("path", self.request.path)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Internal()
        refusal = BadRequest("request", HTTPStatus(status).phrase.lower())
        refusal.status = status  # type: ignore[misc]  # the status that Tornado found is more exact
        return refusal

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Refusals are no news; anything else is a defect and is logged with its traceback."""
        if isinstance(value, Refused):
            log.info("refused", path=self.request.path, reason=value.message)
        elif not isinstance(value, (BoardcastError, HTTPError)):
            log.error("a request failed", path=self.request.path, exc_info=(typ, value, tb))


class UnknownPath(BaseHandler):
    """Any path that no route knows."""

    def prepare(self) -> None:
        super().prepare()
        raise NotFound("path", self.request.path)

    def _as_refusal(self, status: int) -> BoardcastError:
        """Whatever method it was: the path is what is wrong."""
        return NotFound("path", self.request.path)
