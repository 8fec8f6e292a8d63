"""A client's own order: after a retryable error its later mutations wait for the failed one to come again."""

from collections import OrderedDict

from msgspec import Struct

from server.boards.submission import Submission
from server.errors import BoardcastError

MOST_QUEUES = 10_000
"""Past this many stopped queues the one stopped first is forgotten; its order is its client's affair then."""
ANSWERED_ELSEWHERE_S = 10.0
"""A client that comes by another connection, later than this, and does not begin with what failed has had its
answer from another instance. (By the same connection it may be what was long under way.)"""


class Stop(Struct, frozen=True):
    """Where a queue stands still. `judged`: it had been let in; `at_s`: monotonic."""

    mutation: str | None
    error: BoardcastError
    session: str
    judged: bool
    at_s: float


class Gate:
    """Which queues are stopped, at which mutation, by which error."""

    def __init__(self) -> None:
        self._stopped: OrderedDict[tuple[str, str], Stop] = OrderedDict()

    @property
    def open(self) -> bool:
        """Nobody's queue is stopped."""
        return not self._stopped

    def admit(self, submission: Submission, now_s: float) -> BoardcastError | None:
        """The error that stops the submission; None lets it in, and reopens its queue if it had failed."""
        if not self._stopped or submission.queue is None:
            return None
        stopped = self._stopped.get(submission.queue)
        if stopped is None:
            return None
        elsewhere = submission.session != stopped.session and now_s - stopped.at_s > ANSWERED_ELSEWHERE_S
        if stopped.mutation != submission.mutation and not elsewhere:
            return stopped.error
        del self._stopped[submission.queue]
        return None

    def stop(
        self, submission: Submission, error: BoardcastError, now_s: float, *, judged: bool = False
    ) -> None:
        """The submission got a retryable `error`; the first one of a queue is the one it waits for.

        What is judged was let in before anything that was turned away when it arrived.
        """
        if submission.queue is None:
            return
        stopped = self._stopped.get(submission.queue)
        if stopped is not None and (stopped.judged or not judged):
            return
        self._stopped[submission.queue] = Stop(submission.mutation, error, submission.session, judged, now_s)
        if len(self._stopped) > MOST_QUEUES:
            self._stopped.popitem(last=False)
