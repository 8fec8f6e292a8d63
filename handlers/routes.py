"""All routes, and the server that listens for them. Tornado's generous defaults are set here."""

import logging
import socket
import ssl
from functools import partial
from typing import Any

import structlog
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

from handlers.api import ENDPOINTS
from handlers.api.handler import ApiHandler, UnknownApi
from handlers.api.paths import Paths
from handlers.arrivals import GuardedServer, Patience
from handlers.base import SHOWN, UnknownPath
from handlers.bodies import DRAINED_BYTES, BoundedApplication
from handlers.broken import HEADER_BYTES
from handlers.device_socket import DeviceSocket
from handlers.docs import AsyncApi, Docs, OpenApi
from handlers.ops import Health, NoScrape, Ready, Scrape
from handlers.pages import AccountPage, Page, Static, Worker
from handlers.telemetry import TelemetryPost
from handlers.websocket import BoardSocket
from server.app import App
from server.metrics import Metrics

log = structlog.stdlib.get_logger("http")
_plain_log = logging.getLogger("http")
READ_BYTES = 16 << 10
IDLE_S = 75


class Routes(BoundedApplication):
    """The API's paths come from the table of endpoints, all others by rule."""

    api = Paths([endpoint for endpoint in ENDPOINTS if not endpoint.device])

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> Any:
        if request.path == "/api/telemetry":
            return self.get_handler_delegate(request, TelemetryPost, self.settings["given"])
        if request.path.startswith("/api/"):
            found = self.api.find(request.path)
            if found is not None:
                given = self.settings["given"] | {"rows": found.rows}
                return self.get_handler_delegate(request, ApiHandler, given, None, found.parameters)
        return super().find_handler(request)


def application(app: App) -> Application:
    """The routes of one instance."""
    given: dict[str, Any] = {"app": app}
    elsewhere = app.config.worker_count > 1 or app.config.server.ops_port > 0
    return Routes(
        app.metrics,
        app.proxies,
        [
            (r"/", Page, given),
            (r"/b/([^/]+)", Page, given),
            (r"/account/([^/]+)", AccountPage, given),
            (r"/static/(?:~([0-9a-f]+)/)?(.*)", Static, given),
            (r"/worker.js", Worker, given),
            (r"/ws", BoardSocket, given),
            (r"/ws/device", DeviceSocket, given),
            (r"/healthz", Health, given),
            (r"/readyz", Ready, given),
            (r"/metrics", NoScrape if elsewhere else Scrape, given),
            (r"/openapi.json", OpenApi, given),
            (r"/asyncapi.json", AsyncApi, given),
            (r"/docs", Docs, given),
            (r"/api(?:/.*)?", UnknownApi, given),
        ],
        default_handler_class=UnknownPath,
        default_handler_args=given,
        given=given,
        websocket_max_message_size=app.config.limits.frame_bytes,
        websocket_ping_interval=0,  # the session has a heartbeat of its own
        log_function=partial(_log_request, app.metrics),
    )


def operations(app: App) -> Application:
    """What whoever runs the instance asks of it, for a port of its own."""
    given: dict[str, Any] = {"app": app}
    return Application(
        [(r"/healthz", Health, given), (r"/readyz", Ready, given), (r"/metrics", Scrape, given)],
        default_handler_class=UnknownPath,
        default_handler_args=given,
        log_function=partial(_log_request, app.metrics),
    )


def _log_request(metrics: Metrics, handler: RequestHandler) -> None:
    status = f"{handler.get_status() // 100}xx"
    metrics.requests_answered(status).observe(handler.request.request_time())
    if not _plain_log.isEnabledFor(logging.DEBUG):
        return  # most of the time: then the line is not made either
    log.debug(
        "request",
        method=str(handler.request.method)[:16],
        path=handler.request.path[:SHOWN],
        status=handler.get_status(),
        ms=round(1000 * handler.request.request_time(), 1),
    )


def _note_refusal(metrics: Metrics, reason: str) -> None:
    """Of what is no request: none that a handler would have answered, and answered at once."""
    metrics.requests_refused(reason).value += 1
    metrics.requests_answered("4xx").observe(0.0)


def serve(
    application: Application,
    sockets: list[socket.socket],
    app: App,
    tls: ssl.SSLContext | None = None,
) -> GuardedServer:
    """Answer requests that come in on `sockets`."""
    limits = app.config.limits
    patience = Patience(
        waiting=limits.waiting_connections,
        per_home=limits.connections_per_address,
        new_s=limits.first_request_s,
        resting_s=IDLE_S,
    )
    server = GuardedServer(
        application,
        ssl_options=tls,
        max_body_size=DRAINED_BYTES,
        max_header_size=HEADER_BYTES,
        chunk_size=READ_BYTES,  # each read makes a buffer of that size, and fills it with zeros
    )
    server.guard(patience, app.proxies, app.limit_met, partial(_note_refusal, app.metrics))
    server.add_sockets(sockets)
    return server
