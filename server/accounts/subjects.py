"""Which account stands behind an outside identity."""

import hashlib
import re
import secrets

from server.accounts.outside import Subject
from server.accounts.people import Claim, People
from server.accounts.shelf import Shelf
from server.errors import Conflict, Unauthenticated
from server.model.accounts import Person
from server.stores.entries import Entries


class Subjects:
    """`create`: whoever the provider vouches for gets an account when they have none."""

    def __init__(self, entries: Entries, people: People, issuer: str, *, create: bool) -> None:
        self._shelf = Shelf(entries, "subject", Claim)
        self._people = people
        self._issuer = issuer
        self._create = create

    async def person(self, subject: Subject, now_ms: int) -> Person:
        """Raises `Unauthenticated`, `Unavailable`."""
        person = await self._find(subject.subject)
        if person is None and self._create:
            person = await self._made(subject, now_ms)
        if person is None:
            raise Unauthenticated(
                f"nobody here is known as {subject.subject!r} of the identity provider; "
                "whoever runs this server can join the two (user link)"
            )
        if person.disabled:
            raise Unauthenticated("the account is disabled; ask whoever runs this server")
        return person

    async def link(self, user: str, subject: str) -> None:
        """Raises `Conflict` when the subject is somebody else already."""
        if not await self._shelf.put(self._key(subject), Claim(user), version=0):
            raise Conflict("subject", f"{subject!r} is linked already")

    async def _find(self, subject: str) -> Person | None:
        kept = await self._shelf.get(self._key(subject))
        return None if kept is None else await self._people.get(kept.value.user)

    async def _made(self, subject: Subject, now_ms: int) -> Person | None:
        """A new account. Of instances that make one at the same moment, one's counts."""
        login = re.sub(r"[^a-z0-9._@+-]", "-", subject.login.lower()).strip("._@+-")[:58] or "person"
        wanted = Person(id="", login=login, name=subject.name, created_at=now_ms)
        try:
            made = await self._people.add(wanted)
        except Conflict:  # a name that is taken is another's: the two are not joined by it
            other = f"{login}-{secrets.token_hex(2)}"
            made = await self._people.add(Person(id="", login=other, name=subject.name, created_at=now_ms))
        await self._shelf.put(self._key(subject.subject), Claim(made.id), version=0)
        return await self._find(subject.subject)

    def _key(self, subject: str) -> str:
        return hashlib.sha256(f"{self._issuer}\n{subject}".encode()).hexdigest()
