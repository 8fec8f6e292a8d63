"""Word of what ended (a session, a token, an account's rights), for every instance.

A notice is an entry, so that it arrives without a broker: each instance reads the new ones every second. The
broker carries the same word, faster.
"""

import logging
import secrets
from collections.abc import Callable

from msgspec import Struct

from server.accounts.shelf import Shelf
from server.stores.entries import Entries

log = logging.getLogger(__name__)
SKEW_MS = 60_000
"""By how much the clocks of instances may differ: so far back is read each time."""
KEPT_MS = 10 * SKEW_MS


class Notice(Struct, frozen=True):
    """What `user` may has changed: whoever is connected as them is to be looked at again."""

    user: str


class Notices:
    """Methods raise `Unavailable`."""

    def __init__(self, entries: Entries, clock: Callable[[], int]) -> None:
        self._shelf = Shelf(entries, "notice", Notice)
        self._clock = clock
        self._after = f"{clock() - SKEW_MS:016d}"
        self._known: set[str] = set()

    async def post(self, user: str) -> None:
        """Every instance will have read it within two seconds."""
        now = self._clock()
        key = f"{now:016d}-{secrets.token_hex(4)}"
        await self._shelf.put(key, Notice(user), version=0, expires_at=now + KEPT_MS)

    async def news(self) -> set[str]:
        """The users of notices that were not read yet."""
        found = await self._shelf.all(after=self._after)
        fresh = [kept for kept in found if kept.key not in self._known]
        self._after = f"{self._clock() - SKEW_MS:016d}"
        self._known = {kept.key for kept in found if kept.key > self._after}
        return {kept.value.user for kept in fresh}
