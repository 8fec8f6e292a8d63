"""Which boards have devices, rules or commands, so that each instance knows where something may be due.

One entry for each, of kind `device-board`, by its id. It is written before the log holds what it is about: a
board is rather noted for nothing than forgotten. Each writing gives it another version; who has seen that
one has looked at the board since.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from server.model.records import Change
from server.stores import Refused, Store

KIND = "device-board"
PAGE = 500
BOARDS_AT_ONCE = 100
OPERATIONS = frozenset(("device.create", "device.restore", "rule.set", "command.send", "board.restore"))


class NotedBoards:
    """Methods raise `Failed` when the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def before(self, board: str, changes: Sequence[Change]) -> None:
        """Changes are about to be stored."""
        if not OPERATIONS.isdisjoint([change.op for change in changes]):
            there = await self._store.entry(KIND, board)
            await self._note(board, 0 if there is None else there.version)

    async def _note(self, board: str, version: int) -> None:
        with suppress(Refused):  # another instance has noted it just now
            await self._store.put_entry(KIND, board, b"", version=version)

    async def sweep(self) -> None:
        """Note those that came another way than by `before`: with an import, or a copy that was put back."""
        noted = await self.all()
        left = [board for board in await self._store.board_ids() if board not in noted]
        for start in range(0, len(left), BOARDS_AT_ONCE):
            for board, brief in (await self._store.briefs(left[start : start + BOARDS_AT_ONCE])).items():
                record = brief.board
                if record is not None and (record.devices or record.rules or record.commands):
                    await self._note(board, 0)

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
