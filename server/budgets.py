"""What one client may use in a second, of messages and bytes. Pure: clocks are passed in, in seconds.

A budget is a bucket that fills at its rate and holds `burst_s` seconds of it. It is kept as the moment at
which all that was taken is paid for: four numbers, and nothing to do while nobody takes. What is asked for is
granted as long as something is left, so that a large request is paid off after it was granted, not refused
for ever.
"""

from collections.abc import Callable

from msgspec import Struct

LEAST_WAIT_S = 0.1
"""Nobody is asked to come back sooner: at the limit there would be a refusal for each message."""
MOST_PAUSE_S = 1.0
"""A socket is not left unread for longer: whoever is at the other end may want to close it."""
BAD_MESSAGE_S = 0.02
"""For so long a socket is not read for each message on it that made no sense: the others' come first."""
FORGET_AT = 1_000
"""So many budgets are kept before those that are full again are forgotten."""


class Rates(Struct, frozen=True, kw_only=True):
    """See `limits` in config.yaml."""

    messages_per_second: int
    mutations_per_second: int
    received_bytes_per_second: int
    answered_bytes_per_second: int
    burst_s: float


class Budget:
    """One client's. What takes from it answers with the seconds to wait; 0.0: it was granted, and taken.

    `connections`: how many are open, for whoever counts them.
    """

    __slots__ = ("_answered", "_messages", "_mutations", "_rates", "_received", "connections")

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._messages = self._mutations = self._received = self._answered = 0.0
        self.connections = 0

    def message(self, now: float, count: int = 1) -> float:
        """`count` messages came in."""
        at, rates = self._messages, self._rates
        if at > now + rates.burst_s:
            return _wait(at - now - rates.burst_s)
        self._messages = (at if at > now else now) + count / rates.messages_per_second
        return 0.0

    def mutation(self, now: float) -> float:
        at, rates = self._mutations, self._rates
        if at > now + rates.burst_s:
            return _wait(at - now - rates.burst_s)
        self._mutations = (at if at > now else now) + 1 / rates.mutations_per_second
        return 0.0

    def received(self, now: float, size: int) -> float:
        """Bytes came in, whatever they are: they are taken in any case, and the wait is for more of them."""
        at, rates = self._received, self._rates
        self._received = at = (at if at > now else now) + size / rates.received_bytes_per_second
        return _wait(at - now - rates.burst_s) if at > now + rates.burst_s else 0.0

    def answer(self, now: float) -> float:
        """Whether something large may be asked for: a snapshot, a page. Its size is taken by `answered`."""
        left = self._answered - now - self._rates.burst_s
        return _wait(left) if left > 0 else 0.0

    def answered(self, now: float, size: int) -> None:
        at = self._answered
        self._answered = (at if at > now else now) + size / self._rates.answered_bytes_per_second

    def is_full(self, now: float) -> bool:
        """Nothing would be lost by forgetting it."""
        return self.connections == 0 and now >= max(
            self._messages, self._mutations, self._received, self._answered
        )


class Budgets:
    """The budgets of all who were here lately, by name: a user, an address. `clock`: monotonic."""

    def __init__(self, rates: Rates, clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._known: dict[str, Budget] = {}
        self._forget_at = FORGET_AT

    def __len__(self) -> int:
        return len(self._known)

    def fresh(self) -> Budget:
        """Of somebody who has not said yet who they are."""
        return Budget(self._rates)

    def of(self, name: str) -> Budget:
        """The one budget of that name."""
        budget = self._known.get(name)
        if budget is None:
            if len(self._known) >= self._forget_at:
                self._forget()
            budget = self._known[name] = Budget(self._rates)
        return budget

    def _forget(self) -> None:
        now = self._clock()
        self._known = {name: budget for name, budget in self._known.items() if not budget.is_full(now)}
        self._forget_at = max(FORGET_AT, 2 * len(self._known))


def _wait(seconds: float) -> float:
    return max(LEAST_WAIT_S, seconds)
