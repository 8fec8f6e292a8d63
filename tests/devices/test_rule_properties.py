"""Over random points: what is true of every rule."""

from itertools import pairwise
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from server.devices import rules
from server.devices.rules import Point, RuleState, Transition, Trial, trial
from server.model.devices import Above, Anomaly, Below, Rate, Silent, When
from tests.devices.rules import HOUR, MIN, T0, rule

WHENS: st.SearchStrategy[When] = st.sampled_from(
    [
        Above(value=5, clear=3, for_ms=3 * MIN),
        Above(value=5),
        Below(value=-5, clear=-5),
        Rate(value=4, clear=1, for_ms=5 * MIN),
        Rate(value=-4, for_ms=MIN),
        Silent(for_ms=2 * MIN),
        Anomaly(for_ms=MIN),
    ]
)
BY_POINTS = WHENS.filter(lambda when: not isinstance(when, Silent))
"""Kinds that judge by the clock of the points alone."""
VALUES = st.integers(-9, 9).map(float)
STEPS = st.lists(st.tuples(st.integers(1, 5 * MIN), VALUES), max_size=80)


def points(steps: list[tuple[int, float]]) -> list[Point]:
    t, made = T0, []
    for step, value in steps:
        t += step
        made.append((t, value))
    return made


def turns_alternate(made: list[Transition]) -> bool:
    opening = [transition.turn != "cleared" for transition in made]
    return opening[:1] != [False] and all(a != b for a, b in pairwise(opening))


@given(BY_POINTS, STEPS, st.lists(st.integers(0, 80)), st.randoms())
@settings(max_examples=200)
def test_how_points_are_put_together_on_the_way_is_nothing(
    when: When, steps: list[tuple[int, float]], cuts: list[int], random: Random
) -> None:
    made, one, many = points(steps), rules.begin(T0), rules.begin(T0)
    alone = [out for point in made for out in rules.feed(rule(when), one, [point], T0 + 10 * HOUR)]
    together: list[Transition] = []
    edges = sorted({0, len(made), *(min(cut, len(made)) for cut in cuts)})
    for start, end in pairwise(edges):
        batch = made[start:end]
        random.shuffle(batch)
        together += rules.feed(rule(when), many, batch, T0 + 10 * HOUR)
    assert together == alone
    assert one.verdict == many.verdict


@given(WHENS, STEPS, STEPS)
@settings(max_examples=200)
def test_a_state_that_was_written_down_goes_on_as_if_nothing_had_been(
    when: When, before: list[tuple[int, float]], after: list[tuple[int, float]]
) -> None:
    past, whole = points(before), points(before + after)
    state = rules.begin(T0)
    for t, value in past:
        rules.feed(rule(when), state, [(t, value)], t)
    data = msgspec.msgpack.encode(state)
    again = msgspec.msgpack.decode(data, type=RuleState)
    assert again == state
    assert len(data) < 800
    for t, value in whole[len(past) :]:
        assert rules.feed(rule(when), again, [(t, value)], t) == rules.feed(
            rule(when), state, [(t, value)], t
        )
        assert rules.due(rule(when), again) == rules.due(rule(when), state)


@given(WHENS, STEPS, st.integers(0, 10 * MIN))
@settings(max_examples=200)
def test_a_trial_gives_what_would_have_been(when: When, steps: list[tuple[int, float]], rest: int) -> None:
    """Live: each point when it is made, the time as `due` asks for it."""
    state, lived, made = rules.begin(T0), list[Transition](), points(steps)
    end = (made[-1][0] if made else T0) + rest

    def pass_time(until: int) -> None:
        while (at := rules.due(rule(when), state)) is not None and at < until:
            lived.extend(rules.tick(rule(when), state, at))

    for t, value in made:
        pass_time(t)
        lived.extend(rules.feed(rule(when), state, [(t, value)], t))
    pass_time(end)
    assert trial(rule(when), reversed(made), start=T0, end=end) == lived
    assert turns_alternate(lived)
    assert all(transition.since <= transition.at <= end for transition in lived)


@given(WHENS, STEPS)
@settings(max_examples=100)
def test_a_trial_in_slices_is_the_same(when: When, steps: list[tuple[int, float]]) -> None:
    made = points(steps)
    end = (made[-1][0] if made else T0) + HOUR
    sliced = Trial(rule(when), T0)
    out = [turn for start in range(0, len(made), 7) for turn in sliced.feed(made[start : start + 7])]
    assert out + sliced.until(end) == trial(rule(when), made, start=T0, end=end)


@given(WHENS, st.lists(st.tuples(st.integers(-HOUR, HOUR), VALUES, st.integers(0, 5 * MIN)), max_size=60))
@settings(max_examples=200)
def test_no_order_of_points_and_clocks_breaks_it(when: When, steps: list[tuple[int, float, int]]) -> None:
    """Times of points far behind and ahead of the clock; each `tick` that is due ends what made it due."""
    state, now, made = rules.begin(T0), T0, list[Transition]()
    for offset, value, passed in steps:
        now += passed
        due = rules.due(rule(when), state)
        if due is not None and due <= now:
            made += rules.tick(rule(when), state, now)
            again = rules.due(rule(when), state)
            assert again is None or again > now or isinstance(when, Silent)
        made += rules.feed(rule(when), state, [(now + offset, value)], now)
    assert turns_alternate(made)


@given(st.lists(st.tuples(st.integers(1, 12_000), st.booleans()), min_size=100, max_size=300))
@settings(max_examples=100)
def test_nothing_turns_more_than_sixteen_times_in_an_hour(steps: list[tuple[int, bool]]) -> None:
    """However it flaps: the times it has to stay well for add up to more than an hour by then."""
    made = points([(step, 9.0 if high else 0.0) for step, high in steps])
    assert len(trial(rule(Above(value=5)), made, start=T0, end=made[-1][0])) <= 16
