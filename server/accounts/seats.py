"""Which boards somebody is a member of, so that not every board has to be read to list theirs.

The boards themselves decide; this only says where to look. It follows the changes of the boards, and a seat
that is missing is made when somebody takes it.
"""

from msgspec import Struct

from server.accounts.shelf import Shelf
from server.stores.entries import Entries

EVERYBODY = "all"
"""In the place of a user: boards that everybody with an account may read."""
MOST_KNOWN = 50_000


class Seat(Struct, frozen=True):
    pass


class Seats:
    """Methods raise `Unavailable`."""

    def __init__(self, entries: Entries) -> None:
        self._shelf = Shelf(entries, "seat", Seat)
        self._known: set[tuple[str, str]] = set()

    async def take(self, user: str, board: str) -> None:
        if (user, board) in self._known:
            return
        await self._shelf.put(f"{user}/{board}", Seat(), version=0)  # refused: it is there already
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.add((user, board))

    async def leave(self, user: str, board: str) -> None:
        self._known.discard((user, board))
        await self._shelf.drop(f"{user}/{board}")

    async def boards_of(self, user: str) -> set[str]:
        """Those that they may find: their own, and everybody's."""
        own, all = await self._shelf.all(prefix=f"{user}/"), await self._shelf.all(prefix=f"{EVERYBODY}/")
        return {kept.key.partition("/")[2] for kept in (*own, *all)}
