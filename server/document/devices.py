"""What the operations on devices and rules do."""

from msgspec import UNSET, UnsetType

from server.document.commands import bounded, given_up
from server.document.intent import (
    Delta,
    Intent,
    also_delta,
    fields_delta,
    given,
    need_column,
    refuse_overwriting,
)
from server.document.state import BoardState
from server.errors import Conflict, LimitExceeded, NotFound
from server.model import device_commands as d
from server.model.conditions import check
from server.model.devices import Device, DevicePatch
from server.model.records import Also, Fields, Kept, Patch


def create(state: BoardState, command: d.DeviceCreate, intent: Intent) -> Delta:
    if (there := state.devices.get(command.device)) is not None:
        deleted = "was deleted; device.restore brings it back" if there.deleted else "exists already"
        raise Conflict("device", f"{command.device!r} {deleted}")
    _room(state, intent)
    bounded("metadata", command.metadata)
    new = DevicePatch(
        name=command.name,
        tags=_unique(command.tags),
        metadata=command.metadata,
        disabled=False,
        created_at=intent.at,
        created_by=intent.actor.id,
    )
    return _device_delta(command.device, new, None)


def _room(state: BoardState, intent: Intent) -> None:
    if len(state.sorted_devices()) >= intent.limits.devices_per_board:
        raise LimitExceeded("devices", intent.limits.devices_per_board, "devices_per_board")


def _unique(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


def _need(state: BoardState, device: str, *, deleted: bool = False) -> Kept[Device]:
    kept = state.devices.get(device)
    if kept is None or (kept.deleted and not deleted):
        raise NotFound("device", device)
    return kept


def update(state: BoardState, command: d.DeviceUpdate, intent: Intent) -> Delta:
    kept = _need(state, command.device)
    wanted = given(command, "name", "tags", "metadata", "disabled")
    if "tags" in wanted:
        wanted["tags"] = _unique(wanted["tags"])
    bounded("metadata", wanted.get("metadata", {}))
    refuse_overwriting(state, kept, wanted, intent)
    new, was = fields_delta(kept.value, wanted)
    if not new:
        return Delta()
    also = unwatched(state, intent, device=command.device) if new.get("disabled") else UNSET
    return _device_delta(command.device, DevicePatch(**new), DevicePatch(**was), also)


def delete(state: BoardState, command: d.DeviceDelete, intent: Intent) -> Delta:
    """The device, what waits for it, and its alarms; its cards stay."""
    device = _need(state, command.device).value
    ended, were = given_up(state, device.id, intent)
    return Delta(
        set=Patch(devices={device.id: None}, commands=ended or UNSET),
        was=Patch(devices={device.id: _whole(device)}, commands=were or UNSET),
        also=unwatched(state, intent, device=device.id),
    )


def restore(state: BoardState, command: d.DeviceRestore, intent: Intent) -> Delta:
    kept = _need(state, command.device, deleted=True)
    if not kept.deleted:
        return Delta()
    _room(state, intent)
    return _device_delta(command.device, _whole(kept.value), None)


def _device_delta(
    device: str,
    new: DevicePatch | None,
    was: DevicePatch | None,
    also: dict[str, Also] | UnsetType = UNSET,
) -> Delta:
    return Delta(set=Patch(devices={device: new}), was=Patch(devices={device: was}), also=also)


def _whole(device: Device) -> DevicePatch:
    return DevicePatch(
        name=device.name,
        tags=device.tags,
        metadata=device.metadata,
        disabled=device.disabled,
        created_at=device.created_at,
        created_by=device.created_by,
    )


# -- rules


def set_rule(state: BoardState, command: d.RuleSet, intent: Intent) -> Delta:
    rule = command.rule
    check(rule, "args.rule")
    old = state.rules.get(rule.id)
    if old == rule:
        return Delta()
    if old is None and len(state.rules) >= intent.limits.rules_per_board:
        raise LimitExceeded("rules", intent.limits.rules_per_board, "rules_per_board")
    if rule.device != "*":
        _need(state, rule.device)
    need_column(state, rule.then.column)
    if rule.then.command is not UNSET:
        bounded("args", rule.then.command.args)
    if len(rule.then.assignees) > intent.limits.assignees_per_task:
        raise LimitExceeded("assignees", intent.limits.assignees_per_task, "assignees_per_task")
    also: dict[str, Also] | UnsetType = UNSET
    if old is not None and old.device != rule.device and rule.device != "*":
        also = unwatched(state, intent, rule=rule.id, except_device=rule.device)
    return Delta(set=Patch(rules={rule.id: rule}), was=Patch(rules={rule.id: old}), also=also)


def delete_rule(state: BoardState, command: d.RuleDelete, intent: Intent) -> Delta:
    old = state.rules.get(command.rule)
    if old is None:
        raise NotFound("rule", command.rule)
    return Delta(
        set=Patch(rules={command.rule: None}),
        was=Patch(rules={command.rule: old}),
        also=unwatched(state, intent, rule=command.rule),
    )


def unwatched(
    state: BoardState,
    intent: Intent,
    *,
    rule: str | None = None,
    device: str | None = None,
    except_device: str | None = None,
) -> dict[str, Also] | UnsetType:
    """The cards of alarms that nothing judges any more: they are over, the cards stay as they are."""
    cards = [
        state.tasks[task]
        for (by, on), task in state.alarms.items()
        if rule in (None, by) and device in (None, on) and on != except_device
    ]
    live = [kept.value for kept in cards if not kept.deleted and kept.value.alarm_at is not None]
    over: Fields = {"alarm_at": None, "alarm_cleared_at": intent.at}
    return {task.id: also_delta(task, over) for task in live} or UNSET
