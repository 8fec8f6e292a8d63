"""Between boards and connections where there are accounts: whoever lost a right is shown out.

A change of roles comes through the board's log, on every instance; members who may not see the board any more
get nothing of what came with that change. What ended of an account (a session, a token, the account itself)
comes as a notice, by the store each second and by the broker at once.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import UNSET

from server.accounts.desk import Accounts
from server.accounts.owed import Owed
from server.accounts.seats import EVERYBODY, Seats
from server.errors import Close, Unauthenticated, Unavailable
from server.hub import Connection, Hub
from server.model.accounts import AuditEntry, Identity
from server.model.messages import User
from server.model.records import Actor, Change
from server.policy import Policy, Shown
from server.wire import refusal

log = logging.getLogger(__name__)
LOOK_S = 1.0
"""How often notices are read, and what expires is looked for."""
ALL_S = 30.0
"""How often everybody who is connected is looked at again: a notice may have been lost with its writer."""
TIDY_S = 3600.0
MOST_NOTED = 10_000
"""Changes of roles that wait to be noted; past it they are noted later (`Owed`)."""

_ABOUT_ACCESS = ("member.set", "member.remove", "board.create", "board.update")
_AUDITED = (
    *("board.create", "member.set", "member.remove", "board.archive", "board.restore", "board.update"),
    *("device.create", "device.delete", "device.restore"),
)
NOTED = frozenset((*_ABOUT_ACCESS, *_AUDITED))
"""The changes that are noted somewhere beside the log."""


class Doors:
    """The `Listener` of the boards, before the hub. `state_of`: what this instance knows of a board."""

    def __init__(self, hub: Hub, policy: Policy, accounts: Accounts, seats: Seats, owed: Owed) -> None:
        self.owed = owed
        self.state_of: Callable[[str], Shown | None] = lambda board: None
        self._hub = hub
        self._policy = policy
        self._accounts = accounts
        self._seats = seats
        self._doubted: set[str] = set()
        self._stirred = asyncio.Event()
        self._notes: asyncio.Queue[tuple[str, Change]] = asyncio.Queue(MOST_NOTED)
        self._tasks: list[asyncio.Task[None]] = []
        self._looks: list[asyncio.Future[None]] = []
        self.look_s, self.all_s = LOOK_S, ALL_S
        self.resync, self.closed, self.flush = hub.resync, hub.closed, hub.flush

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._watch(), name="accounts"),
            asyncio.create_task(self._note_all(), name="notes of roles"),
            asyncio.create_task(self._settle_all(), name="notes that are owed"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- roles

    def deliver(self, board: str, changes: Sequence[Change]) -> None:
        """Durable changes, the state having them already."""
        if any(change.op in _ABOUT_ACCESS for change in changes):
            self._look_again(board)
        for change in changes:
            if change.op in _ABOUT_ACCESS or change.op in _AUDITED:
                self._note(board, change)
        self._hub.deliver(board, changes)

    def _look_again(self, board: str) -> None:
        shown = self.state_of(board)
        if shown is not None:
            for connection in tuple(self._hub.members(board)):
                self._regard(connection, shown)

    def _regard(self, connection: Connection, shown: Shown) -> None:
        user, identity = connection.user, connection.identity
        if user is not None and identity is not None:
            role = self._policy.role(shown, Actor(user.id, user.name, connection.kind), identity.grant)
            self._hub.regard(connection, shown.board, role)

    def _note(self, board: str, change: Change) -> None:
        with suppress(asyncio.QueueFull):
            self._notes.put_nowait((board, change))

    async def _note_all(self) -> None:
        while True:
            board, change = await self._notes.get()
            try:
                await self._note_one(board, change)
            except Unavailable as error:
                log.warning("board %s: a change of roles is noted later: %s", board, error.message)
            except Exception:
                log.exception("a change of roles on %s could not be noted", board)
            finally:
                self._notes.task_done()

    async def _note_one(self, board: str, change: Change) -> None:
        await self._follow(board, change)
        if (entry := audited(board, change)) is not None:
            await self._accounts.audit.write(entry, f"{change.seq:012d}")
        await self.owed.paid(board, change.seq)

    async def _settle_all(self) -> None:
        while True:
            try:
                await self.settle()
            except Unavailable as error:
                log.info("what is owed is noted later: %s", error.message)
            except Exception:
                log.exception("what is owed could not be noted; it is tried again")
            await asyncio.sleep(self.all_s)

    async def settle(self) -> None:
        """Note what an instance did not live to note. Raises `Unavailable`."""
        for board, since in (await self.owed.left()).items():
            async for change in self.owed.changes(board, since):
                await self._note_one(board, change)

    async def _follow(self, board: str, change: Change) -> None:
        """Keep the seats as the board says. Each instance with the board does it, to the same effect."""
        if change.set is UNSET:
            return
        if change.set.members is not UNSET:
            for user, member in change.set.members.items():
                await (self._seats.leave if member is None else self._seats.take)(user, board)
                if _was_owner(change, user) and (member is None or member.role != "owner"):
                    await self._accounts.withdraw(user, board, change.at)
        if change.set.visibility is not UNSET:
            shown = change.set.visibility == "members"
            await (self._seats.take if shown else self._seats.leave)(EVERYBODY, board)

    # -- accounts

    def doubt(self, user: str) -> None:
        """Something of theirs ended or changed, here or elsewhere."""
        self._doubted.add(user)
        self._stirred.set()

    def stir(self) -> None:
        """Another instance has posted a notice."""
        self._stirred.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        looked = tidied = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.look_s):
                    await self._stirred.wait()
            self._stirred.clear()
            try:
                if loop.time() - looked >= self.all_s:
                    looked = loop.time()
                    self._doubted.update(self._present())
                await self._look()
                if loop.time() - tidied >= TIDY_S:
                    tidied = loop.time()
                    await self._accounts.tidy()
            except Unavailable as error:
                log.info("accounts cannot be looked at: %s", error.message)
            except Exception:
                log.exception("looking after accounts failed; it is tried again")
            looks, self._looks = self._looks, []
            for done in looks:
                done.set_result(None)

    async def looked(self) -> None:
        """Until notices have been read once more."""
        done = asyncio.get_running_loop().create_future()
        self._looks.append(done)
        self._stirred.set()
        await done

    async def noted(self) -> None:
        """Until the changes of roles that were delivered are noted."""
        await self._notes.join()

    def _present(self) -> set[str]:
        return {c.user.id for c in self._hub.connections if c.user is not None and _is_known(c.identity)}

    async def _look(self) -> None:
        self._end_expired()
        for user in await self._accounts.notices.news():
            self._accounts.identities.forget(user)
            self._doubted.add(user)
        doubted, self._doubted = self._doubted, set()
        present = self._present() & doubted
        try:
            while present:
                await self._confirm_all(present.pop())
        except BaseException:
            self._doubted |= doubted  # not all were looked at
            raise
        finally:
            self._hub.flush()

    async def _confirm_all(self, user: str) -> None:
        for connection in self._hub.connections:
            if connection.user is not None and connection.user.id == user:
                await self._confirm(connection)

    def _end_expired(self) -> None:
        now = self._accounts.clock()
        for connection in self._hub.connections:
            identity = connection.identity
            if identity is not None and identity.expires_at is not None and identity.expires_at <= now:
                self._show_out(connection)

    async def _confirm(self, connection: Connection) -> None:
        before = connection.identity
        if before is None or not _is_known(before):
            return
        now = await self._accounts.identities.confirm(before)
        if now is None:
            self._show_out(connection)
        elif now.grant != before.grant:
            connection.identity = now
            for board in tuple(connection.boards):
                if (shown := self.state_of(board)) is not None:
                    self._regard(connection, shown)

    def _show_out(self, connection: Connection) -> None:
        connection.send(refusal(Unauthenticated("you are signed out here; sign in again")))
        connection.hang_up(Close.UNAUTHENTICATED, "signed out")


def _is_known(identity: Identity | None) -> bool:
    return identity is not None and identity.way in ("session", "token", "outside")


def _was_owner(change: Change, user: str) -> bool:
    if change.was is UNSET or change.was.members is UNSET:
        return False
    had = change.was.members.get(user)
    return had is not None and had.role == "owner"


def audited(board: str, change: Change) -> AuditEntry | None:
    """What the audit record says of a change; None: nothing."""
    if change.op not in _AUDITED or change.set is UNSET:
        return None
    about = ""
    if change.set.members is not UNSET:
        about = ", ".join(
            f"{user}: {member.role if member is not None else 'removed'}"
            for user, member in change.set.members.items()
        )
    elif change.set.visibility is not UNSET:
        about = f"visibility: {change.set.visibility}"
    elif change.op == "board.update":
        return None
    elif change.set.devices is not UNSET:
        about = ", ".join(change.set.devices)
    who = User(change.actor.id, change.actor.name)
    return AuditEntry(at=change.at, who=who, what=change.op, about=about, board=board)
