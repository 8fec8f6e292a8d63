"""One server: the production `Boards`, with the least of a hub and of sessions around it."""

import asyncio
import contextvars
import random
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from server.boards.distrust import Distrust
from server.boards.live import LiveBoard
from server.boards.parts import BoardSettings, Parts
from server.boards.queue import Queue
from server.boards.registry import Boards
from server.boards.submission import Outcome
from server.document import BoardState, Limits
from server.errors import BoardcastError, NotFound
from server.metrics import Metrics
from server.model.records import Change
from server.policy import Policy
from tests.simulator.broker import SimBroker, SimExchange
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.history import Attempt, History, Item, shown
from tests.simulator.link import Link, Message
from tests.simulator.store import SimStore

OWNER: contextvars.ContextVar["Instance"] = contextvars.ContextVar("OWNER")


class Surroundings(Struct, frozen=True):
    """What all instances of a world share."""

    board: str
    disk: SimDisk
    exchange: SimExchange
    faults: Faults
    history: History
    settings: BoardSettings
    make_store: Callable[[SimDisk, Faults], SimStore] = SimStore


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> "asyncio.Task[Any]":
    """Tasks started inside an instance belong to it, and die with it."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **options)
    owner = OWNER.get(None)
    if owner is not None:
        owner.tasks.append(task)
    return task


class Instance:
    """One life of a server process. It is never started twice; the next life is another `Instance`."""

    def __init__(self, name: str, world: Surroundings, rng: random.Random) -> None:
        self.name = name
        self.world = world
        self.rng = rng
        self.dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self.sessions: dict[Session, None] = {}
        self.attempts: list[Attempt] = []
        self.store = world.make_store(world.disk, world.faults)
        self.broker = SimBroker(world.exchange)
        self.context = contextvars.copy_context()
        self.context.run(OWNER.set, self)
        self._skew_ms = rng.choice((0, 0, -5000, 7000))
        self.boards = Boards(self._parts())

    def _parts(self) -> Parts:
        loop = asyncio.get_running_loop()
        return Parts(
            run=self.name,
            store=self.store,
            broker=self.broker,
            listener=self,
            policy=Policy(open_mode=True),
            settings=self.world.settings,
            limits=Limits(),
            clock=lambda: 1_700_000_000_000 + self._skew_ms + int(loop.time() * 1000),
            mint=lambda: f"e{self.rng.getrandbits(48):012x}",
            rng=self.rng,
            metrics=Metrics(),
            peer_bytes=self.rng.choice((300, 512 << 10)),
            distrust=Distrust(loop.time),
        )

    def start(self) -> None:
        asyncio.get_running_loop().create_task(self.boards.start(), context=self.context)

    def kill(self) -> None:
        """`kill -9`: nothing that runs may reach the outside any more; what is on its way may land."""
        self.dead = True
        self.store.die()
        self.broker.die()
        for task in self.tasks:
            task.cancel()
        self._cut_all()

    async def stop(self) -> None:
        """As on SIGTERM: what was taken in is finished and answered."""
        await asyncio.get_running_loop().create_task(self.boards.stop(), context=self.context)
        await self.store.close()
        for attempt in self.attempts:
            if attempt.outcome is None and not self.dead:
                self.world.history.violation(f"{self.name} stopped and never answered {attempt.item.label}")
        self.dead = True
        self._cut_all()

    def _cut_all(self) -> None:
        for session in list(self.sessions):
            session.link.cut()

    def accept(self, link: Link) -> None:
        """A client connects."""
        if self.dead:
            link.cut()
        else:
            self.sessions[Session(self, link)] = None

    # -- the listener

    def deliver(self, board: str, changes: Sequence[Change]) -> None:
        if self.dead:
            return
        if self._is_of_a_lost_log:
            self._offer(changes)
            return
        log = self.world.disk.log(board)
        for change in changes:
            if change.seq > len(log) or log[change.seq - 1] != change:
                self.world.history.violation(f"{self.name} showed change {change.seq}, which is not durable")
        self._offer(changes)

    @property
    def _is_of_a_lost_log(self) -> bool:
        live = self.boards._live.get(self.world.board)
        return live is not None and live.epoch in self.world.history.lost_epochs

    def _offer(self, changes: Sequence[Change]) -> None:
        for session in self.sessions:
            session.offer_changes(list(changes))

    def resync(self, board: str) -> None:
        for session in self.sessions:
            session.resync()

    def closed(self, board: str, reason: str) -> None:
        pass  # the clients of a world look on, whatever happens to the board

    def flush(self) -> None:
        if not self.dead:
            for session in self.sessions:
                session.flush()

    # -- mutations

    def submit(self, item: Item, queue: Queue, settle: Callable[[Attempt], None]) -> None:
        """Hand an item to the board; `settle` gets the attempt with its outcome, once."""
        disk, board = self.world.disk, self.world.board
        attempt = Attempt(item, self.name, disk.head(board), lambda: self.dead, self.world.history.clock())
        item.attempts.append(attempt)
        self.attempts.append(attempt)

        def settled(outcome: Outcome) -> None:
            if self.dead:
                return
            self.world.history.trace(self.name, "settles", item.label, shown(outcome))
            if attempt.outcome is not None:
                self.world.history.violation(f"{self.name} answered one arrival of {item.label} twice")
            attempt.outcome, attempt.settled_head = outcome, disk.head(board)
            attempt.ended_s = self.world.history.clock()
            self._check(item, outcome)
            settle(attempt)

        self.boards.get(board).submit(attempt.submission(queue, settled))

    def _check(self, item: Item, outcome: Outcome) -> None:
        """An answer that the disk gives the lie to is found at once."""
        history = self.world.history
        if isinstance(outcome, BoardcastError):
            if outcome.code == "internal":
                history.violation(f"{self.name} failed on {item.label}")
            return
        log = self.world.disk.log(self.world.board)
        if self._is_of_a_lost_log:
            return
        if outcome.seq > len(log):
            history.violation(f"{item.label} was acknowledged at {outcome.seq}, which is not durable")
        elif log[outcome.seq - 1].name != item.name:
            history.violation(f"{item.label} was acknowledged at {outcome.seq}, where something else is")


class Session:
    """One connection as an instance sees it: messages in order, an outbox that `flush` writes."""

    def __init__(self, instance: Instance, link: Link) -> None:
        self.instance = instance
        self.link = link
        self._board = instance.world.board
        self._queue = Queue()
        self._held = False
        self._member = False
        self._outbox: list[Message] = []
        self._waiting: list[Message] = []
        self._joining = False
        link.at_server = self._receive
        link.on_cut = self._closed

    # -- out

    def offer_changes(self, changes: list[Change]) -> None:
        if self._member:
            self._outbox.append(("changes", changes))

    def resync(self) -> None:
        if self._member:
            self._member = False
            self._outbox.append(("resync",))

    def flush(self) -> None:
        if self._outbox:
            self.link.to_client(self._outbox)
            self._outbox = []

    def _settled(self, attempt: Attempt) -> None:
        if self.link.open:
            self._outbox.append(("answer", attempt))

    # -- in

    def _receive(self, message: Message) -> None:
        if self._joining:
            self._waiting.append(message)
        elif message[0] == "join":
            self._joining = True
            asyncio.get_running_loop().create_task(self._join(message[1]))
        else:
            self.instance.submit(message[1], self._queue, self._settled)
        self.flush()

    def _closed(self) -> None:
        self.instance.sessions.pop(self, None)
        if self._held:
            self.instance.boards.release(self._board)
            self._held = False

    async def _join(self, since: tuple[str, int] | None) -> None:
        boards = self.instance.boards
        live = boards.hold(self._board)
        try:
            await self._admit(live, since)
        except BoardcastError as error:
            boards.release(self._board)
            self._outbox.append(("not joined", error))
        except asyncio.CancelledError:
            boards.release(self._board)
            raise
        else:
            if self._held or not self.link.open:
                boards.release(self._board)
            self._held = self._member = self.link.open
            self._welcome(live, since)
        self._joining = False
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._receive(message)
        self.flush()

    async def _admit(self, live: LiveBoard, since: tuple[str, int] | None) -> None:
        """As `server.session` does it."""
        await live.ready()
        if not live.exists:
            await live.reach(1)
        if since is not None and since[0] == live.epoch and since[1] > live.head:
            await live.reach(since[1])
            if since[0] == live.epoch and since[1] > live.head:
                await live.renew(since[1], "somebody")
        if not live.exists:
            raise NotFound("board", self._board)

    def _welcome(self, live: LiveBoard, since: tuple[str, int] | None) -> None:
        missing = live.since(since[1]) if since is not None and since[0] == live.epoch else None
        snapshot = cloned(live.state) if missing is None else None
        self._outbox = [message for message in self._outbox if message[0] not in ("changes", "resync")]
        self._outbox.append(("joined", live.epoch, live.head, missing, snapshot))


def cloned(state: BoardState) -> BoardState:
    """A copy that later folds do not reach; records are frozen and shared."""
    copy = BoardState(state.board)
    copy.__dict__.update(state.__dict__)
    for name, value in vars(state).items():
        if isinstance(value, dict):
            setattr(copy, name, dict(value))
    copy.order = {column: list(slots) for column, slots in state.order.items()}
    return copy
