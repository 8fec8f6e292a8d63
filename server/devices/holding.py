"""Pure: does telemetry show what a task waits for?

Only points count, not the mere passing of time: a device that falls silent shows nothing. The condition holds
from the first good point of an unbroken row of them on, and is shown by a point that is `for_ms` later.
"""

from collections.abc import Iterable

from msgspec import UNSET, Struct

from server.devices.rules import Point
from server.model.devices import DoneWhen


class Holding(Struct):
    """`since`: when the row began, -1 when the last point was not good; `last`: the time of the newest."""

    since: int = -1
    last: int = -1


def shown(done_when: DoneWhen, state: Holding, points: Iterable[Point]) -> bool | None:
    """Take points of the device and the metric; whether the newest one shows it. None: nothing new came."""
    answer = None
    for t, value in sorted(points):
        if t < state.last:
            continue
        state.last = t
        if not _good(done_when, value):
            state.since = -1
        elif state.since < 0:
            state.since = t
        answer = state.since >= 0 and t - state.since >= done_when.for_ms
    return answer


def _good(done_when: DoneWhen, value: float) -> bool:
    if done_when.below is not UNSET:
        return value < done_when.below
    return done_when.above is not UNSET and value > done_when.above
