"""People: found by id or by the name that they sign in with."""

import secrets
from collections.abc import Callable

from msgspec import Struct, structs

from server.accounts.shelf import Shelf
from server.errors import Conflict, NotFound, Unavailable
from server.model.accounts import Person
from server.stores.entries import Entries

MOST_ROUNDS = 10
"""Others may write the same person at the same moment."""


class Claim(Struct, frozen=True):
    """Whose a name to sign in with is (or, of an outside identity, the subject)."""

    user: str


class People:
    """Methods raise `Unavailable`."""

    def __init__(self, entries: Entries) -> None:
        self._people = Shelf(entries, "person", Person)
        self._logins = Shelf(entries, "login", Claim)
        self._admin: str | None = None  # one who was there when it was looked for last

    async def get(self, user: str) -> Person | None:
        kept = await self._people.get(user)
        return None if kept is None else kept.value

    async def need(self, user: str) -> Person:
        """Raises `NotFound`."""
        person = await self.get(user)
        if person is None:
            raise NotFound("user", user)
        return person

    async def named(self, login: str) -> Person | None:
        """Who signs in with it."""
        claim = await self._logins.get(login)
        return None if claim is None else await self.get(claim.value.user)

    async def any_admin(self) -> bool:
        """Whether somebody can put everything else right. The one who was found last is asked for first:
        anybody may make us look."""
        known = None if self._admin is None else await self.get(self._admin)
        if known is not None and _runs_the_server(known):
            return True
        found = (one.value.id for one in await self._people.all() if _runs_the_server(one.value))
        self._admin = next(found, None)
        return self._admin is not None

    async def all(self) -> list[Person]:
        """In order of creation."""
        kept = await self._people.all()
        return sorted((one.value for one in kept), key=lambda person: (person.created_at, person.id))

    async def add(self, person: Person) -> Person:
        """Make an account; its id is made here. Raises `Conflict` when the name is taken."""
        person = structs.replace(person, id="u_" + secrets.token_hex(8))
        if await self._logins.get(person.login) is not None:
            raise Conflict("login", f"{person.login!r} is taken")
        # The person first: a name without a person would be lost for good, a person without a name is nobody.
        if not await self._people.put(person.id, person, version=0):
            raise Unavailable("an id was taken by chance; try again")
        if not await self._logins.put(person.login, Claim(person.id), version=0):
            await self._people.drop(person.id)
            raise Conflict("login", f"{person.login!r} is taken")
        return person

    async def change(self, user: str, change: Callable[[Person], Person]) -> Person:
        """Raises `NotFound`, and what `change` raises."""
        for _ in range(MOST_ROUNDS):
            kept = await self._people.get(user)
            if kept is None:
                raise NotFound("user", user)
            changed = change(kept.value)
            if changed == kept.value or await self._people.put(user, changed, version=kept.version):
                return changed
        raise Unavailable("the account is being changed from too many places at once")


def _runs_the_server(person: Person) -> bool:
    return person.admin and not person.disabled
