"""What people do on a board: random mutations over few tasks, so that they meet; some cannot be done."""

import random
from typing import Any

from tests.cluster.history import Item
from tests.fold import Fold
from tests.support import Message

COLUMNS = ("todo", "doing", "done")
MOST_TASKS = 12
"""Of one client; from then on it changes what there is."""
KINDS = {
    "create": 20,
    "update": 30,
    "move": 20,
    "check": 10,
    "comment": 10,
    "vanish": 6,
    "rename": 2,
    "never": 2,
}


class Intents:
    """`next(view)` is somebody's next mutation; what they see on the board steers it.

    Tasks named `…-v…` are deleted and restored; everything else is only ever changed, so that nothing stands
    against it.
    """

    def __init__(self, client: str, rng: random.Random) -> None:
        self._client = client
        self._rng = rng
        self._made = 0
        self._tasks = 0

    def next(self, view: Fold) -> Item:
        kind = self._rng.choices(list(KINDS), list(KINDS.values()))[0]
        lasting = [task for task in view.tasks if "-v" not in task]
        if kind in ("update", "move", "check", "comment") and not lasting:
            kind = "create"
        if kind == "create" and self._tasks >= MOST_TASKS:
            kind = "update" if lasting else "rename"
        item: Item = getattr(self, f"_{kind}")(view, lasting)
        self._made += 1
        return item

    def _item(
        self, op: str, *, sure: bool = True, hopeless: bool = False, base: Any = None, **args: Any
    ) -> Item:
        return Item(self._made, f"m-{self._made}", op, args, base, sure, hopeless)

    def _text(self) -> str:
        return f"{self._client} {self._made}"

    def _after(self, tasks: list[str]) -> Message:
        after = self._rng.choice(("absent", None, "task"))
        return {} if after == "absent" else {"after": self._rng.choice(tasks) if after else None}

    def _create(self, view: Fold, lasting: list[str]) -> Item:
        self._tasks += 1
        column = self._rng.choice(COLUMNS)
        task = f"{self._client}-{self._tasks}"
        return self._item("task.create", task=task, title=self._text(), column=column)

    def _update(self, view: Fold, lasting: list[str]) -> Item:
        """With `base` now and then: then somebody else's change may stand against it."""
        base = view.head if self._rng.random() < 0.2 else None
        fields: Message = {"title": self._text(), "completed": self._rng.random() < 0.3}
        task = self._rng.choice(lasting)
        return self._item("task.update", task=task, sure=base is None, base=base, **fields)

    def _move(self, view: Fold, lasting: list[str]) -> Item:
        task, column = self._rng.choice(lasting), self._rng.choice(COLUMNS)
        return self._item("task.move", task=task, column=column, **self._after(lasting))

    def _check(self, view: Fold, lasting: list[str]) -> Item:
        item = f"i{self._rng.randrange(4)}"
        done = self._rng.random() < 0.5
        return self._item(
            "checklist.set", task=self._rng.choice(lasting), item=item, text=self._text(), done=done
        )

    def _comment(self, view: Fold, lasting: list[str]) -> Item:
        comment, task = f"{self._client}-c{self._made}", self._rng.choice(lasting)
        return self._item("comment.add", task=task, comment=comment, text=self._text())

    def _vanish(self, view: Fold, lasting: list[str]) -> Item:
        """Made, deleted, restored and changed by everybody: each of them may be refused."""
        task = f"{view.board.get('id', '')}-v{self._rng.randrange(3)}"
        kind = self._rng.randrange(4)
        if kind == 0:
            return self._item("task.create", sure=False, task=task, title=self._text())
        if kind == 1:
            return self._item("task.update", sure=False, task=task, title=self._text())
        return self._item("task.delete" if kind == 2 else "task.restore", sure=False, task=task)

    def _rename(self, view: Fold, lasting: list[str]) -> Item:
        return self._item("board.update", name=self._text())

    def _never(self, view: Fold, lasting: list[str]) -> Item:
        return self._item("task.update", sure=False, hopeless=True, task="never", title=self._text())
