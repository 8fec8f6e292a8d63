"""All routes, and the server that listens for them. Tornado's generous defaults are set here."""

import re
from typing import Any

import structlog
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from handlers.api import ENDPOINTS
from handlers.api.endpoint import Endpoint
from handlers.api.handler import ApiHandler
from handlers.base import UnknownPath
from handlers.docs import Docs, OpenApi
from handlers.ops import Health, Ready
from handlers.pages import STATIC, Page, Static
from handlers.websocket import BoardSocket
from server.app import App

log = structlog.stdlib.get_logger("http")
BODY_BYTES = 1 << 20
HEADER_BYTES = 16 << 10
IDLE_S = 75
BODY_S = 20


def application(app: App) -> Application:
    """The routes of one instance."""
    given: dict[str, Any] = {"app": app}
    return Application(
        [
            (r"/", Page, given),
            (r"/b/([^/]+)", Page, given),
            (r"/static/(.*)", Static, given | {"path": str(STATIC)}),
            (r"/ws", BoardSocket, given),
            (r"/healthz", Health, given),
            (r"/readyz", Ready, given),
            (r"/openapi.json", OpenApi, given),
            (r"/docs", Docs, given),
            *_api(app),
        ],
        default_handler_class=UnknownPath,
        default_handler_args=given,
        websocket_max_message_size=app.config.limits.frame_bytes,
        websocket_ping_interval=0,  # the session has a heartbeat of its own
        log_function=_log_request,
    )


def _api(app: App) -> list[tuple[str, type[ApiHandler], dict[str, Any]]]:
    """One handler a path, from the table of endpoints."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [
        (re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path), ApiHandler, {"app": app, "rows": rows})
        for path, rows in paths.items()
    ]


def _log_request(handler: RequestHandler) -> None:
    log.debug(
        "request",
        method=handler.request.method,
        path=handler.request.path,
        status=handler.get_status(),
        ms=round(1000 * handler.request.request_time(), 1),
    )


def listen(app: App) -> tuple[HTTPServer, str]:
    """Serve on the configured address; the server, and the address as `http://HOST:PORT`. Raises OSError."""
    host, port = app.config.server.host, app.config.server.port
    sockets = bind_sockets(port, host)
    server = HTTPServer(
        application(app),
        max_body_size=BODY_BYTES,
        max_header_size=HEADER_BYTES,
        idle_connection_timeout=IDLE_S,
        body_timeout=BODY_S,
    )
    server.add_sockets(sockets)
    shown = f"[{host}]" if ":" in host else host
    return server, f"http://{shown}:{sockets[0].getsockname()[1]}"
