"""What a device has read and the server has not settled: a bounded queue of numbered batches. Pure.

    read ──add──▶ loose ──next──▶ sent ──settled──▶ gone
                    ▲               │
                    └── (a batch once numbered stays as it is) ── resend ──▶ sent again, in order

A batch keeps its number and content for ever: the server knows it again however often it comes. Bound: past
`most_points` the oldest readings that were not yet numbered are dropped and counted; numbered ones stay.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import UNSET

from server.model.device_messages import Reading, Rejected, Telemetry
from server.simulation.device import Values

WINDOW = 8
"""Batches that are under way at once; a single one after the server could not take it, then more again."""


def size_of(batch: Telemetry) -> int:
    """How many values."""
    return sum(len(reading.values) for reading in batch.points)


def refused_of(batches: Sequence[Telemetry], rejected: Sequence[Rejected]) -> int:
    """How many values of these batches, just settled, the server rejected: single ones, moments, batches."""
    known = {batch.seq: batch for batch in batches}
    count = 0
    for refusal in rejected:
        batch = known.get(batches[-1].seq if refusal.seq is UNSET and batches else refusal.seq or 0)
        if batch is None:
            continue
        if refusal.index is UNSET:
            count += size_of(batch)
        elif refusal.metric is UNSET and refusal.index < len(batch.points):
            count += len(batch.points[refusal.index].values)
        else:
            count += 1
    return count


class Backlog:
    """Of one life (`boot`) of a device. Sizes are counted in values, as the server's limits are."""

    def __init__(self, boot: str, *, batch_points: int, most_points: int) -> None:
        self.boot = boot
        self.dropped = 0
        """Values that were read and never sent, since there was no room."""
        self._batch_points, self._most_points = batch_points, most_points
        self._loose: deque[Reading] = deque()
        self._loose_points = 0
        self._unsettled: deque[Telemetry] = deque()
        self._window = WINDOW
        self._sent = 0  # of the unsettled, from the oldest on
        self._held = 0
        self._seq = 0

    @property
    def held(self) -> int:
        """Values that wait for being settled, sent or not."""
        return self._held + self._loose_points

    @property
    def in_flight(self) -> int:
        """Batches that were sent and not answered."""
        return self._sent

    @property
    def fills_a_batch(self) -> bool:
        """Whether waiting for more would make no batch larger."""
        return self._loose_points >= self._batch_points or self._sent < len(self._unsettled)

    def add(self, t: int, values: Values) -> None:
        self._loose.append(Reading(values, t))
        self._loose_points += len(values)
        while self._loose_points + self._held > self._most_points and len(self._loose) > 1:
            gone = len(self._loose.popleft().values)
            self._loose_points -= gone
            self.dropped += gone

    def next(self) -> Telemetry | None:
        """The batch to send now, counted as sent; None: nothing is to be sent, or enough is under way."""
        if self._sent >= self._window:
            return None
        if self._sent == len(self._unsettled):
            if not self._loose:
                return None
            self._number()
        self._sent += 1
        return self._unsettled[self._sent - 1]

    def _number(self) -> None:
        points, size = [self._loose.popleft()], 0
        size = len(points[0].values)
        while self._loose and size + len(self._loose[0].values) <= self._batch_points:
            points.append(self._loose.popleft())
            size += len(points[-1].values)
        self._loose_points -= size
        self._held += size
        self._seq += 1
        self._unsettled.append(Telemetry(boot=self.boot, seq=self._seq, points=points))

    def settled(self, boot: str, seq: int) -> list[Telemetry]:
        """All up to `seq` are; those of them that were not known to be."""
        done: list[Telemetry] = []
        while boot == self.boot and self._unsettled and self._unsettled[0].seq <= seq:
            done.append(self._unsettled.popleft())
            self._sent = max(0, self._sent - 1)
            self._held -= size_of(done[-1])
            self._window = min(self._window + 1, WINDOW)
        return done

    def resend(self, *, slowly: bool = False) -> None:
        """What was sent and not settled is to be sent again: the socket is a new one, or (`slowly`) the
        server could not take it all.
        """
        self._sent = 0
        if slowly:
            self._window = 1
