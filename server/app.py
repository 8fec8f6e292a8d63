"""Builds the server from a Config; starts, drains and stops it. No port is opened here."""

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

import structlog
from msgspec import Struct, structs

from server import __version__, demo
from server.accounts.desk import Accounts
from server.accounts.owed import Owed
from server.accounts.seats import Seats
from server.backends import accounts_of, broker_of, store_of
from server.boards.glimpse import Shown, glimpses
from server.boards.judge import SYSTEM
from server.boards.live import LiveBoard
from server.boards.parts import BoardSettings, Parts
from server.boards.registry import Boards
from server.boards.submission import Accepted, Outcome, Submission
from server.brokers import Broker
from server.budgets import Budgets, Rates
from server.callers import Proxies
from server.config import Config
from server.device_settings import device_settings
from server.devices.clerk import Clerk
from server.devices.gone import NotedGone
from server.devices.kept_states import KeptStates
from server.devices.line import DeviceLine
from server.devices.noted import NotedBoards
from server.devices.service import Devices, Guest
from server.document import Limits
from server.doors import NOTED, Doors
from server.errors import ALL, BoardcastError, Close, NotFound, Unavailable
from server.hub import Connection, Hub
from server.leaving import InFlight, return_after_ms
from server.metrics import UNKNOWN_OP, Metrics
from server.model.accounts import MEMBER, Grant
from server.model.commands import LOGGED, Command, MemberSet
from server.model.fields import Role
from server.model.messages import Bye, ServerInfo
from server.model.records import Actor, Change
from server.model.telemetry import Heard
from server.mqtt_settings import mqtt_of
from server.outbox import Transport
from server.people import People
from server.policy import Policy
from server.reception import Reception
from server.searches import Searches
from server.session import Services, Session, SessionSettings
from server.stores import Store, answering
from server.vitals import PARTS, Vitals
from server.wire import JSON, MSGPACK, Codec

log = structlog.stdlib.get_logger("app")
T = TypeVar("T", bound=Struct)
ACCOUNTS = ".accounts"
"""The broker's channel for what is about accounts; no board is called that."""
PRESENCE_TICK_S = 0.1
"""Comings, goings and typing of this long are told in one message."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def mint() -> str:
    """A fresh epoch."""
    return secrets.token_hex(8)


class App:
    """One instance. `start` it on a running loop, then `connect` sockets; `drain` and `stop` it once.

    `store` and `broker`: those that the configuration names, when not given.
    """

    def __init__(self, config: Config, *, store: Store | None = None, broker: Broker | None = None) -> None:
        self.config = config
        self.instance = config.server.instance or secrets.token_hex(4)
        self.metrics = _metrics()
        self.broker = broker or broker_of(config, self.metrics)
        self.vitals = Vitals(store or store_of(config), self.broker, self.metrics)
        self.store = self.vitals.store
        self._noted = NotedBoards(self.store)
        self._gone = NotedGone(self.store)
        self.vitals.watched.foretold = self._foretold
        people = People(f"{self.instance}-{secrets.token_hex(4)}", self.broker.offer)
        self.hub = Hub(self.metrics, people)
        self.proxies = Proxies(config.server.trusted_proxies)
        self.budgets = Budgets(_pick(Rates, config.limits), time.monotonic)
        self.policy = Policy(open_mode=config.auth.mode == "open")
        self.accounts = accounts_of(config, self.store, now_ms)
        self.seats = Seats(self.store)
        self.reception = None if self.accounts is None else self._reception(self.accounts)
        self.doors = (
            None
            if self.accounts is None
            else Doors(self.hub, self.policy, self.accounts, self.seats, Owed(self.store, NOTED, now_ms))
        )
        inner = self.doors or self.hub
        self.clerk = Clerk(inner, self._ears, KeptStates(self.store), self._noted, now_ms)
        self.boards = Boards(self._parts(people.run), people)
        self.hub.occupied = self.boards.hold
        self.hub.vacated = self.boards.release
        self.devices = Devices(
            self.store,
            self.boards,
            self.hub,
            device_settings(config),
            offer=self.broker.offer,
            reaches=self.broker.reaches,
            clock=now_ms,
            metrics=self.metrics,
            budgets=self.budgets,
        )
        self.devices.desk = self.clerk
        self.clerk.turned_away = self.devices.turn_away
        self.mqtt = mqtt_of(config, self.devices, self.boards, self.hub, self.metrics)
        if self.mqtt is not None:
            self.vitals.watch("mqtt", self.mqtt.problem_now)
        self.services = Services(
            boards=self.boards,
            budgets=self.budgets,
            hub=self.hub,
            policy=self.policy,
            settings=_pick(SessionSettings, config.server, config.limits),
            server=ServerInfo("boardcast", __version__, self.instance),
            clock=now_ms,
            metrics=self.metrics,
            accounts=self.accounts,
            devices=self.devices,
        )
        self.setup_code: str | None = None
        self.leaving = False
        self.draining = False
        self.requests = InFlight()
        self.searches = Searches()
        self._rng = random.Random()
        self._tick: asyncio.Task[None] | None = None

    def _reception(self, accounts: Accounts) -> Reception:
        most = self.config.limits.members_per_board
        return Reception(accounts, self.readable, self._accepted, most_members=most)

    def _parts(self, run: str) -> Parts:
        return Parts(
            run=run,
            store=self.store,
            broker=self.broker,
            listener=self.clerk,
            policy=self.policy,
            settings=self._board_settings(),
            limits=_pick(Limits, self.config.limits),
            clock=now_ms,
            mint=mint,
            rng=random.Random(),
            metrics=self.metrics,
        )

    def _board_settings(self) -> BoardSettings:
        settings = _pick(BoardSettings, self.config.boards, self.config.limits)
        if self.accounts is not None and self.config.shares_store:
            # A change of roles is to arrive within two seconds, also when its message is lost.
            settings = structs.replace(settings, heads_check_s=min(settings.heads_check_s, 1.0))
        return settings

    async def _foretold(self, board: str, changes: Sequence[Change]) -> None:
        await self._noted.before(board, changes)
        await self._gone.before(board, changes)
        if self.doors is not None:
            await self.doors.owed.before(board, changes)

    async def _ears(self, board: str, devices: Sequence[str]) -> Sequence[Heard]:
        return await self.store.telemetry.newest(board, devices)

    # -- life

    async def start(self) -> None:
        """Open the data and be ready for connections. Raises `Failed` with a reason for the operator."""
        await self.store.start()
        try:
            await self.vitals.start()
            if self.vitals.health["store"].state != "up":
                # One that can be read but not written serves readers; whoever runs it should know.
                reason = self.vitals.health["store"].reason
                log.warning("the store takes no changes for now", reason=reason)
            self.broker.keep_apart(await self.store.installation())
            await self.boards.start()
            if self.config.boards.seed_demo and not await self.store.board_ids():
                await self._seed()
            await self._open_doors()
        except BaseException:
            await self.vitals.stop()
            await self.broker.close()
            await self.store.close()
            raise
        self.clerk.start(self.boards)
        self.devices.start()
        if self.mqtt is not None:
            self.mqtt.start()
        self._tick = asyncio.create_task(self._tell_presence(), name="presence")

    async def _open_doors(self) -> None:
        """Where there are accounts: watch over who is connected, and make the first one possible."""
        if self.accounts is None or self.doors is None:
            return
        await self.accounts.passwords.prepare()
        self.setup_code = await self.accounts.newcomers.setup_code()
        self.doors.state_of = self.boards.state_of
        self.accounts.told = self._told
        self.boards.listen(ACCOUNTS, self.doors.stir)
        self.doors.start()

    def _told(self, user: str) -> None:
        if self.doors is not None:
            self.doors.doubt(user)
        self.broker.offer(ACCOUNTS, b"notice")

    async def _seed(self) -> None:
        """Make the demo board. Instances that start together all do: the names make it one board."""
        board = self.config.boards.default_board
        try:
            made = [
                await self._accepted(board, command, f"demo-{number}")
                for number, command in enumerate(demo.COMMANDS, 1)
            ]
        except BoardcastError as error:
            log.warning("the demo board could not be made", board=board, reason=error.message)
        else:
            if not made[0].duplicate:
                log.info("demo board made", board=board)

    async def submit(self, board: str, command: Command, mutation: str) -> int:
        """A mutation of the system's own; its seq. Raises the `BoardcastError` that refuses it."""
        return (await self._accepted(board, command, mutation)).seq

    async def _accepted(
        self, board: str, command: Command, mutation: str, actor: Actor = SYSTEM, grant: Grant = MEMBER
    ) -> Accepted:
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        submission = Submission(
            actor=actor,
            client="system",
            mutation=mutation,
            command=command,
            base=None,
            settle=answered.set_result,
            grant=grant,
        )
        self.boards.submit(board, submission)
        outcome = await answered
        if isinstance(outcome, BoardcastError):
            raise outcome
        return outcome

    async def _tell_presence(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = time.monotonic() + PRESENCE_TICK_S
            await asyncio.sleep(PRESENCE_TICK_S)
            self.metrics.loop_lagged.observe(max(0.0, time.monotonic() - due))
            try:
                self.devices.live.tick()
                self.hub.tick(loop.time())
            except Exception:
                log.exception("presence or newest values could not be told; it is tried again")

    async def leave(self) -> None:
        """Be not ready from now on, and leave whoever sends clients here the time to notice."""
        self.leaving = True
        log.info("leaving", connections=len(self.hub.connections), lame_duck_s=self.config.server.lame_duck_s)
        await asyncio.sleep(self.config.server.lame_duck_s)

    async def drain(self) -> None:
        """Take leave: `bye`, then everything under way is finished, acknowledged and sent, then 1001.

        Whoever comes in meanwhile is sent away the same way.
        """
        self.leaving = self.draining = True
        log.info("draining", connections=len(self.hub.connections))
        await self.vitals.stop()
        for connection in self.hub.connections:
            connection.send(self._bye())
        self.hub.flush()
        if self.mqtt is not None:
            await self.mqtt.close()
        await self.devices.finish()  # what devices were told of is heard by the desk
        await self.clerk.stop()
        await self.boards.finish()
        self.hang_up()
        await self.boards.stop()
        await self.hub.empty.wait()
        await self.requests.none.wait()

    def hang_up(self) -> None:
        """Close every socket: what was sent to it before arrives before."""
        for connection in self.hub.connections:
            connection.outbox.close(Close.GOING_AWAY, "going away")

    def _bye(self) -> Bye:
        return Bye(reason="going away", retry_after_ms=return_after_ms(len(self.hub.connections), self._rng))

    async def stop(self) -> None:
        """Let go of the data. After `drain`, or without it when that took too long."""
        if self._tick is not None:
            self._tick.cancel()
        if self.doors is not None:
            await self.doors.stop()
        if self.accounts is not None:
            self.accounts.close()
        if self.mqtt is not None:
            await self.mqtt.close()
        await self.devices.stop()
        await self.clerk.stop()
        await self.vitals.stop()
        await self.store.close()
        log.info("stopped")

    async def give_role(self, board: str, user: str, role: Role) -> None:
        """To whoever made the first account. A board that is not there is passed over."""
        with suppress(NotFound):
            await self.readable(board)
            await self.submit(board, MemberSet(user=user, role=role), secrets.token_hex(8))

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
        with answering():
            return await self.store.board_ids()

    async def shown(self, boards: Sequence[str]) -> list[Shown]:
        """Those boards, without reading their tasks for it. One that is damaged is left out: the others are
        there. Raises `NotFound`, and `Unavailable` when none can be read."""
        known = await glimpses(self.store, [board for board in boards if not self.boards.holds(board)])
        shown: list[Shown] = []
        failed: Unavailable | None = None
        for board in boards:
            try:
                shown.append(known.get(board) or await self.readable(board))
            except Unavailable as error:
                log.warning("a board is left out of a list", board=board, reason=str(error))
                failed = error
        if failed is not None and not shown:
            raise failed
        return shown

    # -- sockets

    def connect(
        self, transport: Transport, codec: Codec, signed_in: str = "", home: str | None = None
    ) -> Session:
        """A new socket; whoever made it reports its frames and its end to the session.

        `signed_in`: the text of the session that its browser showed. `home`: what it counts for (see
        `Caller`); None: it is not counted.
        """
        name = "s_" + secrets.token_hex(8)
        connection = Connection(self.hub, name, codec, transport, self.config.delivery)
        limits = self.config.limits
        full = len(self.hub) >= limits.connections
        place = None if home is None else self.budgets.of(f"address {home}")
        crowded = place is not None and place.connections >= limits.connections_per_address
        session = Session(connection, self.services, signed_in, place)
        self.hub.add(connection)
        if self.draining:
            connection.send(self._bye())
            session.close(Close.GOING_AWAY, "going away")
        elif crowded or full:
            name = "connections_per_address" if crowded else "connections"
            what = "connections of this address" if crowded else "connections"
            session.dismiss(session.allowance.too_many(name, what))
        return session

    def limit_met(self, name: str) -> None:
        """A client ran into a limit; `name` as in `metrics.LIMITS`."""
        self.metrics.limits_reached(name).value += 1

    def connect_device(self, transport: Transport, codec: Codec, guest: Guest) -> DeviceLine | None:
        """A socket of a device that was let in; as `connect`. None: it is closed again."""
        connection = Connection(self.hub, "d_" + secrets.token_hex(8), codec, transport, self.config.delivery)
        full = len(self.hub.connections) >= self.config.limits.connections
        self.hub.add(connection)
        try:
            if full:
                connection.outbox.close(Close.TOO_MANY_CONNECTIONS, "too many connections")
            else:
                return self.devices.connect(connection, guest)
        except Unavailable:
            connection.send(self._bye())
            connection.outbox.close(Close.GOING_AWAY, "going away")
        self.hub.remove(connection)
        return None

    # -- health

    @property
    def ready(self) -> bool:
        """Whether new clients are welcome: changes can be made durable here. Without a broker they can."""
        return not self.leaving and self.vitals.health["store"].in_service

    def measure(self) -> Metrics:
        """The metrics, with those brought up to date that tell a state and not an event."""
        metrics = self.metrics
        queued = [connection.outbox.queued for connection in self.hub.connections]
        self.vitals.measure()
        metrics.broker_dropped.value = self.broker.dropped
        metrics.store_writes_waiting.value = self.store.writes_waiting
        metrics.queues_held.value = sum(queued)
        metrics.queues_longest.value = max(queued, default=0)
        metrics.boards_live.value = len(self.boards)
        metrics.points_waiting.value = self.devices.ingest.points_waiting
        metrics.server_draining.value = self.leaving
        return metrics


def _metrics() -> Metrics:
    metrics = Metrics()
    metrics.server_info(__version__).value = 1
    metrics.foresee(
        codecs=[codec.name for codec in (JSON, MSGPACK)],
        ops=[*LOGGED, UNKNOWN_OP],
        errors=[error.code for error in ALL],
        parts=PARTS,
        closes=[code for code in vars(Close).values() if isinstance(code, int)],
    )
    return metrics


def _pick(kind: type[T], *sections: Struct) -> T:
    """The settings that `kind` names, from the sections that have them."""
    given = {name: value for section in sections for name, value in structs.asdict(section).items()}
    return kind(**{name: given[name] for name in kind.__struct_fields__})
