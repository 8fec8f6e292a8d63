"""What the operations on tasks and checklists do."""

from msgspec import UNSET, UnsetType

from server.document.intent import (
    Delta,
    Intent,
    Limits,
    given,
    need_column,
    need_task,
    refuse_overwriting,
    task_delta,
)
from server.document.order import check_position, place
from server.document.state import TASK_FIELDS, BoardState
from server.errors import BadRequest, Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model.conditions import check_done_when
from server.model.devices import DoneWhen
from server.model.records import ChecklistItem, Column, Fields, Kept, Patch, Task


def create(state: BoardState, command: c.TaskCreate, intent: Intent) -> Delta:
    if command.task in state.tasks:
        raise Conflict("task", f"{command.task!r} exists already")
    if state.task_count >= intent.limits.tasks_per_board:
        raise LimitExceeded("tasks", intent.limits.tasks_per_board, "tasks_per_board")
    column, after, completed = _where_new(state, command)
    position = place(state, column.id, after)
    fields = given(command, "title", "description", "priority", "due_at", "device", "done_when")
    _check_done_when(state, command.done_when)
    fields |= {
        "completed": completed,
        "column": column.id,
        "position": position,
        "labels": _labels(state, command.labels, intent),
        "assignees": _assignees(command.assignees, intent),
        "checklist": _checklist(command.checklist, intent),
        "comments": 0,
        "alarm": None,
        "alarm_at": None,
        "verified": False,
        "created_at": intent.at,
        "created_by": intent.actor.id,
    }
    return Delta(task=command.task, set=Patch(**fields))


def _where_new(state: BoardState, command: c.TaskCreate) -> tuple[Column, str | None | UnsetType, bool]:
    """Column, anchor and `completed` of a new task: a column that is named decides, else `completed` does."""
    if command.column is not UNSET:
        column = need_column(state, command.column)
        return (
            column,
            command.after,
            column.done or (command.completed and first_column(state, done=True) is None),
        )
    if command.completed and (done := first_column(state, done=True)) is not None:
        return done, None if command.after is UNSET else command.after, True
    column = state.sorted_columns()[0]
    return column, command.after, command.completed or column.done


def update(state: BoardState, command: c.TaskUpdate, intent: Intent) -> Delta:
    kept = need_task(state, command.task)
    wanted = given(command, "title", "description", "completed", "priority", "due_at", "device", "done_when")
    refuse_overwriting(state, kept, wanted, intent)
    if kept.value.alarm is not None and wanted.get("device", kept.value.device) != kept.value.device:
        raise Conflict("device", "the card is of an alarm of this device", current=kept.value.device)
    if wanted.get("done_when", kept.value.done_when) != kept.value.done_when:
        _check_done_when(state, wanted["done_when"])
        wanted["verified"] = False
    if command.labels_add or command.labels_remove:
        added = _with(kept.value.labels, command.labels_add, command.labels_remove)
        new = tuple(label for label in added if label not in kept.value.labels)
        wanted["labels"] = tuple(label for label in added if label not in new) + _labels(state, new, intent)
        _at_most("labels", wanted["labels"], intent.limits, "labels_per_task")
    if command.assignees_add or command.assignees_remove:
        wanted["assignees"] = _assignees(
            _with(kept.value.assignees, command.assignees_add, command.assignees_remove),
            intent,
        )
    wanted |= _moved(state, kept.value, command)
    return task_delta(kept.value, wanted)


def _check_done_when(state: BoardState, done_when: DoneWhen | None) -> None:
    if done_when is not None:
        check_done_when(done_when, "args.done_when")
        if state.device(done_when.device) is None:
            raise NotFound("device", done_when.device)


def completed_at_the_top(state: BoardState, task: Task) -> Fields:
    """What completes a task, where it then stands: on top of the first done column, when there is one."""
    target = first_column(state, done=True)
    if target is None or state.columns[task.column].value.done:
        return {"completed": True}
    return _to(state, task, target.id, None) | {"completed": True}


def _moved(state: BoardState, task: Task, command: c.TaskUpdate) -> Fields:
    """Where an update puts the task: where it says, or where its being (in)complete belongs."""
    here = state.columns[task.column].value
    if command.column is UNSET and command.completed not in (UNSET, task.completed):
        target = first_column(state, done=command.completed is True)
        if target is not None and here.done != command.completed:
            after = None if command.after is UNSET else command.after
            return _to(state, task, target.id, after) | {"completed": command.completed}
    moved: Fields = {}
    if command.column is not UNSET or command.after is not UNSET:
        moved = _to(state, task, command.column, command.after)
    target = _target(state, task, command.column)
    if target.done:
        moved["completed"] = True
    elif command.column is not UNSET and command.completed is True and first_column(state, done=True):
        moved["completed"] = False  # a column that is named decides
    return moved


def move(state: BoardState, command: c.TaskMove, intent: Intent) -> Delta:
    task = need_task(state, command.task).value
    if command.position is UNSET:
        return task_delta(task, _to(state, task, command.column, command.after))
    if command.after is not UNSET:
        raise BadRequest("args.position", "stands alone, without after")
    target = _target(state, task, command.column)
    wanted = {"column": target.id, "position": check_position(command.position)}
    return task_delta(task, wanted | _entered(state, task, target))


def _to(state: BoardState, task: Task, column: str | UnsetType, after: str | None | UnsetType) -> Fields:
    """Column, position and, when it enters or leaves a done column, `completed` of a task that moves."""
    target = _target(state, task, column)
    position = place(state, target.id, after, task.id)
    if position is None:
        return {}
    return {"column": target.id, "position": position} | _entered(state, task, target)


def _target(state: BoardState, task: Task, column: str | UnsetType) -> Column:
    return state.columns[task.column].value if column is UNSET else need_column(state, column)


def _entered(state: BoardState, task: Task, target: Column) -> Fields:
    """A done column completes what comes in and re-opens what goes out."""
    if target.id != task.column and (target.done or state.columns[task.column].value.done):
        return {"completed": target.done}
    return {}


def delete(state: BoardState, command: c.TaskDelete, intent: Intent) -> Delta:
    task = need_task(state, command.task).value
    return Delta(task=task.id, set=Patch(deleted=True), was=Patch(deleted=False))


def restore(state: BoardState, command: c.TaskRestore, intent: Intent) -> Delta:
    kept = state.tasks.get(command.task)
    if kept is None:
        raise NotFound("task", command.task)
    if not kept.deleted:
        return Delta(task=command.task)
    if state.task_count >= intent.limits.tasks_per_board:
        raise LimitExceeded("tasks", intent.limits.tasks_per_board, "tasks_per_board")
    fields = {name: getattr(kept.value, name) for name in TASK_FIELDS} | _home(state, kept)
    fields["labels"] = tuple(label for label in kept.value.labels if not state.labels[label].deleted)
    return Delta(task=command.task, set=Patch(deleted=False, **fields), was=Patch(deleted=True))


def _home(state: BoardState, kept: Kept[Task]) -> Fields:
    """Where a restored task goes: back, or to the end of the first column when its own is gone."""
    column = state.columns[kept.value.column]
    if not column.deleted:
        return {"completed": column.value.done or kept.value.completed}
    first = state.sorted_columns()[0]
    return {
        "column": first.id,
        "position": place(state, first.id, UNSET),
        "completed": first.done,
    }


def first_column(state: BoardState, *, done: bool) -> Column | None:
    return next((column for column in state.sorted_columns() if column.done == done), None)


# -- sets and lists


def _with(old: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in (*old, *add) if item not in remove))


def _at_most(field: str, items: tuple[object, ...], limits: Limits, setting: str) -> None:
    limit: int = getattr(limits, setting)
    if len(items) > limit:
        raise LimitExceeded(field, limit, setting)


def _labels(state: BoardState, labels: tuple[str, ...], intent: Intent) -> tuple[str, ...]:
    for label in labels:
        if label not in state.labels or state.labels[label].deleted:
            raise NotFound("label", label)
    unique = tuple(dict.fromkeys(labels))
    _at_most("labels", unique, intent.limits, "labels_per_task")
    return unique


def _assignees(assignees: tuple[str, ...], intent: Intent) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(assignees))
    _at_most("assignees", unique, intent.limits, "assignees_per_task")
    return unique


def _checklist(items: tuple[c.NewItem, ...], intent: Intent) -> tuple[ChecklistItem, ...]:
    _at_most("checklist", items, intent.limits, "checklist_items")
    if len({item.id for item in items}) != len(items):
        raise BadRequest("args.checklist", "two items have the same id")
    return tuple(ChecklistItem(item.id, item.text, item.done) for item in items)


def set_item(state: BoardState, command: c.ChecklistSet, intent: Intent) -> Delta:
    task = need_task(state, command.task).value
    old = next((item for item in task.checklist if item.id == command.item), None)
    if old is None:
        if command.text is UNSET:
            raise BadRequest("args.text", "a new item needs a text")
        _at_most("checklist", (*task.checklist, command), intent.limits, "checklist_items")
    new = ChecklistItem(
        command.item,
        old.text if old is not None and command.text is UNSET else str(command.text),
        old.done if old is not None and command.done is UNSET else command.done is True,
    )
    if old is not None and command.after is UNSET:
        items = [new if item.id == new.id else item for item in task.checklist]
    else:
        items = [item for item in task.checklist if item.id != new.id]
        items.insert(_item_index(items, command.after), new)
    return task_delta(task, {"checklist": tuple(items)})


def _item_index(items: list[ChecklistItem], after: str | None | UnsetType) -> int:
    if after is None:
        return 0
    return next((index + 1 for index, item in enumerate(items) if item.id == after), len(items))


def remove_item(state: BoardState, command: c.ChecklistRemove, intent: Intent) -> Delta:
    task = need_task(state, command.task).value
    items = tuple(item for item in task.checklist if item.id != command.item)
    if len(items) == len(task.checklist):
        raise NotFound("item", command.item)
    return task_delta(task, {"checklist": items})
