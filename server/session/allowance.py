"""What one connection may use: of its user's budget, and a place among those of its user and address."""

from collections.abc import Callable

from server.budgets import BAD_MESSAGE_S, MOST_PAUSE_S, Budget
from server.errors import RateLimited

COME_BACK_MS = 10_000
"""When a client that has too many connections may try again."""


class Allowance:
    """`met` is called with the name of each limit that the client runs into.

    `pause_s`: the socket is best not read for so long; whoever reads it sets it back to 0.0.
    """

    __slots__ = ("_budget", "_home", "_met", "_user", "pause_s")

    def __init__(self, budget: Budget, met: Callable[[str], None], home: Budget | None = None) -> None:
        """`budget`: until the user is known; `home`: of the address, when connections count there."""
        self._budget = budget
        self._met = met
        self._home = home
        self._user: Budget | None = None
        self.pause_s = 0.0
        if home is not None:
            home.connections += 1

    def become(self, user: Budget, connections: int) -> None:
        """The user is known. Raises `RateLimited` when they have so many connections already."""
        if user.connections >= connections:
            raise self.too_many("connections_per_user", "connections of this user")
        user.connections += 1
        self._user = self._budget = user

    def share(self) -> None:
        """Who they are is what they say: all who come so from one address use what it may."""
        if self._home is not None:
            self._budget = self._home

    def end(self) -> None:
        """The connection is closed."""
        for budget in (self._home, self._user):
            if budget is not None:
                budget.connections -= 1
        self._home = self._user = None

    # -- each answers with the refusal, None when there is none

    def messages(self, count: int, now: float) -> RateLimited | None:
        wait_s = self._budget.message(now, count)
        return None if not wait_s else self._refuse("messages", wait_s)

    def mutation(self, now: float) -> RateLimited | None:
        wait_s = self._budget.mutation(now)
        return None if not wait_s else self._refuse("mutations", wait_s, pause=False)

    def answer(self, now: float) -> RateLimited | None:
        """Something large is asked for, a snapshot or a page; `answered` says afterwards how large it was."""
        wait_s = self._budget.answer(now)
        return None if not wait_s else self._refuse("answered_bytes", wait_s, pause=False)

    def answered(self, size: int, now: float) -> None:
        self._budget.answered(now, size)

    def took(self, size: int, frames: int, now: float) -> None:
        """So many bytes were read, and in them `frames` that are no messages: fragments, pings and pongs."""
        wait_s = self._budget.received(now, size)
        if wait_s:
            self._refuse("received_bytes", wait_s)
        if frames:
            self.messages(frames, now)

    def bad_message(self) -> None:
        """One could not be understood."""
        self.pause_s = min(MOST_PAUSE_S, self.pause_s + BAD_MESSAGE_S)

    def too_many(self, limit: str, what: str) -> RateLimited:
        self._met(limit)
        return RateLimited(what, COME_BACK_MS)

    def _refuse(self, limit: str, wait_s: float, *, pause: bool = True) -> RateLimited:
        self._met(limit)
        if pause:
            self.pause_s = max(self.pause_s, min(MOST_PAUSE_S, wait_s))
        return RateLimited(f"{limit.replace('_', ' ')} in a second", round(1000 * wait_s))
