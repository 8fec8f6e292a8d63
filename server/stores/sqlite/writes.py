"""The statements that write, on a connection inside a transaction.

Statements are few and wide on purpose: each one lets go of the interpreter lock, and a thread that wants
it back from a busy event loop waits up to the switch interval (5 ms) for it. A transaction of 800 changes
took 1.7 s beside a busy loop with a statement per row, and takes 30 ms like this.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import msgspec

from server.model.records import BoardRecord, Record, Task
from server.stores import Failed, Refused
from server.stores.sqlite.appends import Append, Row
from server.stores.sqlite.naming import Fresh, index

Outcome = Refused | None

WIDEST = 1024
"""Rows per statement. SQLite's bound on parameters is 32,766."""

_encode = msgspec.json.Encoder().encode
_heads = msgspec.json.Decoder(dict[str, int]).decode
_pairs = msgspec.json.Decoder(list[tuple[str, str]]).decode

_STAND = """with asked as (select key as board, value as names from json_each(?)) select
    (select json_group_object(board, (select coalesce(max(seq), 0) from changes c where c.board = a.board))
        from asked a),
    (select json_group_array(json_array(n.board, n.name)) from asked, json_each(asked.names) wanted
        cross join names n on n.board = asked.board and n.name = wanted.value)"""
_NEWER = """on conflict (board, kind, id) do update set seq = excluded.seq, body = excluded.body
    where excluded.seq > seq"""


class Stand(NamedTuple):
    """Where the logs stand for what is appended: their heads, and of the names those that are stored."""

    heads: dict[str, int]
    known: set[tuple[str, str]]

    def copy(self) -> "Stand":
        return Stand(dict(self.heads), set(self.known))

    def move(self, reached: "Stand") -> None:
        """To where a copy of it has come."""
        self.heads.update(reached.heads)
        self.known.update(reached.known)

    def refusal(self, append: Append) -> Refused | None:
        """Why it cannot be stored; None: it is, and what follows on it may be, too."""
        if append.first != self.heads[append.board] + 1:
            return Refused(f"board {append.board}: {append.first} is not the next number")
        named = {(append.board, name) for name in append.names}
        if len(named) != len(append.names) or not self.known.isdisjoint(named):
            return Refused(f"board {append.board}: a name is known already")
        self.heads[append.board] += len(append.rows)
        self.known.update(named)
        return None


def append_all(connection: sqlite3.Connection, appends: Sequence[Append], fresh: Fresh) -> list[Outcome]:
    """Store each append, or nothing of it: the outcomes, in order. Any sqlite3.Error is about all of them.

    `fresh` is asked, and told nothing: that is for when they are durable.
    """
    outcomes = _append(connection, _stand(connection, appends, fresh), appends)
    stored = [append for append, outcome in zip(appends, outcomes, strict=True) if outcome is None]
    if fresh.is_enough(stored):
        index(connection, fresh.boards.union(append.board for append in stored))
    return outcomes


def _stand(connection: sqlite3.Connection, appends: Sequence[Append], fresh: Fresh) -> Stand:
    """In one statement; what waits for the index is known to `fresh` alone."""
    asked: dict[str, list[str]] = {}
    for append in appends:
        asked.setdefault(append.board, []).extend(append.names)
    heads, indexed = connection.execute(_STAND, (_encode(asked).decode(),)).fetchone()
    known = {(board, name) for board, of in asked.items() for name in of if fresh.holds(board, name)}
    known.update(_pairs(indexed))
    return Stand(_heads(heads), known)


def _append(connection: sqlite3.Connection, stand: Stand, appends: Sequence[Append]) -> list[Outcome]:
    """Store all that can be in one savepoint; when a board is there without its log, each half by itself.

    `stand` is what the transaction holds, and moves with it.
    """
    reached = stand.copy()
    outcomes: list[Outcome] = [reached.refusal(append) for append in appends]
    next_ones = [append for append, outcome in zip(appends, outcomes, strict=True) if outcome is None]
    try:
        if len(appends) == 1 and _is_one_statement(appends[0]):
            _insert(connection, next_ones)  # all of it, or nothing: each statement is
        else:
            with savepoint(connection):
                _insert(connection, next_ones)
    except sqlite3.IntegrityError:
        if len(appends) == 1:
            return [Refused(f"board {appends[0].board}: it is there, and its log is not")]
        half = len(appends) // 2
        return _append(connection, stand, appends[:half]) + _append(connection, stand, appends[half:])
    stand.move(reached)
    return outcomes


def _is_one_statement(append: Append) -> bool:
    return len(append.rows) <= WIDEST and append.epoch is None


def _insert(connection: sqlite3.Connection, appends: Sequence[Append]) -> None:
    insert(connection, "changes", 4, [row for append in appends for row in append.rows])
    made = [(append.board, append.epoch, 0) for append in appends if append.epoch is not None]
    insert(connection, "boards (board, epoch, mark)", 3, made)


def insert(
    connection: sqlite3.Connection, table: str, width: int, rows: Sequence[Row], tail: str = ""
) -> None:
    """Insert `rows` of `width` values, the first never null, `WIDEST` at a time; `tail` is the end."""
    for start in range(0, len(rows), WIDEST):
        part = rows[start : start + WIDEST]
        height = 1 << (len(part) - 1).bit_length()
        values = [value for row in part for value in row]
        values.extend([None] * (width * (height - len(part))))
        connection.execute(_insert_sql(table, width, height, tail), values)


@cache
def _insert_sql(table: str, width: int, height: int, tail: str) -> str:
    """A statement for `height` rows, of which those that are null are not there.

    Heights are powers of two, so that the few statements there are stay prepared.
    """
    row = f"({', '.join('?' * width)})"
    values = ", ".join([row] * height)
    return f"insert into {table} select * from (values {values}) where column1 not null {tail}"


@contextmanager
def savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's statements, or none of them."""
    connection.execute("savepoint part")
    try:
        yield
    except BaseException:
        # A full disk may have rolled the whole transaction back: then there is no savepoint any more.
        if connection.in_transaction:
            connection.execute("rollback to part")
            connection.execute("release part")
        raise
    connection.execute("release part")


def record_rows(board: str, records: Sequence[Record]) -> list[Row]:
    """The rows of materialised records, encoded."""
    return [(board, *_key(record), record.seq, _encode(record).decode()) for record in records]


def _key(record: Record) -> tuple[str, str]:
    if isinstance(record, BoardRecord):
        return "board", "board"
    return ("task" if isinstance(record.value, Task) else "comment"), record.value.id


def upsert_records(connection: sqlite3.Connection, board: str, mark: int, rows: Sequence[Row]) -> None:
    """Keep each row that is newer than what there is. Raises `Failed` when the log does not reach `mark`."""
    _must_reach(connection, board, mark)
    insert(connection, "records", 5, rows, _NEWER)


def raise_mark(connection: sqlite3.Connection, board: str, mark: int) -> None:
    """Raises `Failed` when the log does not reach `mark`."""
    _must_reach(connection, board, mark)
    connection.execute("update boards set mark = max(mark, ?) where board = ?", (mark, board))


def _must_reach(connection: sqlite3.Connection, board: str, mark: int) -> None:
    """Records may not be ahead of the log: an older copy was put back under whoever made them."""
    (head,) = connection.execute("select max(seq) from changes where board = ?", (board,)).fetchone()
    if (head or 0) < mark:
        raise Failed(
            f"the log of board {board} ends at {head or 0}, before {mark}: an older copy was put back"
        )


def set_epoch(connection: sqlite3.Connection, board: str, epoch: str) -> None:
    connection.execute("update boards set epoch = ? where board = ?", (epoch, board))


def touch(connection: sqlite3.Connection) -> None:
    """A write that changes nothing anybody reads: it shows whether one would be taken."""
    connection.execute("insert or replace into meta values ('pinged', datetime('now'))")
