"""What the operations on the board itself do: columns, labels, members."""

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from server.document.devices import unwatched
from server.document.intent import (
    Delta,
    Intent,
    also_delta,
    fields_delta,
    given,
    need_column,
    refuse_overwriting,
)
from server.document.order import key_between, keys_after
from server.document.state import BoardState
from server.errors import BadRequest, Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model.fields import Role
from server.model.records import (
    Also,
    BoardInfo,
    Column,
    ColumnPatch,
    Kept,
    Label,
    LabelPatch,
    MemberPatch,
    Patch,
    Task,
)

DEFAULT_COLUMNS = (
    c.NewColumn(id="todo", title="To do"),
    c.NewColumn(id="doing", title="Doing"),
    c.NewColumn(id="done", title="Done", done=True),
)


# -- the board


def create_board(state: BoardState, command: c.BoardCreate, intent: Intent) -> Delta:
    if state.info is not None:
        raise Conflict("board", f"{state.board!r} exists already")
    if intent.boards >= intent.limits.boards:
        raise LimitExceeded("boards", intent.limits.boards, "boards")
    columns = DEFAULT_COLUMNS if command.columns is UNSET else command.columns
    if len({column.id for column in columns}) != len(columns):
        raise BadRequest("args.columns", "two columns have the same id")
    patches: dict[str, ColumnPatch | None] = {
        column.id: ColumnPatch(
            title=column.title,
            done=column.done,
            wip_limit=column.wip_limit,
            position=position,
        )
        for column, position in zip(columns, keys_after(None, len(columns)), strict=True)
    }
    owners: dict[str, MemberPatch | None] = (
        {intent.actor.id: MemberPatch(role="owner")} if intent.actor.kind == "user" else {}
    )
    new = Patch(
        name=command.name,
        description=command.description,
        created_at=intent.at,
        created_by=intent.actor.id,
        epoch=intent.epoch,
        columns=patches,
        members=owners,
    )
    return Delta(set=new)


def need_board(state: BoardState) -> Kept[BoardInfo]:
    if state.info is None:
        raise NotFound("board", state.board)
    return state.info


def update_board(state: BoardState, command: c.BoardUpdate, intent: Intent) -> Delta:
    kept = need_board(state)
    wanted = given(command, "name", "description", "visibility")
    refuse_overwriting(state, kept, wanted, intent)
    new, was = fields_delta(kept.value, wanted)
    if "visibility" in new:  # a board that was never given one is private
        was["visibility"] = state.visibility
        if new["visibility"] == was["visibility"]:
            del new["visibility"], was["visibility"]
    return Delta(set=Patch(**new), was=Patch(**was))


def archive_board(state: BoardState, command: c.BoardArchive, intent: Intent) -> Delta:
    """Its devices are not listened to any more: their alarms are over."""
    delta = _archived(state, True)
    return delta if delta == Delta() else replace(delta, also=unwatched(state, intent))


def restore_board(state: BoardState, command: c.BoardRestore, intent: Intent) -> Delta:
    return _archived(state, False)


def _archived(state: BoardState, archived: bool) -> Delta:
    if need_board(state).value.archived == archived:
        return Delta()
    return Delta(set=Patch(archived=archived), was=Patch(archived=not archived))


# -- columns


def create_column(state: BoardState, command: c.ColumnCreate, intent: Intent) -> Delta:
    if command.column in state.columns:
        raise Conflict("column", f"{command.column!r} exists already")
    _room_for_column(state, intent)
    new = ColumnPatch(
        title=command.title,
        done=command.done,
        wip_limit=command.wip_limit,
        position=_column_position(state, command.after, command.column),
    )
    return _column_delta(command.column, new, None)


def _room_for_column(state: BoardState, intent: Intent) -> None:
    if len(state.sorted_columns()) >= intent.limits.columns_per_board:
        raise LimitExceeded("columns", intent.limits.columns_per_board, "columns_per_board")


def update_column(state: BoardState, command: c.ColumnUpdate, intent: Intent) -> Delta:
    column = need_column(state, command.column)
    wanted = given(command, "title", "done", "wip_limit")
    refuse_overwriting(state, state.columns[command.column], wanted, intent)
    new, was = fields_delta(column, wanted)
    if not new:
        return Delta()
    also = _completed(state, column.id, new["done"]) if "done" in new else UNSET
    return _column_delta(column.id, ColumnPatch(**new), ColumnPatch(**was), also)


def _completed(state: BoardState, column: str, done: bool) -> dict[str, Also] | UnsetType:
    """A done column holds completed tasks, another one open ones: what its tasks become."""
    tasks = [state.tasks[task].value for _, task in state.slots(column)]
    return {t.id: also_delta(t, {"completed": done}) for t in tasks if t.completed != done} or UNSET


def move_column(state: BoardState, command: c.ColumnMove, intent: Intent) -> Delta:
    column = need_column(state, command.column)
    ids = [other.id for other in state.sorted_columns()]
    position = _column_position(state, command.after, column.id)
    others = [other for other in ids if other != column.id]
    index = _column_index(others, command.after)
    if ids.index(column.id) == index:
        return Delta()
    return _column_delta(column.id, ColumnPatch(position=position), ColumnPatch(position=column.position))


def _column_index(ids: list[str], after: str | None | UnsetType) -> int:
    if after is None:
        return 0
    return ids.index(after) + 1 if after in ids else len(ids)


def _column_position(state: BoardState, after: str | None | UnsetType, moving: str) -> str:
    others = [column for column in state.sorted_columns() if column.id != moving]
    index = _column_index([column.id for column in others], after)
    low = others[index - 1].position if index else None
    above = (column.position for column in others[index:] if low is None or column.position > low)
    return key_between(low, next(above, None))


def delete_column(state: BoardState, command: c.ColumnDelete, intent: Intent) -> Delta:
    column = need_column(state, command.column)
    if len(state.sorted_columns()) == 1:
        raise Conflict("column", "the last column of a board stays")
    tasks = [state.tasks[task].value for _, task in state.slots(column.id)]
    also: dict[str, Also] | UnsetType = UNSET
    if command.move_to is not UNSET:
        also = _moved_to(state, tasks, column, command.move_to) or UNSET
    elif tasks:
        raise Conflict("move_to", f"the column holds {len(tasks)} tasks; say where they go")
    return _column_delta(column.id, None, _whole(column), also)


def _moved_to(state: BoardState, tasks: list[Task], old: Column, move_to: str) -> dict[str, Also]:
    target = need_column(state, move_to)
    if target.id == old.id:
        raise BadRequest("args.move_to", "is the column that is deleted")
    slots = state.slots(target.id)
    keys = keys_after(slots[-1][0] if slots else None, len(tasks))
    done = {"completed": target.done} if target.done or old.done else {}
    return {
        task.id: also_delta(task, {"column": target.id, "position": key} | done)
        for task, key in zip(tasks, keys, strict=True)
    }


def restore_column(state: BoardState, command: c.ColumnRestore, intent: Intent) -> Delta:
    kept = state.columns.get(command.column)
    if kept is None:
        raise NotFound("column", command.column)
    if not kept.deleted:
        return Delta()
    _room_for_column(state, intent)
    return _column_delta(command.column, _whole(_at_a_free_place(state, kept.value)), None)


def _at_a_free_place(state: BoardState, column: Column) -> Column:
    """Where it was, or right behind the column that has taken its place."""
    positions = [other.position for other in state.sorted_columns()]
    if column.position not in positions:
        return column
    above = (position for position in positions if position > column.position)
    return replace(column, position=key_between(column.position, next(above, None)))


def _whole(column: Column) -> ColumnPatch:
    return ColumnPatch(
        title=column.title,
        done=column.done,
        wip_limit=column.wip_limit,
        position=column.position,
    )


def _column_delta(
    column: str,
    new: ColumnPatch | None,
    was: ColumnPatch | None,
    also: dict[str, Also] | UnsetType = UNSET,
) -> Delta:
    return Delta(set=Patch(columns={column: new}), was=Patch(columns={column: was}), also=also)


# -- labels


def create_label(state: BoardState, command: c.LabelCreate, intent: Intent) -> Delta:
    if command.label in state.labels:
        raise Conflict("label", f"{command.label!r} exists already")
    _room_for_label(state, intent)
    return _label_delta(command.label, LabelPatch(name=command.name, color=command.color), None)


def _room_for_label(state: BoardState, intent: Intent) -> None:
    if len(state.sorted_labels()) >= intent.limits.labels_per_board:
        raise LimitExceeded("labels", intent.limits.labels_per_board, "labels_per_board")


def _need_label(state: BoardState, label: str, *, deleted: bool = False) -> Kept[Label]:
    kept = state.labels.get(label)
    if kept is None or (kept.deleted and not deleted):
        raise NotFound("label", label)
    return kept


def update_label(state: BoardState, command: c.LabelUpdate, intent: Intent) -> Delta:
    kept = _need_label(state, command.label)
    wanted = given(command, "name", "color")
    refuse_overwriting(state, kept, wanted, intent)
    new, was = fields_delta(kept.value, wanted)
    return _label_delta(command.label, LabelPatch(**new), LabelPatch(**was)) if new else Delta()


def delete_label(state: BoardState, command: c.LabelDelete, intent: Intent) -> Delta:
    label = _need_label(state, command.label).value
    also = {
        task.id: also_delta(task, {"labels": tuple(other for other in task.labels if other != label.id)})
        for task in state.sorted_tasks()
        if label.id in task.labels
    }
    return _label_delta(label.id, None, LabelPatch(name=label.name, color=label.color), also or UNSET)


def restore_label(state: BoardState, command: c.LabelRestore, intent: Intent) -> Delta:
    kept = _need_label(state, command.label, deleted=True)
    if not kept.deleted:
        return Delta()
    _room_for_label(state, intent)
    return _label_delta(command.label, LabelPatch(name=kept.value.name, color=kept.value.color), None)


def _label_delta(
    label: str,
    new: LabelPatch | None,
    was: LabelPatch | None,
    also: dict[str, Also] | UnsetType = UNSET,
) -> Delta:
    return Delta(set=Patch(labels={label: new}), was=Patch(labels={label: was}), also=also)


# -- members


def set_member(state: BoardState, command: c.MemberSet, intent: Intent) -> Delta:
    old = state.members.get(command.user)
    if old == command.role:
        return Delta()
    if old is None and len(state.members) >= intent.limits.members_per_board:
        raise LimitExceeded("members", intent.limits.members_per_board, "members_per_board")
    _keep_an_owner(state, command.user, old)
    return _member_delta(command.user, MemberPatch(role=command.role), old)


def remove_member(state: BoardState, command: c.MemberRemove, intent: Intent) -> Delta:
    old = state.members.get(command.user)
    if old is None:
        raise NotFound("user", command.user)
    _keep_an_owner(state, command.user, old)
    also = {
        task.id: also_delta(task, {"assignees": tuple(a for a in task.assignees if a != command.user)})
        for task in state.sorted_tasks()
        if command.user in task.assignees
    }
    return _member_delta(command.user, None, old, also or UNSET)


def _keep_an_owner(state: BoardState, user: str, old: Role | None) -> None:
    if old == "owner" and not any(role == "owner" for other, role in state.members.items() if other != user):
        raise Conflict("user", "the last owner of a board stays its owner")


def _member_delta(
    user: str,
    new: MemberPatch | None,
    old: Role | None,
    also: dict[str, Also] | UnsetType = UNSET,
) -> Delta:
    was = None if old is None else MemberPatch(role=old)
    return Delta(set=Patch(members={user: new}), was=Patch(members={user: was}), also=also)
