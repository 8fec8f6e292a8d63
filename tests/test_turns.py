"""Instances that write one board as fast as they can take turns: nobody starves. In virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from server.boards.line import MOST_IN_LINE, PATIENCE_S, QUIET_S, ROUND_S, Line
from server.boards.parts import BoardSettings, Parts
from server.boards.registry import Boards
from server.boards.submission import Accepted, Outcome, Submission
from server.document import Limits
from server.metrics import Metrics
from server.model import commands as c
from server.model.records import Actor, Change
from server.policy import Policy
from server.wire import PeerTurn, PeerWant
from tests.simulator.broker import SimBroker, SimExchange
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.loop import VirtualLoop
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

    def add(self, window: int, pause_s: float = 0.0) -> Writer:
        name = f"w{len(self.writers)}"
        self.writers.append(Writer(name, window, self.disk, self.exchange, self.faults, pause_s))
        return self.writers[-1]

    async def play(self, *, lost: int = 0) -> None:
        """So many of the writers lose their broker after a second."""
        for writer in self.writers:
            await writer.boards.start()
        await self.writers[0].make_board()
        loop = asyncio.get_running_loop()
        for writer in self.writers[:lost]:
            loop.call_later(1.0, writer.broker.lose)
        until = loop.time() + SECONDS
        await asyncio.gather(*(writer.write(until) for writer in self.writers))
        for writer in self.writers:
            await writer.boards.stop()


def run(
    *windows: int, store_s: float, drop: float = 0.0, pause_s: float = 0.0, lost: int = 0
) -> list[Writer]:
    """A writer with each of the `windows`; the last one makes pauses."""
    loop = VirtualLoop(most_turns=5_000_000)

    async def main() -> list[Writer]:
        contest = Contest(store_s, drop=drop)
        for window in windows[:-1]:
            contest.add(window)
        contest.add(windows[-1], pause_s)
        await contest.play(lost=lost)
        return contest.writers

    return loop.run(main())


def assert_fair(writers: Sequence[Writer], least: float, longest_s: float = 1.0) -> None:
    """Nobody is refused, has less than `least` of its equal share, or waits longer than `longest_s`."""
    assert [writer.refused for writer in writers] == [Counter()] * len(writers)
    share = sum(writer.acked for writer in writers) / len(writers)
    assert min(writer.acked for writer in writers) >= least * share
    assert max(writer.longest_s for writer in writers) <= longest_s


@pytest.mark.parametrize("store_s", [0.002, 0.01, 0.03])
def test_writers_share_a_board(store_s: float) -> None:
    (alone,) = run(16, store_s=store_s)
    assert_fair([alone], 1.0)
    for count in (2, 3, 4):
        them = run(*[16] * count, store_s=store_s)
        assert_fair(them, 2 / 3, longest_s=1.0 if count == 2 else 1.5)
        assert sum(writer.acked for writer in them) >= alone.acked / 2, count


def test_who_writes_now_and_then_is_let_in_soon() -> None:
    """A turn of those who flood the board is not waited for when they have had it for long."""
    flood, person = run(16, 1, store_s=0.005, pause_s=0.5)
    assert not person.refused and not flood.refused
    assert person.acked > SECONDS / 0.7
    assert person.longest_s < 0.15


@pytest.mark.parametrize("count", [2, 3])
def test_lost_messages_cost_time_and_nothing_else(count: int) -> None:
    assert_fair(run(*[16] * count, store_s=0.01, drop=0.1), 1 / 3, longest_s=3.0)


@pytest.mark.parametrize("store_s", [0.002, 0.01, 0.03])
def test_without_the_broker_nobody_starves(store_s: float) -> None:
    assert_fair(run(16, 16, store_s=store_s, lost=2), 1 / 2, longest_s=2.0)


def test_one_that_is_not_heard_any_more_is_left_its_share() -> None:
    assert_fair(run(16, 16, store_s=0.002, lost=1), 1 / 2, longest_s=2.0)


# -- the line


def test_the_board_goes_around_with_the_line() -> None:
    """In the views of a, b and c: b and c want what a has."""
    a, b, c = Line("a"), Line("b"), Line("c")
    a.begin(0.0)
    for want in (b, c):
        assert want.refused(0.0, 1.0)
        a.wants(want.want().by)
    turn = a.give(1.0, back=True)
    assert (turn.to, turn.line) == ("b", ["c", "a"])
    assert (b.given(turn, 1.0), c.given(turn, 1.0)) == (True, False)
    assert (a.waits(1.1), b.waits(1.1), c.waits(1.1)) == (True, False, True)
    turn = b.give(1.1, back=False)
    assert (turn.to, turn.line) == ("c", ["a"])
    assert c.given(turn, 1.1)


def test_a_turn_is_over_when_others_wait_and_it_has_lasted() -> None:
    line = Line("a")
    line.begin(0.0)
    assert not line.over(100.0), "nobody waits"
    line.wants("b")
    assert not line.over(ROUND_S / 2 - 0.01)
    assert line.over(ROUND_S / 2)
    line.wants("c")
    assert line.over(ROUND_S / 3), "the more there are the shorter"


def test_nobody_waits_for_who_is_gone_or_never_ends() -> None:
    line = Line("a")
    assert line.refused(0.0, 0.0)
    assert line.waits(QUIET_S - 0.01) and not line.waits(QUIET_S)
    for tenth in range(100):
        line.wrote(tenth / 10)
    assert not line.waits(PATIENCE_S)


def test_a_turn_that_came_while_an_append_was_refused_is_kept() -> None:
    line = Line("a")
    assert line.refused(0.0, 1.0)
    assert line.given(PeerTurn(to="a"), 2.5)
    assert not line.refused(2.0, 3.0), "sent before the turn came"
    assert line.ours
    assert line.refused(3.0, 4.0)


def test_who_loses_to_somebody_unheard_is_deaf_until_it_hears_something() -> None:
    line = Line("a")
    assert line.refused(0.0, 0.0) and not line.deaf, "what the winner says may come later"
    assert line.refused(0.1, 0.1) and line.deaf
    line.wants("b")
    assert not line.deaf


def test_an_older_version_wants_and_leaves_without_names() -> None:
    line = Line("a")
    line.wants(PeerWant().by)
    assert line.give(0.0, back=False).to == ""
    assert Line("b").given(PeerTurn(back=True), 0.0)


def test_a_line_has_an_end_and_holds_everybody_once() -> None:
    line = Line("a")
    for number in (*range(2 * MOST_IN_LINE), 0, 1):
        line.wants(f"b{number}")
    line.wants("a")
    assert line.give(0.0, back=False).line == [f"b{number}" for number in range(1, MOST_IN_LINE)]
