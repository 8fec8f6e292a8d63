"""Builds the server from a Config; starts, drains and stops it. No port is opened here."""

import asyncio
import random
import secrets
import time
from typing import TypeVar

import structlog
from msgspec import Struct, structs

from server import __version__, demo
from server.boards.judge import SYSTEM
from server.boards.live import LiveBoard
from server.boards.parts import BoardSettings, Parts
from server.boards.registry import Boards
from server.boards.submission import Outcome, Submission
from server.brokers.local import LocalBroker, LocalExchange
from server.config import Config
from server.document import Limits
from server.errors import ALL, BoardcastError, Close, NotFound, Unavailable
from server.hub import Connection, Hub
from server.metrics import UNKNOWN_OP, Metrics
from server.model.commands import OPERATIONS, Command
from server.model.messages import Bye, ServerInfo
from server.model.records import Change
from server.outbox import Transport
from server.policy import Policy
from server.session import Services, Session, SessionSettings
from server.stores import Failed
from server.stores.sqlite import SqliteStore
from server.wire import JSON, MSGPACK, Codec

log = structlog.stdlib.get_logger("app")
T = TypeVar("T", bound=Struct)
PRESENCE_TICK_S = 0.1
"""Comings, goings and typing of this long are told in one message."""
PROBE_S = 1.0
"""How long `/readyz` waits for the store."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def mint() -> str:
    """A fresh epoch."""
    return secrets.token_hex(8)


class App:
    """One instance. `start` it on a running loop, then `connect` sockets; `drain` and `stop` it once."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.instance = config.server.instance or secrets.token_hex(4)
        self.store = SqliteStore(config.sqlite_path, deadline_s=config.store.deadline_s)
        self.broker = LocalBroker(LocalExchange())
        self.metrics = _metrics()
        self.hub = Hub(self.metrics)
        self.policy = Policy(open_mode=config.auth.mode == "open")
        self.boards = Boards(self._parts())
        self.hub.occupied = self.boards.hold
        self.hub.vacated = self.boards.release
        self.services = Services(
            boards=self.boards,
            hub=self.hub,
            policy=self.policy,
            settings=_pick(SessionSettings, config.server, config.limits),
            server=ServerInfo("boardcast", __version__, self.instance),
            clock=now_ms,
            metrics=self.metrics,
        )
        self.draining = False
        self._tick: asyncio.Task[None] | None = None

    def _parts(self) -> Parts:
        return Parts(
            store=self.store,
            broker=self.broker,
            listener=self.hub,
            policy=self.policy,
            settings=_pick(BoardSettings, self.config.boards, self.config.limits),
            limits=_pick(Limits, self.config.limits),
            clock=now_ms,
            mint=mint,
            rng=random.Random(),
            metrics=self.metrics,
        )

    # -- life

    async def start(self) -> None:
        """Open the data and be ready for connections. Raises `Failed` with a reason for the operator."""
        await self.store.start()
        try:
            await self._try_the_store()
            await self.boards.start()
            if self.config.boards.seed_demo and not await self.store.boards():
                await self._seed()
        except BaseException:
            await self.store.close()
            raise
        self._tick = asyncio.create_task(self._tell_presence(), name="presence")

    async def _try_the_store(self) -> None:
        """A store that can be read but not written serves readers; whoever runs it should know."""
        try:
            await self.store.ping()
        except Failed as error:
            log.warning("the store takes no changes for now", reason=str(error))

    async def _seed(self) -> None:
        board = self.config.boards.default_board
        for number, command in enumerate(demo.COMMANDS, 1):
            await self.submit(board, command, f"demo-{number}")
        log.info("demo board made", board=board)

    async def submit(self, board: str, command: Command, mutation: str) -> int:
        """A mutation of the system's own; its seq. Raises the `BoardcastError` that refuses it."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        submission = Submission(
            actor=SYSTEM,
            client="system",
            mutation=mutation,
            command=command,
            base=None,
            settle=answered.set_result,
        )
        self.boards.submit(board, submission)
        outcome = await answered
        if isinstance(outcome, BoardcastError):
            raise outcome
        return outcome.seq

    async def _tell_presence(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = time.monotonic() + PRESENCE_TICK_S
            await asyncio.sleep(PRESENCE_TICK_S)
            self.metrics.loop_lagged.observe(max(0.0, time.monotonic() - due))
            self.hub.tick(loop.time())

    async def drain(self) -> None:
        """Take leave: `bye`, then everything under way is finished, acknowledged and sent, then 1001."""
        self.draining = True
        log.info("draining", connections=len(self.hub.connections))
        for connection in self.hub.connections:
            connection.send(Bye(reason="going away", retry_after_ms=random.randint(200, 2000)))
        self.hub.flush()
        await self.boards.stop()
        for connection in self.hub.connections:
            connection.outbox.close(Close.GOING_AWAY, "going away")
        await self.hub.empty.wait()

    async def stop(self) -> None:
        """Let go of the data. After `drain`, or without it when that took too long."""
        if self._tick is not None:
            self._tick.cancel()
        await self.store.close()
        log.info("stopped")

    # -- reading

    async def readable(self, board: str) -> LiveBoard:
        """The board, loaded. Raises `NotFound`, or `Unavailable` when the store cannot be read."""
        live = self.boards.get(board)
        await live.ready()
        if not live.exists:
            await live.reach(1)
        if not live.exists:
            raise NotFound("board", board)
        return live

    async def all_boards(self) -> list[str]:
        """The ids of all boards, in order of creation. Raises `Unavailable`."""
        try:
            return list(await self.store.boards())
        except Failed as error:
            raise Unavailable("the store does not answer") from error

    async def history(
        self, board: str, *, since: int | None, before: int | None, task: str | None, limit: int
    ) -> list[Change]:
        """As `Store.history`. Raises `Unavailable`."""
        try:
            return await self.store.history(board, since=since, before=before, task=task, limit=limit)
        except Failed as error:
            raise Unavailable("the store does not answer") from error

    async def change_at(self, board: str, seq: int) -> Change | None:
        """One change of the log. Raises `Unavailable`."""
        try:
            return next(iter(await self.store.read(board, seq - 1, 1)), None)
        except Failed as error:
            raise Unavailable("the store does not answer") from error

    # -- sockets

    def connect(self, transport: Transport, codec: Codec) -> Session:
        """A new socket; whoever made it reports its frames and its end to the session."""
        name = "s_" + secrets.token_hex(8)
        connection = Connection(self.hub, name, codec, transport, self.config.delivery)
        full = len(self.hub.connections) >= self.config.limits.connections
        session = Session(connection, self.services)
        self.hub.add(connection)
        if full:
            session.close(Close.TOO_MANY_CONNECTIONS, "too many connections")
        return session

    # -- health

    async def parts(self) -> dict[str, str]:
        """The state of each part: `up`, or what is wrong."""
        try:
            async with asyncio.timeout(PROBE_S):
                await self.store.ping()
            store = "up"
        except (Failed, TimeoutError) as error:
            store = f"down: {str(error) or 'no answer'}"
        return {"store": store, "broker": "up" if self.broker.up else "down"}

    async def measure(self) -> Metrics:
        """The metrics, with those brought up to date that tell a state and not an event."""
        parts, metrics = await self.parts(), self.metrics
        queued = [connection.outbox.queued for connection in self.hub.connections]
        metrics.store_up.value = parts["store"] == "up"
        metrics.broker_up.value = parts["broker"] == "up"
        metrics.broker_dropped.value = self.broker.dropped
        metrics.store_writes_waiting.value = self.store.writes_waiting
        metrics.queues_held.value = sum(queued)
        metrics.queues_longest.value = max(queued, default=0)
        metrics.boards_live.value = len(self.boards)
        metrics.server_draining.value = self.draining
        return metrics


def _metrics() -> Metrics:
    metrics = Metrics()
    metrics.server_info(__version__).value = 1
    metrics.foresee(
        codecs=[codec.name for codec in (JSON, MSGPACK)],
        ops=[*OPERATIONS, UNKNOWN_OP],
        errors=[error.code for error in ALL],
        closes=[code for code in vars(Close).values() if isinstance(code, int)],
    )
    return metrics


def _pick(kind: type[T], *sections: Struct) -> T:
    """The settings that `kind` names, from the sections that have them."""
    given = {name: value for section in sections for name, value in structs.asdict(section).items()}
    return kind(**{name: given[name] for name in kind.__struct_fields__})
