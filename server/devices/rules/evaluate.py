"""One rule on one device: points and the time in, transitions out.

The newest point decides. Points that come together are taken in order; one that is older than the newest
changes nothing and is counted: what is over opens no card. A value holds until the next one says otherwise,
so that "open for ten minutes" needs no second point; that turns by the receiver's clock, in `tick`.
"""

from collections.abc import Iterable
from math import isfinite

from server.devices.rules.alarm import Turn
from server.devices.rules.anomaly import Detector
from server.devices.rules.reasons import reason
from server.devices.rules.state import Point, RuleState, Transition
from server.devices.rules.verdict import verdict
from server.model.conditions import LARGEST
from server.model.devices import Above, Anomaly, Below, Rule, Silent

LAG_MS = 10_000
"""A device whose clock was ahead and is set right is heard at once: what is no older when it comes is of now.
"""
GRACE_MS = 60_000
"""After `resume` time alone turns nothing for so long (or for the rule's own time, when that is shorter):
devices have to find their way back first."""


def begin(now: int) -> RuleState:
    """The state of a rule that is watched from `now` on."""
    return RuleState(heard=now)


def learning(rule: Rule, state: RuleState) -> int:
    """How many points an `anomaly` rule still has to see before it judges, at least; 0 for all others."""
    return (state.detector or Detector()).learning if isinstance(rule.when, Anomaly) else 0


def resume(state: RuleState, rule: Rule, now: int) -> None:
    """Take up a state that nobody fed for a while; what was missed is not held against the device."""
    state.not_before = now + min(rule.when.for_ms, GRACE_MS)


def adopt(state: RuleState, old: Rule, new: Rule, now: int) -> RuleState:
    """The state of `new` in place of `old`: an open alarm stays open until a point clears it under `new`."""
    fresh = begin(now)
    fresh.last_t, fresh.last_v, fresh.alarm = state.last_t, state.last_v, state.alarm
    fresh.alarm.since = -1
    if type(new.when) is type(old.when) and new.metric == old.metric:
        fresh.detector, fresh.heard = state.detector, state.heard
    return fresh


def feed(rule: Rule, state: RuleState, points: Iterable[Point], now: int) -> list[Transition]:
    """Take points of the rule's metric that came at `now`, in any order."""
    out: list[Transition] = []
    oldest = _oldest(state, now)
    if isinstance(rule.when, Silent):
        _heard(rule, state, list(points), oldest, now, out)
        return out
    for t, value in sorted(points, key=_time):
        if not isfinite(value) or abs(value) > LARGEST:
            state.odd += 1
            continue
        state.heard = max(state.heard, now)
        if t < oldest:
            state.late += 1
            continue
        oldest = state.last_t = t
        state.last_v = float(value)
        state.verdict = verdict(rule.when, state, t, float(value))
        _judge(rule, state, t, now, out)
    return out


def _oldest(state: RuleState, now: int) -> int:
    return state.last_t if state.last_t <= now else now - LAG_MS


def _heard(
    rule: Rule, state: RuleState, points: list[Point], oldest: int, now: int, out: list[Transition]
) -> None:
    """Points that came together are one sign of life, however many and however old."""
    sound = [point for point in points if isfinite(point[1]) and abs(point[1]) <= LARGEST]
    state.odd += len(points) - len(sound)
    if not sound:
        return
    state.heard = max(state.heard, now)
    state.late += sum([t < oldest for t, _ in sound])
    t, value = max(reversed(sound), key=_time)
    if t >= oldest:
        state.last_t, state.last_v = t, float(value)
    state.verdict = -1
    _judge(rule, state, now, now, out)


def missed(state: RuleState, newest: int) -> None:
    """There are points up to `newest` that were not taken: what is older is late, and what had begun to hold
    may have been broken.
    """
    if newest > state.last_t:
        state.last_t, state.alarm.since = newest, -1


def tick(rule: Rule, state: RuleState, now: int) -> list[Transition]:
    """Let time pass, to `now`. Nothing comes of it before `due`."""
    out: list[Transition] = []
    when_due = due(rule, state)
    if when_due is None or now < when_due:
        return out
    if isinstance(rule.when, Silent) and now - state.heard >= rule.when.for_ms:
        state.verdict = 1
        state.alarm.since = -1 if state.alarm.active else state.heard
        _judge(rule, state, state.heard + rule.when.for_ms, now, out)
        return out
    alarm = state.alarm
    at = alarm.since + alarm.hold(_held_ms(rule))
    _turned(rule, state, alarm.turn(at), at, out)
    return out


def due(rule: Rule, state: RuleState) -> int | None:
    """When `tick` is needed next, by the receiver's clock; None: not before the next point. Past: at once."""
    at = state.alarm.due(_held_ms(rule))
    if isinstance(rule.when, Silent) and state.verdict < 1:
        silent = state.heard + rule.when.for_ms
        at = silent if at is None else min(at, silent)
    return None if at is None else max(at, state.not_before)


def _time(point: Point) -> int:
    return point[0]


def _held_ms(rule: Rule) -> int:
    """How long a verdict must last; for the other kinds `for_ms` is what the verdict itself is about."""
    return rule.when.for_ms if isinstance(rule.when, Above | Below | Anomaly) else 0


def _judge(rule: Rule, state: RuleState, t: int, now: int, out: list[Transition]) -> None:
    turn = state.alarm.judge(state.verdict, t, now, _held_ms(rule))
    if turn is not None:
        _turned(rule, state, turn, t, out)


def _turned(rule: Rule, state: RuleState, turn: Turn, at: int, out: list[Transition]) -> None:
    alarm = state.alarm
    since, alarm.since = alarm.since, -1
    text = reason(rule, state, turn)
    out.append(Transition(turn=turn, at=at, since=since, value=state.last_v, reason=text))
