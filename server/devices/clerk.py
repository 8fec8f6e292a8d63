"""The desk of one instance: what boards make of their devices. It finds, makes and drops their engines.

Boards come to its attention when a device does, when a change says so, or, on an instance where nobody cares
for them, from the list of noted boards: something may fall silent there all the same.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog

from server.boards.live import LiveBoard
from server.boards.registry import Boards
from server.boards.submission import Submission
from server.devices.desk import Line
from server.devices.engine import Engine, TurnedAway
from server.devices.kept_states import KeptStates
from server.devices.memory import Ears
from server.devices.noted import OPERATIONS, NotedBoards
from server.errors import Unauthenticated, Unavailable
from server.model.device_messages import CommandResult
from server.model.records import Change
from server.model.telemetry import Point
from server.stores import Failed

log = structlog.stdlib.get_logger("devices")
TICK_S = 0.25
LOOK_S = 5.0
"""How often it is looked which boards are noted, and which engines are not needed any more."""
KEEP_S = 30.0
"""How often what rules have learnt is written down."""
LOADS_AT_ONCE = 8
REMEMBERED_S = 60.0
"""A device that was here so short a time ago is remembered; what the store knows of it is not newer."""
PATIENCE_S = 2.0
"""After a store that did not answer."""


class Listener(Protocol):
    """As `server.boards.replica.Listener`."""

    def deliver(self, board: str, changes: Sequence[Change]) -> None: ...
    def resync(self, board: str) -> None: ...
    def closed(self, board: str, reason: str) -> None: ...
    def flush(self) -> None: ...


class Clerk:
    """It is the `Desk`, and listens to the boards on the way to `inner`, the hub. `clock`: wall time, ms."""

    def __init__(
        self, inner: Listener, ears: Ears, kept: KeptStates, noted: NotedBoards, clock: Callable[[], int]
    ) -> None:
        self._inner = inner
        self._ears = ears
        self._kept = kept
        self._noted = noted
        self._began = clock() - time.monotonic_ns() // 1_000_000
        self._boards: Boards | None = None
        self._engines: dict[str, Engine] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._ticking: dict[str, asyncio.Task[None]] = {}
        self._remembered: dict[tuple[str, str], float] = {}
        self._versions: dict[str, int] = {}
        self._slots = asyncio.Semaphore(LOADS_AT_ONCE)
        self._runner: asyncio.Task[None] | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False
        self.turned_away: Callable[[str, str], None] = lambda board, device: None
        """Called with board and device when one may not come in any more."""
        self.closed, self.flush = inner.closed, inner.flush

    def now(self) -> int:
        """Milliseconds since 1970 that run steadily: nobody falls silent because a clock is set."""
        return self._began + time.monotonic_ns() // 1_000_000

    def start(self, boards: Boards) -> None:
        """On a running loop, when the store is open."""
        self._boards = boards
        self._runner = asyncio.create_task(self._run(), name="devices' desk")
        self._sweeper = asyncio.create_task(self._sweep(), name="boards that came with an import")

    async def stop(self) -> None:
        """Ask nothing more of the boards, and write down what was learnt. Idempotent."""
        self._stopping = True
        tasks = [*self._loading.values(), *self._ticking.values()]
        tasks += [task for task in (self._runner, self._sweeper) if task is not None]
        self._runner = self._sweeper = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        engines, self._engines = self._engines, {}
        for engine in engines.values():
            await self._keep(engine)

    # -- engines

    def _engine(self, board: str) -> Engine | None:
        """The board's engine, loading or loaded; None while nothing can be begun."""
        engine = self._engines.get(board)
        if engine is None and self._boards is not None and not self._stopping:
            try:
                live = self._boards.hold(board)
            except Unavailable:
                return None
            turned = partial(self.turned_away, board)
            engine = Engine(live, self._submit, self._ears, self._kept, self.now, turned)
            self._engines[board] = engine
            self._loading[board] = asyncio.create_task(self._load(engine), name=f"rules of {board}")
        return engine

    def _submit(self, board: str, submission: Submission) -> None:
        assert self._boards is not None
        self._boards.submit(board, submission)

    async def _load(self, engine: Engine) -> None:
        try:
            while True:
                try:
                    async with self._slots:
                        await engine.load()
                    return
                except (Failed, Unavailable):
                    await asyncio.sleep(PATIENCE_S)
        except Exception:
            log.exception("the rules of a board cannot be followed", board=engine.board)
        finally:
            self._loading.pop(engine.board, None)

    async def _drop(self, engine: Engine) -> None:
        await self._keep(engine)
        if not engine.needed and self._engines.get(engine.board) is engine:
            del self._engines[engine.board]
            self._kept.forget(engine.board)
            assert self._boards is not None
            self._boards.release(engine.board)

    async def _keep(self, engine: Engine) -> None:
        try:
            await engine.keep()
        except Failed as error:
            log.warning("what rules have learnt is not written down", board=engine.board, reason=str(error))

    # -- the boards

    def deliver(self, board: str, changes: Sequence[Change]) -> None:
        self._inner.deliver(board, changes)
        engine = self._engines.get(board)
        try:
            if engine is not None:
                engine.changed(changes)
            elif not OPERATIONS.isdisjoint([change.op for change in changes]):
                self._engine(board)
        except Exception:
            log.exception("changes of a board could not be followed", board=board)

    def resync(self, board: str) -> None:
        self._inner.resync(board)
        if (engine := self._engines.get(board)) is not None:
            engine.reloaded()

    # -- the devices: see `Desk`

    async def admit(self, board: str, device: str) -> str:
        if self._boards is None:
            raise Unavailable("the server is starting")
        live = self._boards.hold(board)
        try:
            await live.ready()
            name = await live.surely(lambda: _name(live, device))
            await self._remember(board, device)
            return name
        finally:
            self._boards.release(board)

    async def _remember(self, board: str, device: str) -> None:
        engine = self._engine(board)
        if engine is None:
            return
        loading = self._loading.get(board)
        if loading is not None:
            await asyncio.wait([loading])
        until = self._remembered.get((board, device), 0.0)
        self._remembered[board, device] = time.monotonic() + REMEMBERED_S
        if until < time.monotonic():
            try:
                await engine.remember(device)
            except Failed as error:
                raise Unavailable("the store does not answer") from error

    def arrived(self, board: str, device: str, line: Line) -> None:
        if (engine := self._engine(board)) is not None:
            engine.arrived(device, line)

    def left(self, board: str, device: str, line: Line) -> None:
        if (engine := self._engines.get(board)) is not None:
            engine.left(device, line)

    def settled(self, board: str, device: str, result: CommandResult) -> None:
        if (engine := self._engine(board)) is not None:
            engine.settled(device, result)

    def stored(self, board: str, device: str, points: Sequence[Point], now_ms: int) -> None:
        if (engine := self._engine(board)) is not None:
            self._remembered[board, device] = time.monotonic() + REMEMBERED_S
            engine.stored(device, points, now_ms)

    # -- time

    async def _sweep(self) -> None:
        while True:
            try:
                await self._noted.sweep()
                await self._look()
                return
            except Failed:
                await asyncio.sleep(PATIENCE_S)
            except Exception:
                log.exception("boards with devices that came with an import are not looked for")
                return

    async def _run(self) -> None:
        looked = kept = 0.0
        while True:
            now = time.monotonic()
            try:
                self._tick()
                if now >= looked + LOOK_S:
                    await self._look()
                    looked = time.monotonic()
                if now >= kept + KEEP_S:
                    kept = now
                    for engine in list(self._engines.values()):
                        await self._keep(engine)
            except Failed as error:
                looked = time.monotonic()
                log.warning("boards with devices cannot be looked after", reason=str(error))
            except Exception:
                log.exception("the desk failed; it goes on")
            await asyncio.sleep(TICK_S)

    def _tick(self) -> None:
        for board, engine in self._engines.items():
            if board not in self._ticking and board not in self._loading and engine.due:
                task = asyncio.create_task(self._tick_one(engine), name=f"rules' time on {board}")
                self._ticking[board] = task

    async def _tick_one(self, engine: Engine) -> None:
        try:
            await engine.tick()
        except Failed:
            await asyncio.sleep(PATIENCE_S)
        except Exception:
            log.exception("the rules of a board failed", board=engine.board)
            await asyncio.sleep(PATIENCE_S)
        finally:
            del self._ticking[engine.board]

    async def _look(self) -> None:
        """Boards that are noted, here or elsewhere; engines and memories that are not needed any more."""
        for board, version in (await self._noted.all()).items():
            if self._versions.get(board) != version:
                self._versions[board] = version
                self._engine(board)
        for engine in list(self._engines.values()):
            if not engine.needed:
                await self._drop(engine)
        now = time.monotonic()
        self._remembered = {key: until for key, until in self._remembered.items() if until > now}


def _name(live: LiveBoard, device: str) -> str:
    state = live.state
    if state.info is None or (there := state.device(device)) is None:
        raise Unauthenticated("the device of this token was deleted")
    if state.info.value.archived:
        raise TurnedAway("its board is archived")
    if there.disabled:
        raise TurnedAway("the device is disabled")
    return there.name
