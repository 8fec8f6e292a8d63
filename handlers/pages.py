"""The browser app: its one page, and the files beside it."""

import html
from pathlib import Path
from typing import Any

import msgspec
from tornado.web import StaticFileHandler

from handlers.base import BaseHandler
from server.app import App
from server.errors import NotFound
from server.model.fields import Id

STATIC = Path(__file__).resolve().parent.parent / "static"


class Page(BaseHandler):
    """`/` shows the default board, `/b/<board>` that one. The page itself asks for it over the socket."""

    def get(self, board: str | None = None) -> None:
        try:
            board = msgspec.convert(board or self.app.config.boards.default_board, Id)
        except msgspec.ValidationError as error:
            raise NotFound("board", str(board)) from error
        page = (STATIC / "index.html").read_text(encoding="utf-8")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page.replace("{{board}}", html.escape(board)))

    head = get


class Static(BaseHandler, StaticFileHandler):
    """Files below `static/`; browsers ask each time whether they are still the same."""

    def initialize(self, app: App, path: str) -> None:  # type: ignore[override]
        BaseHandler.initialize(self, app)
        StaticFileHandler.initialize(self, path)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        BaseHandler.write_error(self, status_code, **kwargs)
