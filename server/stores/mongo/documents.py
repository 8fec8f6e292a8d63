"""Between changes, records and the documents that are kept of them; the shapes are in the package."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, TypeVar

import bson
import msgspec
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from msgspec import UNSET, Struct

from server.model.records import BoardRecord, Change, CommentRecord, Record, Task, TaskRecord
from server.stores import Failed

Document = dict[str, Any]
T = TypeVar("T")

PAGE = 500
"""Records converted at once: a millisecond."""
MOST_BYTES = 15_000_000
"""Of one document. MongoDB takes 16 MiB."""


class Entry(Struct, frozen=True):
    """An append, encoded: the document that is its commit, and the `parts` that must be there before it,
    which bear the name `append`.

    `keys`: what stands in `names` of the document, one for each change.
    """

    board: str
    first: int
    last: int
    names: list[str]
    keys: list[str]
    epoch: str | None
    document: RawBSONDocument
    parts: Sequence[RawBSONDocument]
    append: str


def entry(board: str, first: int, changes: Sequence[Change], *, trimmed: bool = False) -> Entry:
    """Encode an append.

    Raises ValueError when the changes are not numbered from `first` on without holes, or hold what cannot be
    stored. `trimmed`: change 1 may have no epoch any more.
    """
    if [change.seq for change in changes] != list(range(first, first + len(changes))):
        raise ValueError(f"changes are not numbered {first}, {first + 1}, …")
    epoch = None
    if first == 1:
        epoch = "" if trimmed and changes[0].set is UNSET else _first_epoch(changes[0])
    last = changes[-1].seq
    keys = [change.name or f"/{change.seq}" for change in changes]
    head: Document = {
        "_id": log_id(board, first),
        "board": board,
        "first": first,
        "last": last,
        "names": keys,
        "tasks": sorted({task for change in changes for task in _touched(change)}),
    }
    if epoch is not None:
        head["epoch"] = epoch
    bodies = msgspec.to_builtins(changes)
    document, parts, append = _encoded({**head, "changes": bodies}), [], ""
    if len(document.raw) > MOST_BYTES:
        append = secrets.token_hex(8)
        parts = _parts(board, append, bodies)
        document = _encoded({**head, "append": append, "parts": len(parts)})
    names = [change.name for change in changes if change.name is not None]
    return Entry(board, first, last, names, keys, epoch, document, parts, append)


def log_id(board: str, first: int) -> str:
    return f"{board}/{first:016d}"


def _first_epoch(change: Change) -> str:
    if change.op != "board.create" or change.set is UNSET or change.set.epoch is UNSET:
        raise ValueError("change 1 of a board is its board.create, with an epoch")
    return change.set.epoch


def _touched(change: Change) -> set[str]:
    also = set() if change.also is UNSET else set(change.also)
    return also if change.task is UNSET else also | {change.task}


def _parts(board: str, append: str, bodies: Sequence[Document]) -> list[RawBSONDocument]:
    grouped: list[list[Document]] = [[]]
    size = 0
    for body in bodies:
        weight = len(_encoded(body).raw)
        if size and size + weight > MOST_BYTES:
            grouped.append([])
            size = 0
        grouped[-1].append(body)
        size += weight
    return [
        _encoded(
            {
                "_id": f"{board}/{append}/{part:04d}",
                "board": board,
                "append": append,
                "part": part,
                "changes": group,
            }
        )
        for part, group in enumerate(grouped)
    ]


def _encoded(document: Document) -> RawBSONDocument:
    try:
        return RawBSONDocument(bson.encode(document))
    except (BSONError, OverflowError, UnicodeError) as error:
        raise ValueError(f"changes hold what BSON cannot: {error}") from error


def changes_of(board: str, document: Document, after: int, last: int) -> list[Change]:
    """The changes above `after` up to `last` that a document of the log holds, in order."""
    first = document["first"]
    wanted = document["changes"][max(after + 1 - first, 0) : max(last + 1 - first, 0)]
    return _converted(board, wanted, list[Change])


def record_document(board: str, record: TaskRecord | CommentRecord) -> Document:
    body: Document = msgspec.to_builtins(record)
    return {"_id": f"{board}/{record.value.id}", "board": board, "id": record.value.id, **body}


def shelf(record: TaskRecord | CommentRecord) -> str:
    """The collection that keeps it."""
    return "tasks" if isinstance(record.value, Task) else "comments"


def newest(records: Sequence[Record]) -> tuple[list[BoardRecord], list[TaskRecord | CommentRecord]]:
    """The newest of each: of the board itself (one at most), and of the others."""
    own: list[BoardRecord] = []
    others: dict[tuple[str, str], TaskRecord | CommentRecord] = {}
    for record in sorted(records, key=lambda record: record.seq):
        if isinstance(record, BoardRecord):
            own = [record]
        else:
            others[shelf(record), record.value.id] = record
    return own, list(others.values())


async def tasks_of(board: str, documents: Sequence[Document]) -> list[TaskRecord]:
    return await _in_pages(board, documents, list[TaskRecord])


async def comments_of(board: str, documents: Sequence[Document]) -> list[CommentRecord]:
    return await _in_pages(board, documents, list[CommentRecord])


async def _in_pages(board: str, documents: Sequence[Document], kind: type[list[T]]) -> list[T]:
    """Converted, with a turn of the loop after each page."""
    found: list[T] = []
    for start in range(0, len(documents), PAGE):
        found += _converted(board, documents[start : start + PAGE], kind)
        await asyncio.sleep(0)
    return found


def board_of(board: str, document: Document) -> BoardRecord | None:
    """What is materialised of the board itself, from its document in `boards`."""
    record = document.get("record")
    return None if record is None else _converted(board, record, BoardRecord)


def _converted(board: str, documents: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(documents, kind)
    except msgspec.ValidationError as error:
        raise Failed(f"board {board} holds something unreadable; restore a copy: {error}") from error
