"""A board to try operations on, without a store: `do` applies and replays as a commit does."""

from typing import Any

from server.document import BoardState, Intent, Limits, apply
from server.model import commands as c
from server.model.devices import Above, Rule, Then
from server.model.fields import Role
from server.model.records import Actor, Change, Task

ANN = Actor("ann", "Ann")
BOB = Actor("bob", "Bob")


def warm(device: str = "*", **then: Any) -> Rule:
    """The rule `r1`: a card when it is warmer than 80."""
    made = Then(**{"column": "todo", "title": "Too warm", **then})
    return Rule(id="r1", device=device, metric="temp", when=Above(value=80.0), then=made)


class Board:
    """`log` holds what was done; the clock goes forward by one with each change."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.state = BoardState("b")
        self.log: list[Change] = []
        self.limits = limits or Limits()
        self.do(c.BoardCreate(name="Board"))

    def do(
        self,
        command: c.Command,
        by: Actor = ANN,
        client: str | None = None,
        base: int | None = None,
        role: Role = "owner",
    ) -> Change:
        intent = Intent(
            actor=by,
            client=client or f"client-{by.id}",
            role=role,
            at=1000 + self.state.seq,
            base=base,
            epoch="e1",
            limits=self.limits,
        )
        change = apply(self.state, command, intent, f"m{self.state.seq + 1}")
        self.state.replay(change)
        self.log.append(change)
        return change

    def add(self, *tasks: str, column: str = "todo") -> None:
        for task in tasks:
            self.do(c.TaskCreate(task=task, title=f"Task {task}", column=column))

    def task(self, task: str) -> Task:
        kept = self.state.task(task)
        assert kept is not None
        return kept.value

    def ids(self, column: str) -> list[str]:
        return [task for _, task in self.state.slots(column)]
