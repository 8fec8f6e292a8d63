"""Keeps the `Health` of store and broker true: by the work that is done anyway, and by probes.

A probe is a loop-back: a write that the store takes, a message that comes back through the broker. Whoever
asks shares it: of each part one is under way at most, and one begins at most every second, so that a flood of
`/readyz` is no load. A probe that hangs is not repeated beside itself; each second that it hangs counts as
one that failed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

from server import brokers, stores
from server.brokers import Broker
from server.health import STATES, Health, State
from server.metrics import Metrics
from server.stores import Store
from server.watched import WatchedStore

log = structlog.stdlib.get_logger("health")
PARTS = ("store", "broker")
PROBE_S = 1.0
"""The least time between two probes; also how long somebody who asks waits at most."""
QUIET_S = 10.0
"""A part that nothing was heard of for so long is probed unasked."""


class PartFailed(Exception):
    """A part does not work now; says why."""


FAILURES = (stores.Failed, brokers.Failed, PartFailed)


class Vitals:
    """The parts of one instance. `start` it on a running loop; `store` is what the instance works with."""

    def __init__(self, store: Store, broker: Broker, metrics: Metrics, *, every_s: float = PROBE_S) -> None:
        self._broker = broker
        self._metrics = metrics
        self._every_s = every_s
        self._of_store = Watch("store", store.ping, metrics, every_s)
        self._of_broker = Watch("broker", broker.probe, metrics, every_s)
        self.watched = WatchedStore(store, self._of_store.worked, self._of_store.troubled)
        self.store: Store = self.watched
        self._others: dict[str, Watch] = {}
        self._round = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def watch(self, part: str, problem: Callable[[], str | None]) -> None:
        """Keep the health of another part, before the start. `problem`: why it does not work now, or None."""

        async def ask() -> None:
            if (reason := problem()) is not None:
                raise PartFailed(reason)

        self._others[part] = Watch(part, ask, self._metrics, self._every_s)

    async def start(self) -> None:
        """Learn how the store is, then keep watching. The broker may still be connecting."""
        await self._of_store.probe()
        self._watcher = asyncio.create_task(self._keep_watching(), name="vitals")

    async def stop(self) -> None:
        """Ask no more. The last known state stays. Idempotent."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait([watcher])
        await asyncio.gather(*(watch.stop() for watch in self._all))

    async def probe(self) -> None:
        """Learn how the parts are now; returns within about `PROBE_S`, whatever hangs."""
        if self._watcher is not None:
            await asyncio.gather(*(watch.probe() for watch in self._all))

    async def next(self) -> None:
        """Wait for the next round of probes that nobody asked for."""
        self._round.clear()
        await self._round.wait()

    @property
    def health(self) -> Mapping[str, Health]:
        """The last known state of each part."""
        others = {part: watch.health for part, watch in self._others.items()}
        return {"store": self._of_store.health, "broker": self._of_broker.health} | others

    @property
    def _all(self) -> "list[Watch]":
        return [self._of_store, self._of_broker, *self._others.values()]

    def measure(self) -> None:
        """Bring the metrics up to date."""
        for part, health in self.health.items():
            for state in STATES:
                self._metrics.parts_state(part, state).value = health.state == state
        self._metrics.store_up.value = self._of_store.health.in_service
        self._metrics.broker_up.value = self._of_broker.health.in_service

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            now = time.monotonic()
            due = []
            if self._of_store.health.due(now, quiet_s=QUIET_S):
                due.append(self._of_store.probe())
            if self._of_broker.health.due(now, quiet_s=QUIET_S) or not self._broker.up:
                due.append(self._of_broker.probe())
            due += [watch.probe() for watch in self._others.values()]  # asking them costs nothing
            await asyncio.gather(*due)
            self._round.set()


class Watch:
    """One part: its health, its probe, and the log line when its state changes."""

    def __init__(
        self, name: str, ask: Callable[[], Awaitable[None]], metrics: Metrics, every_s: float
    ) -> None:
        self.health = Health()
        self._every_s = every_s
        self._name = name
        self._ask = ask
        self._probed = metrics.probes_answered(name)
        self._failed = metrics.probes_failed(name)
        self._begun = float("-inf")
        self._asked: asyncio.Task[None] | None = None  # the probe under way
        self._round: asyncio.Task[None] | None = None  # who waits for it, on behalf of all

    async def probe(self) -> None:
        """Have the state brought up to date, if that was not done just now."""
        if self._round is None and time.monotonic() - self._begun >= self._every_s:
            self._begun = time.monotonic()
            self._round = asyncio.create_task(self._go_round(), name=f"probe {self._name}")
        if self._round is not None:
            await asyncio.wait([self._round])

    async def stop(self) -> None:
        tasks = [task for task in (self._round, self._asked) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_round(self) -> None:
        try:
            if self._asked is None:
                self._since = time.monotonic()
                self._asked = asyncio.create_task(self._answer(), name=f"ask {self._name}")
            await asyncio.wait([self._asked], timeout=self._every_s)
            took = time.monotonic() - self._since
            if not self._asked.done():
                self._note_failed(f"no answer for {took:.1f} s")
                return
            asked, self._asked = self._asked, None
            self._judge(asked, took)
        finally:
            self._round = None

    async def _answer(self) -> None:
        await self._ask()

    def _judge(self, asked: asyncio.Task[None], took: float) -> None:
        try:
            asked.result()
        except FAILURES as error:
            self._note_failed(str(error))
        except Exception:
            log.exception("a probe failed", part=self._name)
            self._note_failed("internal error")
        else:
            self._probed.observe(took)
            before = self.health.state
            self.health.probe_answered(time.monotonic(), took)
            self._tell(before)

    def _note_failed(self, reason: str) -> None:
        self._failed.value += 1
        before = self.health.state
        self.health.probe_failed(time.monotonic(), reason)
        self._tell(before)

    def worked(self, took_s: float) -> None:
        """As `Health.worked`."""
        before = self.health.state
        self.health.worked(time.monotonic(), took_s)
        self._tell(before)

    def troubled(self, error: Exception) -> None:
        """As `Health.troubled`."""
        before = self.health.state
        self.health.troubled(time.monotonic(), str(error))
        self._tell(before)

    def _tell(self, before: State) -> None:
        if self.health.state != before:
            tell = log.info if self.health.state == "up" else log.warning
            tell(f"the {self._name} is {self.health.state}", before=before, reason=self.health.reason)
