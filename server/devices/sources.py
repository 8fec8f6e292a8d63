"""The devices, and boards, that something came from lately: a cache of what the store knows.

Bound: `MOST_SOURCES` devices and as many boards; the one that has been silent for longest is forgotten.
"""

from collections import OrderedDict
from collections.abc import Callable

from server.devices.judge import Names
from server.devices.source import Budget, Limits, Source
from server.errors import Unavailable
from server.stores import Failed
from server.stores.telemetry import TelemetryStore

MOST_SOURCES = 50_000


class Sources:
    """`store` raises `Failed`; `metrics`: how many a device may have; `now`: monotonic seconds."""

    def __init__(
        self,
        store: Callable[[], TelemetryStore],
        *,
        device: Limits,
        board: Limits,
        metrics: int,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._device, self._board = device, board
        self._metrics = metrics
        self._now = now
        self._sources: OrderedDict[tuple[str, str], Source] = OrderedDict()
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    async def of(self, board: str, device: str) -> Source:
        """What is known of a device, read from the store when it is not yet. Raises `Unavailable`."""
        known = self._sources.get((board, device))
        if known is not None:
            self._sources.move_to_end((board, device))
            return known
        try:
            heard = await self._store().newest(board, [device])
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        names = Names([one.metric for one in heard], self._metrics)
        made = Source(board, device, names, Budget(self._device, self._now()))
        known = self._sources.setdefault((board, device), made)
        while len(self._sources) > MOST_SOURCES:
            self._sources.popitem(last=False)
        return known

    def forget(self, board: str, device: str) -> None:
        """The device is gone, or is another one now."""
        self._sources.pop((board, device), None)

    def budget(self, board: str) -> Budget:
        """That all devices of a board share."""
        budget = self._budgets.get(board)
        if budget is None:
            budget = self._budgets[board] = Budget(self._board, self._now())
            if len(self._budgets) > MOST_SOURCES:
                self._budgets.popitem(last=False)
        return budget
