"""Coming in by an invitation: it is worth what its maker may give now, and spent when it gave something."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

import structlog

from server.accounts.desk import Accounts
from server.boards.live import LiveBoard
from server.errors import BoardcastError, Forbidden, LimitExceeded, NotFound
from server.model.accounts import Grant, Invitation, Person
from server.model.commands import Command, MemberSet
from server.model.records import Actor
from server.policy import RANK

log = structlog.stdlib.get_logger("reception")
Submit = Callable[[str, Command, str, Actor, Grant], Awaitable[object]]


class Reception:
    """`readable`: a board, loaded; `submit`: a command to a board, its name, whose it is and what they may.

    Methods raise `Unavailable`, and `NotFound` for an invitation that is none any more.
    """

    def __init__(
        self,
        accounts: Accounts,
        readable: Callable[[str], Awaitable[LiveBoard]],
        submit: Submit,
        *,
        most_members: int,
    ) -> None:
        self._accounts = accounts
        self._readable = readable
        self._submit = submit
        self._most_members = most_members
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        accounts.newcomers.vouched = self._vouch

    async def accept(self, text: str, user: str) -> Invitation:
        """Take the seat that it gives. Who has that role or more already spends nothing, who accepts it twice
        at once spends it once. Raises `LimitExceeded` when the board is full.
        """
        turn = self._turns.setdefault(user, asyncio.Lock())
        async with turn:
            return await self._accept(text, user)

    async def _accept(self, text: str, user: str) -> Invitation:
        found = await self._accounts.invitations.look(text, self._accounts.clock())
        if found is None:
            raise gone()
        if await self._has(user, found):
            return found
        await self._vouch(found, user)
        used = await self._accounts.newcomers.use(text)
        seated = False
        try:
            seated = await self._seat(used, user)
        finally:
            if not seated:
                await self._accounts.invitations.give_back(used)
        return used

    async def seat_newcomer(self, used: Invitation, user: str) -> None:
        """As `accept`, of somebody whose account was just made: that stays, whatever becomes of the seat."""
        try:
            await self._seat(used, user)
        except BoardcastError as error:
            log.warning("a newcomer got no seat", board=used.board, user=user, reason=error.message)
            await self._accounts.invitations.give_back(used)

    async def _vouch(self, invitation: Invitation, user: str = "") -> None:
        """Raises `NotFound` when its maker could not make it now, or `user` lost a role since it was made;
        `LimitExceeded` when the board is full."""
        maker = await self._maker(invitation)
        if invitation.board is None:
            if not maker.admin:
                raise gone()
            return
        live = await self._board(invitation.board)
        await live.reach(live.head + 1)  # another instance may know better
        members, lowered = live.state.members, live.state.lowered
        if not maker.admin and members.get(maker.id) != "owner":
            raise gone()
        if lowered.get(user, -1) >= invitation.created_at:
            raise gone()
        if user not in members and len(members) >= self._most_members:
            raise LimitExceeded("members", self._most_members, "members_per_board")

    async def _maker(self, invitation: Invitation) -> Person:
        accounts = self._accounts
        maker = await accounts.people.get(invitation.created_by)
        if maker is None or maker.disabled:
            raise gone()
        if invitation.token:
            lasting = await accounts.tokens.of(maker.id, accounts.clock())
            if not any(one.id == invitation.token and one.write for one in lasting):
                raise gone()
        return maker

    async def _board(self, board: str) -> LiveBoard:
        try:
            return await self._readable(board)
        except NotFound as error:
            raise gone() from error

    async def _has(self, user: str, invitation: Invitation) -> bool:
        if invitation.board is None or invitation.role is None:
            return True  # it only lets in, and they are in
        role = (await self._board(invitation.board)).state.members.get(user)
        return role is not None and RANK[role] >= RANK[invitation.role]

    async def _seat(self, used: Invitation, user: str) -> bool:
        """In the name of its maker: whether they still may is judged where the change is.

        False: they have the seat already.
        """
        if used.board is None or used.role is None or await self._has(user, used):
            return False
        maker = await self._maker(used)
        actor, grant = Actor(maker.id, maker.name), Grant(account=True, write=True, admin=maker.admin)
        try:
            command = MemberSet(user=user, role=used.role)
            await self._submit(used.board, command, secrets.token_hex(8), actor, grant)
        except (Forbidden, NotFound) as error:
            raise gone() from error
        return True


def gone() -> NotFound:
    return NotFound("invitation", "this one")
