"""The export format, version 1: lines of JSON in UTF-8, each ended by a line feed.

    {"type":"boardcast-export","version":1,"program":"0.1.0"}
    {"type":"board","board":"demo","epoch":"9f…","head":2}
    {"seq":1,"at":…,"actor":{…},"op":"board.create","set":{…},"was":{},…}
    {"seq":2,…}
    {"type":"end","boards":1,"changes":2,"sha256":"…"}

A `board` line is followed by its changes 1 to `head`, as the protocol has them. The last line counts, and
carries the SHA-256 of all bytes before it. Where retention has taken the content of old changes, `board` has
`mark` and `records` too, and that many `record` lines come before the changes: they hold the board as the
changes up to `mark` made it.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from server.model.fields import Id

VERSION = 1
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Opening(Struct, frozen=True, tag_field="type", tag="boardcast-export"):
    version: int
    program: str


class BoardLine(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="board",
):
    """`epoch` is the one it had; an import mints another."""

    board: Id
    epoch: str
    head: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    mark: Count = 0
    records: Count = 0


class RecordLine(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="record"):
    kind: Literal["board", "task", "comment"]
    record: Raw


class End(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="end"):
    boards: Count
    changes: Count
    sha256: str


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None
