"""What a connection reads of boards: it joins them, watches their devices, asks for comments."""

import asyncio
from functools import partial

from msgspec import UNSET
from structlog.stdlib import BoundLogger

from server.boards.live import LiveBoard
from server.devices.history import open_watch
from server.errors import BadRequest, LimitExceeded, NotFound
from server.hub import Connection
from server.model import messages as m
from server.model.fields import Role
from server.model.records import Actor
from server.policy import MESSAGES
from server.session.allowance import Allowance
from server.session.entry import let_in
from server.session.pending import Pending
from server.session.services import Services
from server.views import comments_page


class Visits:
    """Those of one greeted connection. Each may wait for the store, and raises the `BoardcastError` that the
    client is told.

    `pending`: the mutations of the connection; what it wrote before it asked, it is to see.
    """

    __slots__ = ("_actor", "_allowance", "_connection", "_log", "_pending", "_services")

    def __init__(
        self,
        connection: Connection,
        services: Services,
        allowance: Allowance,
        pending: Pending,
        actor: Actor,
        log: BoundLogger,
    ) -> None:
        self._connection = connection
        self._services = services
        self._allowance = allowance
        self._pending = pending
        self._actor = actor
        self._log = log

    async def join(self, join: m.Join) -> None:
        boards, before = self._services.boards, set(self._connection.boards)
        if join.board not in before and len(before) >= self._services.settings.joins_per_connection:
            raise LimitExceeded("joins", self._services.settings.joins_per_connection, "joins_per_connection")
        self._may_ask()
        await self._may_see(join.board)
        live = boards.hold(join.board)  # until the hub does
        try:
            role = await self._admit(live, join)
            mode, size = let_in(self._services.hub, self._connection, live, join, role)
            self._was_told(size)
            self._log.info("board joined", board=live.board, seq=live.head, mode=mode)
        except Exception:
            if join.board not in before:
                self._services.hub.leave(self._connection, join.board)
            raise
        finally:
            boards.release(join.board)

    async def watch(self, request: m.Watch) -> None:
        await self._may_see(request.board)
        live = self._services.boards.get(request.board)
        await live.ready()
        await live.surely(partial(self._role, live, "watch"))
        if request.board not in self._connection.boards:
            raise BadRequest("board", "join the board before watching its devices")
        self._may_ask()
        opened = await open_watch(self._services.devices, self._connection, request)
        if self._services.devices.live.is_watching(self._connection, request.board, opened.watcher):
            opened.release()
            size = self._connection.send(opened.answer)
            self._was_told(size)
        else:  # it left the board meanwhile, or was made to
            raise NotFound("board", request.board)

    async def comments(self, request: m.Comments) -> None:
        await self._may_see(request.board)
        live = self._services.boards.get(request.board)
        await live.ready()
        self._may_ask()
        size = self._connection.send(await live.surely(partial(self._comments_of, live, request)))
        self._was_told(size)

    async def _admit(self, live: LiveBoard, join: m.Join) -> Role:
        """Wait until the board is there, as far as the client has seen it; the client's role on it."""
        await live.ready()
        role = await live.surely(partial(self._role, live, "join"))  # first: a stranger troubles nobody
        since = join.since
        if since is UNSET or since.epoch != live.epoch or since.seq <= live.head:
            return role
        await live.reach(since.seq)
        if since.epoch == live.epoch and since.seq > live.head:
            await live.renew(since.seq, self._actor.id)
        return await live.surely(partial(self._role, live, "join"))

    async def _may_see(self, board: str) -> None:
        """Raises what a stranger is told, who makes nobody load the board."""
        await self._pending.answered()
        await self._services.boards.admit(board, self._actor, self._connection.grant)

    def _role(self, live: LiveBoard, message: str) -> Role:
        """The role on the board, when it suffices for the kind of message."""
        role = self._services.policy.on_board(
            live.state, self._actor, MESSAGES[message], self._connection.grant, message
        )
        if not live.exists:
            raise NotFound("board", live.board)
        return role

    def _may_ask(self) -> None:
        """Raises `RateLimited` while what was asked for before is more than the user may have."""
        error = self._allowance.answer(asyncio.get_running_loop().time())
        if error is not None:
            raise error

    def _was_told(self, size: int) -> None:
        self._allowance.answered(size, asyncio.get_running_loop().time())

    def _comments_of(self, live: LiveBoard, request: m.Comments) -> m.CommentsPage:
        self._role(live, "comments")
        return comments_page(live, request)
