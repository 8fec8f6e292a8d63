"""The broker of one process: its instances share a `LocalExchange`, which hands messages around at once."""

import asyncio
from collections import defaultdict

from server.brokers import Confirmed, Failed, Receive


class LocalExchange:
    """Who listens to what. All brokers of an exchange run in one event loop."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, dict[LocalBroker, None]] = defaultdict(dict)

    def add(self, channel: str, broker: "LocalBroker") -> None:
        self._listeners[channel][broker] = None

    def remove(self, channel: str, broker: "LocalBroker") -> None:
        listeners = self._listeners[channel]
        listeners.pop(broker, None)
        if not listeners:
            del self._listeners[channel]

    def listeners(self, channel: str) -> "list[LocalBroker]":
        return list(self._listeners.get(channel, ()))


class LocalBroker:
    """One instance's end of the exchange.

    Messages reach it in the next turns of the loop. At most `queue_bytes` of them wait; those past it are
    dropped and counted in its `dropped`: their gap shows in the numbers of the log.
    """

    def __init__(self, exchange: LocalExchange, *, queue_bytes: int = 8 * 1024 * 1024) -> None:
        self._exchange = exchange
        self._bound = queue_bytes
        self._queued = 0
        self._channels: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dropped = 0

    def keep_apart(self, installation: str) -> None:
        """There is nobody else on the exchange."""

    async def start(self, receive: Receive, confirmed: Confirmed) -> None:
        self._receive = receive
        self._confirmed = confirmed
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        for channel in list(self._channels):
            self.unsubscribe(channel)
        self._loop = None

    def subscribe(self, channel: str) -> None:
        """Needs a started broker."""
        if self._loop is None or channel in self._channels:
            return
        self._channels.add(channel)
        self._exchange.add(channel, self)
        self._loop.call_soon(self._confirm, channel)

    def unsubscribe(self, channel: str) -> None:
        if channel in self._channels:
            self._channels.remove(channel)
            self._exchange.remove(channel, self)

    def offer(self, channel: str, message: bytes) -> None:
        if self._loop is None:
            return
        for listener in self._exchange.listeners(channel):
            if listener is not self:
                listener._accept(channel, message)

    def reaches(self, channel: str) -> bool:
        return any(listener is not self for listener in self._exchange.listeners(channel))

    async def probe(self) -> None:
        """A message of this process arrives in the next turn of the loop: this waits for that turn."""
        if self._loop is None:
            raise Failed("the broker is not started, or closed")
        await asyncio.sleep(0)

    @property
    def up(self) -> bool:
        return self._loop is not None

    @property
    def dropped(self) -> int:
        return self._dropped

    def _accept(self, channel: str, message: bytes) -> None:
        if self._loop is None or self._queued + len(message) > self._bound:
            self._dropped += 1
            return
        self._queued += len(message)
        self._loop.call_soon(self._deliver, channel, message)

    def _deliver(self, channel: str, message: bytes) -> None:
        self._queued -= len(message)
        if channel in self._channels:
            self._receive(channel, message)

    def _confirm(self, channel: str) -> None:
        if channel in self._channels:
            self._confirmed(channel)
