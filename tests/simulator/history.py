"""What clients sent and were told, as it happened. The checker judges it against the final log."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.boards.queue import Queue
from server.boards.submission import Accepted, Outcome, Submission
from server.errors import BoardcastError
from server.model.commands import Command
from server.model.records import Actor

MOST_TRACE = 20_000


@dataclass(eq=False)
class Item:
    """One mutation of a client. `number`: its place in the client's own order."""

    actor: Actor
    client: str
    number: int
    mutation: str | None
    command: Command
    base: int | None
    ordered: bool = True
    hopeless: bool = False  # no state of the board allows it
    attempts: list["Attempt"] = field(default_factory=list)
    answer: Outcome | None = None  # the final one, as the client saw it

    @property
    def name(self) -> str | None:
        return None if self.mutation is None else f"{self.actor.id}/{self.client}/{self.mutation}"

    @property
    def label(self) -> str:
        return f"{self.client}#{self.number} {type(self.command).__name__}"


@dataclass(eq=False)
class Attempt:
    """One arrival of an item at an instance. Heads are the disk's, at arrival and at settlement."""

    item: Item
    instance: str
    head: int
    died: Callable[[], bool]
    began_s: float
    outcome: Outcome | None = None
    ended_s: float = 0.0
    settled_head: int = 0
    heard: bool = False  # the client got the answer

    def submission(self, queue: Queue, settle: Callable[[Outcome], None]) -> Submission:
        item = self.item
        return Submission(
            actor=item.actor,
            client=item.client,
            mutation=item.mutation,
            command=item.command,
            base=item.base,
            settle=settle,
            queue=queue if item.ordered else None,
        )

    @property
    def refused(self) -> bool:
        return isinstance(self.outcome, BoardcastError) and not self.outcome.retry


class History:
    """Everything that happened in a world; the first violation ends the run."""

    def __init__(self, clock: Callable[[], float], *, tracing: bool = False) -> None:
        self.clock = clock
        self._tracing = tracing
        self.items: list[Item] = []
        self.violations: list[str] = []
        self.on_violation: Callable[[], None] = lambda: None
        self.lines: list[str] = []
        self.lost_epochs: set[str] = set()
        """An older copy was put back in them: until an instance notices, it shows what is not there."""

    def trace(self, who: str, what: str, *details: object) -> None:
        if self._tracing and len(self.lines) < MOST_TRACE:
            shown = " ".join(str(detail) for detail in details)
            self.lines.append(f"{self.clock():9.4f} {who:<10} {what} {shown}".rstrip())

    def violation(self, text: str) -> None:
        self.trace("!", text)
        self.violations.append(f"at {self.clock():.4f} s: {text}")
        self.on_violation()


def shown(outcome: Outcome | None) -> str:
    """An outcome in few words."""
    if outcome is None:
        return "nothing"
    if isinstance(outcome, Accepted):
        return f"ack {outcome.seq}" + (" duplicate" if outcome.duplicate else "")
    return f"{outcome.code}: {outcome.message}"
