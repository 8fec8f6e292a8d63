"""What is known of one device here: its metrics, its numbers, how much it may still send.

A cache: it is made from the store when the device is first heard of, and may be forgotten at any time.
"""

from collections.abc import Sequence

from msgspec import Struct

from server.devices.judge import Names
from server.devices.numbers import Numbers
from server.devices.windows import Spec, Windows

MOST_BOOTS = 16
"""Whose numbers are remembered; devices have one at a time."""


class Limits(Struct, frozen=True):
    """How many points may come in: those of now, and those of a backlog."""

    live: Spec
    backlog: Spec


class Budget:
    """The windows of a device or a board. Times are monotonic seconds."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._live = Windows(limits.live, now)
        self._backlog = Windows(limits.backlog, now)

    def of(self, *, backlog: bool) -> Windows:
        return self._backlog if backlog else self._live


def take(budgets: Sequence[Budget], amount: int, now: float, *, backlog: bool) -> float:
    """Take from all of them, or from none: seconds until it is possible, 0.0: done."""
    wait = max(budget.of(backlog=backlog).wait(amount, now) for budget in budgets)
    if wait == 0.0:
        for budget in budgets:
            budget.of(backlog=backlog).take(amount, now)
    return wait


class Source:
    """One device. `waiting`: its batches that have no answer yet."""

    def __init__(self, board: str, device: str, names: Names, budget: Budget) -> None:
        self.board = board
        self.device = device
        self.names = names
        self.budget = budget
        self.waiting = 0
        self._boots: dict[str, Numbers] = {}

    def numbers(self, boot: str) -> Numbers | None:
        """None: nothing is known of the boot."""
        return self._boots.get(boot)

    def begin(self, boot: str) -> Numbers:
        """Remember the boot; another one is forgotten when there are too many."""
        numbers = self._boots.get(boot)
        if numbers is None:
            if len(self._boots) >= MOST_BOOTS:
                del self._boots[next(iter(self._boots))]
            numbers = self._boots[boot] = Numbers()
        return numbers
