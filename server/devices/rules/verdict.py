"""Whether a reading is well, by the kind of the rule. The holding time is `alarm`'s."""

from msgspec import UNSET, UnsetType

from server.devices.rules.alarm import Verdict
from server.devices.rules.anomaly import Detector
from server.devices.rules.state import RuleState
from server.devices.rules.window import Window
from server.model.devices import Above, Anomaly, Below, Rate, Silent, When


def verdict(when: When, state: RuleState, t: int, value: float) -> Verdict:
    """The verdict on the newest point; takes it into what `state` remembers of its past."""
    match when:
        case Above():
            return _past(value, when.value, when.clear)
        case Below():
            return _past(-value, -when.value, _negated(when.clear))
        case Rate():
            return _rate(when, state, t, value)
        case Silent():
            return -1
        case Anomaly():
            detector = state.detector = state.detector or Detector()
            return detector.judge(value)


def _past(value: float, limit: float, clear: float | UnsetType) -> Verdict:
    if value > limit:
        return 1
    return -1 if clear is UNSET or value <= clear else 0


def _negated(value: float | UnsetType) -> float | UnsetType:
    return UNSET if value is UNSET else -value


def _rate(when: Rate, state: RuleState, t: int, value: float) -> Verdict:
    window = state.window = state.window or Window()
    rise = when.value > 0
    change = state.change = window.change(t, value, when.for_ms, rise=rise)
    if rise:
        return _past(change, when.value, when.clear)
    return _past(-change, -when.value, _negated(when.clear))
