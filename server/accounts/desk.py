"""What people do with their accounts: the one door to everything in this package."""

import asyncio
from collections.abc import Callable
from typing import Literal

from msgspec import Struct, structs

from server.accounts.audit import DAY_MS, Audit
from server.accounts.codes import Codes, Invitations
from server.accounts.credentials import MOST, SESSION, TOKEN, Credentials
from server.accounts.identities import Identities, identity_of, user_of
from server.accounts.notices import Notices
from server.accounts.outside import Outside
from server.accounts.passwords import Passwords
from server.accounts.people import People
from server.accounts.subjects import Subjects
from server.accounts.throttle import Throttle
from server.errors import BadRequest, Conflict, Forbidden, LimitExceeded, NotFound, Unauthenticated
from server.model.accounts import AuditEntry, Code, Identity, Invitation, Person, Secret
from server.model.messages import User
from server.stores.entries import Entries

SignUp = Literal["off", "invitation", "open"]
SETUP_MS = DAY_MS
RESET_MS = DAY_MS


class AccountSettings(Struct, frozen=True, kw_only=True):
    """See `auth` in config.yaml."""

    sign_up: SignUp = "invitation"
    session_days: int = 30
    audit_days: int = 365


class Accounts:
    """`clock`: milliseconds since 1970. Methods raise `Unavailable` when the store does not answer.

    `told` is called with a user of whom something ended, or changed, here: the others read the notice.
    `create`: whoever an outside provider vouches for gets an account when they have none.
    """

    def __init__(
        self,
        entries: Entries,
        settings: AccountSettings,
        clock: Callable[[], int],
        outside: Outside | None = None,
        *,
        create: bool = False,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.passwords = Passwords()
        self.people = People(entries)
        self.sessions = Credentials(entries, SESSION)
        self.tokens = Credentials(entries, TOKEN)
        self.codes = Codes(entries)
        self.invitations = Invitations(entries)
        self.throttle = Throttle(entries, clock)
        self.audit = Audit(entries, settings.audit_days)
        self.notices = Notices(entries, clock)
        self.told: Callable[[str], object] = lambda user: None
        self._entries = entries
        self.subjects = (
            None if outside is None else Subjects(entries, self.people, outside.issuer, create=create)
        )
        shelves = {SESSION: self.sessions, TOKEN: self.tokens}
        self.identities = Identities(self.people, shelves, lambda: self.clock(), outside, self.subjects)

    def close(self) -> None:
        self.passwords.close()

    async def tell(self, user: str) -> None:
        """Something of theirs ended or changed: every instance looks at their connections again."""
        self.identities.forget(user)
        try:
            await self.notices.post(user)
        finally:
            self.told(user)

    # -- signing in and out

    async def sign_in(self, login: str, password: str, *, address: str, agent: str) -> tuple[str, Identity]:
        """The text of a new session. Raises `Unauthenticated`, in the same time for whatever is wrong, and
        `RateLimited`."""
        login = login.strip().lower()
        await self.throttle.attempt(login, address)
        person = await self.people.named(login)
        usable = person is not None and not person.disabled
        hash = person.password if person is not None and usable else None
        if not await self.passwords.matches(hash, password) or person is None:
            if person is not None:
                await self._note(user_of(person), "sign-in refused", address=address)
            raise Unauthenticated("the name or the password is wrong")
        await self.throttle.succeeded(login, address)
        if person.password is not None and self.passwords.is_dated(person.password):
            await self._set_hash(person.id, await self.passwords.hash(password))
        return await self.begin(person, address=address, agent=agent)

    async def _set_hash(self, user: str, hash: str) -> None:
        await self.people.change(user, lambda person: structs.replace(person, password=hash))

    async def begin(self, person: Person, *, address: str, agent: str) -> tuple[str, Identity]:
        """A session for somebody who has just proved who they are."""
        now = self.clock()
        for old in (await self.sessions.of(person.id, now))[: -MOST + 1 or None]:
            await self.sessions.revoke(person.id, old.id)
        wanted = Secret(
            id="",
            user=person.id,
            hash="",
            name=agent[:200],
            created_at=now,
            expires_at=now + self.settings.session_days * DAY_MS,
        )
        text, secret = await self.sessions.issue(wanted)
        await self._note(user_of(person), "sign-in", address=address)
        return text, identity_of(person, "session", secret.id, secret.expires_at, secret)

    async def sign_out(self, identity: Identity) -> None:
        if identity.way == "session":
            await self.sessions.revoke(identity.user.id, identity.credential)
            await self._note(identity.user, "sign-out")
            await self.tell(identity.user.id)

    # -- coming in for the first time

    async def setup_code(self) -> str | None:
        """The text of a one-time address for the first account; None: there is an account already."""
        if await self.people.any():
            return None
        return await self.codes.issue(Code(purpose="setup", expires_at=self.clock() + SETUP_MS))

    async def set_up(self, code: str, wanted: Person, password: str) -> Person:
        """The first account, an administrator's. Raises `Unauthenticated` for a code that is none."""
        if await self.people.any():
            raise Conflict("setup", "there is an account already")
        ended = Unauthenticated("this address was used or has expired; start the server again for another")
        if await self.codes.look(code, "setup", self.clock()) is None:
            raise ended
        person = await self._with_password(structs.replace(wanted, admin=True), password)
        if await self.codes.use(code, "setup", self.clock()) is None:
            raise ended
        made = await self.people.add(person)
        await self._note(user_of(made), "account", about=made.login)
        return made

    async def sign_up(
        self, wanted: Person, password: str, invitation: str, address: str
    ) -> tuple[Person, Invitation | None]:
        """A new account, and the invitation that it came by. Raises `Forbidden` where one is needed."""
        used = None
        await self._may_sign_up(invitation, address)
        if await self.people.named(wanted.login) is not None:
            raise Conflict("login", f"{wanted.login!r} is taken")
        person = await self._with_password(wanted, password)
        if invitation:
            used = await self.use(invitation)
        try:
            made = await self.people.add(person)
        except Conflict:
            if used is not None:
                await self.invitations.give_back(used)
            raise
        await self._note(user_of(made), "account", about=made.login)
        return made, used

    async def _may_sign_up(self, invitation: str, address: str) -> None:
        if self.settings.sign_up == "off":
            raise Refused("nobody can sign up here; ask whoever runs this server")
        if not invitation and self.settings.sign_up == "invitation":
            raise Refused("an invitation is needed to sign up here")
        await self.throttle.came(address)
        if invitation and await self.invitations.look(invitation, self.clock()) is None:
            raise NotFound("invitation", "this one")

    async def use(self, invitation: str) -> Invitation:
        """One use of an invitation. Raises `NotFound` when it is none (any more)."""
        used = await self.invitations.use(invitation, self.clock())
        if used is None:
            raise NotFound("invitation", "this one")
        return used

    async def _with_password(self, person: Person, password: str) -> Person:
        if password.lower() in (person.login, person.name.lower()):
            raise BadRequest("password", "is your name")
        hash = await self.passwords.hash(password)
        return structs.replace(person, password=hash, created_at=self.clock())

    # -- passwords

    async def change_password(self, identity: Identity, current: str, password: str, address: str) -> None:
        """Ends all other sessions. Raises `Forbidden` for a wrong current one; throttled like signing in."""
        person = await self.people.need(identity.user.id)
        await self.throttle.attempt(person.login, address)
        if not await self.passwords.matches(person.password, current):
            raise Refused("the current password is wrong")
        await self.throttle.succeeded(person.login, address)
        await self._set_password(person, password, keep=identity.credential)
        await self._note(identity.user, "password", address=address)

    async def _set_password(self, person: Person, password: str, *, keep: str) -> None:
        changed = await self._with_password(person, password)
        assert changed.password is not None
        await self._set_hash(person.id, changed.password)
        await self.sessions.revoke_all(person.id, but=keep)
        await self.tell(person.id)

    async def reset_code(self, person: Person) -> str:
        """The text of a one-time address that sets a password."""
        return await self.codes.issue(
            Code(purpose="reset", user=person.id, expires_at=self.clock() + RESET_MS)
        )

    async def reset(self, code: str, password: str, address: str) -> Person:
        """Set a password by a one-time address; all sessions end. Raises `Unauthenticated`."""
        ended = Unauthenticated("this address was used or has expired; ask for another one")
        found = await self.codes.look(code, "reset", self.clock())
        person = None if found is None else await self.people.get(found.user)
        if person is None or person.disabled:
            raise ended
        await self._with_password(person, password)  # before the code is used up
        if await self.codes.use(code, "reset", self.clock()) is None:
            raise ended
        await self._set_password(person, password, keep="")
        await self._note(user_of(person), "password reset", address=address)
        return person

    # -- sessions and tokens of one's own

    async def end_session(self, identity: Identity, id: str) -> None:
        """Raises `NotFound`."""
        if not await self.sessions.revoke(identity.user.id, id):
            raise NotFound("session", id)
        await self._note(identity.user, "session ended", about=id)
        await self.tell(identity.user.id)

    async def make_token(self, identity: Identity, wanted: Secret) -> tuple[str, Secret]:
        """Raises `LimitExceeded`."""
        if len(await self.tokens.of(identity.user.id, self.clock())) >= MOST:
            raise LimitExceeded("tokens", MOST)
        text, made = await self.tokens.issue(wanted)
        await self._note(identity.user, "token made", about=made.name)
        return text, made

    async def end_token(self, identity: Identity, id: str) -> None:
        """Raises `NotFound`."""
        if not await self.tokens.revoke(identity.user.id, id):
            raise NotFound("token", id)
        await self._note(identity.user, "token revoked", about=id)
        await self.tell(identity.user.id)

    async def rename(self, identity: Identity, name: str) -> Person:
        person = await self.people.change(identity.user.id, lambda old: structs.replace(old, name=name))
        self.identities.forget(person.id)
        return person

    # -- what whoever runs the server does

    async def change_person(self, login: str, **fields: bool) -> Person:
        """Make somebody an administrator, or disable the account; their connections are looked at again.

        Raises `NotFound`.
        """
        person = await self.people.named(login)
        if person is None:
            raise NotFound("user", login)
        person = await self.people.change(person.id, lambda old: structs.replace(old, **fields))
        await self.tell(person.id)
        return person

    async def _note(self, who: User, what: str, *, about: str = "", address: str = "") -> None:
        entry = AuditEntry(at=self.clock(), who=who, what=what, about=about, address=address)
        await self.audit.write(entry)

    async def tidy(self) -> None:
        """Take away what has expired."""
        await asyncio.shield(self._entries.drop_expired(self.clock()))


class Refused(Forbidden):
    """Not about a role. The text says what would be needed."""

    def __init__(self, reason: str) -> None:
        super(Forbidden, self).__init__(reason)
