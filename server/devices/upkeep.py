"""What is done in the background for telemetry: minutes and hours are made, what is old is dropped.

In small steps with pauses between them, so that ingest and boards hardly notice; a step that fails is tried
again later. Several instances on one store may all do it: the store sees to it that they do not harm each
other. A minute is made some time after its points came, mostly once.
"""

import asyncio
from collections.abc import Callable

import structlog
from msgspec import Struct

from server.metrics import Metrics
from server.stores import Failed
from server.stores.telemetry import Retention, TelemetryStore

log = structlog.stdlib.get_logger("devices")
SETTLE_MS = 75_000
"""How long a minute waits from its first point on: it is over by then, mostly."""
AT_ONCE = 60
"""Stale minutes in one step."""
DROP_AT_ONCE = 50
"""Of what is old, in one step: while rows are deleted changes of boards wait, 20 ms for 200 of them."""
PAUSE_S = 0.02
"""Between two steps of work."""
REST_S = 5.0
"""When there is nothing to do."""
DROP_EVERY_S = 60.0
DAY_MS = 86_400_000


class Keeping(Struct, frozen=True, kw_only=True):
    """How long what is kept, days; see `devices` in config.yaml."""

    raw_days: int
    minute_days: int
    hour_days: int

    def at(self, now: int) -> Retention:
        """Milliseconds before which things are dropped."""
        return Retention(
            raw=now - self.raw_days * DAY_MS,
            minutes=now - self.minute_days * DAY_MS,
            hours=now - self.hour_days * DAY_MS,
        )


class Upkeep:
    """`store` raises `Failed` while there is none. `clock`: milliseconds since 1970."""

    def __init__(
        self,
        store: Callable[[], TelemetryStore],
        keeping: Keeping,
        *,
        clock: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._keeping = keeping
        self._clock = clock
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="upkeep of telemetry")

    async def stop(self) -> None:
        """Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def roll(self) -> int:
        """One step: how much was made. Raises `Failed`."""
        made = await self._store().roll(self._clock() - SETTLE_MS, AT_ONCE)
        self._metrics.rollups_made.value += made
        return made

    async def drop(self) -> int:
        """One step: how much was dropped. Raises `Failed`."""
        return await self._store().drop(self._keeping.at(self._clock()), DROP_AT_ONCE)

    async def _keep(self) -> None:
        loop, dropped_at = asyncio.get_running_loop(), float("-inf")
        while True:
            pause = REST_S
            try:
                if await self.roll():
                    pause = PAUSE_S
                if loop.time() >= dropped_at + DROP_EVERY_S:  # also while there is more to make
                    if await self.drop():
                        pause = PAUSE_S
                    else:
                        dropped_at = loop.time()
            except Failed as error:
                log.info("upkeep of telemetry waits for the store", reason=str(error))
            except Exception:
                log.exception("upkeep of telemetry failed; it is tried again")
            await asyncio.sleep(pause)
