"""The way of a batch when the store is slow, fails, or does not say whether it stored."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from server.devices.ingest import MOST_WAITING, Ingest, IngestSettings
from server.devices.lanes import Settled
from server.devices.source import Limits, Source
from server.errors import BoardcastError
from server.metrics import Metrics
from server.model.device_messages import Reading
from server.model.telemetry import Point
from server.stores import Failed
from server.stores.sqlite import SqliteStore
from server.stores.telemetry import Batch, Kept, TelemetryStore
from server.wire.devices import Loose
from tests.support import on_loop

Outcome = Settled | BoardcastError
NO_LIMIT = Limits((), ())


class Moody:
    """A real store that a test makes fail before it writes, or after, or lets wait."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self.fails_before = self.fails_after = False
        self.breaks_at = -1.0
        self.lets = asyncio.Event()
        self.lets.set()
        self.settled, self.newest = store.settled, store.newest

    async def keep(self, batches: Sequence[Batch]) -> list[Kept]:
        await self.lets.wait()
        if self.fails_before:
            raise Failed("no disk")
        if any(self.breaks_at in (v for _, v in batch.newest.values()) for batch in batches):
            raise RuntimeError("a defect")
        kept = await self._store.keep(batches)
        if self.fails_after:
            raise Failed("no answer in time")
        return kept


class Stage:
    def __init__(self, store: SqliteStore) -> None:
        self.telemetry = store.telemetry
        self.moody = Moody(store.telemetry)
        self.shown: list[Point] = []
        self.flushed = 0
        settings = IngestSettings(
            device=NO_LIMIT,
            board=NO_LIMIT,
            backlog_after_ms=60_000,
            metrics_per_device=10,
            waiting_points=2000,
        )
        self.ingest = Ingest(
            lambda: self.moody,  # type: ignore[arg-type,return-value]
            settings,
            clock=lambda: time.time_ns() // 1_000_000,
            metrics=Metrics(),
            show=lambda board, device, points: self.shown.extend(points),
            flush=self._flush,
        )

    def _flush(self) -> None:
        self.flushed += 1

    def offer(
        self, source: Source, seq: int, value: float = 1.0, boot: str = "boot"
    ) -> "asyncio.Future[Outcome]":
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        told = Loose(boot if seq else "", seq, [Reading({"temp": value})])
        self.ingest.offer(source, told, answered.set_result)
        return answered


@asynccontextmanager
async def stage_at(path: Path) -> AsyncIterator[tuple[Stage, Source]]:
    store = SqliteStore(path / "boards.db")
    await store.start()
    stage = Stage(store)
    try:
        yield stage, await stage.ingest.source("b", "d")
    finally:
        stage.moody.lets.set()
        await stage.ingest.stop()
        await store.close()


def code(outcome: Outcome) -> str:
    return outcome.code if isinstance(outcome, BoardcastError) else "stored"


@on_loop
async def test_what_the_store_did_not_take_comes_again_and_is_stored_once(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        stage.moody.fails_before = True
        refused = await asyncio.gather(*(stage.offer(source, seq) for seq in (1, 2, 0)))
        assert [code(one) for one in refused] == ["unavailable"] * 3
        assert all(isinstance(one, BoardcastError) and one.retry for one in refused)
        stage.moody.fails_before, stage.moody.fails_after = False, True
        assert code(await stage.offer(source, 1)) == "unavailable", "stored, but nobody was told"
        stage.moody.fails_after = False
        marks = [(await stage.offer(source, seq)) for seq in (1, 2)]
        assert [one.mark for one in marks if isinstance(one, Settled)] == [1, 2]
        assert len((await stage.telemetry.raw("b", "d", "temp", 0, 2**50, 10)).t) == 2
        assert len(stage.shown) == 1, "rules and watchers hear of what was stored here and now"
        assert source.waiting == 0


@on_loop
async def test_batches_that_come_meanwhile_are_stored_together(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        stage.moody.lets.clear()
        answers = [stage.offer(source, seq) for seq in range(1, 101)] + [stage.offer(source, 0)] * 1
        await asyncio.sleep(0)
        assert not any(answer.done() for answer in answers)
        stage.moody.lets.set()
        outcomes = await asyncio.gather(*answers)
        assert [one.mark for one in outcomes[:-1] if isinstance(one, Settled)] == list(range(1, 101))
        assert stage.flushed < 20


@on_loop
async def test_a_device_that_does_not_wait_for_answers_is_bounded(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        stage.moody.lets.clear()
        answers = [stage.offer(source, seq) for seq in range(1, MOST_WAITING + 3)]
        assert [code(answer.result()) for answer in answers if answer.done()] == ["rate_limited"] * 2
        other = await stage.ingest.source("b", "other")
        rest = [stage.offer(other, seq) for seq in range(1, 3)]
        stage.moody.lets.set()
        assert {code(one) for one in await asyncio.gather(*answers[:MOST_WAITING], *rest)} == {"stored"}


@on_loop
async def test_what_was_taken_is_stored_and_answered_before_the_end(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        taken = [stage.offer(source, seq) for seq in (3, 1, 2)]
        await stage.ingest.stop()
        assert [code(answer.result()) for answer in taken] == ["stored"] * 3
        assert code(await stage.offer(source, 4)) == "unavailable"
        assert await stage.telemetry.settled("b", "d", "boot") == 3


@on_loop
async def test_a_defect_in_what_hears_of_points_costs_no_answer(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        stage.shown = None  # type: ignore[assignment]
        assert code(await stage.offer(source, 1)) == "stored"
        assert code(await stage.offer(source, 2, boot="other")) == "stored"


@on_loop
async def test_a_batch_that_cannot_be_stored_does_not_cost_those_beside_it(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        stage.moody.breaks_at = 13.0
        answers = [stage.offer(source, seq, float(10 + seq)) for seq in range(1, 6)]
        outcomes = await asyncio.gather(*answers)
        assert [code(one) for one in outcomes] == ["stored", "stored", "internal", "stored", "stored"]
        stage.moody.breaks_at = -1.0
        assert code(await stage.offer(source, 3, 13.0)) == "stored"
        assert await stage.telemetry.settled("b", "d", "boot") == 5


@on_loop
async def test_a_batch_without_a_number_and_without_values_is_refused_for_good(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        for readings in ([Reading({})], [Reading({}), Reading({})]):
            answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            stage.ingest.offer(source, Loose("", 0, readings), answered.set_result)
            refusal = await answered
            assert isinstance(refusal, BoardcastError)
            assert (refusal.code, refusal.retry) == ("bad_request", False)


@on_loop
async def test_a_batch_larger_than_what_may_wait_goes_alone(tmp_path: Path) -> None:
    async with stage_at(tmp_path) as (stage, source):
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        readings = [Reading({f"m{n}": float(at) for n in range(3)}) for at in range(1000)]
        stage.ingest.offer(source, Loose("boot", 1, readings), answered.set_result)
        outcome = await answered
        assert isinstance(outcome, Settled) and outcome.stored == 3000 > 2000
