"""`SqliteTelemetry`: the `TelemetryStore` protocol, in the file, on the writer and the readers of the store.

The tables: `sources` gives each device a number that is never given to another one, also when the device is
gone. `batches`, `newest`, `stale`, `minutes` (a row an hour), `hours` (a row a day), `boots`: see
`server.stores.telemetry`. Ingest and appends of boards share transactions, so that one sync serves both.

`roll` reads and computes on a reader and writes what came of it later. What a batch touched in between went
stale once more (`rev`), and stays so. Only one `roll` is under way at a time, and only one process may have
the file: nobody else writes rollups.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Protocol, TypeVar

from server.model.telemetry import Bucket, Heard
from server.stores.sqlite import rolling, series_reads, series_writes
from server.stores.sqlite.series_writes import Device
from server.stores.sqlite.writer import Work
from server.stores.telemetry import Batch, Kept, Raw, Retention, Step

T = TypeVar("T")
MOST_SOURCES = 100_000
"""Devices whose numbers are remembered."""


class Read(Protocol):
    """Has a thread that reads do the work. Raises `Failed`."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class SqliteTelemetry:
    def __init__(self, write: Callable[[Work], Awaitable[None]], read: Read) -> None:
        self._write = write
        self._read = read
        self._sources: dict[Device, int] = {}
        self._rolling = asyncio.Lock()

    async def keep(self, batches: Sequence[Batch]) -> list[Kept]:
        devices = {(batch.board, batch.device) for batch in batches}
        while missing := [device for device in devices if device not in self._sources]:
            await self._write(partial(series_writes.add_sources, devices=missing))
            await self._learn(missing)
        sources = {device: self._sources[device] for device in devices}
        numbered = [(sources[batch.board, batch.device], batch) for batch in batches]
        kept: list[Kept] = []
        try:
            await self._write(partial(series_writes.keep, batches=numbered, sources=sources, kept=kept))
        except BaseException:
            self._sources.clear()  # they may be of another file
            raise
        return kept

    async def settled(self, board: str, device: str, boot: str) -> int:
        source = await self._source(board, device)
        if source is None:
            return 0
        return await self._read(partial(series_reads.settled, source=source, boot=boot))

    async def newest(self, board: str, devices: Collection[str] | None = None) -> list[Heard]:
        return await self._read(partial(series_reads.newest, board=board, devices=devices))

    async def count(self, board: str, device: str, start: int, end: int) -> int:
        source = await self._source(board, device)
        if source is None:
            return 0
        return await self._read(partial(series_reads.count, source=source, start=start, end=end))

    async def raw(self, board: str, device: str, metric: str, start: int, end: int, limit: int) -> Raw:
        source = await self._source(board, device)
        if source is None:
            return Raw([], [])
        return await self._read(
            partial(series_reads.raw, source=source, metric=metric, start=start, end=end, limit=limit)
        )

    async def buckets(
        self, board: str, device: str, metric: str, start: int, end: int, step: Step
    ) -> list[Bucket]:
        source = await self._source(board, device)
        if source is None or start >= end:
            return []
        return await self._read(
            partial(series_reads.buckets, source=source, metric=metric, start=start, end=end, step=step)
        )

    async def roll(self, before: int, limit: int) -> int:
        async with self._rolling:
            rolled = await self._read(partial(rolling.roll, before=before, limit=limit))
            if rolled is None:
                return 0
            await self._write(partial(series_writes.write_rolled, rolled=rolled))
            return len(rolled.done)

    async def drop(self, retention: Retention, limit: int) -> int:
        dropped: list[int] = []
        await self._write(partial(series_writes.drop, retention=retention, limit=limit, dropped=dropped))
        return dropped[0]

    async def forget(self, board: str, device: str, limit: int) -> int:
        source = await self._source(board, device)
        if source is None:
            return 0
        dropped: list[int] = []
        await self._write(partial(series_writes.forget, source=source, limit=limit, dropped=dropped))
        return dropped[0]

    async def _source(self, board: str, device: str) -> int | None:
        if (board, device) not in self._sources:
            await self._learn([(board, device)])
        return self._sources.get((board, device))

    async def _learn(self, devices: Collection[Device]) -> None:
        found = await self._read(partial(series_reads.sources_of, devices=devices))
        if len(self._sources) + len(found) > MOST_SOURCES:
            self._sources.clear()
        self._sources.update(found)
