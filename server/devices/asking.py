"""What an instance asks of a board by itself: alarms, commands, verified tasks.

It goes by the board's inbox like what people ask, but has no name. What is asked for twice is refused by the
state the second time, so that after an unknown outcome it may simply be asked again, while it still makes
sense.
"""

import logging
from collections.abc import Callable
from functools import partial

from msgspec import Struct

from server.boards.submission import Accepted, Outcome, Submission
from server.errors import BoardcastError, LimitExceeded
from server.model.command import Command
from server.model.records import Actor

log = logging.getLogger(__name__)
AGAIN_MS, MUCH_LATER_MS = 1_000, 60_000
"""After an error that may be over soon; when a limit of the board is in the way."""
MOST_WAITING = 20_000
"""Of one board, for another try; what is more is let go, and logged."""


class Asked(Struct, frozen=True, kw_only=True):
    """`still`: does it make sense? `answered`: called when it is decided, or makes no sense any more."""

    actor: Actor
    command: Command
    still: Callable[[], bool]
    answered: Callable[[Outcome | None], None]


class Asking:
    """`submit` takes a submission to the board; `now`: milliseconds."""

    def __init__(self, board: str, submit: Callable[[Submission], None], now: Callable[[], int]) -> None:
        self._board = board
        self._submit = submit
        self._now = now
        self._again: list[tuple[int, Asked]] = []

    @property
    def waiting(self) -> int:
        return len(self._again)

    def ask(self, asked: Asked) -> None:
        """Ask now. Never raises, never waits."""
        submission = Submission(
            actor=asked.actor,
            client="server",
            mutation=None,
            command=asked.command,
            base=None,
            settle=partial(self._settled, asked),
        )
        try:
            self._submit(submission)
        except BoardcastError as error:
            self._settled(asked, error)

    def _settled(self, asked: Asked, outcome: Outcome) -> None:
        if isinstance(outcome, Accepted) or not (outcome.retry or isinstance(outcome, LimitExceeded)):
            asked.answered(outcome)
        elif len(self._again) >= MOST_WAITING:
            log.warning("%s: too much waits for another try; this is let go: %s", self._board, outcome)
            asked.answered(outcome)
        else:
            later = AGAIN_MS if outcome.retry else MUCH_LATER_MS
            self._again.append((self._now() + later, asked))

    def tick(self, now: int) -> None:
        """Ask again what is due."""
        if not self._again:
            return
        due = [asked for at, asked in self._again if at <= now]
        self._again = [(at, asked) for at, asked in self._again if at > now]
        for asked in due:
            if asked.still():
                self.ask(asked)
            else:
                asked.answered(None)
