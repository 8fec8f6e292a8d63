"""What a transition says to people: one short sentence, for a card or a comment."""

from server.devices.rules.alarm import Turn
from server.devices.rules.anomaly import Sign
from server.devices.rules.state import RuleState
from server.model.devices import Above, Anomaly, Below, Rate, Rule, Silent

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_SIGNS: dict[Sign, str] = {
    "jump": "which is far from its last values",
    "shift": "which is not where it usually is",
    "drift": "which is drifting away from where it usually is",
    "stuck": "and has been exactly that for unusually long",
}


def reason(rule: Rule, state: RuleState, turn: Turn) -> str:
    """As in "temp is 85.2: above 80 for 5 min"."""
    value = "" if state.last_v is None else f" is {state.last_v:.6g}"
    return f"{rule.metric}{value}: {_well(rule, state) if turn == 'cleared' else _ill(rule, state)}"


def _ill(rule: Rule, state: RuleState) -> str:
    when = rule.when
    match when:
        case Above():
            return f"above {when.value:.6g}{_lasting(when.for_ms)}"
        case Below():
            return f"below {when.value:.6g}{_lasting(when.for_ms)}"
        case Rate():
            word = "rose" if when.value > 0 else "fell"
            change = f"{word} by {abs(state.change):.6g} within {span(when.for_ms)}"
            return f"{change}, more than {abs(when.value):.6g}"
        case Silent():
            return f"nothing has come for {span(when.for_ms)}"
        case Anomaly():
            return _SIGNS[state.detector.sign if state.detector else "jump"]


def _well(rule: Rule, state: RuleState) -> str:
    when = rule.when
    match when:
        case Above() | Below():
            return f"not {when.__struct_config__.tag} {when.value:.6g} any more"
        case Rate():
            return f"has settled: changed by {abs(state.change):.6g} within {span(when.for_ms)}"
        case Silent():
            return "heard again"
        case Anomaly():
            return "back to its usual course, or this is the usual by now"


def _lasting(for_ms: int) -> str:
    return f" for {span(for_ms)}" if for_ms else ""


def span(ms: int) -> str:
    """A length of time in the largest unit that leaves it whole: 90 min, 2 h, 1500 ms."""
    for size, unit in _UNITS:
        if ms and ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms} ms"
