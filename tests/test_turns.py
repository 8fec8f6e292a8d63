"""Instances that write one board as fast as they can take turns: nobody starves. In virtual time."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from server.boards.line import MOST_IN_LINE, PATIENCE_S, QUIET_S, ROUND_S, Line
from server.wire import PeerTurn, PeerWant
from tests.contest import SECONDS, Contest, Writer
from tests.simulator.loop import VirtualLoop


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


@pytest.mark.parametrize(("far", "least"), [(1.0, 0.5), (2.0, 0.2), (3.0, 0.05)])
@pytest.mark.parametrize("lost", [1, 2])
def test_who_always_wins_finds_out_that_others_want_the_board(far: float, least: float, lost: int) -> None:
    """Without the broker, when it was there first, and the other one is farther from the store."""
    loop = VirtualLoop(most_turns=5_000_000)

    async def main() -> list[Writer]:
        contest = Contest(0.005)
        first, other = contest.add(8), contest.add(8, far=far)
        await contest.open()
        for writer in contest.writers[:lost]:
            writer.broker.lose()
        until = loop.time() + SECONDS
        writing = asyncio.create_task(first.write(until))
        await asyncio.sleep(0.3)
        await asyncio.gather(writing, other.write(until))
        for writer in contest.writers:
            await writer.boards.stop()
        return contest.writers

    assert_fair(loop.run(main()), least, longest_s=2.0)


def test_one_that_is_not_heard_any_more_is_left_its_share() -> None:
    assert_fair(run(16, 16, store_s=0.002, lost=1), 1 / 2, longest_s=2.0)


# -- at modest rates


def now_and_then(rate: float, count: int, *, idle: int = 0) -> list[list[float]]:
    """How long each mutation took, in round trips to the store, of `count` who write side by side."""
    loop = VirtualLoop(most_turns=5_000_000)
    store_s = 0.002

    async def main() -> list[list[float]]:
        contest = Contest(store_s)
        writers = [contest.add(1) for _ in range(count)]
        for _ in range(idle):
            contest.add(1)
        await contest.open()
        until = loop.time() + 30
        took_s = await asyncio.gather(*(writer.write_now_and_then(until, rate) for writer in writers))
        for writer in contest.writers:
            await writer.boards.stop()
        return took_s

    round_s = 2 * 1.2 * store_s  # there and back, on average
    return [[one_s / round_s for one_s in took_s] for took_s in loop.run(main())]


@pytest.mark.parametrize("idle", [0, 1])
@pytest.mark.parametrize("rate", [5, 20, 50])
def test_two_who_write_at_a_modest_rate_hardly_wait_for_each_other(rate: float, idle: int) -> None:
    """Alone a mutation takes one round trip; who loses a race reads, asks where the log ends, and appends."""
    for took in now_and_then(rate, 2, idle=idle):
        assert took[len(took) // 2] < 3
        assert took[len(took) * 99 // 100] < 20
        assert took[-1] < 45, "nobody waited for a turn that nobody gave"


def test_three_who_write_at_a_modest_rate_hardly_wait_for_each_other() -> None:
    for took in now_and_then(20, 3):
        assert took[len(took) // 2] < 3
        assert took[len(took) * 99 // 100] < 20


# -- the line


def test_only_who_wrote_last_or_was_left_it_has_the_board_to_leave() -> None:
    line = Line("a")
    assert not line.holds, "it has not written at all"
    line.stored(1.0)
    assert line.holds
    line.wrote(2.0)
    assert not line.holds
    assert line.given(PeerTurn(to="a"), 3.0) and line.holds
    assert not line.given(PeerTurn(to="b"), 4.0) and not line.holds


def test_who_said_that_it_wants_the_board_while_a_turn_was_under_way_stays_in_the_line() -> None:
    line = Line("a")
    line.wants("b")
    assert line.given(PeerTurn(to="a", line=["c", "a"]), 1.0)
    turn = line.give(2.0, back=False)
    assert (turn.to, turn.line) == ("c", ["b"])


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
