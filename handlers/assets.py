"""The files of the browser app as they are sent: read once, named by what is in them, packed ahead.

What is read at the start is what is sent until the end, whatever is copied over `static/` meanwhile: a page
and all that it loads are of one `version`, which stands in their addresses
(`/static/~<version>/page/main.js`).
"""

import functools
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"
VENDOR = "vendor/"
MINIFIED = 500
"""Characters of a line: longer ones are written by a machine."""
LEVEL = 9
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
PACKED = (*TYPES,)
"""What gets smaller by packing: texts. Pictures and fonts are packed already."""

LINE_COMMENT = re.compile(r"^[ \t]*//.*$|[ \t]+// [^'\"`\n]*$", re.MULTILINE)
BLOCK_COMMENT = re.compile(r"^[ \t]*/\*\*.*?\*/[ \t]*$", re.MULTILINE | re.DOTALL)
STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
STYLE_SPACE = re.compile(r"[ \t]*([{};,])[ \t]*|(?<=[\w-]):[ \t]+")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `packed`: its bytes by gzip, None where that does not make it smaller. `digest`: of `body`,
    16 hex digits."""

    body: bytes
    packed: bytes | None
    digest: str
    kind: str


class Assets:
    """All files below `root`. `version`: 16 hex digits, another one as soon as one byte or name differs."""

    def __init__(self, root: Path) -> None:
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        self.files = {
            name: _asset(name, path) for path in paths if (name := path.relative_to(root).as_posix())
        }
        told = "".join(f"{name} {asset.digest}\n" for name, asset in self.files.items())
        self.version = hashlib.sha256(told.encode()).hexdigest()[:16]

    def text(self, name: str) -> str:
        return self.files[name].body.decode()

    def names(self, *, parts: tuple[str, ...], suffix: str) -> list[str]:
        """The files with this suffix below the folders `parts`, in order."""
        return [name for name in self.files if name.startswith(parts) and name.endswith(suffix)]


@functools.cache
def assets() -> Assets:
    """Those of the browser app, as they were when the process began to serve."""
    return Assets(STATIC)


def pack(body: bytes) -> bytes:
    """By gzip; the same bytes give the same bytes, whenever it is done."""
    return gzip.compress(body, LEVEL, mtime=0)


def slim(name: str, text: str) -> str:
    """A script or style sheet without its comments and idle spaces, a sixth of what would be sent. Lines keep
    their numbers, so that what a browser says of a line is true of the file.

    In scripts those comments go that begin a line, or end one and hold no quotes: what looks like one is one
    (tests/test_assets.py). What others have made small already stays as it was fetched, notices and all."""
    if name.startswith(VENDOR) and max(map(len, text.split("\n"))) > MINIFIED:
        return text
    if name.endswith(".js"):
        return INDENT.sub("", LINE_COMMENT.sub("", BLOCK_COMMENT.sub(_only_lines, text)))
    if not name.endswith(".css"):
        return text
    return STYLE_SPACE.sub(lambda at: at[1] or ":", INDENT.sub("", STYLE_COMMENT.sub(_only_lines, text)))


def _only_lines(comment: re.Match[str]) -> str:
    return "\n" * comment.group().count("\n")


def _asset(name: str, path: Path) -> Asset:
    body = path.read_bytes()
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if path.suffix in (".js", ".css"):
        body = slim(name, body.decode()).encode()
    packed = pack(body) if path.suffix in PACKED else None
    smaller = packed is not None and len(packed) < len(body)
    return Asset(body, packed if smaller else None, hashlib.sha256(body).hexdigest()[:16], kind)
