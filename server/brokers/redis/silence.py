"""When to ask a link whether it lives, and when to give it up. Pure: it is driven by ticks, not by a clock.

Ticks are counted in turns of our own event loop: when that stands still for three seconds, one tick has
passed, and an answer that waits in the socket meanwhile is not taken for the other side's silence.
"""

from enum import Enum

TICK_S = 0.25


class Verdict(Enum):
    WAIT = "wait"
    PING = "ping"
    SILENT = "silent"


class Silence:
    """Of one connection. Everything that is sent and wants an answer is `asked`.

    Given up: after `silence_s` in which nothing at all came while an answer is owed, and after `answer_s`
    without the answer, whatever else came. Nothing owed for `ping_s`: time for a PING.
    """

    def __init__(self, *, ping_s: float, silence_s: float, answer_s: float) -> None:
        self._ping = ping_s / TICK_S
        self._most_silent = silence_s / TICK_S
        self._most_owed = answer_s / TICK_S
        self._owed = False
        self._since_answer = 0
        self._since_heard = 0

    def asked(self) -> None:
        if not self._owed:
            self._owed = True
            self._since_answer = self._since_heard = 0

    def heard(self) -> None:
        self._since_heard = 0

    def answered(self, *, all_of_it: bool = True) -> None:
        """What was asked first; `all_of_it`: and nothing was asked after that."""
        self._owed = not all_of_it
        self._since_answer = self._since_heard = 0

    def tick(self) -> Verdict:
        self._since_answer += 1
        self._since_heard += 1
        if not self._owed:
            return Verdict.PING if self._since_answer >= self._ping else Verdict.WAIT
        gone = self._since_heard >= self._most_silent or self._since_answer >= self._most_owed
        return Verdict.SILENT if gone else Verdict.WAIT
