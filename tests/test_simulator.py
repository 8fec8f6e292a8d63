"""Seeded worlds of instances, stores, brokers and clients that misbehave, around the production `boards`.

`make test` runs some hundred seeds, `make chaos` thousands. One seed, with its trace:
`BOARDCAST_SEED=123 python -m pytest -s tests/test_simulator.py -k seed`.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import structs

from server.boards.distrust import EVERY_S
from server.boards.live import LiveBoard
from server.boards.parts import BoardSettings
from server.boards.queue import Queue
from server.document import BoardState, Intent, apply
from server.errors import Unavailable
from server.model import commands as c
from server.model.records import Actor, Change, Record
from server.stores import Failed
from tests.simulator.bugs import BUGS
from tests.simulator.checker import difference, folded, restored
from tests.simulator.history import Attempt, Item
from tests.simulator.instance import Instance, task_factory
from tests.simulator.loop import Deadlock, Runaway, VirtualLoop
from tests.simulator.store import AloneStore, SimStore
from tests.simulator.world import BOARD, Variation, World, simulate

ROOT = Path(__file__).resolve().parent.parent
ONE = os.environ.get("BOARDCAST_SEED")
CHAOS = os.environ.get("BOARDCAST_CHAOS") == "1"
BLOCK = 50
BLOCKS = [int(ONE)] if ONE else list(range(0, 5000 if CHAOS else 250, BLOCK))
SEEDS_PER_BUG = 400


@pytest.mark.parametrize("first", BLOCKS)
def test_every_seed_ends_with_everybody_right(first: int) -> None:
    for seed in [first] if ONE else range(first, first + BLOCK):
        result = simulate(seed, tracing=ONE is not None)
        if ONE:
            print(*result.trace, sep="\n")
        assert not result.violations, (
            f"seed {seed}: {result.violations[0]}\n"
            f"replay: BOARDCAST_SEED={seed} python -m pytest -s tests/test_simulator.py -k seed"
        )


def test_every_seed_of_one_instance_with_a_store_of_its_own_ends_so() -> None:
    for seed in range(1000 if CHAOS else 100):
        assert not simulate(seed, Variation(AloneStore, alone=True)).violations, seed


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_that_is_put_in_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variation = BUGS[name](monkeypatch)
    assert any(simulate(seed, variation).violations for seed in range(SEEDS_PER_BUG))


def test_a_seed_is_the_same_run_in_every_process() -> None:
    program = "from tests.simulator.world import simulate; print(*simulate(7, tracing=True).trace, sep='\\n')"
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert len(runs[0].splitlines()) > 50
    assert runs[0] == runs[1]


# -- a refusal, and an append that lands behind it


def item(client: str, command: c.Command) -> Item:
    return Item(Actor(f"u-{client}", client), client, 1, f"{client}-1", command, None)


async def told(instance: Instance, item: Item, queue: Queue | None = None) -> Attempt:
    """Submit an item and wait for what becomes of it."""
    answer: asyncio.Future[Attempt] = asyncio.get_running_loop().create_future()
    instance.context.run(instance.submit, item, queue or Queue(), answer.set_result)
    return await answer


async def refused_beside_a_late_append(world: World) -> bool:
    """Nobody knows what became of [create, update]; the update comes again alone, and then they land.

    Whether the update was refused for good and is in the log.
    """
    world.faults.clear()
    instance = world.start_instance()
    await told(instance, item("ann", c.BoardCreate(name="Late")))
    world.faults.lands_late = 1.0
    update = item("bob", c.TaskUpdate(task="t", title="Updated"))
    create = item("ann-again", c.TaskCreate(task="t", title="Created"))
    await asyncio.gather(told(instance, create), told(instance, update))
    world.faults.lands_late = 0.0
    while isinstance((again := await told(instance, update)).outcome, Unavailable):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(10)
    return again.refused and any(change.name == update.name for change in world.disk.log(BOARD))


def lies() -> int:
    def one(seed: int) -> bool:
        loop = VirtualLoop()
        loop.set_task_factory(task_factory)

        async def main() -> bool:
            return await refused_beside_a_late_append(World(seed, loop, Variation(), tracing=False))

        return loop.run(main())

    return sum(one(seed) for seed in range(30))


def test_what_was_refused_does_not_land_later() -> None:
    assert lies() == 0


def test_without_the_seal_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveBoard, "_must_seal", lambda board, verdict: False)
    assert lies() > 0


# -- what the simulator found once, and would find again only in thousands of seeds


def intent() -> Intent:
    return Intent(actor=Actor("u", "U"), client="c", role="owner", at=2_000_000_000_000, epoch="e")


def commented(*comments: str) -> list[Change]:
    """The log of a board with one task and these comments."""
    commands = [c.BoardCreate(name="B"), c.TaskCreate(task="t", title="T")]
    commands += [c.CommentAdd(task="t", comment=comment, text="text") for comment in comments]
    state = BoardState(BOARD)
    log: list[Change] = []
    for command in commands:
        log.append(apply(state, command, intent(), None))
        state.replay(log[-1])
    return log


def test_comments_are_in_order_of_age_when_only_the_later_one_was_written() -> None:
    log = commented("z-first", "a-second")
    state = folded(BOARD, log)
    again = BoardState.restored(BOARD, 0, [state.comments["a-second"]])
    for change in log:
        again.replay(change)
    assert again.comments_of == {"t": ("z-first", "a-second")}


class FirstWriteHangs(SimStore):
    """The first writing of records takes a second and fails; the others are well."""

    writes = 0

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        self.writes += 1
        if self.writes == 1:
            await asyncio.sleep(1)
            raise Failed("no answer")
        await super().materialise(board, mark, records)


def test_the_mark_is_not_raised_past_records_that_are_still_being_written() -> None:
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    world = World(1, loop, Variation(make_store=FirstWriteHangs), tracing=False)

    async def main() -> None:
        world.faults.clear()
        instance = world.start_instance()
        await told(instance, item("ann", c.BoardCreate(name="B")))
        stopping = asyncio.create_task(instance.stop())  # writes what is left, at once
        await asyncio.sleep(0.1)
        late = apply(folded(BOARD, world.disk.log(BOARD)), c.TaskCreate(task="t", title="T"), intent(), None)
        world.disk.append(BOARD, 2, [late])
        instance.context.run(instance.boards.get(BOARD).advance, [late])
        await stopping
        await asyncio.sleep(10)

    loop.run(main())
    state = restored(BOARD, world.disk.load(BOARD, 0))
    assert difference(state, folded(BOARD, world.disk.log(BOARD))) is None


class BusyStore(SimStore):
    """Takes no records until it is `calm`."""

    asked = 0
    calm = False

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        self.asked += 1
        if not self.calm:
            raise Failed("too busy")
        await super().materialise(board, mark, records)


def test_a_store_that_is_too_busy_for_records_is_asked_ever_less_often() -> None:
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    world = World(1, loop, Variation(make_store=BusyStore), tracing=False)

    async def main() -> tuple[int, BusyStore]:
        world.faults.clear()
        instance = world.start_instance()
        await told(instance, item("ann", c.BoardCreate(name="B")))
        await asyncio.sleep(120)
        store = instance.store
        assert isinstance(store, BusyStore)
        asked, store.calm = store.asked, True
        await asyncio.sleep(15)
        return asked, store

    asked, store = loop.run(main())
    assert 10 < asked < 30, "in two minutes"
    assert store.asked == asked + 1
    assert world.disk.shelves[BOARD].mark == 1


def test_a_queue_waits_though_its_board_was_unloaded_meanwhile() -> None:
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    world = World(1, loop, Variation(), tracing=False)

    async def main() -> tuple[bool, bool]:
        world.faults.clear()
        instance, queue = world.start_instance(), Queue()
        await asyncio.sleep(0.1)
        world.faults.store_down = True
        failed = await told(instance, item("ann", c.BoardCreate(name="B")), queue)
        world.faults.store_down = False
        await asyncio.sleep(2.5)
        overtaking = item("ann", c.BoardCreate(name="C"))
        overtaking.mutation = "ann-2"
        again = await told(instance, overtaking, queue)
        return isinstance(failed.outcome, Unavailable), isinstance(again.outcome, Unavailable)

    assert loop.run(main()) == (True, True)


def test_what_was_lost_on_the_way_out_is_announced_as_soon_as_that_is_possible() -> None:
    """A broker is gone for a moment, too short to be noticed, and nothing more is written after it."""
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    world = World(1, loop, Variation(), tracing=False)
    settings = structs.replace(world.surroundings.settings, heads_check_s=3600.0)
    world.surroundings = structs.replace(world.surroundings, settings=settings)

    async def main() -> float:
        world.faults.clear()
        one, two = world.start_instance(), world.start_instance()
        await asyncio.sleep(0.1)
        await told(one, item("ann", c.BoardCreate(name="B")))
        live = two.context.run(two.boards.hold, BOARD)
        await live.ready()
        await asyncio.sleep(2)
        one.broker.lose()
        await told(one, item("ann-again", c.TaskCreate(task="t", title="T")))
        one.broker.find()
        begun = loop.time()
        while live.head < 2 and loop.time() < begun + 60:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return loop.time() - begun

    assert loop.run(main()) < 0.5


def test_who_lies_on_every_instance_gets_one_new_epoch_in_a_while() -> None:
    """That it has seen more than there is: everybody on the board would have to start anew each time."""
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    world = World(1, loop, Variation(), tracing=False)
    lies = 0

    async def lie(instance: Instance, live: LiveBoard) -> str:
        nonlocal lies
        lies += 1
        await loop.create_task(live.renew(10**6 + lies, "mallory"), context=instance.context)
        await asyncio.sleep(6)  # the others compare heads meanwhile
        return live.epoch

    async def main() -> tuple[int, int]:
        world.faults.clear()
        instances = [world.start_instance(), world.start_instance(), world.start_instance()]
        await asyncio.sleep(0.1)
        await told(instances[0], item("ann", c.BoardCreate(name="B")))
        lives = [instance.context.run(instance.boards.hold, BOARD) for instance in instances]
        for live in lives:
            await live.ready()
        several = {await lie(*pair) for _ in range(10) for pair in zip(instances, lives, strict=True)}
        await asyncio.sleep(EVERY_S)
        return len(several), len({await lie(instances[1], lives[1])} - several)

    assert loop.run(main()) == (1, 1)


def test_what_an_instance_cannot_tell_the_others_reaches_them_within_two_seconds() -> None:
    """It alone is cut off from the broker, so that the others do not know that they have to look."""
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    world = World(1, loop, Variation(), tracing=False)
    world.surroundings = structs.replace(world.surroundings, settings=BoardSettings())

    async def main() -> float:
        world.faults.clear()
        one, two = world.start_instance(), world.start_instance()
        await asyncio.sleep(0.1)
        await told(one, item("ann", c.BoardCreate(name="B")))
        live = two.context.run(two.boards.hold, BOARD)
        await live.ready()
        one.broker.lose()
        longest = 0.0
        for number in range(20):
            await asyncio.sleep(0.7)
            begun = loop.time()
            await told(one, item(f"ann-{number}", c.TaskCreate(task=f"t{number}", title="T")))
            while live.head < number + 2 and loop.time() < begun + 60:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - begun)
        return longest

    assert loop.run(main()) < 2.5


# -- the loop


async def sleepers(order: list[str]) -> float:
    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    await asyncio.gather(sleep("a week", 604_800), sleep("a second", 1), sleep("a day", 86_400))
    return asyncio.get_running_loop().time()


def test_virtual_time_jumps_to_the_next_timer() -> None:
    order: list[str] = []
    assert VirtualLoop(most_s=1e6).run(sleepers(order)) == pytest.approx(604_800)
    assert order == ["a second", "a day", "a week"]


def test_a_deadlock_is_noticed() -> None:
    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock):
        VirtualLoop().run(forever())


def test_a_run_without_end_is_noticed() -> None:
    async def forever() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    with pytest.raises(Runaway):
        VirtualLoop(most_turns=1000).run(forever())


def test_a_timeout_runs_on_virtual_time() -> None:
    async def late() -> None:
        async with asyncio.timeout(5):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        VirtualLoop().run(late())
