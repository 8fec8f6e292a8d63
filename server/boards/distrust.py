"""When a client is believed that says it has seen more of a board than its log holds.

It is true when an older copy of the data was put back; then everybody on the board has to start anew, on all
instances. Somebody who lies would have it so with each message. So a board gets a new epoch on a client's
word only when it had none for a while, from here or from another instance.
"""

import time
from collections.abc import Callable

EVERY_S = 600.0


class Distrust:
    """Board → when it got a new epoch last, as far as this instance knows. Outlives the board in memory.

    `clock`: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, every_s: float = EVERY_S) -> None:
        self._clock = clock
        self._every_s = every_s
        self._renewed: dict[str, float] = {}  # in order of time

    def may(self, board: str) -> bool:
        """Whether a client's word would do now."""
        at = self._renewed.get(board)
        return at is None or self._clock() - at >= self._every_s

    def note(self, board: str) -> None:
        """The board gets, or has got, a new epoch: for whatever reason, and from whomever."""
        now = self._clock()
        self._renewed.pop(board, None)
        self._renewed[board] = now
        while now - self._renewed[oldest := next(iter(self._renewed))] >= self._every_s:
            del self._renewed[oldest]
