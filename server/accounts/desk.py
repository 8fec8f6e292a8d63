"""What people do with their accounts: the one door to everything in this package."""

import asyncio
from collections.abc import Callable

from msgspec import Struct, structs

from server.accounts.audit import DAY_MS, Audit
from server.accounts.codes import Codes, Invitations
from server.accounts.credentials import MOST, SESSION, TOKEN, Credentials
from server.accounts.identities import Identities, identity_of, user_of
from server.accounts.newcomers import Newcomers, Refused, SignUp, hashed
from server.accounts.notices import Notices
from server.accounts.outside import Outside
from server.accounts.passwords import Passwords
from server.accounts.people import People
from server.accounts.subjects import Subjects
from server.accounts.throttle import Throttle
from server.errors import (
    LimitExceeded,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from server.model.accounts import Code, Identity, Person, Secret
from server.model.messages import User
from server.stores.entries import Entries

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
        self.newcomers = Newcomers(
            self.people,
            self.codes,
            self.invitations,
            self.throttle,
            self.passwords,
            self.audit,
            settings.sign_up,
            lambda: self.clock(),
        )
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

    async def sign_in(
        self, login: str, password: str, *, address: str, home: str, agent: str
    ) -> tuple[str, Identity]:
        """The text of a new session. Raises `Unauthenticated`, in the same time for whatever is wrong, and
        `RateLimited`. `home`: what attempts from `address` count for (see `Caller`)."""
        login = login.strip().lower()
        await self.throttle.attempt(login, home)
        person = await self.people.named(login)
        usable = person is not None and not person.disabled
        hash = person.password if person is not None and usable else None
        if not await self._matches(hash, password, login, home) or person is None:
            if person is not None:
                await self._note(user_of(person), "sign-in refused", address=address)
            raise Unauthenticated("the name or the password is wrong")
        await self.throttle.succeeded(login, home)
        if hash is not None and self.passwords.is_dated(hash):
            await self._renew_hash(person.id, hash, await self.passwords.hash(password))
        text, identity = await self.begin(person, address=address, agent=agent)
        try:
            await self._still_good(person, password, home)
        except BaseException:
            await self.sessions.revoke(person.id, identity.credential)
            raise
        return text, identity

    async def _still_good(self, person: Person, password: str, home: str) -> None:
        """Raises `Unauthenticated` when the password was changed, or the account disabled, since `person` was
        read: that ended the sessions that there were *then*, and looking at a password takes its time."""
        now = await self.people.get(person.id)
        good = now is not None and not now.disabled
        if now is not None and good and now.password != person.password:
            good = await self.passwords.matches(now.password, password, home)
        if not good:
            raise Unauthenticated("the name or the password is wrong")

    async def _matches(self, hash: str | None, password: str, login: str, home: str) -> bool:
        """A password that nobody has looked at, for want of a thread, was no attempt."""
        try:
            return await self.passwords.matches(hash, password, home)
        except RateLimited:
            await self.throttle.take_back(login, home)
            raise

    async def _renew_hash(self, user: str, old: str, new: str) -> None:
        """The same password, hashed as is usual by now; unless it has been changed meanwhile."""

        def renewed(person: Person) -> Person:
            return structs.replace(person, password=new) if person.password == old else person

        await self.people.change(user, renewed)

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
        await self.sessions.revoke(identity.user.id, identity.credential)
        await self._note(identity.user, "sign-out")
        await self.tell(identity.user.id)

    # -- passwords

    async def change_password(
        self,
        identity: Identity,
        current: str,
        password: str,
        *,
        address: str,
        home: str,
        end_tokens: bool = False,
    ) -> None:
        """Ends all other sessions, and the tokens when that is wanted. Raises `Forbidden` for a wrong
        current one; throttled like signing in."""
        person = await self.people.need(identity.user.id)
        await self.throttle.attempt(person.login, home)
        if not await self._matches(person.password, current, person.login, home):
            raise Refused("the current password is wrong")
        await self.throttle.succeeded(person.login, home)
        if end_tokens:
            await self.tokens.revoke_all(person.id)
        await self._set_password(person, password, keep=identity.credential)
        about = "and all tokens ended" if end_tokens else ""
        await self._note(identity.user, "password", about=about, address=address)

    async def _set_password(self, person: Person, password: str, *, keep: str) -> None:
        hash = await hashed(self.passwords, person, password)
        await self.people.change(person.id, lambda old: structs.replace(old, password=hash))
        await self.sessions.revoke_all(person.id, but=keep)
        await self.codes.drop_of(person.id)
        await self.tell(person.id)

    async def reset_code(self, person: Person) -> str:
        """The text of a one-time address that sets a password. Earlier ones of theirs are none any more."""
        await self.codes.drop_of(person.id)
        return await self.codes.issue(
            Code(purpose="reset", user=person.id, expires_at=self.clock() + RESET_MS)
        )

    async def reset(self, code: str, password: str, address: str) -> Person:
        """Set a password by a one-time address; all sessions, tokens and invitations of theirs end.

        Raises `Unauthenticated`.
        """
        ended = Unauthenticated("this address was used or has expired; ask for another one")
        found = await self.codes.look(code, "reset", self.clock())
        person = None if found is None else await self.people.get(found.user)
        if person is None or person.disabled:
            raise ended
        await hashed(self.passwords, person, password)  # before the code is used up
        if await self.codes.use(code, "reset", self.clock()) is None:
            raise ended
        await self.tokens.revoke_all(person.id)  # whoever had the account may have made some
        await self.invitations.end(lambda one: one.created_by == person.id)
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
        scope = f"{'writes' if made.write else 'reads'} {', '.join(made.boards or ('all boards',))}"
        await self._note(identity.user, "token made", about=f"{made.name}: {scope}")
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
        await self._note(identity.user, "name", about=name)
        return person

    # -- what whoever runs the server does

    async def change_person(self, login: str, **fields: bool) -> Person:
        """Make somebody an administrator, or disable the account; their connections are looked at again.

        An account that was disabled comes back with its password and nothing else: no session, token or
        one-time address of before. Raises `NotFound`.
        """
        person = await self.people.named(login)
        if person is None:
            raise NotFound("user", login)
        since = {"since": self.clock() + 1} if "disabled" in fields else {}
        person = await self.people.change(person.id, lambda old: structs.replace(old, **fields, **since))
        if person.disabled:
            await self.sessions.revoke_all(person.id)
            await self.tokens.revoke_all(person.id)
            await self.codes.drop_of(person.id)
        if person.disabled or not person.admin:
            gone = person.disabled
            await self.invitations.end(
                lambda one: one.created_by == person.id and (gone or one.board is None)
            )
        await self.tell(person.id)
        return person

    async def withdraw(self, user: str, board: str, at: int) -> None:
        """Somebody was an owner of `board` until `at` (ms): the invitations to it that they made until then
        end. An administrator's do not: they are an owner still."""
        person = await self.people.get(user)
        if person is None or not person.admin:
            await self.invitations.end(
                lambda one: one.board == board and one.created_by == user and one.created_at <= at
            )

    async def _note(self, who: User, what: str, *, about: str = "", address: str = "") -> None:
        await self.audit.note(self.clock(), who, what, about=about, address=address)

    async def tidy(self) -> None:
        """Take away what has expired."""
        await asyncio.shield(self._entries.drop_expired(self.clock()))
