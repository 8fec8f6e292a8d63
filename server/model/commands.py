"""The operations: one Struct of `args` each. A new operation is a row here, in `policy` and in `document`."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from server.model import device_commands
from server.model.command import Command as Command
from server.model.devices import DoneWhen
from server.model.fields import (
    Color,
    CommentText,
    Description,
    Id,
    ItemText,
    OrderKey,
    Priority,
    Role,
    TimeMs,
    Title,
    Visibility,
    WipLimit,
)

After = Id | None | UnsetType
"""An id: behind it; None: at the top; absent, or an anchor that is not there (any more): at the end."""


class NewColumn(Command, frozen=True, kw_only=True):
    id: Id
    title: Title
    done: bool = False
    wip_limit: WipLimit | None = None


class NewItem(Command, frozen=True, kw_only=True):
    id: Id
    text: ItemText
    done: bool = False


class BoardCreate(Command, frozen=True, kw_only=True):
    name: Title
    description: Description = ""
    columns: Annotated[tuple[NewColumn, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class BoardUpdate(Command, frozen=True, kw_only=True):
    name: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET


class BoardArchive(Command, frozen=True, kw_only=True):
    pass


class BoardRestore(Command, frozen=True, kw_only=True):
    pass


class TaskCreate(Command, frozen=True, kw_only=True):
    task: Id
    title: Title
    description: Description = ""
    completed: bool = False
    priority: Priority = "none"
    assignees: tuple[Id, ...] = ()
    labels: tuple[Id, ...] = ()
    due_at: TimeMs | None = None
    checklist: tuple[NewItem, ...] = ()
    device: Id | None = None
    done_when: DoneWhen | None = None
    column: Id | UnsetType = UNSET
    after: After = UNSET


class TaskUpdate(Command, frozen=True, kw_only=True):
    """Fields to set, sets to add to and take from; with `column` or `after` it moves in the same change."""

    task: Id
    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    completed: bool | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    due_at: TimeMs | None | UnsetType = UNSET
    device: Id | None | UnsetType = UNSET
    done_when: DoneWhen | None | UnsetType = UNSET
    labels_add: tuple[Id, ...] = ()
    labels_remove: tuple[Id, ...] = ()
    assignees_add: tuple[Id, ...] = ()
    assignees_remove: tuple[Id, ...] = ()
    column: Id | UnsetType = UNSET
    after: After = UNSET


class TaskMove(Command, frozen=True, kw_only=True):
    task: Id
    column: Id | UnsetType = UNSET
    after: After = UNSET
    position: OrderKey | UnsetType = UNSET


class TaskDelete(Command, frozen=True, kw_only=True):
    task: Id


class TaskRestore(Command, frozen=True, kw_only=True):
    task: Id


class ChecklistSet(Command, frozen=True, kw_only=True):
    """Adds the item when it is not there (`text` needed), else changes what is given."""

    task: Id
    item: Id
    text: ItemText | UnsetType = UNSET
    done: bool | UnsetType = UNSET
    after: After = UNSET


class ChecklistRemove(Command, frozen=True, kw_only=True):
    task: Id
    item: Id


class CommentAdd(Command, frozen=True, kw_only=True):
    task: Id
    comment: Id
    text: CommentText


class CommentEdit(Command, frozen=True, kw_only=True):
    task: Id
    comment: Id
    text: CommentText


class CommentDelete(Command, frozen=True, kw_only=True):
    task: Id
    comment: Id


class CommentRestore(Command, frozen=True, kw_only=True):
    task: Id
    comment: Id


class ColumnCreate(Command, frozen=True, kw_only=True):
    column: Id
    title: Title
    done: bool = False
    wip_limit: WipLimit | None = None
    after: After = UNSET


class ColumnUpdate(Command, frozen=True, kw_only=True):
    column: Id
    title: Title | UnsetType = UNSET
    done: bool | UnsetType = UNSET
    wip_limit: WipLimit | None | UnsetType = UNSET


class ColumnMove(Command, frozen=True, kw_only=True):
    column: Id
    after: After = UNSET


class ColumnDelete(Command, frozen=True, kw_only=True):
    column: Id
    move_to: Id | UnsetType = UNSET


class ColumnRestore(Command, frozen=True, kw_only=True):
    column: Id


class LabelCreate(Command, frozen=True, kw_only=True):
    label: Id
    name: Title
    color: Color


class LabelUpdate(Command, frozen=True, kw_only=True):
    label: Id
    name: Title | UnsetType = UNSET
    color: Color | UnsetType = UNSET


class LabelDelete(Command, frozen=True, kw_only=True):
    label: Id


class LabelRestore(Command, frozen=True, kw_only=True):
    label: Id


class MemberSet(Command, frozen=True, kw_only=True):
    user: Id
    role: Role


class MemberRemove(Command, frozen=True, kw_only=True):
    user: Id


OPERATIONS: dict[str, type[Command]] = {
    "board.create": BoardCreate,
    "board.update": BoardUpdate,
    "board.archive": BoardArchive,
    "board.restore": BoardRestore,
    "task.create": TaskCreate,
    "task.update": TaskUpdate,
    "task.move": TaskMove,
    "task.delete": TaskDelete,
    "task.restore": TaskRestore,
    "checklist.set": ChecklistSet,
    "checklist.remove": ChecklistRemove,
    "comment.add": CommentAdd,
    "comment.edit": CommentEdit,
    "comment.delete": CommentDelete,
    "comment.restore": CommentRestore,
    "column.create": ColumnCreate,
    "column.update": ColumnUpdate,
    "column.move": ColumnMove,
    "column.delete": ColumnDelete,
    "column.restore": ColumnRestore,
    "label.create": LabelCreate,
    "label.update": LabelUpdate,
    "label.delete": LabelDelete,
    "label.restore": LabelRestore,
    "member.set": MemberSet,
    "member.remove": MemberRemove,
    **device_commands.OPERATIONS,
}
"""What clients may ask for."""
OWN = device_commands.OWN
"""What only the server asks for."""
LOGGED: dict[str, type[Command]] = OPERATIONS | OWN
"""What may stand in a log."""
OP_OF: dict[type[Command], str] = {command: op for op, command in LOGGED.items()}
