"""Pure: what this instance tells the others about its people on one board.

States: *silent* (nobody is here, or has lately been; nothing is told), *telling* (each tick's delta, once,
and a beacon where there was none), *ending* (the last one left: that was told, and for `silent_s` more
beacons show it to whoever missed it), then *silent* again.

Each message has a number of its own and names the one before it, so that a receiver sees what it missed and
asks. An answer is the whole list, told to everybody: one serves all who ask meanwhile, and the more instances
there are, the more their answers spread. Bounds: `MOST_AT_ONCE` people a message; one delta a tick; an answer
each `answer_s`, and longer ones less often. Nothing is kept but numbers and times.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import TypeVar

from server.model.messages import Present
from server.presence import Delta, Presence, Rhythm
from server.wire import PeerAlive, PeerAll, PeerHere, PeerTold

MOST_AT_ONCE = 250
"""People in one message: some 30 KB."""
ANSWERS_SPREAD_S = 0.02
"""For each other instance, so that a question to all of them is not answered by all in one moment."""
T = TypeVar("T")


class Announcer:
    """Of one board. `number`: hands out growing numbers, from 1. Times are monotonic seconds."""

    def __init__(
        self, run: str, mine: Presence, number: Callable[[], int], rhythm: Rhythm, rng: random.Random
    ) -> None:
        self._run = run
        self._mine = mine
        self._next_number = number
        self._rhythm = rhythm
        self._rng = rng
        self._number = 0  # of what was told last; 0: nothing yet
        self._ends = -inf  # when beacons end, while nobody is here
        self._beacon_at = inf
        self._answer_at = inf
        self._answered_until = -inf  # a new answer is not due before

    @property
    def due(self) -> float:
        """When there is something to tell even if nobody does anything."""
        return min(self._beacon_at, self._answer_at)

    def asked(self, of: str, others: int, now: float) -> None:
        """Somebody wants to know who is here. `others`: how many instances may be asked the same."""
        if self._number and (of == self._run or (not of and len(self._mine))):
            spread = 0.0 if of else ANSWERS_SPREAD_S * others * self._rng.random()
            self._answer_at = min(self._answer_at, max(now + spread, self._answered_until))

    def tell(self, delta: Delta | None, now: float) -> list[PeerTold]:
        """What is to be told now. `delta`: how `mine` has changed since the last call."""
        if delta is not None or len(self._mine):
            self._ends = now + self._rhythm.silent_s
        elif self._ends <= now:
            self._beacon_at = inf
        told = [] if delta is None else list(self._changed(delta))
        if self._answer_at <= now:
            told += self._answer(now)
        if self._beacon_at <= now and not told:
            told = [PeerAlive(run=self._run, number=self._number)]
        if told:
            self._beacon_at = now + self._rhythm.beacon_s * (0.75 + 0.25 * self._rng.random())
        return told

    def farewell(self) -> list[PeerTold]:
        """This instance goes away, and everybody here with it."""
        if self._beacon_at == inf:
            return []
        self._number = self._next_number()
        return [PeerAll(run=self._run, number=self._number)]

    def _changed(self, delta: Delta) -> Iterator[PeerTold]:
        for part in _parts([*delta.joined, *delta.updated]):
            yield self._tell_of(part, [])
        for gone in _parts(delta.left):
            yield self._tell_of([], gone)

    def _tell_of(self, here: list[Present], left: list[str]) -> PeerTold:
        after, self._number = self._number, self._next_number()
        return PeerHere(run=self._run, number=self._number, after=after, here=here, left=left)

    def _answer(self, now: float) -> list[PeerTold]:
        parts = _parts(self._mine.entries()) or [[]]
        self._answer_at = inf
        self._answered_until = now + self._rhythm.answer_s * max(1.0, len(parts) / 10)
        count = len(parts)
        return [
            PeerAll(run=self._run, number=self._number, here=part, part=place, parts=count)
            for place, part in enumerate(parts)
        ]


def _parts(items: Sequence[T]) -> list[list[T]]:
    return [list(items[at : at + MOST_AT_ONCE]) for at in range(0, len(items), MOST_AT_ONCE)]
