"""Takes in boards from elsewhere, each in one transaction, while nobody else has the data."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from server.model.records import Change, Record
from server.stores import Failed
from server.stores.sqlite import reads, schema, writes
from server.stores.sqlite.lock import alone
from server.stores.sqlite.naming import index

BUSY_S = 5.0
RECORDS_AT_ONCE = 500

_encode = msgspec.json.Encoder().encode


class Intake:
    """Made by `open`. Methods are called inside `transaction`; they may raise `Failed`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> "Iterator[Intake]":
        """The database at `path`, made when it is not there. Raises `Locked`, `SchemaTooNew`, `Failed`."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with alone(path.parent), closing(schema.connect(path, BUSY_S)) as connection:
                schema.migrate(connection, path, schema.MIGRATIONS)
                yield cls(connection)
        except sqlite3.Error as error:
            raise Failed(f"the database {path} did not take it: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written in the block becomes durable at its end, or nothing when it raises."""
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("rollback")

    def head(self, board: str) -> int:
        """The number of the board's last change, 0 when there is none."""
        found = reads.heads(self._connection, [board])
        return found[board].seq if board in found else 0

    def logged(self, board: str, first: int, last: int) -> list[Change]:
        """The changes `first` to `last`."""
        try:
            return reads.read(self._connection, board, first - 1, last - first + 1)
        except msgspec.MsgspecError as error:
            raise Failed(f"board {board} holds something unreadable; restore a copy: {error}") from error

    def add(self, board: str, changes: Sequence[Change]) -> None:
        """Store changes that follow on the head."""
        rows = [(board, change.seq, change.name, _encode(change).decode()) for change in changes]
        writes.insert(self._connection, "changes", 4, rows)

    def seal(self, board: str, head: int, epoch: str, records: Sequence[Record]) -> None:
        """All changes up to `head` are there, and `records` hold what they make: raise the marks."""
        self._connection.execute(
            "insert or ignore into boards (board, epoch, mark) values (?, ?, 0)", (board, epoch)
        )
        for start in range(0, len(records), RECORDS_AT_ONCE):
            rows = writes.record_rows(board, records[start : start + RECORDS_AT_ONCE])
            writes.upsert_records(self._connection, board, head, rows)
        index(self._connection, [board])
        writes.set_epoch(self._connection, board, epoch)
        writes.raise_mark(self._connection, board, head)
