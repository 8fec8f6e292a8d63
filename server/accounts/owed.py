"""Changes of who may do what that are still to be noted, in the audit record and elsewhere.

Each is written down before the log holds the change, as an entry of kind `note-owed` by `<board>/<seq>`,
and taken away when it is noted: an instance that dies between the two owes it, and any instance pays. What
never got into the log is owed for a day and then forgotten. Noting something twice changes nothing.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress

from server.accounts.audit import DAY_MS
from server.model.records import Change
from server.stores import Refused, Store, answering

KIND = "note-owed"
GRACE_MS = 10_000
"""For so long whoever made the change is about to note it."""
PAGE = 500


class Owed:
    """Of changes with one of `ops`. `clock`: ms since 1970. All but `before` raise `Unavailable`."""

    def __init__(self, store: Store, ops: Collection[str], clock: Callable[[], int]) -> None:
        self.grace_ms = GRACE_MS
        self._store = store
        self._ops = ops
        self._clock = clock

    async def before(self, board: str, changes: Sequence[Change]) -> None:
        """Changes are about to be stored. Raises `Failed`."""
        for change in changes:
            if change.op in self._ops:
                with suppress(Refused):  # somebody else's change was to be there
                    await self._store.put_entry(
                        KIND, _key(board, change.seq), b"", version=0, expires_at=change.at + DAY_MS
                    )

    async def paid(self, board: str, seq: int) -> None:
        """It is noted."""
        with answering():
            await self._store.drop_entry(KIND, _key(board, seq))

    async def left(self) -> Mapping[str, int]:
        """By board the number of the first change that nobody has noted."""
        found: dict[str, int] = {}
        last, latest = "", self._clock() - self.grace_ms + DAY_MS
        while True:
            with answering():
                page = await self._store.entries(KIND, after=last, limit=PAGE)
            for entry in page:
                board, _, seq = entry.key.partition("/")
                if entry.expires_at is None or entry.expires_at <= latest:
                    found.setdefault(board, int(seq))
            if len(page) < PAGE:
                return found
            last = page[-1].key

    async def changes(self, board: str, since: int) -> AsyncIterator[Change]:
        """Those of the board to be noted from number `since` on, in order: what is noted late must not stand
        last. A number that holds something else is owed no more.
        """
        after = since - 1
        while True:
            with answering():
                page = await self._store.read(board, after, PAGE)
            for change in page:
                if change.op in self._ops:
                    yield change
            if after == since - 1 and page and page[0].op not in self._ops:
                await self.paid(board, since)
            if len(page) < PAGE:
                return
            after = page[-1].seq


def _key(board: str, seq: int) -> str:
    return f"{board}/{seq:012d}"
