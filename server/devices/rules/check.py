"""What the fields of a rule must be to each other."""

from math import isfinite

from msgspec import UNSET

from server.errors import BadRequest
from server.model.devices import Above, Below, Rate, Rule

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
