"""Above and below: clearing value, holding time, late and bulk points, flapping."""

from math import inf, nan

import pytest

from server.devices import rules
from server.devices.rules.alarm import AGAIN_MS, FLAP_MS
from server.model.devices import Above, Below
from tests.devices.rules import HOUR, MIN, T0, Watched


def test_it_opens_above_the_value_and_clears_at_the_clearing_value() -> None:
    watched = Watched(Above(value=80, clear=75))
    assert watched.every(MIN, [80, 80.1, 85, 78, 75.1, 81, 75, 74]) == [(MIN, "opened"), (6 * MIN, "cleared")]


def test_without_a_clearing_value_it_clears_at_the_value() -> None:
    assert Watched(Above(value=80)).every(MIN, [81, 80]) == [(0, "opened"), (MIN, "cleared")]


def test_below_is_the_mirror_image() -> None:
    watched = Watched(Below(value=-5, clear=-3))
    assert watched.every(MIN, [-5, -5.1, -4, -3]) == [(MIN, "opened"), (3 * MIN, "cleared")]


def test_a_transition_tells_the_value_the_time_and_the_reason() -> None:
    watched = Watched(Above(value=80, clear=75, for_ms=5 * MIN))
    watched.every(MIN, [70, 85, 85, 85, 85, 85, 86])
    (opened,) = watched.seen
    assert (opened.turn, opened.value) == ("opened", 86)
    assert (opened.since - T0, opened.at - T0) == (MIN, 6 * MIN)
    assert opened.reason == "temp is 86: above 80 for 5 min"


def test_it_must_hold_and_one_well_reading_begins_it_anew() -> None:
    watched = Watched(Above(value=80, for_ms=3 * MIN))
    assert watched.every(MIN, [81, 81, 81, 79, 81, 81, 81, 81]) == [(7 * MIN, "opened")]


def test_between_the_values_nothing_is_held() -> None:
    """Neither towards opening nor towards clearing: both ask for the whole time on their own side."""
    watched = Watched(Above(value=80, clear=70, for_ms=2 * MIN))
    assert watched.every(MIN, [81, 75, 81, 81, 81]) == [(4 * MIN, "opened")]
    assert watched.every(MIN, [70, 75, 70, 70, 70], 5 * MIN) == [(9 * MIN, "cleared")]


def test_a_value_holds_until_the_next_one_as_of_a_door_left_open() -> None:
    watched = Watched(Above(value=0.5, for_ms=10 * MIN))
    assert watched.feed((0, 1.0)) == []
    assert watched.due == 10 * MIN
    assert watched.tick(10 * MIN - 1) == []
    assert watched.tick(10 * MIN + 5) == ["opened"]
    assert watched.seen[0].at - T0 == 10 * MIN
    assert watched.due is None
    assert watched.tick(HOUR) == []


def test_a_slow_clock_of_a_device_does_not_shorten_the_time() -> None:
    watched = Watched(Above(value=0.5, for_ms=10 * MIN))
    watched.feed((0, 1.0), now=HOUR)
    assert watched.due == HOUR + 10 * MIN


def test_points_in_bulk_count_by_their_own_time() -> None:
    watched = Watched(Above(value=80, for_ms=10 * MIN))
    assert watched.feed((0, 81), (5 * MIN, 82), (10 * MIN, 83), (20 * MIN, 60), (30 * MIN, 60), now=HOUR) == [
        "opened",
        "cleared",
    ]


def test_the_order_inside_a_bulk_is_nothing() -> None:
    watched = Watched(Above(value=80, for_ms=10 * MIN))
    assert watched.feed((10 * MIN, 83), (0, 81), (5 * MIN, 82), now=HOUR) == ["opened"]


def test_a_point_older_than_the_newest_changes_nothing_and_is_counted() -> None:
    watched = Watched(Above(value=80))
    watched.feed((10 * MIN, 70.0))
    assert watched.feed((5 * MIN, 99.0), now=11 * MIN) == []
    assert watched.state.late == 1
    assert watched.state.last_v == 70


def test_a_clock_that_was_ahead_and_is_set_right_is_heard_at_once() -> None:
    watched = Watched(Above(value=80))
    watched.feed((5 * MIN, 70.0), now=0)
    assert watched.feed((1_000, 99.0), now=1_000) == ["opened"]
    assert watched.state.late == 0


def test_a_clock_set_right_does_not_lengthen_the_time() -> None:
    watched = Watched(Above(value=80, for_ms=10 * MIN))
    watched.feed((5 * MIN, 81.0), now=0)
    watched.feed((1_000, 81.0), now=1_000)
    assert watched.feed((10 * MIN + 1_000, 81.0)) == ["opened"]
    assert watched.seen[0].since - T0 == 1_000


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e301])
def test_what_is_not_a_finite_number_is_left_out_and_counted(value: float) -> None:
    watched = Watched(Above(value=80))
    assert watched.feed((0, value)) == []
    assert (watched.state.odd, watched.state.last_v) == (1, None)


def test_not_well_again_soon_is_a_return_and_later_a_new_matter() -> None:
    watched = Watched(Above(value=80))
    watched.every(MIN, [81, 70, 81])
    assert [made.turn for made in watched.seen] == ["opened", "cleared", "returned"]
    watched.feed((10 * MIN, 70.0))
    assert watched.feed((11 * MIN, 70.0)) == ["cleared"]
    assert watched.feed((11 * MIN + AGAIN_MS + 1, 81.0)) == ["opened"]


def test_after_a_return_it_must_stay_well_for_longer_each_time() -> None:
    watched = Watched(Above(value=80))
    second, now, held = 1_000, 0, []
    for _ in range(4):
        watched.feed((now, 81.0))
        well = now = now + second
        while not watched.feed((now, 70.0)):
            now += second
        held.append(now - well)
        now += second
    assert held == [0, FLAP_MS, 2 * FLAP_MS, 4 * FLAP_MS]


def test_what_flaps_for_days_says_little() -> None:
    watched = Watched(Above(value=80))
    watched.every(5 * MIN, [81 if i % 2 else 79 for i in range(3 * 288)])
    assert len(watched.seen) <= 8
    assert watched.state.alarm.active
    assert watched.tick(5 * 24 * HOUR) == []  # the last value was not well


def test_a_flapping_alarm_clears_by_itself_once_it_is_quiet() -> None:
    watched = Watched(Above(value=80))
    watched.every(MIN, [81, 79, 81, 79])
    assert watched.state.alarm.active
    assert watched.due == 3 * MIN + FLAP_MS
    assert watched.tick(3 * MIN + FLAP_MS) == ["cleared"]


def test_a_changed_rule_takes_over_an_open_alarm() -> None:
    watched = Watched(Above(value=80))
    watched.feed((0, 81.0))
    changed = Watched(Above(value=90))
    changed.state = rules.adopt(watched.state, watched.rule, changed.rule, T0 + MIN)
    assert changed.state.alarm.active
    assert changed.feed((2 * MIN, 85.0)) == ["cleared"]


def test_time_held_under_the_old_rule_does_not_count_for_the_new_one() -> None:
    watched = Watched(Above(value=80, for_ms=10 * MIN))
    watched.feed((0, 85.0))
    changed = Watched(Above(value=90, for_ms=10 * MIN))
    changed.state = rules.adopt(watched.state, watched.rule, changed.rule, T0 + MIN)
    assert changed.due is None
    assert changed.feed((10 * MIN, 95.0)) == []


def test_after_a_pause_time_alone_opens_nothing_at_once() -> None:
    watched = Watched(Above(value=0.5, for_ms=10 * MIN))
    watched.feed((0, 1.0))
    rules.resume(watched.state, watched.rule, T0 + HOUR)
    assert watched.due == HOUR + MIN
    assert watched.feed((30 * MIN, 0.0), now=HOUR + 1_000) == []
    assert watched.due is None
