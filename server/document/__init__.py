"""Pure: apply a command to a state, which gives a change; replay a change onto a state.

`apply` never changes the state; it raises a `BoardcastError` when the state forbids the command.
The `Change` it returns follows the state's head and holds everything that replaying it needs.
"""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, UnsetType

from server.document import alarms, commands, comments, devices, structure, tasks
from server.document.intent import Delta, Intent, Limits
from server.document.state import BoardState, Draft
from server.document.verified import held_back
from server.errors import Conflict
from server.model import commands as c
from server.model import device_commands as d
from server.model.records import Change

__all__ = ["BoardState", "Draft", "Intent", "Limits", "apply"]

_APPLIERS: dict[type[c.Command], Callable[[BoardState, Any, Intent], Delta]] = {
    c.BoardCreate: structure.create_board,
    c.BoardUpdate: structure.update_board,
    c.BoardArchive: structure.archive_board,
    c.BoardRestore: structure.restore_board,
    c.TaskCreate: tasks.create,
    c.TaskUpdate: tasks.update,
    c.TaskMove: tasks.move,
    c.TaskDelete: tasks.delete,
    c.TaskRestore: tasks.restore,
    c.ChecklistSet: tasks.set_item,
    c.ChecklistRemove: tasks.remove_item,
    c.CommentAdd: comments.add,
    c.CommentEdit: comments.edit,
    c.CommentDelete: comments.delete,
    c.CommentRestore: comments.restore,
    c.ColumnCreate: structure.create_column,
    c.ColumnUpdate: structure.update_column,
    c.ColumnMove: structure.move_column,
    c.ColumnDelete: structure.delete_column,
    c.ColumnRestore: structure.restore_column,
    c.LabelCreate: structure.create_label,
    c.LabelUpdate: structure.update_label,
    c.LabelDelete: structure.delete_label,
    c.LabelRestore: structure.restore_label,
    c.MemberSet: structure.set_member,
    c.MemberRemove: structure.remove_member,
    d.DeviceCreate: devices.create,
    d.DeviceUpdate: devices.update,
    d.DeviceDelete: devices.delete,
    d.DeviceRestore: devices.restore,
    d.RuleSet: devices.set_rule,
    d.RuleDelete: devices.delete_rule,
    d.CommandSend: commands.send,
    d.CommandDeliver: commands.deliver,
    d.CommandReturn: commands.take_back,
    d.CommandSettle: commands.settle,
    d.CommandExpire: commands.expire,
    d.AlarmOpen: alarms.open_alarm,
    d.AlarmReturn: alarms.open_alarm,
    d.AlarmClear: alarms.clear_alarm,
    d.TaskVerify: alarms.verify,
}
_WHILE_ARCHIVED = (c.BoardCreate, c.BoardArchive, c.BoardRestore)


def apply(state: BoardState, command: c.Command, intent: Intent, mutation: str | None) -> Change:
    """The change that `command` makes of `state`; a no-op is a change with an empty `set`.

    Raises `NotFound`, `Conflict`, `LimitExceeded`, `Forbidden` or `BadRequest`; then nothing has happened.
    """
    if not isinstance(command, c.BoardCreate):
        board = structure.need_board(state)
        if board.value.archived and not isinstance(command, _WHILE_ARCHIVED):
            raise Conflict("board", "is archived; restore it first")
    delta = held_back(state, _APPLIERS[type(command)](state, command, intent))
    named: str | UnsetType = UNSET if mutation is None else mutation
    return Change(
        seq=state.seq + 1,
        at=intent.at,
        actor=intent.actor,
        op=c.OP_OF[type(command)],
        set=delta.set,
        was=delta.was,
        client=UNSET if mutation is None else intent.client,
        mutation=named,
        task=delta.task,
        also=delta.also,
        digest=intent.digest,
    )
