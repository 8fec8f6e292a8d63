"""One connection's conversation, from `hello` to the end. It knows no socket; only reading a board waits.

States: *new* (only `hello` is understood) → *greeted* → *closed*. Messages are handled in order: while one
has to wait for the store, those behind it wait in its `Backlog`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from msgspec import UNSET, Struct, UnsetType

from server import wire
from server.accounts.desk import Accounts
from server.boards.queue import Queue
from server.boards.submission import Outcome, Submission, answer
from server.budgets import Budget
from server.errors import (
    BadRequest,
    BoardcastError,
    Close,
    Internal,
    RateLimited,
    Unauthenticated,
)
from server.hub import Connection
from server.metrics import UNKNOWN_OP
from server.model import messages as m
from server.model.accounts import Identity
from server.model.commands import OPERATIONS
from server.model.fields import RequestId
from server.model.records import Actor
from server.session.allowance import Allowance
from server.session.backlog import Backlog, Item
from server.session.entry import visitor
from server.session.pending import Pending
from server.session.services import Services, SessionSettings
from server.session.visits import Visits

__all__ = ["Services", "Session", "SessionSettings"]


log = structlog.stdlib.get_logger("session")
Wait = Callable[[], Awaitable[None]]
"""What is left of a message that has to wait."""
PING = b"\x89\x00"
"""A whole WebSocket ping frame without payload (RFC 6455, section 5.5.2)."""


class Session:
    """Takes the frames of one connection and answers them through its outbox."""

    def __init__(
        self, connection: Connection, services: Services, signed_in: str = "", home: Budget | None = None
    ) -> None:
        """`signed_in`: the text of the session that the browser showed, if any. `home`: the budget of the
        address, when its connections are counted."""
        self._connection = connection
        connection.hang_up = self.close
        self._signed_in = signed_in
        self._codec = connection.codec
        self._services = services
        self._settings = settings = services.settings
        self._client = ""
        self._actor: Actor | None = None
        self._visits: Visits | None = None
        self._queue = Queue()
        self._pending = Pending(settings.pending_per_connection, settings.pending_bytes_per_connection)
        self._backlog = Backlog(settings.pending_per_connection, settings.pending_bytes_per_connection)
        self.allowance = Allowance(services.budgets.fresh(), self._met, home)
        self._weight = 0  # bytes of the frame that is handled, for each of its messages
        self._bad = 0
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._heard = self._arrived = self._loop.time()
        self._timer = self._loop.call_later(self._settings.hello_timeout_s, self._no_hello)
        self._log = log.bind(connection=connection.session)
        self._debug = logging.getLogger("session").isEnabledFor(logging.DEBUG)
        self._log.info("connection open", codec=connection.codec.subprotocol)

    # -- what the socket reports

    def receive(self, frame: str | bytes) -> None:
        """A frame came in. Never raises, never waits."""
        self._heard = arrived = self._loop.time()
        items = self._codec.decode(frame)
        size, count = wire.size_of(frame), len(items)
        self._connection.traffic.receives(count, size)
        self._weight = size if count == 1 else size // max(1, count)
        error = self.allowance.messages(count, arrived)
        if error is not None:
            self._hold_back(items, error)
            return
        for item in items:
            if self._closed:
                return
            if self._worker is None:
                self._arrived = arrived
                self._handle(item)
            elif not self._backlog.add(item, arrived, self._weight):
                self._overrun(item, RateLimited("messages waiting on this connection", 1000))
        self._services.hub.flush()

    def _hold_back(self, items: list[Item], error: RateLimited) -> None:
        """The whole frame is one too many: none of it is looked at further."""
        for item in items:
            if not self._closed:
                self._overrun(item, error)
        self._services.hub.flush()

    def heard(self) -> None:
        """A ping or a pong came in: the client is alive."""
        self._heard = self._loop.time()

    def took(self, size: int, frames: int) -> float:
        """So many bytes were read, and `frames` that were no messages; seconds that reading is to rest."""
        allowance = self.allowance
        allowance.took(size, frames, self._loop.time())
        pause_s, allowance.pause_s = allowance.pause_s, 0.0
        return pause_s

    def _met(self, limit: str) -> None:
        self._services.metrics.limits_reached(limit).value += 1

    def closed(self) -> None:
        """The socket is gone. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.allowance.end()
        self._timer.cancel()
        if self._worker is not None:
            self._worker.cancel()
        self._services.hub.remove(self._connection)
        who = None if self._actor is None else self._actor.id
        self._log.info("connection closed", user=who)

    # -- one message

    @property
    def _busy(self) -> bool:
        """A message waits for the store; those behind it wait for their turn."""
        return self._worker is not None

    def _handle(self, item: Item) -> None:
        """Answer one message; what has to wait goes on in `_worker`."""
        try:
            waits = self._dispatch(item)
        except BoardcastError as error:
            self._refuse(item, error)
        except Exception:
            self._log.exception("a message failed")
            self._refuse(item, Internal())
        else:
            if waits is not None:
                self._worker = asyncio.create_task(self._work(item, waits))

    def _dispatch(self, item: Item) -> Wait | None:
        if isinstance(item, wire.Malformed):
            raise item.error
        if self._bad:
            self._bad -= 1
        if self._debug:
            self._log.debug("message", type=type(item).__name__, board=getattr(item, "board", None))
        if (visits := self._visits) is None:
            if not isinstance(item, m.Hello):
                raise Unauthenticated
            return self._hello(item)
        match item:
            case m.Mutate():
                self._mutate(item)
            case m.PresenceUpdate():
                self._services.hub.look(self._connection, item, self._loop.time())
            case m.Ping():
                self._send(m.Pong(id=item.id, time=self._services.clock()))
            case m.Join():
                return partial(visits.join, item)
            case m.Comments():
                return partial(visits.comments, item)
            case m.Watch():
                return partial(visits.watch, item)
            case m.Unwatch():
                self._services.devices.live.unwatch(self._connection, item.board)
                self._send(m.Unwatched(id=item.id, board=item.board))
            case m.Leave():
                self._services.hub.leave(self._connection, item.board)
                self._log.info("board left", board=item.board)
                self._send(m.Left(id=item.id, board=item.board))
            case m.Hello():
                raise BadRequest("type", "hello was said already")
        return None

    async def _work(self, item: Item, waits: Wait) -> None:
        """Finish a message that has to wait, then those that came behind it."""
        try:
            await waits()
        except BoardcastError as error:
            self._refuse(item, error)
        except Exception:
            self._log.exception("a message failed")
            self._refuse(item, Internal())
        self._worker = None
        while self._backlog and not self._busy and not self._closed:
            waiting, self._arrived, self._weight = self._backlog.take()
            self._handle(waiting)
        self._services.hub.flush()

    # -- answers

    def _send(self, message: Struct) -> None:
        self._connection.send(message)

    def _refuse(self, item: Item, error: BoardcastError) -> None:
        """Tell the client; what makes no sense before `hello`, or too much of it, ends the connection."""
        address = {name: getattr(item, name, UNSET) for name in ("id", "board", "mutation")}
        self._send(wire.refusal(error, **address))
        self._count_refused(item, error)
        if self._actor is None:
            self._turn_away(error)
        elif isinstance(item, wire.Malformed):
            self._bad += 1
            self.allowance.bad_message()
            if self._bad >= self._settings.bad_messages:
                self.close(Close.BAD_MESSAGES, "too many bad messages")

    def _count_refused(self, item: Item, error: BoardcastError) -> None:
        metrics = self._services.metrics
        if isinstance(item, m.Mutate):
            op = item.op if item.op in OPERATIONS else UNKNOWN_OP
            metrics.mutations_answered(op, error.code).value += 1
        else:
            metrics.messages_refused(error.code).value += 1

    def _overrun(self, item: Item, error: RateLimited) -> None:
        """Too much, or too fast. A client's own order is kept: what waits for the board is refused before."""
        if isinstance(item, m.PresenceUpdate):
            return
        if not isinstance(item, m.Mutate) or self._actor is None:
            self._refuse(item, error)
            return
        for other in self._backlog.take_mutations(item.board):
            self._mutate_or_refuse(other, error)
        self._mutate_or_refuse(item, error)

    def _mutate_or_refuse(self, item: m.Mutate, error: BoardcastError) -> None:
        try:
            self._mutate(item, error)
        except BoardcastError as worse:
            self._refuse(item, worse)

    def close(self, code: int, reason: str) -> None:
        """Close the connection, and hear nothing more of it: a refused client has nothing left to say."""
        if not self._closed:
            self._log.info("connection refused", code=code, reason=reason)
            self._connection.outbox.close(code, reason)
            self.closed()

    def dismiss(self, error: RateLimited, id: RequestId | UnsetType = UNSET) -> None:
        """There are too many connections: say when to try again, and close."""
        self._send(wire.refusal(error, id=id))
        self._services.metrics.messages_refused(error.code).value += 1
        self.close(Close.TOO_MANY_CONNECTIONS, "too many connections")

    # -- hello and heartbeat

    def _hello(self, hello: m.Hello) -> Wait | None:
        accounts = self._services.accounts
        text = self._signed_in if hello.token is UNSET else hello.token
        if accounts is None or not text:
            self._greet(hello, visitor(hello, open_mode=accounts is None))
            return None
        self._timer.cancel()  # whether it is believed hangs on the store, not on the client
        return partial(self._identify, accounts, hello, text)

    async def _identify(self, accounts: Accounts, hello: m.Hello, text: str) -> None:
        identity = await accounts.identities.identify(text)
        if not self._closed:
            self._greet(hello, identity)

    def _turn_away(self, error: BoardcastError) -> None:
        if error.retry:  # the store is away: who it is cannot be known now, and may be later
            self.close(Close.INTERNAL, "try again")
        else:
            self.close(Close.UNAUTHENTICATED, "a valid hello comes first")

    def _greet(self, hello: m.Hello, identity: Identity) -> None:
        user = identity.user
        try:
            budget = self._services.budgets.of(f"user {user.id}")
            self.allowance.become(budget, self._settings.connections_per_user)
        except RateLimited as error:
            self.dismiss(error, hello.id)
            return
        if identity.way in ("guest", "open"):
            self.allowance.share()
        self._client, self._actor = hello.client, Actor(user.id, user.name)
        self._visits = Visits(
            self._connection, self._services, self.allowance, self._pending, self._actor, self._log
        )
        self._connection.user, self._connection.client = user, hello.client
        self._connection.identity = identity
        self._timer.cancel()
        self._timer = self._loop.call_later(self._settings.heartbeat_s, self._beat)
        limits = {"frame_bytes": self._settings.frame_bytes, "resume_changes": self._settings.resume_changes}
        limits["pending"] = self._settings.pending_per_connection
        self._send(
            m.Welcome(
                id=hello.id,
                session=self._connection.session,
                user=user,
                server=self._services.server,
                heartbeat_s=self._settings.heartbeat_s,
                limits=limits,
                time=self._services.clock(),
            )
        )
        self._log.info("connection greeted", user=user.id, codec=self._codec.subprotocol)

    def _no_hello(self) -> None:
        self._send(wire.refusal(Unauthenticated(f"no hello within {self._settings.hello_timeout_s:g} s")))
        self.close(Close.UNAUTHENTICATED, "no hello in time")

    def _beat(self) -> None:
        left = self._heard + self._settings.heartbeat_timeout_s - self._loop.time()
        if left <= 0:
            self.close(Close.NO_HEARTBEAT, "no sign of life")
            return
        self._connection.outbox.offer_log(None, PING)
        self._connection.outbox.flush()
        self._timer = self._loop.call_later(min(self._settings.heartbeat_s, left), self._beat)

    # -- mutations

    def _mutate(self, message: m.Mutate, error: BoardcastError | None = None) -> None:
        assert self._actor is not None
        submission = Submission(
            actor=self._actor,
            client=self._client,
            mutation=message.mutation,
            command=wire.command(message),
            base=None if message.base is UNSET else message.base,
            settle=partial(self._settled, message, self._arrived, self._weight),
            queue=self._queue,
            grant=self._connection.grant,
        )
        boards = self._services.boards
        if not self._pending.begin(self._weight) and error is None:
            error = RateLimited("mutations of this connection without an answer", 1000)
        error = error or self.allowance.mutation(self._arrived)
        try:
            if error is None:
                boards.submit(message.board, submission)
            else:
                boards.refuse(message.board, submission, error)
        except BoardcastError as refusal:
            answer(submission, refusal, self._services.metrics)
        except Exception:
            self._log.exception("a mutation could not be submitted")
            answer(submission, Internal(), self._services.metrics)

    async def answered(self) -> None:
        """Until every mutation of this connection has its answer. One message waits at a time."""
        await self._pending.answered()

    def _settled(self, message: m.Mutate, arrived: float, weight: int, outcome: Outcome) -> None:
        self._pending.end(weight)
        if self._closed:
            return
        if isinstance(outcome, BoardcastError):
            self._send(wire.refusal(outcome, id=message.id, board=message.board, mutation=message.mutation))
        else:
            self._send(
                m.Ack(
                    id=message.id,
                    board=message.board,
                    mutation=message.mutation,
                    seq=outcome.seq,
                    duplicate=outcome.duplicate,
                )
            )
            self._services.hub.acknowledged(arrived)
