"""Coming in for the first time: the one-time address of the first account, and signing up."""

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import structs

from server.accounts.audit import DAY_MS, Audit
from server.accounts.codes import Codes, Invitations
from server.accounts.identities import user_of
from server.accounts.passwords import Passwords
from server.accounts.people import People
from server.accounts.throttle import Throttle
from server.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthenticated
from server.model.accounts import Code, Invitation, Person

SignUp = Literal["off", "invitation", "open"]
SETUP_MS = DAY_MS


class Newcomers:
    """`policy`: who may sign up. Methods raise `Unavailable`.

    `vouched` is called with an invitation before it is used, and raises what is against that.
    """

    def __init__(
        self,
        people: People,
        codes: Codes,
        invitations: Invitations,
        throttle: Throttle,
        passwords: Passwords,
        audit: Audit,
        policy: SignUp,
        clock: Callable[[], int],
    ) -> None:
        self.vouched: Callable[[Invitation], Awaitable[object]] = _believe
        self._people = people
        self._codes = codes
        self._invitations = invitations
        self._throttle = throttle
        self._passwords = passwords
        self._audit = audit
        self._policy = policy
        self._clock = clock

    async def setup_code(self) -> str | None:
        """The text of a one-time address for the first administrator; None: there is one already."""
        if await self._people.any_admin():
            return None
        return await self._codes.issue(Code(purpose="setup", expires_at=self._clock() + SETUP_MS))

    async def set_up(self, code: str, wanted: Person, password: str) -> Person:
        """The first administrator's account, whoever may have signed up before.

        Raises `Unauthenticated` for a code that is none.
        """
        if await self._people.any_admin():
            raise Conflict("setup", "there is an administrator already")
        ended = Unauthenticated("this address was used or has expired; start the server again for another")
        if await self._codes.look(code, "setup", self._clock()) is None:
            raise ended
        person = await self._ready(structs.replace(wanted, admin=True), password)
        if await self._codes.use(code, "setup", self._clock()) is None:
            raise ended
        made = await self._people.add(person)
        await self._audit.note(self._clock(), user_of(made), "account", about=made.login)
        return made

    async def sign_up(
        self, wanted: Person, password: str, invitation: str, home: str
    ) -> tuple[Person, Invitation | None]:
        """A new account, and the invitation that it came by. Raises `Forbidden` where one is needed."""
        used = None
        await self._may_sign_up(invitation, home)
        if await self._people.named(wanted.login) is not None:
            raise Conflict("login", f"{wanted.login!r} is taken")
        person = await self._ready(wanted, password)
        if invitation:
            used = await self.use(invitation)
        try:
            made = await self._people.add(person)
        except Conflict:
            if used is not None:
                await self._invitations.give_back(used)
            raise
        await self._audit.note(self._clock(), user_of(made), "account", about=made.login)
        return made, used

    async def _may_sign_up(self, invitation: str, home: str) -> None:
        if self._policy == "off":
            raise Refused("nobody can sign up here; ask whoever runs this server")
        if not invitation and self._policy == "invitation":
            raise Refused("an invitation is needed to sign up here")
        await self._throttle.came(home)
        if invitation:
            await self.invited(invitation)

    async def invited(self, invitation: str) -> Invitation:
        """What it is to, unused. Raises `NotFound` when it is none (any more), `LimitExceeded`
        when the board is full."""
        found = await self._invitations.look(invitation, self._clock())
        if found is None:
            raise NotFound("invitation", "this one")
        await self.vouched(found)
        return found

    async def use(self, invitation: str) -> Invitation:
        """One use of an invitation. Raises `NotFound` when it is none (any more)."""
        used = await self._invitations.use(invitation, self._clock())
        if used is None:
            raise NotFound("invitation", "this one")
        return used

    async def _ready(self, wanted: Person, password: str) -> Person:
        hash = await hashed(self._passwords, wanted, password)
        return structs.replace(wanted, password=hash, created_at=self._clock())


async def hashed(passwords: Passwords, person: Person, password: str) -> str:
    """Raises `BadRequest` for one that is easily guessed."""
    if password.lower() in (person.login, person.name.lower()):
        raise BadRequest("password", "is your name")
    return await passwords.hash(password)


async def _believe(invitation: Invitation) -> None:
    """Where nobody looks at who made it."""


class Refused(Forbidden):
    """Not about a role. The text says what would be needed."""

    def __init__(self, reason: str) -> None:
        super(Forbidden, self).__init__(reason)
