"""What a rule may say: bounds by type, and what the fields must be to each other."""

from math import inf, nan

import msgspec
import pytest

from server.devices.rules import check
from server.errors import BadRequest
from server.model.devices import Above, Anomaly, Below, Rate, Rule, Silent, When
from tests.devices.rules import MIN, rule

GOOD: list[When] = [
    Above(value=80),
    Above(value=80, clear=80),
    Above(value=80, clear=75, for_ms=MIN),
    Below(value=-5, clear=-4),
    Rate(value=5, for_ms=MIN),
    Rate(value=5, clear=0, for_ms=MIN),
    Rate(value=-5, clear=-2, for_ms=MIN),
    Silent(for_ms=MIN),
    Anomaly(),
]
BAD: list[tuple[When, str, str]] = [
    (Above(value=80, clear=81), "rule.when.clear", "got 81, must be at most value, which is 80"),
    (Below(value=5, clear=4), "rule.when.clear", "got 4, must be at least value, which is 5"),
    (Rate(value=5, clear=6, for_ms=MIN), "rule.when.clear", "got 6, must be between 0 and value, which is 5"),
    (Rate(value=5, clear=-1, for_ms=MIN), "rule.when.clear", "between 0 and value"),
    (Rate(value=-5, clear=1, for_ms=MIN), "rule.when.clear", "between 0 and value"),
    (Rate(value=0, for_ms=MIN), "rule.when.value", "must not be 0"),
    (Above(value=nan), "rule.when.value", "finite"),
    (Below(value=inf), "rule.when.value", "finite"),
    (Above(value=80, clear=nan), "rule.when.clear", "finite"),
    (Below(value=1e301), "rule.when.value", "1e300"),
]


@pytest.mark.parametrize("when", GOOD, ids=str)
def test_what_can_be_meant_passes_and_survives_the_wire(when: When) -> None:
    made = rule(when)
    check(made)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Rule) == made


@pytest.mark.parametrize(("when", "field", "problem"), BAD)
def test_what_cannot_be_meant_names_its_field(when: When, field: str, problem: str) -> None:
    with pytest.raises(BadRequest, match="when") as refused:
        check(rule(when))
    assert refused.value.details["field"] == field
    assert problem in refused.value.message


def test_the_path_is_the_callers() -> None:
    with pytest.raises(BadRequest) as refused:
        check(rule(Above(value=1, clear=2)), "args.rule")
    assert refused.value.details["field"] == "args.rule.when.clear"


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ('{"kind": "above"}', "missing required field `value` - at `$.when`"),
        ('{"kind": "above", "value": "80"}', "at `$.when.value`"),
        ('{"kind": "silent", "for_ms": 1000, "value": 3}', "unknown field `value` - at `$.when`"),
        ('{"kind": "silent"}', "missing required field `for_ms` - at `$.when`"),
        ('{"kind": "silent", "for_ms": 999}', "at `$.when.for_ms`"),
        ('{"kind": "above", "value": 1, "for_ms": 604800001}', "at `$.when.for_ms`"),
        ('{"kind": "near", "value": 1}', "at `$.when.kind`"),
        ('{"value": 1}', "missing required field `kind` - at `$.when`"),
    ],
)
def test_each_kind_takes_its_own_fields_alone(when: str, problem: str) -> None:
    then = '{"column": "c", "title": "t"}'
    text = f'{{"id": "r", "device": "*", "metric": "m", "when": {when}, "then": {then}}}'
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(text, type=Rule)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("device", "metric", "fits"),
    [
        ("*", "temp", True),
        ("d-1", "a.b_c-9", True),
        ("**", "temp", False),
        ("a*", "temp", False),
        ("", "temp", False),
        ("d", "", False),
        ("d", "a b", False),
        ("d", "m" * 65, False),
    ],
)
def test_devices_and_metrics_are_named_as_the_protocol_says(device: str, metric: str, fits: bool) -> None:
    data = msgspec.json.encode(rule(Anomaly(), device=device, metric=metric))
    if fits:
        assert msgspec.json.decode(data, type=Rule).device == device
        return
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(data, type=Rule)
