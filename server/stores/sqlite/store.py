"""`SqliteStore`: the `Store` protocol on one file, a writer thread and four reader threads."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.errors import in_words
from server.model.records import Change, Record
from server.stores import Brief, Failed, Head, Loaded
from server.stores.entries import Entry, checked, following
from server.stores.sqlite import entries, naming, reads, schema, touched, writes
from server.stores.sqlite.appends import Append, prepare
from server.stores.sqlite.lock import DirectoryLock
from server.stores.sqlite.reader import Reader
from server.stores.sqlite.telemetry import SqliteTelemetry
from server.stores.sqlite.writer import Work, Writer

T = TypeVar("T")

RECORDS_AT_ONCE = 500
"""Records per transaction of `materialise`, so that appends come in between."""


class SqliteStore:
    """Boards in the SQLite file at `path`, which is made, with its directory, when it is not there.

    `deadline_s`: how long a call may take before it raises `Failed` (`start` and `close` take what they
    need). `exclusive`: refuse to start when another process has the directory; only tests turn it off.
    """

    def __init__(
        self,
        path: Path,
        *,
        deadline_s: float = 5.0,
        exclusive: bool = True,
        migrations: Sequence[schema.Migration] = schema.MIGRATIONS,
    ) -> None:
        self._path = path
        self._deadline_s = deadline_s
        self.shared = not exclusive
        self._lock = DirectoryLock(path.parent) if exclusive else None
        self._migrations = migrations
        self._writer: Writer | None = None
        # So that looking up heads and names does not wait behind the loading of large boards, nor any of them
        # behind what people read of the past: histories and charts.
        self._loads = Reader(self._connect, path, "sqlite-load")
        self._lookups = Reader(self._connect, path, "sqlite-lookup")
        self._histories = Reader(self._connect, path, "sqlite-history")
        self._charts = Reader(self._connect, path, "sqlite-chart")
        self.telemetry = SqliteTelemetry(self._write, partial(self._read, self._charts))

    async def start(self) -> None:
        """Raises `Locked`, `SchemaTooNew`, `Failed` for a file that cannot be opened or understood."""
        fresh = naming.Fresh(0 if self.shared else naming.MOST)
        connection = await asyncio.to_thread(self._open, fresh)
        self._writer = Writer(connection, self._connect, self._path, fresh)

    async def close(self) -> None:
        """Finish accepted writes, fold the write-ahead log into the file, let the directory go."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(self._stop, writer)

    async def append(self, board: str, first: int, changes: Sequence[Change]) -> None:
        """See `Store.append`. Raises ValueError for changes that are not numbered from `first` on."""
        if changes:
            await self._write(prepare(board, first, changes))

    async def load(self, board: str, recent: int) -> Loaded | None:
        return await self._read(self._loads, partial(reads.load, board=board, recent=recent))

    async def read(self, board: str, after: int, limit: int) -> list[Change]:
        return await self._read(self._loads, partial(reads.read, board=board, after=after, limit=limit))

    async def history(
        self,
        board: str,
        *,
        since: int | None,
        before: int | None,
        task: str | None,
        limit: int,
        skip: int = 0,
    ) -> list[Change]:
        if task is None:
            within = partial(reads.history, board=board, since=since, before=before, limit=limit, skip=skip)
            return await self._read(self._histories, within)
        await self._index(board)
        wanted = touched.Wanted(board, task, since, before)
        return await self._read(
            self._histories, partial(touched.history, wanted=wanted, limit=limit, skip=skip)
        )

    async def count(self, board: str, *, since: int | None, before: int | None, task: str) -> int:
        wanted = touched.Wanted(board, task, since, before)
        return await self._read(self._histories, partial(touched.count, wanted=wanted))

    async def _index(self, board: str) -> None:
        """Where nothing can be written the log is looked through instead: it can be read all the same."""
        behind = partial(touched.behind, board=board)
        with suppress(Failed):
            while await self._read(self._histories, behind) > touched.SHORT:
                await self._write(partial(touched.index, board=board))

    async def heads(self, boards: Collection[str]) -> dict[str, Head]:
        return await self._read(self._lookups, partial(reads.heads, boards=boards))

    async def names(self, board: str, names: Collection[str]) -> dict[str, int]:
        return await self._read(self._lookups, partial(naming.find, board=board, wanted=names))

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        for start in range(0, len(records), RECORDS_AT_ONCE):
            rows = writes.record_rows(board, records[start : start + RECORDS_AT_ONCE])
            await self._write(partial(writes.upsert_records, board=board, mark=mark, rows=rows))
        await self._write(partial(writes.raise_mark, board=board, mark=mark))

    async def mint_epoch(self, board: str, epoch: str) -> None:
        await self._write(partial(writes.set_epoch, board=board, epoch=epoch))

    async def boards(self) -> Mapping[str, Head]:
        return await self._read(self._lookups, reads.boards)

    async def board_ids(self) -> list[str]:
        return list(await self.boards())

    async def briefs(self, boards: Collection[str]) -> dict[str, Brief]:
        return await self._read(self._lookups, partial(reads.briefs, boards=boards))

    async def entry(self, kind: str, key: str) -> Entry | None:
        checked(kind, key)
        return await self._read(self._lookups, partial(entries.find, kind=kind, key=key))

    async def put_entry(
        self, kind: str, key: str, value: bytes, *, version: int, expires_at: int | None = None
    ) -> int:
        checked(kind, key)
        entry = Entry(key, value, following(version), expires_at)
        await self._write(partial(entries.put, kind=kind, entry=entry, expected=version))
        return entry.version

    async def drop_entry(self, kind: str, key: str, *, version: int | None = None) -> None:
        checked(kind, key)
        await self._write(partial(entries.drop, kind=kind, key=key, expected=version))

    async def entries(
        self, kind: str, *, prefix: str = "", after: str = "", skip: int = 0, limit: int = 500
    ) -> list[Entry]:
        wanted = partial(entries.find_all, kind=kind, prefix=prefix, after=after, skip=skip, limit=limit)
        return await self._read(self._lookups, wanted)

    async def count_entries(self, kind: str, *, prefix: str = "") -> int:
        return await self._read(self._lookups, partial(entries.count, kind=kind, prefix=prefix))

    async def drop_expired(self, now_ms: int) -> None:
        await self._write(partial(entries.drop_expired, now_ms=now_ms))

    async def installation(self) -> str:
        return ""  # one process has the file: there are no others to be told from

    async def ping(self) -> None:
        await self._write(writes.touch)

    @property
    def writes_waiting(self) -> int:
        """Writes that wait for the transaction under way."""
        return 0 if self._writer is None else self._writer.waiting

    async def _write(self, work: Append | Work) -> None:
        await self._in_time(self._running().submit(work))

    async def _read(self, reader: Reader, work: Callable[[sqlite3.Connection], T]) -> T:
        self._running()
        return await self._in_time(reader.run(work))

    def _running(self) -> Writer:
        if self._writer is None:
            raise Failed("the store is not open")
        return self._writer

    async def _in_time(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await answer
        except TimeoutError:
            raise Failed(f"no answer from the database {self._path} within {self._deadline_s} s") from None

    def _connect(self) -> sqlite3.Connection:
        return schema.connect(self._path, busy_s=self._deadline_s)

    def _open(self, fresh: naming.Fresh) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._lock is not None:
                self._lock.acquire()
            return self._migrated(fresh)
        except (OSError, sqlite3.Error) as error:
            self._release()
            raise Failed(f"the database {self._path} cannot be opened: {in_words(error)}") from error
        except BaseException:
            self._release()
            raise

    def _migrated(self, fresh: naming.Fresh) -> sqlite3.Connection:
        schema.reserve(self._path)
        connection = self._connect()
        try:
            schema.migrate(connection, self._path, self._migrations)
            with suppress(sqlite3.Error):  # the writer does it when it can: what is there can be read
                fresh.recover(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _stop(self, writer: Writer) -> None:
        self._loads.stop()
        self._lookups.stop()
        self._histories.stop()
        self._charts.stop()
        writer.stop()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
