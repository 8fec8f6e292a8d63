"""Devices, the rules that watch their metrics, the commands that are sent to them.

Bounds that a type can hold stand here; what the fields of a condition must be to each other is in
`server.model.conditions`.
"""

from typing import Annotated, Literal

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

Tag = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"\S")]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=10)]
Metadata = Annotated[
    dict[Id, Annotated[str, Meta(max_length=500)]],
    Meta(max_length=20, description="Whatever is good to know about it, by name."),
]
Scalar = (
    Annotated[str, Meta(max_length=500)] | Annotated[int, Meta(ge=-(2**53), le=2**53)] | float | bool | None
)
Args = Annotated[
    dict[Id, Scalar | Annotated[tuple[Scalar, ...], Meta(max_length=100)]],
    Meta(max_length=20, description="Plain values, or lists of them, by name."),
]
RULE_PREFIX = "rule."
"""Before the id of a rule, where it is the one that did something."""
CommandState = Literal["queued", "sent", "done", "failed", "expired"]
Lifetime = Annotated[int, Meta(ge=1_000, le=30 * 86_400_000, description="milliseconds, 1 second to 30 days")]


class Device(Struct, frozen=True, kw_only=True):
    """A member of a board that sends telemetry. Its token is nowhere in the log."""

    id: str
    name: str
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    disabled: bool = False
    created_at: int = 0
    created_by: str = ""


class DevicePatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    created_at: int | UnsetType = UNSET
    created_by: str | UnsetType = UNSET


class DeviceCommand(Struct, frozen=True, kw_only=True):
    """A command to a device, and what has become of it.

    `queued` until the device is there; `sent` once, just before it goes out to it; `done` or `failed` by its
    answer, which `result` is; `expired` when none has come until `expires_at`. `task`: the card it is from.
    """

    id: str
    device: str
    name: str
    args: Args = {}
    task: str | None = None
    state: CommandState = "queued"
    created_at: int
    created_by: str
    expires_at: int
    sent_at: int | None = None
    settled_at: int | None = None
    result: Scalar = None


class CommandPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    device: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    args: Args | UnsetType = UNSET
    task: str | None | UnsetType = UNSET
    state: CommandState | UnsetType = UNSET
    created_at: int | UnsetType = UNSET
    created_by: str | UnsetType = UNSET
    expires_at: int | UnsetType = UNSET
    sent_at: int | None | UnsetType = UNSET
    settled_at: int | None | UnsetType = UNSET
    result: Scalar | UnsetType = UNSET


class DoneWhen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What telemetry must show before a task can be completed: `below` or `above`, for `for_ms`.

    `completes`: then it is completed by itself.
    """

    device: Id
    metric: MetricName
    below: float | UnsetType = UNSET
    above: float | UnsetType = UNSET
    for_ms: Hold = 0
    completes: bool = False


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


class ThenCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the device is told each time the card opens. `expires_ms`: for how long that makes sense."""

    name: MetricName
    args: Args = {}
    expires_ms: Lifetime = 3_600_000


class Then(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card that a rule opens. `complete_on_clear`: it is completed when the reading is well again.

    `{device}` in the title is the device's name; without it, a rule on all devices adds it at the end.
    """

    column: Id
    title: Title
    priority: Priority = "none"
    assignees: tuple[Id, ...] = ()
    complete_on_clear: bool = False
    command: ThenCommand | UnsetType = UNSET


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to watch, on which device, and the card to open. `device` "*": on each device of the board."""

    id: Id
    device: DeviceOrAll
    metric: MetricName
    when: When
    then: Then
