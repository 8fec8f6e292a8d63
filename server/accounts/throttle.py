"""Slows down whoever guesses passwords: per account from a home, per account, and per home.

A home is an address, or the /64 network of one of IPv6: whoever has one has all of it (`server.callers`).

An attempt is counted before its password is looked at, so that many at once do not all get through. Counts
are in the store: all instances know them. An account that does not exist is counted like any other.
"""

import hashlib
from collections.abc import Callable

from msgspec import Struct, structs

from server.accounts.shelf import Shelf
from server.errors import RateLimited
from server.model.accounts import Attempts
from server.stores.entries import Entries

FORGET_MS = 15 * 60_000
"""Without a further attempt for so long all is forgotten."""
FIRST_MS = 1000
"""The first pause; each further attempt doubles it, up to FORGET_MS."""
MOST_ROUNDS = 20


class Bound(Struct, frozen=True):
    """`free`: attempts without a pause."""

    name: str
    free: int


PAIR, ACCOUNT, HOME = Bound("pair", 5), Bound("account", 50), Bound("home", 100)


class Throttle:
    """`clock`: milliseconds since 1970. Methods raise `Unavailable`."""

    def __init__(self, entries: Entries, clock: Callable[[], int]) -> None:
        self._shelf = Shelf(entries, "attempts", Attempts)
        self._clock = clock

    async def attempt(self, login: str, home: str) -> None:
        """One more. Raises `RateLimited` when it comes too soon; then its password is not looked at."""
        for key, bound in _keys(login, home):
            await self._count(key, bound)

    async def came(self, home: str) -> None:
        """As `attempt`, of somebody who has no account yet."""
        *_, (key, bound) = _keys("", home)
        await self._count(key, bound)

    async def succeeded(self, login: str, home: str) -> None:
        """The account's attempts from there are forgotten. Of the others one is: an attacker's own account
        forgives nothing but itself."""
        (pair, _), *others = _keys(login, home)
        await self._shelf.drop(pair)
        for key, _ in others:
            await self._less(key)

    async def take_back(self, login: str, home: str) -> None:
        """The last one was none: its password was not looked at."""
        for key, _ in _keys(login, home):
            await self._less(key)

    async def _less(self, key: str) -> None:
        """One attempt less, as far as nobody writes the same at this moment."""
        kept = await self._shelf.get(key)
        if kept is not None:
            fewer = structs.replace(kept.value, count=max(kept.value.count - 1, 0), until=0)
            expires_at = kept.value.last + 2 * FORGET_MS
            await self._shelf.put(key, fewer, version=kept.version, expires_at=expires_at)

    async def _count(self, key: str, bound: Bound) -> None:
        for _ in range(MOST_ROUNDS):
            now, kept = self._clock(), await self._shelf.get(key)
            version = 0 if kept is None else kept.version
            count = 0
            if kept is not None and now - kept.value.last < FORGET_MS:
                if now < kept.value.until:
                    raise RateLimited("attempts to sign in", kept.value.until - now)
                count = kept.value.count
            over = count + 1 - bound.free
            pause = 0 if over < 0 else min(FIRST_MS << min(over, 20), FORGET_MS)
            counted = Attempts(count=count + 1, last=now, until=now + pause)
            if await self._shelf.put(key, counted, version=version, expires_at=now + 2 * FORGET_MS):
                return
        raise RateLimited("attempts to sign in", FIRST_MS)


def _keys(login: str, home: str) -> list[tuple[str, Bound]]:
    of = {PAIR: f"{login}\n{home}", ACCOUNT: login, HOME: home}
    return [
        (f"{bound.name}/{hashlib.sha256(text.encode()).hexdigest()[:32]}", bound)
        for bound, text in of.items()
    ]
