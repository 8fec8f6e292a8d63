"""The statements that write, on a connection inside a transaction.

Statements are few and wide on purpose: each one lets go of the interpreter lock, and a thread that wants
it back from a busy event loop waits up to the switch interval (5 ms) for it. A transaction of 800 changes
took 1.7 s beside a busy loop with a statement per row, and takes 30 ms like this.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from server.model.records import BoardRecord, Change, Record, Task
from server.stores import Failed, Refused

Row = tuple[Any, ...]
Outcome = Refused | None

WIDEST = 1024
"""Rows per statement. SQLite's bound on parameters is 32,766."""

_encode = msgspec.json.Encoder().encode

_HEADS = """select json_group_object(value, (select coalesce(max(seq), 0) from changes where board = value))
    from json_each(?)"""
_NEWER = """on conflict (board, kind, id) do update set seq = excluded.seq, body = excluded.body
    where excluded.seq > seq"""


class Append(Struct, frozen=True):
    """A checked append: rows for `changes`, and the `epoch` when it makes the board."""

    board: str
    first: int
    rows: Sequence[Row]
    epoch: str | None


def prepare(board: str, first: int, changes: Sequence[Change]) -> Append:
    """Encode an append. Raises ValueError when the changes are not numbered from `first` on without holes."""
    if [change.seq for change in changes] != list(range(first, first + len(changes))):
        raise ValueError(f"changes are not numbered {first}, {first + 1}, …")
    rows = [(board, change.seq, change.name, _encode(change).decode()) for change in changes]
    return Append(board, first, rows, _first_epoch(changes[0]) if first == 1 else None)


def _first_epoch(change: Change) -> str:
    if change.op != "board.create" or change.set is UNSET or change.set.epoch is UNSET:
        raise ValueError("change 1 of a board is its board.create, with an epoch")
    return change.set.epoch


def append_all(connection: sqlite3.Connection, appends: Sequence[Append]) -> list[Outcome]:
    """Store each append, or nothing of it: the outcomes, in order. Any sqlite3.Error is about all of them."""
    heads = _heads(connection, {append.board for append in appends})
    return _append(connection, heads, appends)


def _heads(connection: sqlite3.Connection, boards: set[str]) -> dict[str, int]:
    (found,) = connection.execute(_HEADS, (_encode(sorted(boards)).decode(),)).fetchone()
    return msgspec.json.decode(found, type=dict[str, int])


def _append(
    connection: sqlite3.Connection, heads: dict[str, int], appends: Sequence[Append]
) -> list[Outcome]:
    """Store all that follow on `heads` in one savepoint; when a name is known, each half by itself.

    `heads` is what the transaction holds, and moves with it.
    """
    reached = dict(heads)
    next_ones = [append for append in appends if _follows(reached, append)]
    try:
        if len(appends) == 1 and _is_one_statement(appends[0]):
            _insert(connection, next_ones)  # all of it, or nothing: each statement is
        else:
            with savepoint(connection):
                _insert(connection, next_ones)
    except sqlite3.IntegrityError:
        if len(appends) == 1:
            return [Refused(f"board {appends[0].board}: a name is known already")]
        half = len(appends) // 2
        return _append(connection, heads, appends[:half]) + _append(connection, heads, appends[half:])
    heads.update(reached)
    taken = {id(append) for append in next_ones}
    return [None if id(append) in taken else _not_next(append) for append in appends]


def _is_one_statement(append: Append) -> bool:
    return len(append.rows) <= WIDEST and append.epoch is None


def _follows(reached: dict[str, int], append: Append) -> bool:
    if append.first != reached[append.board] + 1:
        return False
    reached[append.board] += len(append.rows)
    return True


def _not_next(append: Append) -> Refused:
    return Refused(f"board {append.board}: {append.first} is not the next number")


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
