"""What is done in the background for telemetry, with a store that always has more to do. On virtual time."""

import asyncio
from typing import Any

from server.devices.upkeep import DROP_EVERY_S, Keeping, Upkeep
from server.metrics import Metrics
from tests.simulator.loop import VirtualLoop

KEEPING = Keeping(raw_days=14, minute_days=90, hour_days=3650)


class Busy:
    """There is always something to make; of what is old there are so many steps."""

    def __init__(self, old: int) -> None:
        self.old = old
        self.rolled = 0
        self.dropped: list[float] = []

    async def roll(self, before: int, limit: int) -> int:
        self.rolled += 1
        return 5

    async def drop(self, retention: Any, limit: int) -> int:
        self.dropped.append(asyncio.get_running_loop().time())
        self.old = max(0, self.old - 1)
        return self.old


def test_what_is_old_is_dropped_however_much_there_is_to_make() -> None:
    store = Busy(old=10)

    async def main() -> None:
        upkeep = Upkeep(lambda: store, KEEPING, clock=lambda: 2**41, metrics=Metrics())  # type: ignore[arg-type,return-value]
        upkeep.start()
        await asyncio.sleep(DROP_EVERY_S + 10)
        await upkeep.stop()

    VirtualLoop().run(main())
    assert store.old == 0
    assert len(store.dropped) == 11, "what was old, and then a look each minute"
    assert store.dropped[9] - store.dropped[0] < 1.0
    assert store.rolled > 1000, "both have their turns"
