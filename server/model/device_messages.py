"""The messages of `/ws/device`, one Struct each; `type` is the tag. `POST /api/telemetry` has the same
bodies.

What a device sends is judged value by value (`server.devices.judge`), so that one bad value does not cost the
good ones beside it; the types here are what a sound batch looks like.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from server.model.fields import Id

BatchNumber = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Boot = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z", description="1-64 of A-Z a-z 0-9 _ -")]


class Reading(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Values of one moment. `t`: milliseconds since 1970; absent: when it comes in."""

    values: dict[str, float | bool]
    t: int | UnsetType = UNSET


class Telemetry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="telemetry"):
    """Batch `seq` of the device's life `boot`. `boot` is new at each start of the device, `seq` counts from
    1.
    """

    boot: Boot
    seq: BatchNumber
    points: list[Reading]


class CommandResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="command_result"):
    """What came of a command. `result`: whatever the device has to say, at most 4 KiB as JSON."""

    command: Id
    ok: bool
    result: Any = None


DeviceMessage = Telemetry | CommandResult


class Rejected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What can never be stored, and is settled: point `index` of batch `seq`, or the batch when there is
    none.

    `metric`: the value of that point that is meant; absent: all its values.
    """

    seq: int | UnsetType = UNSET
    index: int | UnsetType = UNSET
    metric: str | UnsetType = UNSET
    code: str
    message: str


class Stored(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="stored"):
    """`seq`: the highest number of `boot` up to which all are settled: stored, or rejected for good."""

    boot: str
    seq: int
    rejected: list[Rejected] | UnsetType = UNSET


class CommandMessage(Struct, frozen=True, kw_only=True, tag="command"):
    """Asks the device to do something; it answers with a `command_result`. `expires_at`: milliseconds."""

    command: str
    name: str
    args: dict[str, Any]
    expires_at: int | None = None
