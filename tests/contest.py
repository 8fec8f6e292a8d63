"""Instances that write one board side by side, on virtual time: the harness of `test_turns.py`."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

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
from tests.simulator.store import SimStore

BOARD, SECONDS = "contested", 5.0


class Nobody:
    """Listens to a board."""

    def deliver(self, board: str, changes: Sequence[Change]) -> None: ...
    def resync(self, board: str) -> None: ...
    def closed(self, board: str, reason: str) -> None: ...
    def flush(self) -> None: ...


class AskingStore(SimStore):
    """Has to ask where the log ends, when somebody else appended last: as the one on MongoDB."""

    end = 0

    async def append(self, board: str, first: int, changes: Sequence[Change]) -> None:
        if first != self.end + 1:
            await self.names(board, ["nobody/nowhere/nothing"])
        await super().append(board, first, changes)
        self.end = changes[-1].seq


class Writer:
    """One instance, and somebody there who always has `window` mutations under way, `pause_s` apart."""

    def __init__(
        self,
        name: str,
        window: int,
        disk: SimDisk,
        exchange: SimExchange,
        faults: Faults,
        pause_s: float = 0.0,
    ) -> None:
        self.name, self.window, self.pause_s = name, window, pause_s
        self.broker = SimBroker(exchange)
        self.metrics = Metrics()
        self.acked = 0
        self.longest_s = 0.0
        self.refused: Counter[str] = Counter()
        self.boards = Boards(
            Parts(
                run=name,
                store=AskingStore(disk, faults),
                broker=self.broker,
                listener=Nobody(),
                policy=Policy(open_mode=True),
                settings=BoardSettings(),
                limits=Limits(),
                clock=lambda: 1_700_000_000_000,
                mint=lambda: "e1",
                rng=random.Random(name),
                metrics=self.metrics,
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

    async def write_now_and_then(self, until: float, rate: float) -> list[float]:
        """So many mutations a second, at random moments, whether or not answers came; how long each took."""
        rng, took_s, answers = random.Random(self.name), [], []
        while self._loop.time() < until:
            await asyncio.sleep(rng.expovariate(rate))
            began = self._loop.time()
            answer: asyncio.Future[Outcome] = self._loop.create_future()
            answer.add_done_callback(lambda _, began=began: took_s.append(self._loop.time() - began))
            self._submit(c.BoardUpdate(name=f"{self.name} {self._number}"), answer.set_result)
            answers.append(answer)
        outcomes = await asyncio.gather(*answers)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        return sorted(took_s)

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
            self._loop.call_later(self.pause_s, self._next)

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


class Contest:
    """Instances that write one board side by side for SECONDS, in virtual time."""

    def __init__(self, store_s: float, *, drop: float = 0.0) -> None:
        self.faults = Faults(usual_s=store_s, drop=drop)
        self.disk, self.exchange = SimDisk(), SimExchange(self.faults)
        self.writers: list[Writer] = []

    def add(self, window: int, pause_s: float = 0.0, *, far: float = 1.0) -> Writer:
        """`far`: so many times as long as for the others its calls of the store take."""
        name = f"w{len(self.writers)}"
        faults = Faults(random.Random(name), usual_s=self.faults.usual_s * far) if far > 1 else self.faults
        self.writers.append(Writer(name, window, self.disk, self.exchange, faults, pause_s))
        return self.writers[-1]

    async def open(self) -> None:
        """Everybody is on the board."""
        for writer in self.writers:
            await writer.boards.start()
        await self.writers[0].make_board()
        for writer in self.writers:
            await writer.boards.hold(BOARD).ready()

    async def play(self, *, lost: int = 0) -> None:
        """So many of the writers lose their broker after a second."""
        await self.open()
        loop = asyncio.get_running_loop()
        for writer in self.writers[:lost]:
            loop.call_later(1.0, writer.broker.lose)
        until = loop.time() + SECONDS
        await asyncio.gather(*(writer.write(until) for writer in self.writers))
        for writer in self.writers:
            await writer.boards.stop()
