"""The detector on made signals: what is usual stays quiet, what is not is found, in any unit."""

import random
from collections.abc import Callable
from math import isfinite, pi, sin

import msgspec
import pytest

from server.devices import rules
from server.devices.rules import RuleState
from server.devices.rules.anomaly import MOVES, QUIET, WARM_UP, Detector
from server.model.devices import Above, Anomaly
from tests.devices.rules import MIN, T0, Watched, rule

DAY = 288  # points, one in five minutes
LONG = 10 * DAY
AT = 7 * DAY  # where a fault begins

Signal = Callable[[int], float]


def noise(seed: int, size: float) -> Signal:
    made = random.Random(seed)
    drawn = [made.gauss(0, size) for _ in range(LONG)]
    return lambda i: drawn[i]


def wander(seed: int) -> Signal:
    made, value, values = random.Random(seed), 0.0, []
    for _ in range(LONG):
        value = 0.99 * value + made.gauss(0, 0.5)
        values.append(value)
    return lambda i: 80 + values[i]


def daily(seed: int) -> Signal:
    rough = noise(seed, 0.7)
    return lambda i: 20 + 5 * sin(2 * pi * i / DAY) + rough(i)


def drifting(seed: int) -> Signal:
    rough = daily(seed)
    return lambda i: rough(i) + 0.01 * i


def smooth(seed: int) -> Signal:
    return lambda i: 20 + 10 * sin(2 * pi * (i + seed) / DAY)


def weekly(seed: int) -> Signal:
    rough = noise(seed, 0.5)
    return lambda i: rough(i) + (6 if i // DAY % 7 < 5 else 3) * max(0.0, sin(2 * pi * i / DAY))


USUAL = [daily, drifting, smooth, wander, weekly]
FAULTS: dict[str, Callable[[int, float], float]] = {
    "a level shift": lambda i, v: v + 15,
    "a spike": lambda i, v: v + 25 if i < 2 else v,
    "dropped to nothing": lambda i, v: -20,
    "a ramp": lambda i, v: v + 0.15 * i,
    "stuck": lambda i, v: 19.5,
    "unrest": lambda i, v: v + (12 if i % 2 else -12),
}


def found(values: list[float]) -> list[int]:
    """Where a card would open."""
    watched = Watched(Anomaly())
    turns = watched.every(5 * MIN, values)
    return [at // (5 * MIN) for at, turn in turns if turn != "cleared"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("signal", USUAL)
def test_what_is_usual_stays_quiet(signal: Callable[[int], Signal], seed: int) -> None:
    assert found(list(map(signal(seed), range(LONG)))) == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("signal", [daily, drifting, wander])
def test_a_fault_is_found_while_it_lasts(signal: Callable[[int], Signal], fault: str) -> None:
    usual = signal(1)
    values = [FAULTS[fault](i - AT, usual(i)) if AT <= i < AT + 250 else usual(i) for i in range(AT + 250)]
    opened = found(values)
    assert len(opened) == 1
    assert AT <= opened[0] < AT + 250


def test_it_says_what_was_unusual() -> None:
    usual = daily(1)
    watched = Watched(Anomaly())
    watched.every(5 * MIN, [usual(i) if i < AT else 19.5 for i in range(AT + 250)])
    assert watched.seen[0].reason == "temp is 19.5: and has been exactly that for unusually long"


@pytest.mark.parametrize("scale", [1e-9, -1.0, 1e12])
def test_the_unit_is_nothing(scale: float) -> None:
    usual = wander(2)
    values = [usual(i) + (15 if i >= AT else 0) for i in range(LONG)]
    assert found([value * scale for value in values]) == found(values) != []


def test_it_clears_when_the_fault_is_over() -> None:
    usual = wander(2)
    watched = Watched(Anomaly())
    turns = watched.every(5 * MIN, [usual(i) + (15 if AT <= i < AT + 30 else 0) for i in range(LONG)])
    (_, opened), (cleared, turn) = turns
    assert (opened, turn) == ("opened", "cleared")
    assert AT + 30 + QUIET <= cleared / (5 * MIN) < AT + 30 + DAY


def test_what_lasts_becomes_the_usual() -> None:
    usual = wander(2)
    watched = Watched(Anomaly())
    turns = watched.every(5 * MIN, [usual(i) + (15 if i >= AT else 0) for i in range(LONG)])
    assert [turn for _, turn in turns] == ["opened", "cleared"]
    assert turns[1][0] / (5 * MIN) < AT + 800


def test_it_judges_nothing_before_it_has_warmed_up() -> None:
    usual = daily(1)
    watched = Watched(Anomaly())
    assert rules.learning(watched.rule, watched.state) == WARM_UP
    watched.every(5 * MIN, [usual(i) if i % 50 else 1000.0 for i in range(WARM_UP - 1)])
    assert watched.seen == []
    assert rules.learning(watched.rule, watched.state) == 1
    watched.feed((WARM_UP * 5 * MIN, 20.0))
    assert rules.learning(watched.rule, watched.state) == 0
    assert rules.learning(rule(Above(value=1)), RuleState(heard=T0)) == 0


def test_what_hardly_ever_moves_is_not_judged() -> None:
    assert found([20.0] * 2_000 + [21.0] * 100) == []
    watched = Watched(Anomaly())
    watched.every(MIN, [20.0] * 2_000)
    assert rules.learning(watched.rule, watched.state) == MOVES


def test_a_gap_is_nothing_unusual() -> None:
    usual = wander(3)
    values = list(map(usual, range(LONG)))
    watched = Watched(Anomaly())
    watched.every(5 * MIN, values[:AT])
    assert watched.every(5 * MIN, values[AT:], 30 * DAY * 5 * MIN) == []


def test_with_a_holding_time_one_glitch_is_nothing_and_a_shift_still_is() -> None:
    usual = wander(2)
    held = Watched(Anomaly(for_ms=30 * MIN))
    glitch = held.every(5 * MIN, [usual(i) + (25 if i == AT else 0) for i in range(AT + 100)])
    assert glitch == []
    held = Watched(Anomaly(for_ms=30 * MIN))
    shift = held.every(5 * MIN, [usual(i) + (25 if i >= AT else 0) for i in range(AT + 50)])
    assert shift == [((AT + 6) * 5 * MIN, "opened")]


def test_a_glitch_teaches_nothing() -> None:
    """As after it as before it: a second one of the same size is found, too."""
    usual = wander(2)
    assert found([usual(i) + (25 if i in (AT, AT + 200) else 0) for i in range(LONG)]) == [AT, AT + 200]


def test_a_sensor_that_sticks_again_is_found_again() -> None:
    usual = daily(1)
    stuck = [*range(AT - 2 * DAY, AT - DAY), *range(AT, AT + DAY)]
    opened = found([19.5 if i in stuck else usual(i) for i in range(AT + DAY)])
    assert [at // DAY for at in opened] == [5, 7]


def test_even_an_absurd_glitch_is_over_with_the_next_point() -> None:
    usual, detector = wander(2), Detector()
    verdicts = [detector.judge(1e9 if i == AT else usual(i)) for i in range(AT + 100)]
    assert [i for i, verdict in enumerate(verdicts) if verdict > 0] == [AT]


@pytest.mark.parametrize("extreme", [1e300, -1e300, 0.0, 5e-324])
def test_no_value_breaks_it_for_good(extreme: float) -> None:
    usual, detector = wander(2), Detector()
    for i in range(AT):
        detector.judge(extreme if i % 97 == 50 else usual(i))
    assert all(map(isfinite, (*detector.means, *detector.highs, *detector.lows, detector.score)))


def test_a_state_stays_small() -> None:
    usual = daily(1)
    watched = Watched(Anomaly())
    watched.every(5 * MIN, [usual(i) for i in range(LONG)])
    assert len(msgspec.msgpack.encode(watched.state)) < 250
