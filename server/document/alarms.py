"""What rules do to their cards. At most one open card for each rule and device: that is decided here."""

from collections.abc import Mapping

from msgspec import UNSET

from server.document.commands import Patches, queued
from server.document.intent import Delta, Intent, need_task, task_fields
from server.document.order import place
from server.document.state import BoardState
from server.document.tasks import completed_at_the_top, first_column
from server.errors import BoardcastError, Conflict, LimitExceeded, NotFound
from server.model import device_commands as d
from server.model.devices import Device, DeviceCommand, Rule
from server.model.records import Column, CommentPatch, Fields, Patch, Task

_LONGEST_TITLE = 200


def open_alarm(state: BoardState, command: d.AlarmOpen, intent: Intent) -> Delta:
    """The card: the one that is not completed yet; when it returns the completed one; else a new one.

    A card that was deleted while its alarm was on stays deleted until the alarm has cleared.
    """
    rule, device = _watched(state, command)
    kept = state.alarm(rule.id, device.id)
    if kept is not None and kept.value.alarm_at is not None:
        raise Conflict("alarm", "is open already", current=kept.value.id)
    again = isinstance(command, d.AlarmReturn)
    if kept is None or kept.deleted or (kept.value.completed and not again):
        fields = _new_card(state, rule, device, command, intent)
        commands, were = _told(state, rule, command, command.task, intent)
        new = Patch(**fields, commands=commands or UNSET)
        return Delta(task=command.task, set=new, was=Patch(commands=were or UNSET))
    task = kept.value
    wanted: Fields = {"alarm_at": command.at}
    if task.completed:
        wanted |= _reopened(state, rule, task)
    told = _told(state, rule, command, task.id, intent)
    return _commented(state, task, wanted, f"Again: {command.reason}", intent, told)


def clear_alarm(state: BoardState, command: d.AlarmClear, intent: Intent) -> Delta:
    kept = state.alarm(command.rule, command.device)
    if kept is None or kept.value.alarm_at is None:
        raise Conflict("alarm", "is not open")
    task = kept.value
    if kept.deleted:  # said again, for those who have forgotten what was deleted
        return Delta(
            task=task.id,
            set=Patch(alarm_at=None, deleted=True),
            was=Patch(alarm_at=task.alarm_at, deleted=True),
        )
    wanted: Fields = {"alarm_at": None, "alarm_cleared_at": command.at}
    rule = state.rules.get(command.rule)
    if rule is not None and rule.then.complete_on_clear and not task.completed:
        waits = task.done_when is not None and not task.verified
        wanted |= {} if waits else completed_at_the_top(state, task)
    return _commented(state, task, wanted, f"Cleared: {command.reason}", intent)


def verify(state: BoardState, command: d.TaskVerify, intent: Intent) -> Delta:
    """What the task waits for is so, or is not any more. Of a completed task nothing is asked."""
    task = need_task(state, command.task).value
    if task.completed or task.done_when != command.done_when or task.verified == command.verified:
        raise Conflict("verified", "does not wait for that", current=task.verified)
    wanted: Fields = {"verified": command.verified}
    if command.verified and command.done_when.completes:
        wanted |= completed_at_the_top(state, task)
    new, was = task_fields(task, wanted)
    return Delta(task=task.id, set=Patch(**new), was=Patch(**was))


def _watched(state: BoardState, command: d.AlarmOpen) -> tuple[Rule, Device]:
    rule, device = state.rules.get(command.rule), state.device(command.device)
    if rule is None:
        raise NotFound("rule", command.rule)
    if device is None or rule.device not in ("*", device.id):
        raise NotFound("device", command.device)
    if device.disabled:
        raise Conflict("device", "is disabled")
    return rule, device


# -- the card


def _new_card(state: BoardState, rule: Rule, device: Device, command: d.AlarmOpen, intent: Intent) -> Fields:
    if command.task in state.tasks:
        raise Conflict("task", f"{command.task!r} exists already")
    if state.task_count >= intent.limits.tasks_per_board:
        raise LimitExceeded("tasks", intent.limits.tasks_per_board, "tasks_per_board")
    column = _column(state, rule)
    return {
        "title": _title(rule, device),
        "description": command.reason,
        "completed": column.done,
        "column": column.id,
        "position": place(state, column.id, UNSET),
        "priority": rule.then.priority,
        "assignees": tuple(dict.fromkeys(rule.then.assignees)),
        "labels": (),
        "due_at": None,
        "checklist": (),
        "comments": 0,
        "device": device.id,
        "alarm": rule.id,
        "alarm_at": command.at,
        "done_when": None,
        "verified": False,
        "created_at": intent.at,
        "created_by": intent.actor.id,
    }


def _title(rule: Rule, device: Device) -> str:
    title = rule.then.title
    if "{device}" not in title and rule.device == "*":
        title += ": {device}"
    return title.replace("{device}", device.name)[:_LONGEST_TITLE]


def _column(state: BoardState, rule: Rule) -> Column:
    """The rule's; when that is gone, or holds what is done, the first other one."""
    kept = state.columns.get(rule.then.column)
    if kept is not None and not kept.deleted and not kept.value.done:
        return kept.value
    return first_column(state, done=False) or state.sorted_columns()[0]


def _reopened(state: BoardState, rule: Rule, task: Task) -> Fields:
    column = _column(state, rule)
    if column.id == task.column:
        return {"completed": column.done}
    return {"completed": column.done, "column": column.id, "position": place(state, column.id, UNSET)}


def _told(
    state: BoardState, rule: Rule, alarm: d.AlarmOpen, task: str, intent: Intent
) -> tuple[Patches, Patches]:
    """The command that the rule sends with it. When there is no room for it the card opens all the same."""
    then = rule.then.command
    if then is UNSET or alarm.over:
        return {}, {}
    made = DeviceCommand(
        id=_free(f"r{state.seq + 1}", state.commands),
        device=alarm.device,
        name=then.name,
        args=then.args,
        task=task,
        created_at=intent.at,
        created_by=intent.actor.id,
        expires_at=intent.at + then.expires_ms,
    )
    try:
        return queued(state, made)
    except BoardcastError:
        return {}, {}


def _free(name: str, taken: Mapping[str, object]) -> str:
    """`name`, or something longer when a client has given it already."""
    while name in taken:
        name += "x"
    return name


def _commented(
    state: BoardState,
    task: Task,
    wanted: Fields,
    text: str,
    intent: Intent,
    told: tuple[Patches, Patches] = ({}, {}),
) -> Delta:
    """Fields of the card, with a comment as long as there is room for one."""
    new, was = task_fields(task, wanted)
    if task.comments < intent.limits.comments_per_task:
        comment = _free(f"a{state.seq + 1}", state.comments)
        new["comments"], was["comments"] = task.comments + 1, task.comments
        new["comment"] = CommentPatch(id=comment, at=intent.at, actor=intent.actor, text=text)
        was["comment"] = CommentPatch(id=comment, deleted=True)
    return Delta(
        task=task.id,
        set=Patch(**new, commands=told[0] or UNSET),
        was=Patch(**was, commands=told[1] or UNSET),
    )
