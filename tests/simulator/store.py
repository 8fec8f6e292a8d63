"""A `Store` over a `SimDisk` that fails as stores do; in fine weather it keeps the whole contract."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from server.model.records import BoardRecord, Change, Record
from server.stores import Brief, Failed, Head, Loaded, StoreError
from server.stores.entries import Entry, checked, following
from server.stores.telemetry import TelemetryStore
from tests.simulator.disk import SimDisk, first_epoch
from tests.simulator.faults import Faults

T = TypeVar("T")
DEADLINE_S = 1.0
LATEST_S = 3.0
"""How long after its caller was told `Failed` a write may still land."""


class _Write:
    """A write on its way: it lands by itself, whether or not somebody still waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._error: StoreError | None = None
        self.timer: asyncio.TimerHandle | None = None

    def land(self) -> None:
        self.timer = None
        try:
            self._work()
        except StoreError as error:
            self._error = error

    def result(self) -> None:
        if self._error is not None:
            raise self._error


class SimStore:
    """One instance's connection to the disk. `die` cuts it: what is on its way lands or is lost."""

    shared = True

    def __init__(self, disk: SimDisk, faults: Faults) -> None:
        self.disk = disk
        self.faults = faults
        self._dead = False
        self._under_way: dict[_Write, None] = {}
        self._ends: dict[str, int] = {}  # where logs end, as this store saw it last
        self._outages = faults.outages

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def die(self) -> None:
        self._dead = True
        for write in self._under_way:
            if write.timer is not None and self.faults.rng.random() < 0.5:
                write.timer.cancel()

    def lose_writes(self) -> None:
        """The server is gone, and what was on its way to it."""
        for write in self._under_way:
            if write.timer is not None:
                write.timer.cancel()

    # -- the protocol

    async def append(self, board: str, first: int, changes: Sequence[Change]) -> None:
        if [change.seq for change in changes] != list(range(first, first + len(changes))):
            raise ValueError(f"changes are not numbered {first}, {first + 1}, …")
        if first == 1 and changes:
            first_epoch(changes[0])
        if changes:
            asks = not self.faults.remembers or self._end(board) != first - 1
            self._ends.pop(board, None)
            await self._write(partial(self._append, board, first, tuple(changes), asks=asks))
            self._ends[board] = changes[-1].seq

    def _append(self, board: str, first: int, changes: Sequence[Change], *, asks: bool = True) -> None:
        self.disk.append(board, first, changes, asks=asks)

    def _end(self, board: str) -> int | None:
        if self._outages != self.faults.outages:
            self._outages = self.faults.outages
            self._forget()
        return self._ends.get(board)

    def _forget(self) -> None:
        """Another copy may be there by now."""
        self._ends.clear()

    async def load(self, board: str, recent: int) -> Loaded | None:
        if self.faults.hit(self.faults.load_in_pieces):
            return await self._load_in_pieces(board, recent)
        return await self._read(partial(self.disk.load, board, recent))

    async def _load_in_pieces(self, board: str, recent: int) -> Loaded | None:
        """Mark, then records, then the log: as a store without snapshots reads them."""
        first = await self._read(partial(self.disk.load, board, recent))
        if first is None:
            return None
        tasks = await self._read(lambda: list(self.disk.shelves[board].tasks.values()))
        rest = await self._read(partial(self.disk.load, board, recent))
        assert rest is not None
        return Loaded(
            epoch=first.epoch,
            mark=first.mark,
            board=rest.board,
            tasks=tasks,
            comments=rest.comments,
            tail=self.disk.read(board, first.mark, 1_000_000),
            recent=self.disk.recent(board, recent),
        )

    async def read(self, board: str, after: int, limit: int) -> list[Change]:
        return await self._read(partial(self.disk.read, board, after, limit))

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
        return await self._read(partial(self.disk.history, board, since, before, task, limit, skip))

    async def count(self, board: str, *, since: int | None, before: int | None, task: str) -> int:
        return len(await self.history(board, since=since, before=before, task=task, limit=10**9))

    async def heads(self, boards: Collection[str]) -> dict[str, Head]:
        return await self._read(lambda: {b: h for b, h in self.disk.heads().items() if b in boards})

    async def names(self, board: str, names: Collection[str]) -> dict[str, int]:
        def look() -> dict[str, int]:
            shelf = self.disk.shelves.get(board)
            return {n: shelf.names[n] for n in names if n in shelf.names} if shelf else {}

        return await self._read(look)

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        # Sorted, so that a run does not hang on the order of somebody's set.
        records = sorted(records, key=lambda r: "" if isinstance(r, BoardRecord) else r.value.id)
        whole = partial(self.disk.materialise, board, mark, records)
        if self.faults.hit(self.faults.lands_never):
            part = records[: self.faults.rng.randrange(len(records) + 1)]
            await self._write(partial(self.disk.materialise, board, mark, part, whole=False))
            raise Failed("stopped on the way")
        await self._write(whole)

    async def mint_epoch(self, board: str, epoch: str) -> None:
        def mint() -> None:
            self.disk.shelves[board].epoch = epoch

        await self._write(mint)

    async def boards(self) -> Mapping[str, Head]:
        return await self._read(self.disk.heads)

    async def board_ids(self) -> list[str]:
        return await self._read(lambda: list(self.disk.heads()))

    async def briefs(self, boards: Collection[str]) -> dict[str, Brief]:
        return await self._read(lambda: {b: brief for b, brief in self.disk.briefs().items() if b in boards})

    async def entry(self, kind: str, key: str) -> Entry | None:
        checked(kind, key)
        return await self._read(lambda: self.disk.entries.get((kind, key)))

    async def put_entry(
        self, kind: str, key: str, value: bytes, *, version: int, expires_at: int | None = None
    ) -> int:
        checked(kind, key)
        entry = Entry(key, value, following(version), expires_at)
        await self._write(partial(self.disk.put_entry, kind, entry, version))
        return entry.version

    async def drop_entry(self, kind: str, key: str, *, version: int | None = None) -> None:
        checked(kind, key)
        await self._write(partial(self.disk.drop_entry, kind, key, version))

    async def entries(
        self, kind: str, *, prefix: str = "", after: str = "", skip: int = 0, limit: int = 500
    ) -> list[Entry]:
        return await self._read(partial(self.disk.find_entries, kind, prefix, after, skip, limit))

    async def count_entries(self, kind: str, *, prefix: str = "") -> int:
        return len(await self.entries(kind, prefix=prefix, limit=10**9))

    async def drop_expired(self, now_ms: int) -> None:
        await self._write(partial(self.disk.drop_expired, now_ms))

    @property
    def telemetry(self) -> TelemetryStore:
        """What devices measure is none of the simulator's business."""
        raise Failed("the simulator keeps no telemetry")

    async def installation(self) -> str:
        return ""

    async def ping(self) -> None:
        await self._write(lambda: None)

    # -- fates

    async def _read(self, work: Callable[[], T]) -> T:
        """Somewhere between call and answer lies the moment that is read: never before the call."""
        faults, connection = self.faults, self.faults.outages
        before = faults.latency(slow=faults.read_slow)
        fails = self._cut_off() or before > DEADLINE_S or faults.hit(faults.read_fails)
        await asyncio.sleep(min(before, DEADLINE_S))
        if fails or self._cut_off() or connection != faults.outages:
            self._forget()
            raise Failed("no answer to a read")
        value = work()
        await asyncio.sleep(faults.latency())
        if connection != faults.outages:
            self._forget()
            raise Failed("the answer to a read was lost")
        return value

    async def _write(self, work: Callable[[], None]) -> None:
        connection = self.faults.outages
        lands, answers, fails = self._fate()
        write = _Write(work)
        if lands is not None:
            write.timer = asyncio.get_running_loop().call_later(lands, write.land)
        self._under_way[write] = None
        await asyncio.sleep(answers)
        if write.timer is None:
            del self._under_way[write]
        if fails or connection != self.faults.outages:
            self._forget()
            raise Failed("no answer to a write")
        write.result()

    def _fate(self) -> tuple[float | None, float, bool]:
        """When a write lands (None: never), when its caller hears of it, and whether that is `Failed`."""
        faults, rng = self.faults, self.faults.rng
        lands = faults.latency(slow=faults.write_slow)
        answers = lands + faults.latency()
        gives_up = DEADLINE_S * (1.0 if rng.random() < 0.5 else rng.random())
        if self._cut_off() or faults.hit(faults.lands_never):
            return None, gives_up, True
        if faults.hit(faults.answer_lost):
            return lands, max(gives_up, answers), True
        if faults.hit(faults.lands_late):
            return gives_up + LATEST_S * rng.random() ** 2, gives_up, True
        return lands, answers, answers > DEADLINE_S

    def _cut_off(self) -> bool:
        if self._dead:
            raise asyncio.CancelledError
        return self.faults.store_down


class AloneStore(SimStore):
    """A file that one server has to itself: what is on its way is over, either way, when the server is."""

    shared = False

    def die(self) -> None:
        super().die()
        self._settle()

    async def close(self) -> None:
        self._settle()

    def _settle(self) -> None:
        for write in self._under_way:
            if write.timer is not None and not write.timer.cancelled():
                write.timer.cancel()
                write.land()
