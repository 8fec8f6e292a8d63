"""Instances of one server in one process: one store, one exchange of messages, a desk each. No port."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from server.app import App, now_ms
from server.brokers.local import LocalBroker, LocalExchange
from server.config import Config
from server.document import BoardState
from server.errors import BoardcastError
from server.model import commands as c
from server.model import device_commands as d
from server.model.device_messages import CommandMessage
from server.model.devices import Rule
from server.model.records import Task
from server.model.telemetry import Point
from server.stores.sqlite import SqliteStore
from server.stores.telemetry import Batch

BOARD = "b"
PATIENCE_S = 30


class Shared:
    """A store that somebody else opens and closes."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Held(Shared):
    """Its method `what`, called for `kind` first, waits until `go` is set; `asked`: somebody waits for it."""

    def __init__(self, store: SqliteStore, what: str, kind: str) -> None:
        super().__init__(store)
        self._what, self._kind = what, kind
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name != self._what:
            return found

        async def wait(kind: str, *args: Any, **kwargs: Any) -> Any:
            if kind == self._kind:
                self.asked.set()
                await self.go.wait()
            return await found(kind, *args, **kwargs)

        return wait


class Line:
    """A device's socket: `told` is what came, `closed` why it was closed."""

    def __init__(self) -> None:
        self.told: list[CommandMessage] = []
        self.closed: BoardcastError | None = None
        self._came = asyncio.Event()

    def send(self, message: CommandMessage) -> None:
        self.told.append(message)
        self._came.set()

    async def came(self) -> None:
        """Until something has come. The board may say that it is sent a moment before."""
        async with asyncio.timeout(PATIENCE_S):
            await self._came.wait()
        self._came.clear()

    def close(self, refusal: BoardcastError) -> None:
        self.closed = refusal


class Desks:
    """`apps` are the instances that run. `BOARD` is there, with the device `boiler`."""

    def __init__(self, data: Path) -> None:
        self.config = Config.load(None, {}, {"data": str(data)})
        self.store = SqliteStore(data / "boardcast.db", deadline_s=10)
        self.exchange = LocalExchange()
        self.apps: list[App] = []

    async def open(self, store: Shared | None = None) -> App:
        """One more instance."""
        app = App(self.config, store=store or Shared(self.store), broker=LocalBroker(self.exchange))  # type: ignore[arg-type]
        await app.start()
        self.apps.append(app)
        return app

    async def close(self, app: App) -> None:
        self.apps.remove(app)
        await app.drain()
        await app.stop()

    async def do(self, command: c.Command, app: App | None = None) -> int:
        """As the system; the seq."""
        return await (app or self.apps[0]).submit(BOARD, command, secrets.token_hex(8))

    async def rule(self, rule: Rule) -> None:
        await self.do(d.RuleSet(rule=rule))

    async def send(
        self, app: App, *values: float, device: str = "boiler", metric: str = "temp", ago_ms: int = 0
    ) -> None:
        """What a device sends to `app`: stored, and then told to its desk. A millisecond between values."""
        at = now_ms()
        times = [at - ago_ms + n for n in range(len(values))]
        await self.store.telemetry.keep([Batch.of(BOARD, device, {metric: (times, list(values))}, at=at)])
        points = [Point(t, metric, v) for t, v in zip(times, values, strict=True)]
        app.clerk.stored(BOARD, device, points, at)

    def state(self, app: App | None = None) -> BoardState:
        return (app or self.apps[0]).boards.get(BOARD).state

    def cards(self, app: App | None = None) -> list[Task]:
        return [task for task in self.state(app).sorted_tasks() if task.alarm is not None]

    async def until(self, holds: Callable[[], bool], app: App | None = None) -> None:
        """Wait for changes of the board until `holds`."""
        live = (app or self.apps[0]).boards.hold(BOARD)
        await live.ready()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await live.wait_for(live.head + 1, PATIENCE_S)
        finally:
            (app or self.apps[0]).boards.release(BOARD)


async def told(*lines: Line) -> list[CommandMessage]:
    """All that came through the lines, once there is something new on one of them."""
    waits = [asyncio.create_task(line.came()) for line in lines]
    _, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    return [message for line in lines for message in line.told]


@asynccontextmanager
async def desks(data: Path, instances: int = 1) -> AsyncIterator[Desks]:
    made = Desks(data)
    await made.store.start()
    try:
        for _ in range(instances):
            await made.open()
        await made.do(c.BoardCreate(name="Board"))
        await made.do(d.DeviceCreate(device="boiler", name="Boiler"))
        yield made
    finally:
        for app in list(made.apps):
            await made.close(app)
        await made.store.close()
