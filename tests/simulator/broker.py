"""A `Broker` over a `SimExchange` that drops, doubles and reorders; in fine weather it keeps the contract."""

import asyncio

from server.brokers import Confirmed, Failed, Receive
from tests.simulator.faults import Faults


class SimExchange:
    """Where the brokers of a world meet."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.brokers: list[SimBroker] = []

    def carry(self, sender: "SimBroker", channel: str, message: bytes) -> None:
        for broker in self.brokers:
            if broker is sender or self.faults.hit(self.faults.drop):
                continue
            for _ in range(2 if self.faults.hit(self.faults.double) else 1):
                broker.carry_in(channel, message)


class SimBroker:
    """One instance's end. `lose` and `find` the connection; `die`: nothing goes out or comes in any more."""

    def __init__(self, exchange: SimExchange) -> None:
        self._exchange = exchange
        self._in_force: dict[str, bool] = {}
        self._connected = False
        self._dead = False
        self._dropped = 0
        self._latest = 0.0
        self._connection = 0  # counts connections: what was on its way through an older one is lost

    def keep_apart(self, installation: str) -> None: ...

    async def start(self, receive: Receive, confirmed: Confirmed) -> None:
        self._receive = receive
        self._confirmed = confirmed
        self._connected = True
        self._exchange.brokers.append(self)

    async def close(self) -> None:
        self.die()

    def die(self) -> None:
        self._dead = True
        self._connected = False
        if self in self._exchange.brokers:
            self._exchange.brokers.remove(self)

    def lose(self) -> None:
        self._connected = False
        self._connection += 1
        self._in_force = dict.fromkeys(self._in_force, False)

    def find(self) -> None:
        if not self._connected and not self._dead:
            self._connected = True
            for channel in self._in_force:
                self._confirm_soon(channel)

    def subscribe(self, channel: str) -> None:
        if not self._dead and channel not in self._in_force:
            self._in_force[channel] = False
            if self._connected:
                self._confirm_soon(channel)

    def unsubscribe(self, channel: str) -> None:
        self._in_force.pop(channel, None)

    def reaches(self, channel: str) -> bool:
        return True

    def offer(self, channel: str, message: bytes) -> None:
        if self._connected:
            self._exchange.carry(self, channel, message)
        else:
            self._dropped += 1

    async def probe(self) -> None:
        if not self._connected:
            raise Failed("not connected")

    @property
    def up(self) -> bool:
        return self._connected

    @property
    def dropped(self) -> int:
        return self._dropped

    # -- the other direction

    def carry_in(self, channel: str, message: bytes) -> None:
        faults = self._exchange.faults
        loop = asyncio.get_running_loop()
        when = loop.time() + faults.latency(0.001)
        if faults.hit(faults.delay):
            when += 2.0 * faults.rng.random()
        else:  # two timers at one moment fire in no order that is promised
            when = self._latest = max(when, self._latest + 1e-6)
        loop.call_at(when, self._arrive, self._connection, channel, message)

    def _arrive(self, connection: int, channel: str, message: bytes) -> None:
        if connection == self._connection and not self._dead and self._in_force.get(channel):
            self._receive(channel, message)

    def _confirm_soon(self, channel: str) -> None:
        delay = self._exchange.faults.latency(0.001)
        asyncio.get_running_loop().call_later(delay, self._confirm, self._connection, channel)

    def _confirm(self, connection: int, channel: str) -> None:
        alive = connection == self._connection and not self._dead
        if alive and self._in_force.get(channel) is False:
            self._in_force[channel] = True
            self._confirmed(channel)
