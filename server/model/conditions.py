"""What the fields of a rule, or of what a task waits for, must be to each other."""

from math import isfinite

from msgspec import UNSET

from server.errors import BadRequest
from server.model.devices import Above, Below, DoneWhen, Rate, Rule

LARGEST = 1e300
"""Values past it would leave the range of a float in a difference."""


def check(rule: Rule, path: str = "rule") -> None:
    """Raise `BadRequest` for the first field that cannot be meant, named as in `rule.when.clear`."""
    when = rule.when
    if not isinstance(when, Above | Below | Rate):
        return
    value, clear = when.value, when.clear
    _number(f"{path}.when.value", value)
    if isinstance(when, Rate) and value == 0:
        raise BadRequest(f"{path}.when.value", "must not be 0: a rise is positive, a fall negative")
    if clear is UNSET:
        return
    _number(f"{path}.when.clear", clear)
    problem = _contradiction(when, clear)
    if problem:
        raise BadRequest(f"{path}.when.clear", f"got {clear:g}, {problem}")


def check_done_when(done_when: DoneWhen, path: str = "done_when") -> None:
    """Raise `BadRequest` unless it has one limit, `below` or `above`, and that is a number."""
    limits = {name: getattr(done_when, name) for name in ("below", "above")}
    given = {name: value for name, value in limits.items() if value is not UNSET}
    if len(given) != 1:
        raise BadRequest(path, "has either below or above")
    for name, value in given.items():
        _number(f"{path}.{name}", value)


def _number(field: str, value: float) -> None:
    if not isfinite(value) or abs(value) > LARGEST:
        raise BadRequest(field, "expected a finite number, from -1e300 to 1e300")


def _contradiction(when: Above | Below | Rate, clear: float) -> str | None:
    """Why a reading could be past `value` and well again by `clear` at once; None when it cannot."""
    value = when.value
    match when:
        case Above():
            fits, relation = clear <= value, "at most"
        case Below():
            fits, relation = clear >= value, "at least"
        case _:
            fits, relation = min(0, value) <= clear <= max(0, value), "between 0 and"
    return None if fits else f"must be {relation} value, which is {value:g}"
