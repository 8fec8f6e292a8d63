"""The browser app: its one page, and the files beside it."""

import functools
import html
from pathlib import Path
from typing import Any

import msgspec
from tornado.web import StaticFileHandler

from handlers.base import BaseHandler
from handlers.origins import check_host
from server.app import App
from server.errors import NotFound
from server.model.fields import Id

STATIC = Path(__file__).resolve().parent.parent / "static"
LATER = ("page/texts/zh-CN.js",)
"""Modules that the page asks for only when it wants them."""
OF_ACCOUNTS = ("ask.js", "door.js")
"""Of the modules of the account pages those that the board needs, too."""
ACCOUNT_PAGES = ("sign-in", "sign-up", "setup", "join", "reset", "me", "people")


class Page(BaseHandler):
    """`/` shows the default board, `/b/<board>` that one. The page itself asks for it over the socket."""

    def get(self, board: str | None = None) -> None:
        try:
            board = msgspec.convert(board or self.app.config.boards.default_board, Id)
        except msgspec.ValidationError as error:
            raise NotFound("board", str(board)) from error
        page = (STATIC / "index.html").read_text(encoding="utf-8")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        page = page.replace("{{modules}}", module_links())
        self.finish(page.replace("{{board}}", html.escape(board)))

    head = get


class AccountPage(BaseHandler):
    """`/account/<page>`: signing in, the first account, invitations, one's own account. One page for all."""

    def get(self, page: str) -> None:
        if page not in ACCOUNT_PAGES:
            raise NotFound("path", self.request.path)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish((STATIC / "account.html").read_bytes())

    head = get


@functools.cache
def module_links() -> str:
    """Lets the browser fetch the modules of the page at once: by itself it finds each in the one before."""
    found = sorted(
        path.relative_to(STATIC).as_posix()
        for part in ("client", "page")
        for path in (STATIC / part).rglob("*.js")
        if path.parent.name != "account" or path.name in OF_ACCOUNTS
    )
    return "\n    ".join(
        f'<link rel="modulepreload" href="/static/{name}">' for name in found if name not in LATER
    )


class Static(BaseHandler, StaticFileHandler):
    """Files below `static/`; browsers ask each time whether they are still the same."""

    def initialize(self, app: App, path: str) -> None:  # type: ignore[override]
        BaseHandler.initialize(self, app)
        StaticFileHandler.initialize(self, path)

    def judge_caller(self) -> None:
        """Any Origin may ask: browsers send it for modules, and behind a proxy that renames us only these
        files can tell people which setting to change. There is nothing in them that is not public."""
        check_host(self.request.host, self.app.config)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        BaseHandler.write_error(self, status_code, **kwargs)
