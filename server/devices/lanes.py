"""Pure: what waits to be stored, and in which order it goes.

Two lanes, one for points of now and one for backlogs. A group takes all that is live first, then of backlogs
up to what is left; while live points wait a backlog gets a quarter, so that neither starves the other.

Bounds: `most_points` in each lane, an empty batch counting as one; a batch that is larger goes alone. What
does not fit is refused with a hint; the device has it still.
"""

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from server.devices.judge import Judged
from server.devices.source import Source
from server.errors import BoardcastError
from server.model.device_messages import Rejected
from server.stores.telemetry import Batch

GROUP_POINTS = 10_000
"""In one write, about: some ten milliseconds of the disk's and the processor's time."""
GROUP_BATCHES = 500


class Settled(Struct, frozen=True):
    """A batch has its answer. `mark`: the highest number of its boot without a hole; 0: it has no number."""

    mark: int
    stored: int
    rejected: list[Rejected]


Answer = Callable[["Settled | BoardcastError"], None]


class Waiting(Struct, eq=False):
    """A batch on its way. `batch`: as it is stored; None: it has no number, and is stored with others."""

    source: Source
    boot: str
    seq: int
    judged: Judged
    batch: Batch | None
    now: int
    answer: Answer

    @property
    def size(self) -> int:
        return len(self.judged.points) or 1


class Lanes:
    def __init__(self, most_points: int) -> None:
        self._most = most_points
        self._lanes: tuple[deque[Waiting], deque[Waiting]] = (deque(), deque())
        self._points = [0, 0]

    def __bool__(self) -> bool:
        return bool(self._lanes[0] or self._lanes[1])

    @property
    def points(self) -> int:
        """That wait, in both."""
        return sum(self._points)

    def add(self, waiting: Waiting, *, backlog: bool) -> bool:
        """False: the lane is full."""
        if self._points[backlog] and self._points[backlog] + waiting.size > self._most:
            return False
        self._points[backlog] += waiting.size
        self._lanes[backlog].append(waiting)
        return True

    def group(self) -> list[Waiting]:
        """What goes next; empty when nothing waits."""
        taken: list[Waiting] = []
        live = GROUP_POINTS * 3 // 4 if self._lanes[1] else GROUP_POINTS
        left = GROUP_POINTS - self._take(0, live, taken)
        self._take(1, left, taken)
        return taken

    def _take(self, lane: int, most: int, taken: list[Waiting]) -> int:
        queue, points = self._lanes[lane], 0
        room = GROUP_BATCHES * 3 // 4 if lane == 0 and self._lanes[1] else GROUP_BATCHES
        while queue and len(taken) < room and (not points or points + queue[0].size <= most):
            waiting = queue.popleft()
            points += waiting.size
            taken.append(waiting)
        self._points[lane] -= points
        return points
