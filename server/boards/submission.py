"""A mutation on its way, and what becomes of it."""

from collections.abc import Callable

from msgspec import Struct

from server.boards.queue import Queue
from server.errors import BoardcastError
from server.metrics import Metrics
from server.model.accounts import MEMBER, Grant
from server.model.commands import OP_OF, Command, MemberRemove, MemberSet
from server.model.records import Actor


class Accepted(Struct, frozen=True):
    """It is in the log, durably, at `seq`; `duplicate`: it was before this arrival of its name."""

    seq: int
    duplicate: bool = False


Outcome = Accepted | BoardcastError
HTTP_CLIENT = "http"
"""The client of plain HTTP requests: no order is kept among them."""


class Submission(Struct, frozen=True, kw_only=True, eq=False):
    """`settle` is called exactly once, on the loop; it must not raise. `queue`: whose order is to be kept;
    None: nobody's."""

    actor: Actor
    client: str
    mutation: str | None
    command: Command
    base: int | None
    settle: Callable[[Outcome], None]
    queue: Queue | None = None
    digest: str = ""
    grant: Grant = MEMBER

    @property
    def op(self) -> str:
        return OP_OF[type(self.command)]

    @property
    def whom(self) -> str | None:
        """The user that it is about; None: it is about none."""
        return self.command.user if isinstance(self.command, MemberSet | MemberRemove) else None

    @property
    def name(self) -> str | None:
        """As `Change.name`."""
        return None if self.mutation is None else f"{self.actor.id}/{self.client}/{self.mutation}"


def answer(submission: Submission, outcome: Outcome, metrics: Metrics) -> None:
    """Settle it: every mutation that could be read goes this way out."""
    how = ("duplicate" if outcome.duplicate else "ack") if isinstance(outcome, Accepted) else outcome.code
    metrics.mutations_answered(submission.op, how).value += 1
    submission.settle(outcome)
