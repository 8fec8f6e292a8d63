"""Rate of change within a span, and silence."""

import pytest

from server.devices import rules
from server.model.devices import Above, Rate, Silent
from tests.devices.rules import HOUR, MIN, T0, Watched

SPAN = 10 * MIN


def test_a_rise_by_more_within_the_span_opens() -> None:
    watched = Watched(Rate(value=5, for_ms=SPAN))
    assert watched.every(MIN, [20, 21, 22, 23, 24, 25, 25.1]) == [(6 * MIN, "opened")]
    assert watched.seen[0].reason == "temp is 25.1: rose by 5.1 within 10 min, more than 5"


def test_the_same_rise_over_a_longer_time_does_not() -> None:
    assert Watched(Rate(value=5, for_ms=SPAN)).every(MIN, [20 + 0.5 * i for i in range(200)]) == []


def test_a_fall_is_nothing_to_a_rise_and_the_other_way_round() -> None:
    assert Watched(Rate(value=5, for_ms=SPAN)).every(MIN, [30, 10, 0]) == []
    assert Watched(Rate(value=-5, for_ms=SPAN)).every(MIN, [0, 10, 30]) == []
    assert Watched(Rate(value=-5, for_ms=SPAN)).every(MIN, [30, 24.9]) == [(MIN, "opened")]


def test_it_clears_when_the_change_has_settled() -> None:
    watched = Watched(Rate(value=5, clear=1, for_ms=SPAN))
    turns = watched.every(MIN, [20, 26, *[26.5] * 20])
    assert turns[0] == (MIN, "opened")
    assert turns[1][1] == "cleared"
    assert SPAN - MIN <= turns[1][0] - MIN <= SPAN + MIN


def test_what_went_up_and_down_inside_the_span_counts_from_its_lowest() -> None:
    assert Watched(Rate(value=5, for_ms=SPAN)).every(MIN, [20, 17, 19, 22.5]) == [(3 * MIN, "opened")]


@pytest.mark.parametrize(("value", "turns"), [(44.0, []), (46.0, [(60 * MIN, "opened")])])
def test_after_a_gap_the_average_rise_counts(value: float, turns: list[tuple[int, str]]) -> None:
    watched = Watched(Rate(value=4, for_ms=SPAN))
    watched.feed((0, 20.0))
    assert watched.every(MIN, [value], 60 * MIN) == turns


def test_a_span_takes_little_room_however_many_points_it_has() -> None:
    watched = Watched(Rate(value=5, for_ms=SPAN))
    watched.every(100, [20 + i % 3 for i in range(20_000)])
    assert watched.state.window is not None
    assert len(watched.state.window.parts) <= 17


def test_what_a_clock_that_was_ahead_put_into_the_future_is_dropped() -> None:
    watched = Watched(Rate(value=5, for_ms=SPAN))
    watched.feed((5 * MIN, 10.0), now=0)
    assert watched.feed((1_000, 20.0), now=1_000) == ["opened"]
    assert watched.feed((2_000, 20.0), now=2_000) == ["cleared"]


def test_silence_opens_after_the_time_and_the_next_point_clears() -> None:
    watched = Watched(Silent(for_ms=5 * MIN))
    watched.feed((0, 21.0))
    assert watched.due == 5 * MIN
    assert watched.tick(5 * MIN - 1) == []
    assert watched.tick(5 * MIN + 700) == ["opened"]
    assert watched.due is None
    assert watched.feed((9 * MIN, 22.0)) == ["cleared"]
    opened, cleared = watched.seen
    assert (opened.since - T0, opened.at - T0) == (0, 5 * MIN)
    assert opened.reason == "temp is 21: nothing has come for 5 min"
    assert cleared.at - T0 == 9 * MIN


def test_a_device_that_never_spoke_is_silent_from_when_it_is_watched() -> None:
    watched = Watched(Silent(for_ms=5 * MIN))
    assert watched.tick(5 * MIN) == ["opened"]
    assert watched.seen[0].value is None
    assert watched.seen[0].reason == "temp: nothing has come for 5 min"


def test_points_of_any_age_break_the_silence() -> None:
    """A device that works through its backlog is there; its clock says nothing about that."""
    watched = Watched(Silent(for_ms=5 * MIN))
    watched.feed((0, 21.0))
    watched.feed((-HOUR, 20.0), now=4 * MIN)
    assert watched.due == 9 * MIN
    assert watched.tick(9 * MIN) == ["opened"]
    assert watched.feed((-HOUR + 1, 20.0), now=10 * MIN) == ["cleared"]
    assert watched.seen[-1].at - T0 == 10 * MIN


def test_who_speaks_a_little_too_seldom_does_not_flood_a_card() -> None:
    watched = Watched(Silent(for_ms=MIN))
    for now in range(0, 12 * HOUR, 70_000):
        watched.feed((now, 1.0))
        for _ in range(4):
            if watched.due is not None and watched.due < now + 70_000:
                watched.tick(watched.due)
    assert len(watched.seen) <= 6
    assert watched.state.alarm.active


def test_after_a_pause_of_the_server_nobody_is_silent_at_once() -> None:
    watched = Watched(Silent(for_ms=5 * MIN))
    watched.feed((0, 21.0))
    rules.resume(watched.state, watched.rule, T0 + HOUR)
    assert watched.tick(HOUR) == []
    assert watched.due == HOUR + rules.evaluate.GRACE_MS
    watched.feed((HOUR + 1_000, 21.0))
    assert watched.due == HOUR + 1_000 + 5 * MIN


def test_an_open_silence_survives_a_change_of_its_time() -> None:
    watched = Watched(Silent(for_ms=MIN))
    watched.tick(MIN)
    changed = Watched(Silent(for_ms=2 * MIN))
    changed.state = rules.adopt(watched.state, watched.rule, changed.rule, T0 + 2 * MIN)
    assert changed.tick(3 * MIN) == []
    assert changed.feed((4 * MIN, 1.0)) == ["cleared"]


def test_a_rule_that_became_another_kind_starts_to_listen_anew() -> None:
    watched = Watched(Above(value=80))
    watched.feed((0, 20.0))
    changed = Watched(Silent(for_ms=MIN))
    changed.state = rules.adopt(watched.state, watched.rule, changed.rule, T0 + HOUR)
    assert changed.due == HOUR + MIN
