"""The state of one board, folded from its log, and a draft over it.

Records are frozen: a fold replaces them. `replay` is the only thing that changes a state; `Draft` has the
same interface and keeps what changed to itself, so that a batch can be judged before it is durable.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import TypeVar, cast

from msgspec import UNSET

from server.document.folding import (
    author_of,
    folded,
    mentioned,
    patched,
    with_commands,
    with_lowered,
    with_members,
    with_rules,
)
from server.document.overlay import Overlay
from server.model.devices import Device, DeviceCommand, Rule
from server.model.fields import Role, Visibility
from server.model.records import (
    BoardInfo,
    BoardRecord,
    Change,
    Column,
    Comment,
    CommentPatch,
    Kept,
    Label,
    Mark,
    Patch,
    Record,
    Task,
)

Slot = tuple[str, str]
"""Where a task stands in its column: (position, id)."""
Watched = tuple[str, str]
"""A rule and a device that it watches."""
K = TypeVar("K")
V = TypeVar("V")

TASK_FIELDS = tuple(f for f in Patch.__struct_fields__ if f in Task.__struct_fields__)
_OF_TASKS = frozenset(TASK_FIELDS)
PLACING = ("column", "position")
INFO_FIELDS = tuple(f for f in Patch.__struct_fields__ if f in BoardInfo.__struct_fields__)


class BoardState:
    """One board at `seq`. `order` holds the tasks that are not deleted, per column, sorted, and `task_count`
    is how many there are; `alarms` the newest card of each rule on each device, deleted or not.
    """

    def __init__(self, board: str) -> None:
        self.board = board
        self.seq = 0
        self.at = 0
        self.board_seq = 0
        self.info: Kept[BoardInfo] | None = None
        self.columns: dict[str, Kept[Column]] = {}
        self.labels: dict[str, Kept[Label]] = {}
        self.members: dict[str, Role] = {}
        self.lowered: dict[str, int] = {}
        self.devices: dict[str, Kept[Device]] = {}
        self.rules: dict[str, Rule] = {}
        self.commands: dict[str, DeviceCommand] = {}
        self.alarms: dict[Watched, str] = {}
        self.tasks: dict[str, Kept[Task]] = {}
        self.comments: dict[str, Kept[Comment]] = {}
        self.comments_of: dict[str, tuple[str, ...]] = {}
        self.order: dict[str, list[Slot]] = {}
        self.task_count = 0

    # -- reading

    @property
    def visibility(self) -> Visibility:
        """Who may read it beside its members. A board that does not exist is nobody's to see."""
        found = UNSET if self.info is None else self.info.value.visibility
        return "private" if found is UNSET else found

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

    def device(self, device: str) -> Device | None:
        """The device when it is there and not deleted."""
        kept = self.devices.get(device)
        return None if kept is None or kept.deleted else kept.value

    def sorted_devices(self) -> list[Device]:
        """In order of creation."""
        return [kept.value for kept in self.devices.values() if not kept.deleted]

    def alarm(self, rule: str, device: str) -> Kept[Task] | None:
        """The newest card of the rule on the device, deleted or not."""
        task = self.alarms.get((rule, device))
        return None if task is None else self.tasks[task]

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
            lowered=self.lowered,
            devices=self.devices,
            rules=self.rules,
            commands=self.commands,
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
            state.task_count += len(slots)
        cards = [kept for kept in state.tasks.values() if kept.value.alarm is not None]
        for kept in sorted(cards, key=lambda kept: kept.made.seq):
            state._index_alarm(kept)
        for comment in sorted(state.comments.values(), key=lambda kept: kept.made.seq):
            of = comment.value.task
            state.comments_of[of] = (*state.comments_of.get(of, ()), comment.value.id)
        return state

    def _put(self, record: Record) -> None:
        if isinstance(record, BoardRecord):
            self.board_seq, self.info = record.seq, record.info
            self.columns, self.labels = record.columns, record.labels
            self.members, self.lowered = record.members, record.lowered
            self.devices, self.rules, self.commands = record.devices, record.rules, record.commands
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
            if change.set.commands is not UNSET and self.board_seq < change.seq:
                self.commands = with_commands(self.commands, change.set.commands)
                self.board_seq = change.seq
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
        self.info, self.columns = draft.info, draft.columns
        self.labels, self.members, self.lowered = draft.labels, draft.members, draft.lowered
        self.devices, self.rules, self.commands = draft.devices, draft.rules, draft.commands
        self.alarms.update(_own(draft.alarms))
        self.tasks.update(_own(draft.tasks))
        self.comments.update(_own(draft.comments))
        self.comments_of.update(_own(draft.comments_of))
        self.order.update(_own(draft.order))
        self.task_count = draft.task_count
        return True

    def _fold_task(self, task: str, patch: Patch, change: Change, mark: Mark) -> None:
        if patch.comment is not UNSET:
            self._fold_comment(task, patch.comment, mark)
        kept = self.tasks.get(task)
        if kept is not None and kept.seq >= change.seq:
            return
        fields = mentioned(patch, _OF_TASKS)
        fields["updated_at"], fields["updated_by"], fields["seq"] = change.at, change.actor.id, change.seq
        if kept is None:
            new = Kept(value=Task(id=task, **fields), seq=change.seq, made=mark)
        else:
            new = folded(
                kept,
                fields,
                mark,
                deleted=kept.deleted if patch.deleted is UNSET else patch.deleted,
            )
        if kept is None or not fields.keys().isdisjoint(PLACING) or patch.deleted is not UNSET:
            self._reorder(kept, new)
        self.tasks[task] = new
        if kept is None or "alarm" in fields:
            self._index_alarm(new)

    def _fold_comment(self, task: str, patch: CommentPatch, mark: Mark) -> None:
        kept = self.comments.get(patch.id)
        if kept is not None and kept.seq >= mark.seq:
            return
        fields = mentioned(patch, ("at", "actor", "text", "edited_at"))
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
            self.comments[patch.id] = folded(kept, fields, mark, deleted=patch.deleted is True)

    def _fold_board(self, patch: Patch, change: Change, mark: Mark) -> None:
        fields = mentioned(patch, INFO_FIELDS) | {"updated_at": change.at}
        if self.info is None:
            self.info = Kept(value=BoardInfo(id=self.board, **fields), seq=mark.seq, made=mark)
        else:
            self.info = folded(self.info, fields, mark)
        if patch.columns is not UNSET:
            self.columns = patched(self.columns, patch.columns, Column, mark)
        if isinstance(patch.labels, dict):
            self.labels = patched(self.labels, patch.labels, Label, mark)
        if patch.members is not UNSET:
            self.lowered = with_lowered(self.lowered, self.members, patch.members, change)
            self.members = with_members(self.members, patch.members)
        if patch.devices is not UNSET:
            self.devices = patched(self.devices, patch.devices, Device, mark)
        if patch.rules is not UNSET:
            self.rules = with_rules(self.rules, patch.rules)
        if patch.commands is not UNSET:
            self.commands = with_commands(self.commands, patch.commands)
        self.board_seq = mark.seq

    # -- the indexes

    def _index_alarm(self, card: Kept[Task]) -> None:
        """An older card that is restored leaves the alarm with the newer one."""
        rule, device = card.value.alarm, card.value.device
        if rule is None or device is None:
            return
        newest = self.alarm(rule, device)
        if newest is None or newest.made.seq <= card.made.seq:
            self.alarms[rule, device] = card.value.id

    def _reorder(self, old: Kept[Task] | None, new: Kept[Task]) -> None:
        before = _slot(old)
        after = _slot(new)
        if before == after:
            return
        if before is not None:
            slots = self._writable(before[0])
            del slots[bisect_left(slots, before[1])]
            self.task_count -= 1
        if after is not None:
            insort(self._writable(after[0]), after[1])
            self.task_count += 1

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
        self.info, self.columns = base.info, base.columns
        self.labels, self.members, self.lowered = base.labels, base.members, base.lowered
        self.devices, self.rules, self.commands = base.devices, base.rules, base.commands
        self.alarms = Overlay(base.alarms)
        self.tasks = Overlay(base.tasks)
        self.comments = Overlay(base.comments)
        self.comments_of = Overlay(base.comments_of)
        self.order, self.task_count = Overlay(base.order), base.task_count

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
