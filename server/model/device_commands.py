"""The operations about devices: registry, rules, commands, and those that only the server may use."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from server.model.command import Command
from server.model.devices import Args, DoneWhen, Metadata, MetricName, Rule, Scalar, Tags
from server.model.fields import Id, TimeMs, Title

Reason = Annotated[str, Meta(max_length=1_000)]


class DeviceCreate(Command, frozen=True, kw_only=True):
    device: Id
    name: Title
    tags: Tags = ()
    metadata: Metadata = field(default_factory=dict)


class DeviceUpdate(Command, frozen=True, kw_only=True):
    """`tags` and `metadata` are whole. A disabled device is not listened to, and its alarms are over."""

    device: Id
    name: Title | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class DeviceDelete(Command, frozen=True, kw_only=True):
    device: Id


class DeviceRestore(Command, frozen=True, kw_only=True):
    device: Id


class RuleSet(Command, frozen=True, kw_only=True):
    """Makes the rule, or puts it in place of the one with its id."""

    rule: Rule


class RuleDelete(Command, frozen=True, kw_only=True):
    rule: Id


class CommandSend(Command, frozen=True, kw_only=True):
    """`task`: the card that it is sent from. `expires_at` absent: a day from now."""

    command: Id
    device: Id
    name: MetricName
    args: Args = field(default_factory=dict)
    task: Id | UnsetType = UNSET
    expires_at: TimeMs | UnsetType = UNSET


# -- of the server's own: what comes from a client under these names is no operation


class AlarmOpen(Command, frozen=True, kw_only=True):
    """A rule's condition holds on a device. `task`: the id of its card, when one has to be made. `over`: what
    came with it says that it holds no more, so that there is nothing to tell the device.
    """

    rule: Id
    device: Id
    task: Id
    at: TimeMs
    reason: Reason
    value: float | None = None
    over: bool = False


class AlarmReturn(AlarmOpen, frozen=True, kw_only=True):
    """It holds again soon after it had cleared: the same matter, so that its card is opened again."""


class AlarmClear(Command, frozen=True, kw_only=True):
    rule: Id
    device: Id
    at: TimeMs
    reason: Reason


class TaskVerify(Command, frozen=True, kw_only=True):
    """The condition of a task holds (any more). `done_when`: the one that was watched."""

    task: Id
    done_when: DoneWhen
    verified: bool


class CommandDeliver(Command, frozen=True, kw_only=True):
    """It is about to be handed to the device, for the only time."""

    command: Id


class CommandReturn(Command, frozen=True, kw_only=True):
    """It was not handed over after all: the device went away. It waits again."""

    command: Id


class CommandSettle(Command, frozen=True, kw_only=True):
    command: Id
    ok: bool
    result: Scalar = None


class CommandExpire(Command, frozen=True, kw_only=True):
    command: Id


OPERATIONS: dict[str, type[Command]] = {
    "device.create": DeviceCreate,
    "device.update": DeviceUpdate,
    "device.delete": DeviceDelete,
    "device.restore": DeviceRestore,
    "rule.set": RuleSet,
    "rule.delete": RuleDelete,
    "command.send": CommandSend,
}
OWN: dict[str, type[Command]] = {
    "alarm.open": AlarmOpen,
    "alarm.return": AlarmReturn,
    "alarm.clear": AlarmClear,
    "task.verify": TaskVerify,
    "command.deliver": CommandDeliver,
    "command.return": CommandReturn,
    "command.settle": CommandSettle,
    "command.expire": CommandExpire,
}
