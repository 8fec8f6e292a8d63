"""`/openapi.json`, `/asyncapi.json`, and `/docs`, a page that shows it and asks nobody else for anything."""

import msgspec

from handlers import asyncapi
from handlers.api import ENDPOINTS
from handlers.api.openapi import document
from handlers.assets import assets
from handlers.base import BaseHandler


class OpenApi(BaseHandler):
    """The HTTP API."""

    BODY = msgspec.json.encode(document(ENDPOINTS))

    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(self.BODY)

    head = get


class AsyncApi(OpenApi):
    """The sockets."""

    BODY = msgspec.json.encode(asyncapi.document())


class Docs(BaseHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(assets().files["docs.html"].body)

    head = get
