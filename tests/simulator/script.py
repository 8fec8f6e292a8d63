"""What people do on a board: random intents over few ids, so that they meet."""

import random
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from server.document import BoardState
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import Above, Rule, Then, ThenCommand

COLUMNS = ("todo", "doing", "done", "c1", "c2")
LABELS = ("l1", "l2", "l3")
TASKS = tuple(f"t{n}" for n in range(8))
COMMENTS = tuple(f"m{n}" for n in range(6))
ITEMS = ("i1", "i2", "i3")
DEVICES = ("d1", "d2")
RULES = ("r1", "r2")
SENT = tuple(f"k{n}" for n in range(6))
HOPELESS = c.TaskUpdate(task="never", title="there is no such task")
COMPARED = (c.TaskUpdate, c.CommentEdit, c.ColumnUpdate, c.LabelUpdate, c.BoardUpdate)
"""The commands that `base` is judged for."""

_WEIGHTS = {
    "task_create": 16,
    "task_update": 22,
    "task_move": 14,
    "task_delete": 5,
    "task_restore": 6,
    "item": 10,
    "comment": 10,
    "comment_change": 5,
    "label": 5,
    "label_delete": 2,
    "column": 3,
    "column_change": 3,
    "board": 2,
    "device": 2,
    "rule": 2,
    "send": 2,
    "hopeless": 2,
}


class Script:
    """`intent(state)` is somebody's next command; what they have seen steers it a little."""

    def __init__(self, rng: random.Random, tasks: tuple[str, ...]) -> None:
        self._rng = rng
        self._tasks = tasks
        self._looks = rng.choice((0.95, 0.5))  # how often it picks what it has seen

    def create_board(self) -> c.Command:
        return c.BoardCreate(name="Simulated")

    def intent(self, state: BoardState) -> c.Command:
        kind = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if not state.tasks and self._rng.random() < self._looks - 0.2:
            kind = "task_create"
        command: c.Command = getattr(self, "_" + kind)(state)
        return command

    def text(self) -> str:
        """Often the same as somebody else's."""
        return f"text {self._rng.randrange(12)}"

    def _task(self, state: BoardState) -> str:
        """Mostly a task that was seen."""
        seen = [task for task in state.tasks if state.task(task) is not None]
        return (
            self._rng.choice(seen)
            if seen and self._rng.random() < self._looks
            else self._rng.choice(self._tasks)
        )

    def _column_id(self, state: BoardState) -> Any:
        """Absent, or mostly one that was seen."""
        if self._rng.random() < 0.3:
            return UNSET
        seen = [column.id for column in state.sorted_columns()]
        return self._rng.choice(seen) if seen and self._rng.random() < 0.9 else self._rng.choice(COLUMNS)

    def _label_ids(self, state: BoardState) -> tuple[str, ...]:
        if self._rng.random() < 0.7:
            return ()
        seen = [label.id for label in state.sorted_labels()]
        return (self._rng.choice(seen if seen and self._rng.random() < 0.9 else LABELS),)

    def _after(self, ids: tuple[str, ...]) -> Any:
        return self._rng.choice((UNSET, None, self._rng.choice(ids)))

    def _task_create(self, state: BoardState) -> c.Command:
        rng = self._rng
        return c.TaskCreate(
            task=rng.choice(self._tasks) if rng.random() < 0.8 else f"x{rng.randrange(10_000)}",
            title=self.text(),
            column=self._column_id(state),
            after=self._after(self._tasks),
            labels=self._label_ids(state),
            completed=rng.random() < 0.1,
        )

    def _task_update(self, state: BoardState) -> c.Command:
        rng = self._rng
        return c.TaskUpdate(
            task=self._task(state),
            title=rng.choice((UNSET, self.text())),
            description=rng.choice((UNSET, UNSET, self.text())),
            completed=rng.choice((UNSET, UNSET, True, False)),
            priority=rng.choice((UNSET, "high", "low")),
            labels_add=self._label_ids(state),
            labels_remove=self._label_ids(state),
            assignees_add=rng.choice(((), (), ("ann", "bob"))),
            assignees_remove=rng.choice(((), (), ("ann",))),
        )

    def _task_move(self, state: BoardState) -> c.Command:
        column = self._column_id(state)
        return c.TaskMove(task=self._task(state), column=column, after=self._after(self._tasks))

    def _task_delete(self, state: BoardState) -> c.Command:
        return c.TaskDelete(task=self._task(state))

    def _task_restore(self, state: BoardState) -> c.Command:
        return c.TaskRestore(task=self._rng.choice(self._tasks))

    def _item(self, state: BoardState) -> c.Command:
        rng, task, item = self._rng, self._task(state), self._rng.choice(ITEMS)
        if rng.random() < 0.2:
            return c.ChecklistRemove(task=task, item=item)
        text = rng.choice((UNSET, self.text(), self.text()))
        return c.ChecklistSet(
            task=task, item=item, text=text, done=rng.random() < 0.5, after=self._after(ITEMS)
        )

    def _comment(self, state: BoardState) -> c.Command:
        return c.CommentAdd(task=self._task(state), comment=self._rng.choice(COMMENTS), text=self.text())

    def _comment_change(self, state: BoardState) -> c.Command:
        comment = self._rng.choice(COMMENTS)
        kept = state.comments.get(comment)
        task = self._task(state) if kept is None else kept.value.task
        if self._rng.random() < 0.4:
            return c.CommentEdit(task=task, comment=comment, text=self.text())
        kind = self._rng.choice((c.CommentDelete, c.CommentRestore))
        return kind(task=task, comment=comment)

    def _label(self, state: BoardState) -> c.Command:
        label = self._rng.choice(LABELS)
        if label in state.labels:
            return c.LabelUpdate(label=label, name=self.text())
        return c.LabelCreate(label=label, name=self.text(), color="#aabbcc")

    def _label_delete(self, state: BoardState) -> c.Command:
        kind = self._rng.choice((c.LabelDelete, c.LabelRestore))
        return kind(label=self._rng.choice(LABELS))

    def _column(self, state: BoardState) -> c.Command:
        column = self._rng.choice(COLUMNS)
        if column in state.columns:
            return c.ColumnMove(column=column, after=self._after(COLUMNS))
        done = self._rng.random() < 0.3
        return c.ColumnCreate(column=column, title=self.text(), done=done, after=self._after(COLUMNS))

    def _column_change(self, state: BoardState) -> c.Command:
        rng, column = self._rng, self._rng.choice(COLUMNS)
        if rng.random() < 0.4:
            return c.ColumnUpdate(column=column, title=self.text(), done=rng.choice((UNSET, True, False)))
        if rng.random() < 0.4:
            return c.ColumnRestore(column=column)
        return c.ColumnDelete(column=column, move_to=rng.choice((UNSET, *COLUMNS)))

    def _board(self, state: BoardState) -> c.Command:
        return c.BoardUpdate(name=self.text(), description=self._rng.choice((UNSET, self.text())))

    def _device(self, state: BoardState) -> c.Command:
        rng, device = self._rng, self._rng.choice(DEVICES)
        if device not in state.devices:
            return d.DeviceCreate(device=device, name=self.text())
        if rng.random() < 0.4:
            return d.DeviceUpdate(device=device, name=self.text(), disabled=rng.random() < 0.3)
        return rng.choice((d.DeviceDelete, d.DeviceRestore))(device=device)

    def _rule(self, state: BoardState) -> c.Command:
        rng, rule = self._rng, self._rng.choice(RULES)
        if rule in state.rules and rng.random() < 0.2:
            return d.RuleDelete(rule=rule)
        then = Then(column=rng.choice(COLUMNS), title=self.text(), complete_on_clear=rng.random() < 0.5)
        if rng.random() < 0.5:
            then = replace(then, command=ThenCommand(name="stop"))
        device, when = rng.choice(("*", *DEVICES)), Above(value=rng.choice((1.0, 2.0)))
        return d.RuleSet(rule=Rule(id=rule, device=device, metric="temp", when=when, then=then))

    def _send(self, state: BoardState) -> c.Command:
        task = self._rng.choice((UNSET, self._task(state)))
        command, device = self._rng.choice(SENT), self._rng.choice(DEVICES)
        return d.CommandSend(command=command, device=device, name="stop", task=task)

    def measured(self) -> c.Command:
        """What an instance wants of the board when it has heard of a device."""
        rng, rule, device = self._rng, self._rng.choice(RULES), self._rng.choice(DEVICES)
        if rng.random() < 0.4:
            return d.AlarmClear(rule=rule, device=device, at=1, reason=self.text())
        kind, task = rng.choice((d.AlarmOpen, d.AlarmReturn)), f"a{rng.randrange(10_000)}"
        return kind(rule=rule, device=device, task=task, at=1, reason=self.text())

    def told(self) -> c.Command:
        """What an instance wants of the board about a command."""
        kind = self._rng.choice((d.CommandDeliver, d.CommandExpire))
        return kind(command=self._rng.choice(SENT))

    def _hopeless(self, state: BoardState) -> c.Command:
        return HOPELESS
