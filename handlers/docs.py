"""`/openapi.json`, and `/docs`, a page that shows it and asks nobody else for anything."""

import msgspec

from handlers.api import ENDPOINTS
from handlers.api.openapi import document
from handlers.assets import assets
from handlers.base import BaseHandler

_DOCUMENT = msgspec.json.encode(document(ENDPOINTS))


class OpenApi(BaseHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(_DOCUMENT)

    head = get


class Docs(BaseHandler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(assets().files["docs.html"].body)

    head = get
