"""Devices: the rules that watch their metrics.

A rule's bounds that a type can hold stand here; what its fields must be to each other is in
`server.devices.rules.check`.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from server.model.fields import Id, Priority, Title

MetricName = Annotated[
    str, Meta(pattern=r"\A[A-Za-z0-9_.-]{1,64}\Z", description="1-64 of A-Z a-z 0-9 _ . -")
]
DeviceOrAll = Annotated[
    str,
    Meta(pattern=r"\A(\*|[A-Za-z0-9_-]{1,64})\Z", description="a device, or * for each device of the board"),
]
Hold = Annotated[int, Meta(ge=0, le=7 * 86_400_000, description="milliseconds, at most 7 days")]
Span = Annotated[int, Meta(ge=1_000, le=7 * 86_400_000, description="milliseconds, 1 second to 7 days")]


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """When a reading is not well. `kind` tells which of the Structs below it is."""


class Above(Condition, frozen=True, kw_only=True, tag="above"):
    """Not well above `value`, well again at or below `clear` (`value` when absent), each for `for_ms`."""

    value: float
    clear: float | UnsetType = UNSET
    for_ms: Hold = 0


class Below(Condition, frozen=True, kw_only=True, tag="below"):
    """Not well below `value`, well again at or above `clear` (`value` when absent), each for `for_ms`."""

    value: float
    clear: float | UnsetType = UNSET
    for_ms: Hold = 0


class Rate(Condition, frozen=True, kw_only=True, tag="rate"):
    """Not well when it rises by more than `value` within `for_ms`; a negative `value`: when it falls by more.

    Well again when it changes by `clear` (`value` when absent) or less.
    """

    value: float
    clear: float | UnsetType = UNSET
    for_ms: Span


class Silent(Condition, frozen=True, kw_only=True, tag="silent"):
    """Not well when nothing has come for `for_ms`; well again with the next point, however old."""

    for_ms: Span


class Anomaly(Condition, frozen=True, kw_only=True, tag="anomaly"):
    """Not well while the metric is off its own usual course, for `for_ms`."""

    for_ms: Hold = 0


When = Above | Below | Rate | Silent | Anomaly


class Then(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card that a rule opens. `complete_on_clear`: it is completed when the reading is well again."""

    column: Id
    title: Title
    priority: Priority = "none"
    assignees: tuple[Id, ...] = ()
    complete_on_clear: bool = False


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to watch, on which device, and the card to open. `device` "*": on each device of the board."""

    id: Id
    device: DeviceOrAll
    metric: MetricName
    when: When
    then: Then
