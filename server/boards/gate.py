"""A client's own order: after a retryable error its later mutations wait for the failed one to come again."""

from collections import OrderedDict

from server.boards.submission import Submission
from server.errors import BoardcastError

MOST_QUEUES = 10_000
"""Past this many stopped queues the one stopped first is forgotten; its order is its client's affair then."""


class Gate:
    """Which queues are stopped, at which mutation, by which error."""

    def __init__(self) -> None:
        self._stopped: OrderedDict[tuple[str, str], tuple[str | None, BoardcastError, bool]] = OrderedDict()

    def admit(self, submission: Submission) -> BoardcastError | None:
        """The error that stops the submission; None lets it in, and reopens its queue when it failed before."""
        if not self._stopped or submission.queue is None:
            return None
        stopped = self._stopped.get(submission.queue)
        if stopped is None:
            return None
        mutation, error, _ = stopped
        if mutation != submission.mutation:
            return error
        del self._stopped[submission.queue]
        return None

    def stop(self, submission: Submission, error: BoardcastError, *, judged: bool = False) -> None:
        """The submission got a retryable `error`; the first one of a queue is the one it waits for.

        What is judged was let in before anything that was turned away when it arrived.
        """
        if submission.queue is None:
            return
        stopped = self._stopped.get(submission.queue)
        if stopped is not None and (stopped[2] or not judged):
            return
        self._stopped[submission.queue] = (submission.mutation, error, judged)
        if len(self._stopped) > MOST_QUEUES:
            self._stopped.popitem(last=False)
