"""The state of one board, folded from its log, and a draft over it.

Records are frozen: a fold replaces them. `replay` is the only thing that changes a state; `Draft` has the
same interface and keeps what changed to itself, so that a batch can be judged before it is durable.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from server.document.overlay import Overlay
from server.model.fields import Role
from server.model.records import (
    Actor,
    BoardInfo,
    BoardRecord,
    Change,
    Column,
    ColumnPatch,
    Comment,
    CommentPatch,
    Fields,
    Kept,
    Label,
    LabelPatch,
    Mark,
    MemberPatch,
    Patch,
    Record,
    Task,
)

Slot = tuple[str, str]
"""Where a task stands in its column: (position, id)."""
T = TypeVar("T", bound=Struct)
K = TypeVar("K")
V = TypeVar("V")

TASK_FIELDS = tuple(f for f in Patch.__struct_fields__ if f in Task.__struct_fields__)
PLACING = ("column", "position")
INFO_FIELDS = tuple(f for f in Patch.__struct_fields__ if f in BoardInfo.__struct_fields__)
_OF_TASKS = ("title", "description", "completed", "priority", "due_at", "device")
_OF_OTHERS = ("name", "color", "done", "wip_limit", "text")
MARKED = frozenset((*_OF_TASKS, *_OF_OTHERS))
"""The fields that `base` is compared with; only they carry marks."""


class BoardState:
    """One board at `seq`. `order` holds the tasks that are not deleted, per column, sorted."""

    def __init__(self, board: str) -> None:
        self.board = board
        self.seq = 0
        self.at = 0
        self.board_seq = 0
        self.info: Kept[BoardInfo] | None = None
        self.columns: dict[str, Kept[Column]] = {}
        self.labels: dict[str, Kept[Label]] = {}
        self.members: dict[str, Role] = {}
        self.tasks: dict[str, Kept[Task]] = {}
        self.comments: dict[str, Kept[Comment]] = {}
        self.comments_of: dict[str, tuple[str, ...]] = {}
        self.order: dict[str, list[Slot]] = {}

    # -- reading

    def task(self, task: str) -> Kept[Task] | None:
        """The task when it is there and not deleted."""
        kept = self.tasks.get(task)
        return None if kept is None or kept.deleted else kept

    def sorted_columns(self) -> list[Column]:
        live = [kept.value for kept in self.columns.values() if not kept.deleted]
        return sorted(live, key=lambda column: (column.position, column.id))

    def sorted_labels(self) -> list[Label]:
        return [kept.value for kept in self.labels.values() if not kept.deleted]

    def sorted_tasks(self) -> Iterator[Task]:
        """All tasks that are not deleted, by column and position."""
        for column in self.sorted_columns():
            for _, task in self.order.get(column.id, ()):
                yield self.tasks[task].value

    def count_tasks(self) -> int:
        return sum(len(slots) for slots in self.order.values())

    def slots(self, column: str) -> list[Slot]:
        """The column's tasks in order. Not to be changed."""
        return self.order.get(column, [])

    def record(self) -> BoardRecord:
        """What is materialised of the board itself."""
        assert self.info is not None
        return BoardRecord(
            seq=self.board_seq,
            info=self.info,
            columns=self.columns,
            labels=self.labels,
            members=self.members,
        )

    # -- loading

    @classmethod
    def restored(cls, board: str, mark: int, records: Iterable[Record]) -> "BoardState":
        """The state that `records` hold; each reflects the log up to its own seq, all up to `mark`."""
        state = cls(board)
        state.seq = mark
        for record in records:
            state._put(record)
        for kept in state.tasks.values():
            if not kept.deleted:
                state.order.setdefault(kept.value.column, []).append((kept.value.position, kept.value.id))
        for slots in state.order.values():
            slots.sort()
        for comment in sorted(state.comments.values(), key=lambda kept: kept.made.seq):
            of = comment.value.task
            state.comments_of[of] = (*state.comments_of.get(of, ()), comment.value.id)
        return state

    def _put(self, record: Record) -> None:
        if isinstance(record, BoardRecord):
            self.board_seq, self.info = record.seq, record.info
            self.columns, self.labels, self.members = (
                record.columns,
                record.labels,
                record.members,
            )
            self.at = max(self.at, record.info.value.updated_at)
        elif isinstance(record.value, Task):
            self.tasks[record.value.id] = record
            self.at = max(self.at, record.value.updated_at)
        else:
            self.comments[record.value.id] = record

    # -- folding

    def replay(self, change: Change) -> None:
        """Fold the next change in. What a record reflects already is left as it is."""
        if change.seq != self.seq + 1:
            raise ValueError(f"change {change.seq} cannot follow {self.seq}")
        if change.set is UNSET:
            raise ValueError(f"change {change.seq} has lost its content to retention")
        mark = Mark(change.seq, author_of(change.actor, change.client))
        if change.task is not UNSET:
            self._fold_task(change.task, change.set, change, mark)
        elif self.board_seq < change.seq:
            self._fold_board(change.set, change, mark)
        if change.also is not UNSET:
            for task, delta in change.also.items():
                self._fold_task(task, delta.set, change, mark)
        self.seq, self.at = change.seq, change.at

    def adopt(self, draft: "Draft") -> bool:
        """Take over all that `draft` folded, which is what replaying its changes would make of this state.

        False, and nothing has happened, when the draft is not of this state as it is now.
        """
        if draft.base is not self or draft.begun != self.seq:
            return False
        self.seq, self.at, self.board_seq = draft.seq, draft.at, draft.board_seq
        self.info, self.columns, self.labels, self.members = (
            draft.info,
            draft.columns,
            draft.labels,
            draft.members,
        )
        self.tasks.update(_own(draft.tasks))
        self.comments.update(_own(draft.comments))
        self.comments_of.update(_own(draft.comments_of))
        self.order.update(_own(draft.order))
        return True

    def _fold_task(self, task: str, patch: Patch, change: Change, mark: Mark) -> None:
        if patch.comment is not UNSET:
            self._fold_comment(task, patch.comment, mark)
        kept = self.tasks.get(task)
        if kept is not None and kept.seq >= change.seq:
            return
        fields = _mentioned(patch, TASK_FIELDS)
        fields["updated_at"], fields["updated_by"], fields["seq"] = change.at, change.actor.id, change.seq
        if kept is None:
            new = Kept(value=Task(id=task, **fields), seq=change.seq, made=mark)
        else:
            new = _folded(
                kept,
                fields,
                mark,
                deleted=kept.deleted if patch.deleted is UNSET else patch.deleted,
            )
        if kept is None or not fields.keys().isdisjoint(PLACING) or patch.deleted is not UNSET:
            self._reorder(kept, new)
        self.tasks[task] = new

    def _fold_comment(self, task: str, patch: CommentPatch, mark: Mark) -> None:
        kept = self.comments.get(patch.id)
        if kept is not None and kept.seq >= mark.seq:
            return
        fields = _mentioned(patch, ("at", "actor", "text", "edited_at"))
        if kept is None:
            self.comments[patch.id] = Kept(
                value=Comment(id=patch.id, task=task, **fields), seq=mark.seq, made=mark
            )
            there = self.comments_of.get(task, ())
            self.comments_of[task] = (*there, patch.id)
            if (
                there and self.comments[there[-1]].made.seq > mark.seq
            ):  # it was in the records, ahead of the log
                by_age = sorted((*there, patch.id), key=lambda comment: self.comments[comment].made.seq)
                self.comments_of[task] = tuple(by_age)
        else:
            self.comments[patch.id] = _folded(kept, fields, mark, deleted=patch.deleted is True)

    def _fold_board(self, patch: Patch, change: Change, mark: Mark) -> None:
        fields = _mentioned(patch, INFO_FIELDS) | {"updated_at": change.at}
        if self.info is None:
            self.info = Kept(value=BoardInfo(id=self.board, **fields), seq=mark.seq, made=mark)
        else:
            self.info = _folded(self.info, fields, mark)
        if patch.columns is not UNSET:
            self.columns = _patched(self.columns, patch.columns, Column, mark)
        if isinstance(patch.labels, dict):
            self.labels = _patched(self.labels, patch.labels, Label, mark)
        if patch.members is not UNSET:
            self.members = _with_members(self.members, patch.members)
        self.board_seq = mark.seq

    # -- the index

    def _reorder(self, old: Kept[Task] | None, new: Kept[Task]) -> None:
        before = _slot(old)
        after = _slot(new)
        if before == after:
            return
        if before is not None:
            slots = self._writable(before[0])
            del slots[bisect_left(slots, before[1])]
        if after is not None:
            insort(self._writable(after[0]), after[1])

    def _writable(self, column: str) -> list[Slot]:
        return self.order.setdefault(column, [])


class Draft(BoardState):
    """A state that reads through to `base` and keeps its own changes to itself; spent once it was adopted."""

    def __init__(self, base: BoardState) -> None:
        self.base, self.begun = base, base.seq
        self.board, self.seq, self.at, self.board_seq = (
            base.board,
            base.seq,
            base.at,
            base.board_seq,
        )
        self.info, self.columns, self.labels, self.members = (
            base.info,
            base.columns,
            base.labels,
            base.members,
        )
        self.tasks = Overlay(base.tasks)
        self.comments = Overlay(base.comments)
        self.comments_of = Overlay(base.comments_of)
        self.order = Overlay(base.order)

    def _writable(self, column: str) -> list[Slot]:
        order = cast("Overlay[str, list[Slot]]", self.order)
        if not order.owns(column):
            order[column] = list(order.get(column, ()))
        return order[column]


def _own(entries: dict[K, V]) -> list[tuple[K, V]]:
    return cast("Overlay[K, V]", entries).own()


def _slot(kept: Kept[Task] | None) -> tuple[str, Slot] | None:
    if kept is None or kept.deleted:
        return None
    return kept.value.column, (kept.value.position, kept.value.id)


def _mentioned(patch: Struct, names: Iterable[str]) -> Fields:
    fields: Fields = {}
    for name in names:
        value = getattr(patch, name)
        if value is not UNSET:
            fields[name] = value
    return fields


def _folded(kept: Kept[T], fields: Fields, mark: Mark, *, deleted: bool = False) -> Kept[T]:
    old = kept.value
    fresh = {name: mark for name in fields if name in MARKED and getattr(old, name) != fields[name]}
    return Kept(
        value=replace(old, **fields),
        seq=mark.seq,
        made=kept.made,
        deleted=deleted,
        marks={**kept.marks, **fresh} if fresh else kept.marks,
    )


def _patched(
    old: dict[str, Kept[T]],
    patches: "dict[str, ColumnPatch | None] | dict[str, LabelPatch | None]",
    make: type[T],
    mark: Mark,
) -> dict[str, Kept[T]]:
    new = dict(old)
    for key, patch in patches.items():
        kept = new.get(key)
        fields: dict[str, Any] = {} if patch is None else _mentioned(patch, patch.__struct_fields__)
        if kept is not None:
            new[key] = _folded(kept, fields, mark, deleted=patch is None)
        elif patch is not None:
            new[key] = Kept(value=make(id=key, **fields), seq=mark.seq, made=mark)
    return new


def _with_members(old: dict[str, Role], patches: dict[str, MemberPatch | None]) -> dict[str, Role]:
    new = dict(old)
    for user, patch in patches.items():
        if patch is None:
            new.pop(user, None)
        elif patch.role is not UNSET:
            new[user] = patch.role
    return new


def author_of(actor: Actor, client: str | UnsetType) -> str:
    """How marks name the author of a change: another *client* is another author."""
    return f"{actor.id}/{'' if client is UNSET else client}"
