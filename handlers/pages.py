"""The browser app: its one page, the files beside it, and the worker that keeps both without a link."""

import functools
import html
import json

import msgspec

from handlers.assets import Assets, assets, pack
from handlers.base import BaseHandler
from handlers.origins import check_host
from server.errors import NotFound
from server.model.fields import Id

PARTS = ("client.js", "client/", "page/", "vendor/fractional-indexing.js")
OF_ACCOUNTS = ("page/account/ask.js", "page/account/door.js")
"""Of the modules of the account pages those that the board needs, too."""
PANELS = (
    "page/card/conflict-dialog.js",
    "page/shell/help.js",
    "page/shell/labels-panel.js",
    "page/shell/members-panel.js",
    "page/shell/refusals-panel.js",
)
LATER = ("page/texts/zh-CN.js", "page/devices/", "page/account/", *PANELS)
"""Modules that the page asks for only when it wants them, but for OF_ACCOUNTS; folders end with a slash."""
ACCOUNT_PAGES = ("sign-in", "sign-up", "setup", "join", "reset", "me", "people")
YEAR_S = 31_536_000


class Kept(BaseHandler):
    """Answers with bytes that change only when the server is another one."""

    def send(self, body: bytes, packed: bytes | None, tag: str, kind: str) -> None:
        """`tag` names the bytes of `body`. Whoever has them already gets 304."""
        self.set_header("Content-Type", kind)
        self.set_header("Vary", "Accept-Encoding")
        if packed is not None and _takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            self.set_header("Content-Encoding", "gzip")
            body, tag = packed, f"{tag}-gz"
        self.tag = f'"{tag}"'
        self.finish(body)

    def compute_etag(self) -> str | None:
        """No need to hash the body again for each answer."""
        return self.tag


class Page(Kept):
    """`/` shows the default board, `/b/<board>` that one. The page itself asks for it over the socket."""

    def get(self, board: str | None = None) -> None:
        try:
            board = msgspec.convert(board or self.app.config.boards.default_board, Id)
        except msgspec.ValidationError as error:
            raise NotFound("board", str(board)) from error
        body, packed = page(board)
        self.send(body, packed, f"{assets().version}-{board}", "text/html; charset=utf-8")

    head = get


class AccountPage(Kept):
    """`/account/<page>`: signing in, the first account, invitations, one's own account. One page for all."""

    def get(self, page: str) -> None:
        if page not in ACCOUNT_PAGES:
            raise NotFound("path", self.request.path)
        body, packed = account_page()
        self.send(body, packed, assets().version, "text/html; charset=utf-8")

    head = get


@functools.lru_cache(maxsize=64)
def page(board: str) -> tuple[bytes, bytes]:
    """The page of a board, plain and packed."""
    files = assets()
    text = files.text("index.html").replace("{{modules}}", module_links(files))
    text = text.replace("{{static}}", base(files)).replace("{{board}}", html.escape(board))
    return text.encode(), pack(text.encode())


@functools.cache
def account_page() -> tuple[bytes, bytes]:
    text = assets().text("account.html").replace("{{static}}", base(assets()))
    return text.encode(), pack(text.encode())


def base(files: Assets) -> str:
    """Where the files of this version are: `/static/~<version>/`."""
    return f"/static/~{files.version}/"


def at_once(name: str) -> bool:
    """Whether the page of a board needs a module from the beginning."""
    return name in OF_ACCOUNTS or not name.startswith(LATER)


def module_links(files: Assets) -> str:
    """Lets the browser fetch the modules of the page at once: by itself it finds each in the one before."""
    found = [name for name in files.names(parts=PARTS, suffix=".js") if at_once(name)]
    return "\n    ".join(f'<link rel="modulepreload" href="{base(files)}{name}">' for name in found)


class Static(Kept):
    """Files below `static/`. Under the address of their version they never change; under the bare one
    browsers ask each time whether they are still the same. Another version than ours is not here (404):
    never some of each."""

    def judge_caller(self) -> None:
        """Any Origin may ask: browsers send it for modules, and behind a proxy that renames us only these
        files can tell people which setting to change. There is nothing in them that is not public."""
        check_host(self.request.host, self.app.config)

    def get(self, version: str | None, name: str) -> None:
        files = assets()
        asset = files.files.get(name)
        if asset is None or version not in (None, files.version):
            raise NotFound("file", self.request.path)
        if version is not None:
            self.set_header("Cache-Control", f"public, max-age={YEAR_S}, immutable")
        self.send(asset.body, asset.packed, asset.digest, asset.kind)

    head = get


class Worker(Kept):
    """The service worker. It holds the version and the names of all files: a new version is a new worker."""

    def get(self) -> None:
        body, packed = worker()
        self.send(body, packed, assets().version, "text/javascript; charset=utf-8")

    head = get


@functools.cache
def worker() -> tuple[bytes, bytes]:
    """The service worker, plain and packed."""
    files = assets()
    told = json.dumps({"version": files.version, "files": [name for name in files.files if _is_kept(name)]})
    text = files.text("worker.js").replace("{{release}}", told)
    return text.encode(), pack(text.encode())


def _is_kept(name: str) -> bool:
    """Whether the page may ask for it at any time; documents have a page of their own."""
    top = name.partition("/")[0]
    return name.endswith((".js", ".css", ".svg")) and top not in ("docs", "worker.js")


def _takes_gzip(accepted: str) -> bool:
    """Whether a list of codings, as `gzip, deflate;q=0.5`, has gzip and does not exclude it."""
    for coding in accepted.lower().split(","):
        name, _, quality = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
