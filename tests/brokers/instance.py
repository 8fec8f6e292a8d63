"""One instance's view of a broker: what it was told, with something to wait on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from server.brokers import Broker


class Instance:
    """`received` and `confirmed`, in order. Nothing here sleeps: `until` wakes at each event."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.received: list[tuple[str, bytes]] = []
        self.confirmed: list[str] = []
        self._event = asyncio.Event()

    async def start(self) -> None:
        await self.broker.start(self._receive, self._confirm)

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not seen():
                self._event.clear()
                await self._event.wait()

    async def listen(self, *channels: str) -> None:
        """Subscribe, and wait until that is in force."""
        for channel in channels:
            self.broker.subscribe(channel)
            await self.until(lambda channel=channel: channel in self.confirmed)  # type: ignore[misc]

    async def hears(self, channel: str, *messages: bytes) -> None:
        await self.until(lambda: [m for c, m in self.received if c == channel] == list(messages))

    def _receive(self, channel: str, message: bytes) -> None:
        self.received.append((channel, message))
        self._event.set()

    def _confirm(self, channel: str) -> None:
        self.confirmed.append(channel)
        self._event.set()


@asynccontextmanager
async def instances(make: Callable[[], Broker], count: int) -> AsyncIterator[list[Instance]]:
    them = [Instance(make()) for _ in range(count)]
    for instance in them:
        await instance.start()
    try:
        yield them
    finally:
        for instance in them:
            await instance.broker.close()
