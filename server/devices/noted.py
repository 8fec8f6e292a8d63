"""Which boards have devices, rules or commands, so that each instance knows where something may be due.

One entry for each, of kind `device-board`, by its id. It is written before the log holds what it is about: a
board is rather noted for nothing than forgotten. Each writing gives it another version; who has seen that
one has looked at the board since.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from server.model.records import Change
from server.stores import Refused
from server.stores.entries import Entries

KIND = "device-board"
PAGE = 500
OPERATIONS = frozenset(("device.create", "device.restore", "rule.set", "command.send", "board.restore"))


class NotedBoards:
    """Methods raise `Failed` when the store does not answer."""

    def __init__(self, store: Entries) -> None:
        self._store = store

    async def before(self, board: str, changes: Sequence[Change]) -> None:
        """Changes are about to be stored."""
        if any(change.op in OPERATIONS for change in changes):
            there = await self._store.entry(KIND, board)
            with suppress(Refused):  # another instance has noted it just now
                version = 0 if there is None else there.version
                await self._store.put_entry(KIND, board, b"", version=version)

    async def all(self) -> Mapping[str, int]:
        """All that are noted, by whichever instance, with their versions."""
        found: dict[str, int] = {}
        last = ""
        while True:
            page = await self._store.entries(KIND, after=last, limit=PAGE)
            found |= {entry.key: entry.version for entry in page}
            if len(page) < PAGE:
                return found
            last = page[-1].key
