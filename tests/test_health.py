"""The state of a part: what moves it, what does not, and that asking for it is no load."""

import asyncio
import logging

import pytest

from server import brokers
from server.health import CALM_S, DOWN_AFTER, UP_AFTER, Health
from server.metrics import Metrics
from server.stores import Failed
from server.vitals import Vitals
from server.watched import WatchedStore
from tests.support import PATIENCE_S, on_loop

QUICK, SLOW = 0.01, 0.6


def up() -> Health:
    health = Health()
    health.probe_answered(0, QUICK)
    assert health.state == "up"
    return health


def down() -> Health:
    health = up()
    for second in range(DOWN_AFTER):
        health.probe_failed(second, "refused")
    assert health.state == "down"
    return health


def test_nothing_is_known_until_the_first_answer() -> None:
    health = Health()
    assert str(health) == "degraded: not asked yet" and health.in_service
    health.worked(0, QUICK)
    assert str(health) == "up" and health.reason == ""


def test_a_part_goes_down_with_the_second_probe_that_fails_in_a_row() -> None:
    health = up()
    health.probe_failed(1, "refused")
    assert str(health) == "degraded: refused" and health.in_service
    health.probe_answered(2, QUICK)
    health.probe_failed(3, "refused")
    assert health.in_service
    health.probe_failed(4, "no answer")
    assert str(health) == "down: no answer" and not health.in_service


def test_work_that_fails_does_not_take_a_part_out_of_service() -> None:
    health = up()
    for second in range(100):
        health.troubled(second, "no answer for board x")
    assert str(health) == "degraded: no answer for board x" and health.in_service


def test_work_that_is_done_between_two_probes_that_fail_keeps_a_part_in_service() -> None:
    health = up()
    for second in range(0, 100, 2):
        health.probe_failed(second, "no answer for 1 s")
        health.worked(second + 1, SLOW)
        assert health.in_service


def test_a_part_is_not_up_again_before_it_was_calm_for_a_while() -> None:
    health = up()
    health.troubled(10, "refused")
    health.worked(10 + CALM_S - 0.1, QUICK)
    assert health.state == "degraded"
    health.worked(10 + CALM_S, QUICK)
    assert health.state == "up"


def test_a_slow_answer_is_trouble_and_no_failure() -> None:
    for answered in (Health.worked, Health.probe_answered):
        health = up()
        for second in range(10):
            answered(health, second, SLOW)
        assert str(health) == "degraded: it took 0.6 s to answer"


def test_a_part_comes_back_by_probes_in_a_row() -> None:
    health = down()
    for second in range(10, 10 + 4 * UP_AFTER, 2):
        health.probe_answered(second, QUICK)
        assert health.state == "down"
        health.probe_failed(second + 1, "refused")
    for second in range(100, 100 + UP_AFTER):
        health.probe_answered(second, QUICK)
    assert str(health) == "degraded: it answers again"
    health.probe_answered(100 + UP_AFTER + CALM_S, QUICK)
    assert health.state == "up"


def test_a_part_comes_back_by_one_piece_of_work_that_was_done() -> None:
    health = down()
    health.worked(10, QUICK)
    assert str(health) == "degraded: it answers again"


def test_trouble_does_not_make_better_what_is_down() -> None:
    health = down()
    health.troubled(10, "no answer")
    assert str(health) == "down: refused"


def test_a_part_is_probed_when_something_is_wrong_and_when_nothing_was_heard_for_long() -> None:
    assert Health().due(0, quiet_s=10) and down().due(0, quiet_s=10)
    health = up()
    assert not health.due(9.9, quiet_s=10) and health.due(10, quiet_s=10)
    health.worked(9, QUICK)
    assert not health.due(18, quiet_s=10)


class Part:
    """A store and a broker as far as health goes; `answer` says what a probe meets."""

    shared = False

    def __init__(self) -> None:
        self.up = True
        self.asked = 0
        self.error: Exception | None = None
        self.hangs = False
        self.begun, self.let_go = asyncio.Event(), asyncio.Event()

    async def ping(self) -> None:
        self.asked += 1
        self.begun.set()
        if self.hangs:
            await self.let_go.wait()
        if self.error is not None:
            raise self.error

    probe = ping
    start = close = ping

    async def boards(self) -> dict[str, object]:
        await self.ping()
        return {}

    async def append(self, board: str, first: int, changes: list[object]) -> None:
        await self.ping()


class Stage:
    """Vitals over two parts, probed as often as there is time."""

    def __init__(self, every_s: float = 0.01) -> None:
        self.store, self.broker, self.metrics = Part(), Part(), Metrics()
        self.vitals = Vitals(self.store, self.broker, self.metrics, every_s=every_s)

    async def __aenter__(self) -> "Stage":
        await self.vitals.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.vitals.stop()
        assert len(asyncio.all_tasks()) == 1, "nothing goes on after the end"

    async def until(self, part: str, state: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.vitals.health[part].state != state:
                await self.vitals.next()


@on_loop
async def test_probes_find_by_themselves_what_is_down_and_what_is_back() -> None:
    async with Stage() as stage:
        await stage.until("broker", "up")
        stage.broker.error = brokers.Failed("Redis says no")
        stage.broker.up = False
        await stage.until("broker", "down")
        assert stage.vitals.health["broker"].reason == "Redis says no"
        assert stage.vitals.health["store"].state == "up"
        stage.broker.error, stage.broker.up = None, True
        await stage.until("broker", "degraded")
        stage.vitals.measure()
        assert stage.metrics.broker_up.value == stage.metrics.store_up.value == 1
        assert stage.metrics.parts_state("broker", "degraded").value == 1
        assert stage.metrics.probes_failed("broker").value >= DOWN_AFTER
        assert stage.metrics.probes_answered("broker").total > 0


@on_loop
async def test_a_probe_that_hangs_is_not_repeated_and_counts_as_failed() -> None:
    async with Stage() as stage:
        stage.store.error = Failed("no answer")
        with pytest.raises(Failed):
            await stage.vitals.store.boards()
        stage.store.error, stage.store.hangs, asked = None, True, stage.store.asked
        await stage.until("store", "down")
        assert stage.vitals.health["store"].reason.startswith("no answer for ")
        assert stage.store.asked == asked + 1
        stage.store.hangs = False
        stage.store.let_go.set()
        await stage.until("store", "degraded")


@on_loop
async def test_whoever_asks_shares_one_probe() -> None:
    async with Stage(every_s=PATIENCE_S) as stage:
        stage.broker.hangs = True
        asking = [asyncio.ensure_future(stage.vitals.probe()) for _ in range(100)]
        await asyncio.wait_for(stage.broker.begun.wait(), PATIENCE_S)
        stage.broker.let_go.set()
        await asyncio.gather(*asking)
        for _ in range(100):
            await stage.vitals.probe()
        assert stage.broker.asked == 1
        assert stage.store.asked == 1, "asked at the start, which is not long ago"


@on_loop
async def test_the_work_of_the_store_tells_how_it_is() -> None:
    part, heard = Part(), []
    store = WatchedStore(part, heard.append, heard.append)
    await store.append("b", 1, [])
    assert isinstance(heard.pop(), float)
    await store.boards()
    assert not heard, "what can be read proves nothing"
    part.error = Failed("the disk is full")
    for call in (store.append("b", 1, []), store.boards()):
        with pytest.raises(Failed):
            await call
        assert heard.pop() is part.error


@on_loop
async def test_a_defect_of_a_probe_is_logged_and_counts_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    async with Stage() as stage:
        await stage.until("broker", "up")
        stage.broker.error, stage.broker.up = RuntimeError("a defect"), False
        with caplog.at_level(logging.ERROR):
            await stage.until("broker", "down")
        assert stage.vitals.health["broker"].reason == "internal error"


@on_loop
async def test_after_the_end_nothing_is_asked() -> None:
    stage = Stage()
    async with stage:
        pass
    asked = stage.store.asked
    await stage.vitals.probe()
    await stage.vitals.stop()
    assert stage.store.asked == asked
