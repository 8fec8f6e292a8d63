"""Pure: does telemetry show what a task waits for?

Only points count, not the mere passing of time: a device that falls silent shows nothing. The condition holds
from the first good point of an unbroken row of them on, and is shown by a point that is `for_ms` later. What
is of before somebody asked does not count, and what is over shows nothing of now: a point that comes more
than `FRESH_MS` late may be one of the row, but not the one that shows it.
"""

from collections.abc import Iterable

from msgspec import UNSET, Struct

from server.devices.rules import Point
from server.model.devices import DoneWhen

FRESH_MS = 5 * 60_000


class Holding(Struct, array_like=True):
    """`begun`: when it was asked for; `since`: when the row began, -1 when the last point was not good;
    `last`: the time of the newest.
    """

    begun: int = -1
    since: int = -1
    last: int = -1


def shown(done_when: DoneWhen, state: Holding, points: Iterable[Point], now: int) -> bool | None:
    """Take points of the device and the metric that came at `now`; whether the newest one shows it.

    None: they say nothing.
    """
    answer = None
    oldest = max(state.begun, state.last if state.last <= now else -1)
    for t, value in sorted(points):
        if t < oldest:
            continue
        oldest = state.last = t
        if not _good(done_when, value):
            state.since = -1
        elif state.since < 0:
            state.since = t
        held = state.since >= 0 and t - state.since >= done_when.for_ms
        if not held or t >= now - FRESH_MS:
            answer = held
    return answer


def missed(state: Holding, newest: int) -> None:
    """There are points up to `newest` that were not taken: the row begins anew."""
    if newest > state.last:
        state.last, state.since = newest, -1


def _good(done_when: DoneWhen, value: float) -> bool:
    if done_when.below is not UNSET:
        return value < done_when.below
    return done_when.above is not UNSET and value > done_when.above
