"""The bodies of `/api` about devices, rules and commands. OpenAPI is generated from these."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from server.model.devices import Args, DeviceOrAll, Metadata, MetricName, Rule, Tags
from server.model.fields import Id, TimeMs, Title
from server.model.http import Body


class NewDevice(Body, frozen=True, kw_only=True):
    """`id`: one is made when it is absent, from `Idempotency-Key` when that is given."""

    name: Title
    id: Id | UnsetType = UNSET
    tags: Tags = ()
    metadata: Metadata = field(default_factory=dict)


class DeviceEdit(Body, frozen=True, kw_only=True):
    """Absent: unchanged. What a disabled device sends is refused, and its alarms are over."""

    name: Title | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class DeviceView(Struct, frozen=True, kw_only=True):
    """`online`: it has an open socket, or something has come from it within the last minute; `last_seen`:
    when something came the last time; `instance`: which one of the server has its socket.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    metadata: dict[str, str]
    disabled: bool
    created_at: int
    created_by: str
    online: bool
    last_seen: int | None
    instance: str | None


class DeviceMade(Struct, frozen=True, kw_only=True):
    """`token`: what the device shows. It is shown this once, and kept as a hash."""

    device: DeviceView
    token: str


class DeviceToken(Struct, frozen=True, kw_only=True):
    """The one that counts from now on; sockets that came with the earlier one are closed."""

    token: str


class NewCommand(Body, frozen=True, kw_only=True):
    """`task`: the card that it stands on; `expires_at`: a day from now when absent."""

    name: MetricName
    id: Id | UnsetType = UNSET
    args: Args = field(default_factory=dict)
    task: Id | UnsetType = UNSET
    expires_at: TimeMs | UnsetType = UNSET


class RuleTrial(Body, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A rule, as `rule.set` has it, to be tried on the past. `from`: seven days before `to` when absent.

    `device`: on this one alone; else on each that the rule is for.
    """

    rule: Rule
    from_: Annotated[TimeMs, Meta(description="From this time on.")] | UnsetType = UNSET
    to: Annotated[TimeMs, Meta(description="Up to this time; now when absent.")] | UnsetType = UNSET
    device: DeviceOrAll | UnsetType = UNSET


class Turn(Struct, frozen=True, kw_only=True):
    """`opened`: a card; `returned`: the same card again; `cleared`: it is well again."""

    turn: str
    at: int
    value: float | None
    reason: str


class DeviceTrial(Struct, frozen=True, kw_only=True):
    """`cards`: how many would have opened; `turns`: the first of them; `since`, `until`: what of the past was
    read, the newest part of it where it is long.
    """

    device: str
    cards: int
    points: int
    since: int
    until: int
    turns: list[Turn]


class TrialResult(Struct, frozen=True, kw_only=True):
    """`devices`: those that have ever had the metric. `more`: there is more than is read at once: see `since`
    of each device; or there are further devices.
    """

    cards: int
    points: int
    devices: list[DeviceTrial]
    more: bool
