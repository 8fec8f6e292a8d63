"""A world made from a seed: instances, clients, weather, and what becomes of them.

A run has a stormy part, in which instances die, links are cut and stores and brokers fail; then the weather
clears, everybody must get their answers and agree; in some worlds an older copy of the data is put back
and everybody must agree again.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from server.boards.parts import BoardSettings
from tests.simulator.broker import SimExchange
from tests.simulator.checker import difference, folded, restored, violations, violations_since
from tests.simulator.client import Client, Rule
from tests.simulator.disk import Shelf, SimDisk
from tests.simulator.faults import Faults
from tests.simulator.history import History
from tests.simulator.instance import Instance, Surroundings, task_factory
from tests.simulator.loop import Deadlock, Runaway, VirtualLoop
from tests.simulator.script import TASKS
from tests.simulator.store import SimStore

BOARD = "b"
ANSWERED_WITHIN_S = 120.0
"""Virtual seconds in fine weather after which everybody must have their answers …"""
AGREED_WITHIN_S = 30.0
"""… and all the same state."""
WRITTEN_WITHIN_S = 15.0
"""… and all records are on the disk."""


@dataclass
class Variation:
    """What a test may put in the place of a part, to see whether it is found out. `alone`: one instance at a
    time, whose data nobody puts back."""

    make_store: Callable[[SimDisk, Faults], SimStore] = SimStore
    alone: bool = False


@dataclass
class Result:
    seed: int
    violations: list[str]
    trace: list[str]
    turns: int
    changes: int
    seconds: float


class World:
    def __init__(self, seed: int, loop: VirtualLoop, variation: Variation, *, tracing: bool) -> None:
        self.rng = random.Random(seed)
        self.history = History(loop.time, tracing=tracing)
        self.disk = SimDisk()
        self.alone = variation.alone
        self.faults = Faults.drawn(random.Random(self.rng.random()))
        self.exchange = SimExchange(self.faults)
        self.crowded = self.rng.random() < 0.3
        settings = BoardSettings(
            idle_unload_s=self.rng.choice((3.0, 60.0)),
            heads_check_s=self.rng.choice((1.0, 5.0)),
            materialise_s=self.rng.choice((0.05, 1.0)),
            batch_changes=512 if self.crowded else self.rng.choice((1, 3, 512)),
            inbox_per_board=1000 if self.crowded else self.rng.choice((4, 1000)),
            resume_changes=self.rng.choice((3, 20, 1000)),
        )
        self.surroundings = Surroundings(
            BOARD, self.disk, self.exchange, self.faults, self.history, settings, variation.make_store
        )
        # In a crowd everybody does at once what hangs on what the others do.
        self.tasks = TASKS[: 2 if self.crowded else 8]
        if self.crowded:
            self.faults.usual_s = 0.03
        self.instances: list[Instance] = []
        self.clients: list[Client] = []
        self.broken = asyncio.Event()
        self.history.on_violation = self.broken.set
        self._lives = 0

    # -- instances

    def start_instance(self) -> Instance:
        self._lives += 1
        instance = Instance(f"s{self._lives}", self.surroundings, random.Random(self.rng.random()))
        self.instances.append(instance)
        self.history.trace(instance.name, "starts")
        instance.start()
        return instance

    def pick(self, rng: random.Random) -> Instance | None:
        living = [instance for instance in self.instances if not instance.dead]
        return rng.choice(living) if living else None

    async def _fall(self, *, killed: bool) -> None:
        """An instance goes and, after a while, another life of it begins."""
        victim = self.pick(self.rng)
        if victim is None:
            return
        self.history.trace(victim.name, "is killed" if killed else "is stopped")
        self.instances.remove(victim)
        if killed:
            victim.kill()
        else:
            await victim.stop()
        await asyncio.sleep(3 * self.rng.random() ** 2)
        self.start_instance()

    # -- weather

    async def _storm(self, length_s: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + length_s
        events = (self._kill, self._stop, self._cut, self._lose_broker, self._lose_store)
        weights = [self.rng.choice((0.1, 1, 3)) for _ in events]
        lull_s = self.rng.choice((0.3, 1.0))
        under_way: list[asyncio.Task[None]] = []
        while loop.time() < end:
            await asyncio.sleep(lull_s * self.rng.random())
            event = self.rng.choices(events, weights)[0]
            under_way.append(asyncio.create_task(event()))
        await asyncio.gather(*under_way)

    async def _kill(self) -> None:
        await self._fall(killed=True)

    async def _stop(self) -> None:
        await self._fall(killed=False)

    async def _cut(self) -> None:
        client = self.rng.choice(self.clients)
        if client.link is not None:
            client.link.cut()

    async def _measure(self, every_s: float) -> None:
        """All instances' rules act at once, as on one measurement that all of them saw."""
        while True:
            await asyncio.sleep(every_s * 2 * self.rng.random())
            for instance in self.instances:
                rule = Rule(instance, self.history, self.rng, self.tasks)
                for _ in range(self.rng.randrange(4)):
                    asyncio.get_running_loop().call_soon(rule.act, context=instance.context)

    async def _lose_broker(self) -> None:
        lost = self.rng.sample(self.instances, self.rng.randrange(len(self.instances) + 1))
        for instance in lost:
            instance.broker.lose()
        await asyncio.sleep(3 * self.rng.random())
        for instance in lost:
            instance.broker.find()

    async def _lose_store(self) -> None:
        self.history.trace("store", "goes down")
        self.faults.lose_store()
        await asyncio.sleep(3 * self.rng.random() ** 2)
        self.faults.store_down = False

    # -- the run

    async def run(self) -> None:
        asyncio.get_running_loop().set_task_factory(task_factory)
        for _ in range(1 if self.alone else self.rng.choice((1, 2, 2, 3))):
            self.start_instance()
        pause_s = 0.01 if self.crowded else self.rng.choice((0.01, 0.05, 0.3))
        for number in range(6 if self.crowded else self.rng.choice((1, 2, 3, 4))):
            self.clients.append(self._client(f"client-{number}", pause_s))
        for client in self.clients:
            asyncio.create_task(client.run())  # noqa: RUF006 (kept by the loop until the run is over)
        broken = asyncio.create_task(self.broken.wait())
        story = asyncio.create_task(self._story())
        await asyncio.wait((broken, story), return_when=asyncio.FIRST_COMPLETED)
        if story.done():
            story.result()
        broken.cancel()

    def _client(self, name: str, pause_s: float) -> Client:
        rng = random.Random(self.rng.random())
        count = self.rng.choice((5, 15, 30))
        return Client(
            name, BOARD, self.history, rng, self.pick, tasks=self.tasks, count=count, pause_s=pause_s
        )

    async def _story(self) -> None:
        backup = asyncio.create_task(self._backup())
        rules = asyncio.create_task(self._measure(0.2 if self.crowded else 1.5))
        await self._storm(self.rng.choice((2.0, 5.0)))
        rules.cancel()
        self.faults.clear()
        for client in self.clients:
            client.restless = False
        self.history.trace("weather", "clears")
        await self._everybody_answered()
        await self._everybody_agrees()
        self._judge()
        copy = await backup
        if copy and not self.history.violations and self.rng.random() < 0.5:
            await self._put_back_under(copy)
        elif copy and not self.history.violations:
            await self._put_back(copy)

    async def _everybody_answered(self) -> None:
        waiting = asyncio.gather(*(client.done for client in self.clients))
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await waiting
        except TimeoutError:
            for client in self.clients:
                if client.pending:
                    self.history.violation(f"{client.name} never got an answer to {client.pending[0].label}")

    async def _everybody_agrees(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + AGREED_WITHIN_S
        while loop.time() < end and next(self._disagreements(), None) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        for text in self._disagreements():
            self.history.violation(text)

    def _disagreements(self) -> Iterator[str]:
        """Who does not see what is on the disk."""
        shelf = self.disk.shelves.get(BOARD)
        if shelf is None:
            yield "there is no board"
            return
        if [change.seq for change in shelf.log] != list(range(1, len(shelf.log) + 1)):
            yield "there is a gap in the log"
            return
        state = folded(BOARD, shelf.log)
        for client in self.clients:
            if client.reader.epoch != shelf.epoch:
                yield f"{client.name} is in epoch {client.reader.epoch}, the store in {shelf.epoch}"
            if wrong := difference(client.reader.state, state):
                yield f"{client.name} does not see what is in the log: {wrong}"
        for instance in self.instances:
            live = instance.boards._live.get(BOARD)
            if live is not None and live.exists and (wrong := difference(live.state, state)):
                yield f"{instance.name} does not hold what is in the log: {wrong}"
            for attempt in instance.attempts:
                if attempt.outcome is None and not instance.dead:
                    yield f"{instance.name} never answered {attempt.item.label}"
        try:
            again = restored(BOARD, self.disk.load(BOARD, 0))
        except (TypeError, ValueError) as flaw:  # a change to what is not there
            yield f"the records and the rest of the log do not fit: {flaw}"
            return
        if wrong := difference(again, state):
            yield f"the records and the rest of the log do not make up the log: {wrong}"

    def _judge(self) -> None:
        for text in violations(self.history.items, self.disk.log(BOARD), BOARD):
            self.history.violation(text)

    # -- an older copy is put back

    async def _backup(self) -> dict[str, Shelf]:
        if self.alone or self.rng.random() > 0.25:
            return {}
        await asyncio.sleep(6 * self.rng.random())
        return {name: shelf.copy() for name, shelf in self.disk.shelves.items()}

    async def _put_back(self, copy: dict[str, Shelf]) -> None:
        """Everybody is at the newest state, all of it is written, and then it is gone."""
        await asyncio.sleep(WRITTEN_WITHIN_S)
        lost = self._replace(copy)
        self.history.items.clear()
        for instance in self.instances:
            instance.attempts.clear()
        if self.disk.head(BOARD) < lost:
            await self._everybody_agrees()

    async def _put_back_under(self, copy: dict[str, Shelf]) -> None:
        """Everybody writes meanwhile, and goes on as soon as the store is there again.

        A copy of the same log with older records is left out: nobody would notice.
        """
        if self.disk.head(BOARD) == len(copy[BOARD].log if BOARD in copy else ()):
            return
        for client in self.clients:
            client.more(self.rng.choice((5, 15)))
        await asyncio.sleep(self.rng.random())
        self.faults.lose_store()
        for instance in self.instances:
            instance.store.lose_writes()
        await asyncio.sleep(self.rng.random() ** 2)
        self._replace(copy)
        self.faults.store_down = False
        old = len(self.history.items)
        for client in self.clients:
            client.more(self.rng.choice((5, 15)))
        await self._everybody_answered()
        await self._everybody_agrees()
        for text in violations_since(old, self.history.items, self.disk.log(BOARD), BOARD):
            self.history.violation(text)

    def _replace(self, copy: dict[str, Shelf]) -> int:
        """Put the copy in the place of what there is, and tell where that ended."""
        lost = self.disk.head(BOARD)
        self.history.lost_epochs.add(self.disk.shelves[BOARD].epoch)
        self.disk.shelves.update(copy)
        self.history.trace("store", "is put back from", lost, "to", self.disk.head(BOARD))
        return lost


@contextmanager
def _complaints(history: History) -> Iterator[None]:
    """Whatever the server logs as an error is a violation; the rest is not looked at."""

    class Complaint(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            history.violation(f"logged: {self.format(record)}")

    loggers = [logging.getLogger(name) for name in ("server", "asyncio")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    handler = Complaint()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate


def simulate(seed: int, variation: Variation | None = None, *, tracing: bool = False) -> Result:
    """One world from beginning to end."""
    loop = VirtualLoop()
    worlds: list[World] = []

    async def main() -> None:
        world = World(seed, loop, variation or Variation(), tracing=tracing)
        worlds.append(world)
        with _complaints(world.history):
            await world.run()

    trouble: list[str] = []
    try:
        loop.run(main())
    except (Deadlock, Runaway) as error:
        trouble.append(str(error))
    world = worlds[0]
    found = world.history.violations + trouble
    return Result(seed, found, world.history.lines, loop.turns, world.disk.head(BOARD), loop.time())
