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


Stops = OrderedDict[tuple[str, str, str], Stop]
"""By board, actor and client: one for all boards of an instance, so that there is one bound."""


class Gate:
    """Which queues are stopped on `board`, at which mutation, by which error. It outlives the live board."""

    def __init__(self, board: str = "", stops: Stops | None = None) -> None:
        self._board = board
        self._stopped = OrderedDict() if stops is None else stops

    @property
    def quiet(self) -> bool:
        """Nobody is stopped, here or on another board."""
        return not self._stopped

    def admit(self, submission: Submission, now_s: float) -> BoardcastError | None:
        """The error that stops the submission; None lets it in, and reopens its queue if it had failed."""
        if not self._stopped or submission.queue is None:
            return None
        key = (self._board, *submission.queue)
        stopped = self._stopped.get(key)
        if stopped is None:
            return None
        elsewhere = submission.session != stopped.session and now_s - stopped.at_s > ANSWERED_ELSEWHERE_S
        if stopped.mutation != submission.mutation and not elsewhere:
            return stopped.error
        del self._stopped[key]
        return None

    def stop(
        self, submission: Submission, error: BoardcastError, now_s: float, *, judged: bool = False
    ) -> None:
        """The submission got a retryable `error`; the first one of a queue is the one it waits for.

        What is judged was let in before anything that was turned away when it arrived.
        """
        if submission.queue is None:
            return
        key = (self._board, *submission.queue)
        stopped = self._stopped.get(key)
        if stopped is not None and (stopped.judged or not judged):
            return
        self._stopped[key] = Stop(submission.mutation, error, submission.session, judged, now_s)
        if len(self._stopped) > MOST_QUEUES:
            self._stopped.popitem(last=False)
