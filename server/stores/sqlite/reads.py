"""The statements that read, on a connection of their own.

Rows come many to a value, joined by SQLite: each row that is fetched lets go of the interpreter lock, and
waits for a busy event loop to get it back.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TypeVar

import msgspec
from msgspec import UNSET

from server.model.records import BoardRecord, Change, CommentRecord, TaskRecord
from server.stores import Brief, Failed, Head, Loaded

T = TypeVar("T")

PAGE = 512
"""Rows per value: some 100 KB, and a millisecond or two of decoding between two chances to switch threads."""

MOST = 2**62
"""Above every seq."""

_encode = msgspec.json.Encoder().encode
decode_change = msgspec.json.Decoder(Change).decode
_changes = msgspec.json.Decoder(list[Change]).decode
_board = msgspec.json.Decoder(list[BoardRecord]).decode
_tasks = msgspec.json.Decoder(list[TaskRecord]).decode
_comments = msgspec.json.Decoder(list[CommentRecord]).decode
_heads = msgspec.json.Decoder(list[tuple[str, str, int]]).decode
_briefs = msgspec.json.Decoder(list[tuple[str, str, int, int, BoardRecord | None]]).decode

_BOARD = """select epoch, mark, (select max(seq) from changes c where c.board = b.board)
    from boards b where board = ?"""
_RANGE = "select cast(group_concat(body) as blob) from changes where board = ? and seq between ? and ?"
_RECORDS = """select cast(group_concat(body) as blob), max(id) from
    (select id, body from records where board = ? and kind = ? and id > ? order by id limit ?)"""
_HEADS = "select board, epoch, (select max(seq) from changes c where c.board = b.board) as head from boards b"
_BRIEFS = f"""select json_group_array(json_array(h.board, h.epoch, b.mark, h.head, json(r.body)))
    from ({_HEADS} where board in (select value from json_each(?))) h join boards b on b.board = h.board
    left join records r on r.board = h.board and r.kind = 'board'"""


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All reads of the block see the same moment."""
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")


def load(connection: sqlite3.Connection, board: str, recent: int) -> Loaded | None:
    """See `Store.load`."""
    with snapshot(connection):
        return load_in(connection, board, recent)


def load_in(connection: sqlite3.Connection, board: str, recent: int) -> Loaded | None:
    """`load` inside a transaction."""
    row = connection.execute(_BOARD, (board,)).fetchone()
    if row is None:
        return None
    epoch, mark, head = row
    return Loaded(
        epoch=epoch,
        mark=mark,
        board=next(iter(_records(connection, "board", board, _board)), None),
        tasks=_records(connection, "task", board, _tasks),
        comments=_records(connection, "comment", board, _comments),
        tail=_tail(connection, board, mark, head),
        recent=_recent(connection, board, max(head - recent, 0), head),
    )


def _tail(connection: sqlite3.Connection, board: str, mark: int, head: int) -> list[Change]:
    tail = _between(connection, board, mark, head)
    if len(tail) != max(head - mark, 0) or any(change.set is UNSET for change in tail):
        raise Failed(
            f"board {board} is damaged: changes {mark + 1} to {head} are not all there; restore a copy"
        )
    return tail


def _recent(connection: sqlite3.Connection, board: str, after: int, head: int) -> list[Change]:
    """The newest changes without a hole, as far back as they still have their content."""
    newest_first = reversed(_between(connection, board, after, head))
    whole = takewhile(
        lambda pair: pair[0] == pair[1].seq and pair[1].set is not UNSET,
        zip(range(head, after, -1), newest_first, strict=False),
    )
    return [change for _, change in whole][::-1]


def _records(
    connection: sqlite3.Connection, kind: str, board: str, decode: Callable[[bytes], list[T]]
) -> list[T]:
    """All records of a kind, tombstones too."""
    found: list[T] = []
    last = ""
    while True:
        body, last = connection.execute(_RECORDS, (board, kind, last, PAGE)).fetchone()
        if body is None:
            return found
        found += decode(b"[%b]" % body)


def _between(connection: sqlite3.Connection, board: str, after: int, last: int) -> list[Change]:
    """The changes above `after` up to `last`, as many as there are, in order."""
    found: list[Change] = []
    for start in range(after + 1, last + 1, PAGE):
        (body,) = connection.execute(_RANGE, (board, start, min(start + PAGE - 1, last))).fetchone()
        if body is None:
            break
        # SQLite joins in the order of the key in practice, but does not promise it.
        found += sorted(_changes(b"[%b]" % body), key=lambda change: change.seq)
    return found


def read(connection: sqlite3.Connection, board: str, after: int, limit: int) -> list[Change]:
    """See `Store.read`."""
    return _between(connection, board, after, after + limit)


def history(
    connection: sqlite3.Connection, board: str, since: int | None, before: int | None, limit: int, skip: int
) -> list[Change]:
    """See `Store.history`. Numbers have no holes: nothing is read of what is skipped."""
    last = MOST if before is None else before - 1
    if since is not None:
        order, first = "asc", since + skip + 1
    else:
        (head,) = connection.execute("select max(seq) from changes where board = ?", (board,)).fetchone()
        order, first, last = "desc", 1, min(last, head or 0) - skip
    rows = connection.execute(
        f"""select cast(body as blob) from changes where board = ? and seq between ? and ?
        order by seq {order} limit ?""",
        (board, first, last, limit),
    )
    return [decode_change(body) for (body,) in rows]


def heads(connection: sqlite3.Connection, boards: Collection[str]) -> dict[str, Head]:
    """See `Store.heads`."""
    wanted = _encode(list(boards)).decode()
    return _read_heads(connection, f"{_HEADS} where board in (select value from json_each(?))", (wanted,))


def boards(connection: sqlite3.Connection) -> dict[str, Head]:
    """See `Store.boards`."""
    return _read_heads(connection, f"{_HEADS} order by number", ())


def briefs(connection: sqlite3.Connection, boards: Collection[str]) -> dict[str, Brief]:
    """See `Store.briefs`."""
    (found,) = connection.execute(_BRIEFS, (_encode(list(boards)).decode(),)).fetchone()
    return {
        board: Brief(Head(epoch, head), mark, record) for board, epoch, mark, head, record in _briefs(found)
    }


def _read_heads(connection: sqlite3.Connection, query: str, values: tuple[str, ...]) -> dict[str, Head]:
    rows = connection.execute(
        f"select json_group_array(json_array(board, epoch, head)) from ({query})", values
    )
    found: list[tuple[str, str, int]] = _heads(rows.fetchone()[0])
    return {board: Head(epoch, seq) for board, epoch, seq in found}
