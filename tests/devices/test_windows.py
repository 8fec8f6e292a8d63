"""How much may come in: `server/devices/windows.py`, and the two lanes behind it."""

from hypothesis import given
from hypothesis import strategies as st

from server.devices.judge import Judged, Names
from server.devices.lanes import GROUP_POINTS, Lanes, Waiting
from server.devices.source import Budget, Limits, Source, take
from server.devices.windows import Windows, parse
from server.model.telemetry import Point


def test_a_window_lets_through_what_it_says_and_tells_when_the_next_may_come() -> None:
    windows = Windows(parse("100:1,150:60"), 0.0)
    assert windows.take(100, 0.0) == 0.0
    assert round(windows.take(10, 0.0), 3) == 0.1, "the second is full again in a tenth"
    assert windows.take(50, 0.5) == 0.0
    assert round(windows.take(40, 1.0), 1) == 15.0, "the minute gives 2.5 a second"
    assert windows.take(40, 17.0) == 0.0


def test_no_window_is_no_limit() -> None:
    windows = Windows(parse(""), 0.0)
    assert windows.take(10**9, 0.0) == 0.0


def test_what_is_larger_than_a_window_goes_through_when_it_is_full_and_leaves_a_debt() -> None:
    windows = Windows(parse("10:1"), 0.0)
    assert windows.take(50, 0.0) == 0.0
    assert round(windows.take(1, 0.0), 1) == 4.1
    assert windows.take(50, 4.2) > 0
    assert windows.take(50, 5.0) == 0.0


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 2)), max_size=60))
def test_never_more_than_a_burst_and_what_the_rate_gives(asked: list[tuple[int, float]]) -> None:
    windows, now, taken = Windows(((20, 1), (60, 10)), 0.0), 0.0, 0
    for amount, pause in asked:
        now += pause
        before = taken
        wait = windows.take(amount, now)
        if wait == 0.0:
            taken += amount
            assert before <= 20 + now * 20 + 1e-6 and before <= 60 + now * 6 + 1e-6
        else:
            assert windows.wait(amount, now) == wait, "being refused costs nothing"
            assert windows.wait(amount, now + wait + 1e-6) == 0.0, "the hint is kept"
            now += wait + 1e-6


def test_of_two_budgets_nothing_is_taken_when_one_has_not_enough() -> None:
    limits = Limits(parse("10:1"), parse("5:1"))
    one, both = Budget(limits, 0.0), Budget(limits, 0.0)
    assert take([one, both], 8, 0.0, backlog=False) == 0.0
    other = Budget(limits, 0.0)
    assert take([other, both], 8, 0.0, backlog=False) > 0
    assert take([other], 10, 0.0, backlog=False) == 0.0
    assert take([one, both], 5, 0.0, backlog=True) == 0.0, "a backlog has a budget of its own"


def waiting(points: int) -> Waiting:
    source = Source("b", "d", Names([], 10), Budget(Limits((), ()), 0.0))
    judged = Judged({}, [Point(0, "m", 0.0)] * points, [])
    return Waiting(source, "", 0, judged, None, 0, lambda outcome: None)


def test_live_points_go_first_and_a_backlog_gets_its_part() -> None:
    lanes = Lanes(200_000)
    backlog = [waiting(100) for _ in range(200)]
    live = [waiting(100) for _ in range(200)]
    for one in backlog:
        assert lanes.add(one, backlog=True)
    for one in live:
        assert lanes.add(one, backlog=False)
    group = lanes.group()
    assert group == live[:75] + backlog[:25]
    assert sum(one.size for one in group) == GROUP_POINTS
    while lanes:
        group += lanes.group()
    assert [one for one in group if one in live] == live
    assert lanes.points == 0
    assert lanes.group() == []


def test_what_does_not_fit_is_refused_and_one_lane_does_not_fill_the_other() -> None:
    lanes = Lanes(1000)
    assert lanes.add(waiting(1000), backlog=True)
    assert not lanes.add(waiting(1), backlog=True)
    assert lanes.add(waiting(999), backlog=False)
    assert not lanes.add(waiting(2), backlog=False)
    assert lanes.points == 1999
