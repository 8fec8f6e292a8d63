"""The database file as something to copy, check and read from, beside the server that writes it.

Nothing here takes the directory's lock: in WAL mode a reader and the writer do not wait for each other.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from server.stores import Failed, Head, Loaded
from server.stores.sqlite import reads, schema

Step = Callable[[int, int], None]
"""Told how much is done, of how much."""

STEP_PAGES = 512
"""Pages copied at once, 2 MB: between two steps the other processes get at the disk."""
SYNC_PAGES = 16 * STEP_PAGES
"""What is handed to the disk at once: a large sync would hold up those of the running server."""
PAGE = 512
"""Changes read at once."""
BUSY_S = 5.0

_GAPS = """select b.board from boards b left join changes c on c.board = b.board group by b.board
    having count(c.seq) = 0 or min(c.seq) <> 1 or max(c.seq) <> count(c.seq) or b.mark > max(c.seq)
    union select board from changes where board not in (select board from boards) limit 1"""
_TRIMMED = "select exists (select 1 from changes where board = ? and json_type(body, '$.set') is null)"
_BODIES = "select cast(body as blob) from changes where board = ? and seq between ? and ? order by seq"


class Archive:
    """Made by `open`. Methods may raise `Failed`."""

    def __init__(self, connection: sqlite3.Connection, name: Path) -> None:
        self._connection = connection
        self._name = name

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, kept: bool = False, name: Path | None = None) -> "Iterator[Archive]":
        """The database at `path`, to be read only. Raises `SchemaTooNew`, or `Failed` when it is none.

        `kept`: a copy that nobody writes; it may be on a medium that cannot be written. `name`: what to call
        it in messages.
        """
        name = name or path
        if not path.is_file():
            raise Failed(f"there is no database {name}")
        try:
            with closing(sqlite3.connect(_uri(path, kept), uri=True, timeout=BUSY_S)) as connection:
                connection.isolation_level = None
                connection.execute("pragma query_only = on")
                if schema.found_version(connection, name) == 0:
                    raise Failed(f"{name} is an empty database, not one of Boardcast")
                yield cls(connection, name)
        except sqlite3.Error as error:
            raise Failed(f"the database {name} cannot be read: {error}") from error
        except msgspec.MsgspecError as error:
            raise Failed(f"{name} holds something unreadable: {error}") from error

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """All that the block reads is of the same moment, whatever is written meanwhile."""
        self._connection.execute("begin")
        try:
            self._connection.execute("select count(*) from boards").fetchone()  # the moment is now
            yield
        finally:
            self._connection.execute("rollback")

    def boards(self) -> dict[str, Head]:
        """As `Store.boards`."""
        return reads.boards(self._connection)

    def load(self, board: str, recent: int = 0) -> Loaded | None:
        """As `Store.load`. Inside `one_moment`, or of a copy that nobody writes."""
        try:
            return reads.load_in(self._connection, board, recent)
        except msgspec.MsgspecError as error:
            raise Failed(
                f"{self._name} is damaged: board {board} holds something unreadable: {error}"
            ) from error

    def trimmed(self, board: str) -> bool:
        """Has retention taken the content of old changes? Then the log alone does not make the board."""
        (found,) = self._connection.execute(_TRIMMED, (board,)).fetchone()
        return bool(found)

    def bodies(self, board: str, head: int) -> Iterator[list[bytes]]:
        """The changes 1 to `head` as JSON, up to `PAGE` at once."""
        for first in range(1, head + 1, PAGE):
            last = min(first + PAGE - 1, head)
            rows = self._connection.execute(_BODIES, (board, first, last)).fetchall()
            if len(rows) != last - first + 1:
                raise Failed(f"{self._name}: changes {first} to {last} of board {board} are not all there")
            yield [body for (body,) in rows]

    def check(self) -> dict[str, Head]:
        """That the file is sound and each board's log without holes; the heads."""
        problems = [text for (text,) in self._connection.execute("pragma integrity_check(1)")]
        if problems != ["ok"]:
            raise Failed(f"{self._name} is damaged: {' '.join(problems[0].split())}")
        gap = self._connection.execute(_GAPS).fetchone()
        if gap is not None:
            raise Failed(f"{self._name} is damaged: the changes of board {gap[0]} are not all there")
        return self.boards()

    def copy_to(self, target: Path, step: Step) -> dict[str, Head]:
        """Write what there is at this moment to `target`, an empty file or none; the heads.

        `target` then is one file that needs no other, and is on disk.
        """
        with self.one_moment(), closing(sqlite3.connect(target, isolation_level=None)) as copy:
            heads = self.boards()
            copy.execute("pragma synchronous = off")
            with target.open("rb") as file:
                # A source that is not held still starts the copy again at each commit, and never ends.
                self._connection.backup(copy, pages=STEP_PAGES, progress=_syncing(file.fileno(), step))
                (mode,) = copy.execute("pragma journal_mode = delete").fetchone()
                if mode != "delete":
                    raise Failed(f"{target} cannot be closed: another process has it open")
                os.fsync(file.fileno())
        return heads


def _syncing(file: int, step: Step) -> Callable[[int, int, int], None]:
    synced = 0

    def progress(_: int, remaining: int, total: int) -> None:
        nonlocal synced
        if total - remaining - synced >= SYNC_PAGES:
            os.fsync(file)
            synced = total - remaining
        step(total - remaining, total)

    return progress


def _uri(path: Path, kept: bool) -> str:
    # Not read-only beside a server: the first reader after a crash has to rebuild the index of the log.
    mode = "rw"
    if kept:
        mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    return f"{path.absolute().as_uri()}?mode={mode}"
