"""A batch waits for those who wrote in the one before: not for long, and not for people. In virtual time."""

import asyncio

import pytest

from server.boards.gathering import CROWD, LATELY_S, WAIT_S, Gathering
from server.boards.live import LiveBoard
from server.boards.submission import Accepted, Outcome, Submission
from server.model import commands as c
from server.model.records import Actor
from tests.contest import BOARD, Contest
from tests.simulator.loop import VirtualLoop


def waited_s(last: int, waiting: int, *, pause_s: float = 0.0, comes: tuple[float, ...] = ()) -> float:
    """How long a batch waits with so many in the inbox. `comes`: when one more does, in seconds."""
    loop = VirtualLoop()

    async def main() -> float:
        gathering, inbox = Gathering(), waiting
        if last:
            gathering.answered(last)
        await asyncio.sleep(pause_s)
        began = loop.time()

        def one_more() -> None:
            nonlocal inbox
            inbox += 1
            gathering.came(inbox)

        for at in comes:
            loop.call_later(at, one_more)
        await gathering.crowd(inbox)
        return loop.time() - began

    return loop.run(main())


def test_nobody_is_waited_for_where_few_write() -> None:
    assert waited_s(0, 1) == 0.0
    assert waited_s(CROWD - 1, 1) == 0.0


def test_a_batch_that_is_nearly_as_large_as_the_one_before_begins_at_once() -> None:
    assert waited_s(32, 24) == 0.0
    assert waited_s(32, 100) == 0.0


def test_a_small_one_begins_when_most_are_back() -> None:
    comes = (*[0.0001] * 22, 0.0002, 0.0003)
    assert waited_s(32, 1, comes=comes) == pytest.approx(0.0002)


def test_it_begins_in_any_case() -> None:
    assert waited_s(32, 1) == pytest.approx(WAIT_S)
    assert waited_s(1000, 1, comes=(0.0001,) * 100) == pytest.approx(WAIT_S)


def test_those_who_wrote_long_ago_are_not_expected() -> None:
    assert waited_s(32, 1, pause_s=LATELY_S * 1.1) == 0.0


class Crowd:
    """So many who write as soon as they have their answers. It takes them a moment, but for the first two."""

    def __init__(self, board: LiveBoard, size: int, mutations: int) -> None:
        self._board, self._size, self._left = board, size, mutations
        self._loop = asyncio.get_running_loop()
        self._under_way = 0
        self._done = asyncio.Event()

    async def write(self) -> None:
        for number in range(self._size):
            self._next(number)
        await self._done.wait()

    def _next(self, number: int) -> None:
        if self._left:
            self._left -= 1
            self._under_way += 1
            self._board.submit(self._mutation(number))
        elif not self._under_way:
            self._done.set()

    def _mutation(self, number: int) -> Submission:
        def settle(outcome: Outcome) -> None:
            assert isinstance(outcome, Accepted)
            self._under_way -= 1
            self._loop.call_later(0.0 if number < 2 else 0.0004, self._next, number)

        return Submission(
            actor=Actor("u", "U"),
            client=f"client-{number}",
            mutation=f"m{self._left}",
            command=c.BoardUpdate(name=f"Board {self._left}"),
            base=None,
            settle=settle,
        )


def test_a_crowd_shares_its_appends() -> None:
    """Without the wait every second append is of the few who are back first: there are 41 then."""
    loop = VirtualLoop()

    async def main() -> list[int]:
        contest = Contest(0.0003)
        writer = contest.add(1)
        await contest.open()
        await Crowd(writer.boards.get(BOARD), 32, mutations=20 * 32).write()
        return writer.metrics.batches_appended_changes.counts

    assert sum(loop.run(main())) <= 24
