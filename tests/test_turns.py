"""Instances that write one board as fast as they can take turns: nobody starves. In virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from server.boards.parts import BoardSettings, Parts
from server.boards.registry import Boards
from server.boards.submission import Accepted, Outcome, Submission
from server.document import Limits
from server.metrics import Metrics
from server.model import commands as c
from server.model.records import Actor, Change
from server.policy import Policy
from tests.simulator.broker import SimBroker, SimExchange
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.loop import VirtualLoop
from tests.simulator.store import SimStore

BOARD, SECONDS = "contested", 10.0


class Nobody:
    """Listens to a board."""

    def deliver(self, board: str, changes: Sequence[Change]) -> None: ...
    def resync(self, board: str) -> None: ...
    def closed(self, board: str, reason: str) -> None: ...
    def flush(self) -> None: ...


class Writer:
    """One instance, and somebody there who always has `window` mutations under way."""

    def __init__(self, name: str, window: int, disk: SimDisk, exchange: SimExchange, faults: Faults) -> None:
        self.name, self.window = name, window
        self.acked = 0
        self.longest_s = 0.0
        self.refused: Counter[str] = Counter()
        self.boards = Boards(
            Parts(
                store=SimStore(disk, faults),
                broker=SimBroker(exchange),
                listener=Nobody(),
                policy=Policy(open_mode=True),
                settings=BoardSettings(),
                limits=Limits(),
                clock=lambda: 1_700_000_000_000,
                mint=lambda: "e1",
                rng=random.Random(1),
                metrics=Metrics(),
            )
        )
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._under_way = 0
        self._until = 0.0
        self._done = asyncio.Event()

    async def make_board(self) -> None:
        made = self._loop.create_future()
        self._submit(c.BoardCreate(name="Contested"), made.set_result)
        assert isinstance(await made, Accepted)

    async def write(self, until: float) -> None:
        self._until = until
        for _ in range(self.window):
            self._next()
        await self._done.wait()

    def _next(self) -> None:
        if self._loop.time() >= self._until:
            if self._under_way == 0:
                self._done.set()
            return
        began = self._loop.time()
        self._under_way += 1
        command = c.BoardUpdate(name=f"{self.name} {self._number}")

        def settle(outcome: Outcome) -> None:
            self._under_way -= 1
            self.longest_s = max(self.longest_s, self._loop.time() - began)
            if isinstance(outcome, Accepted):
                self.acked += 1
            else:
                self.refused[outcome.code] += 1
            self._loop.call_soon(self._next)

        self._submit(command, settle)

    def _submit(self, command: c.Command, settle: object) -> None:
        self._number += 1
        self.boards.submit(
            BOARD,
            Submission(
                actor=Actor(self.name, self.name),
                client=f"client-{self.name}",
                mutation=f"m{self._number}",
                command=command,
                base=None,
                settle=settle,  # type: ignore[arg-type]
            ),
        )


async def written_by(count: int, window: int, store_s: float) -> list[Writer]:
    """What `count` instances do side by side in SECONDS."""
    faults = Faults(usual_s=store_s)
    disk, exchange = SimDisk(), SimExchange(faults)
    writers = [Writer(f"w{n}", window, disk, exchange, faults) for n in range(count)]
    for writer in writers:
        await writer.boards.start()
    await writers[0].make_board()
    until = asyncio.get_running_loop().time() + SECONDS
    await asyncio.gather(*(writer.write(until) for writer in writers))
    for writer in writers:
        await writer.boards.stop()
    return writers


def run(count: int, window: int, store_s: float) -> list[Writer]:
    return VirtualLoop(most_turns=5_000_000).run(written_by(count, window, store_s))


@pytest.mark.parametrize("store_s", [0.002, 0.01, 0.03])
def test_two_writers_share_a_board(store_s: float) -> None:
    window = 16
    (alone,) = run(1, window, store_s)
    both = run(2, window, store_s)
    together = sum(writer.acked for writer in both)
    assert not alone.refused
    assert [writer.refused for writer in both] == [Counter(), Counter()]
    assert together >= alone.acked / 2
    assert min(writer.acked for writer in both) >= together / 3
    assert max(writer.longest_s for writer in both) <= 1.0


def test_four_writers_share_a_board() -> None:
    four = run(4, 4, 0.01)
    together = sum(writer.acked for writer in four)
    assert not any(writer.refused for writer in four)
    assert min(writer.acked for writer in four) >= together / 8
