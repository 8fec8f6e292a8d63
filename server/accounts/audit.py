"""What was done about access: an append-only record. Nothing here changes or takes away what is written.

The key turns the time around, so that the newest comes first: `<board, or ->/<10^16 - ms>-<what is one>`.
"""

import logging
import secrets

from server.accounts.shelf import Shelf
from server.errors import Unavailable
from server.model.accounts import AuditEntry
from server.model.messages import User
from server.stores.entries import Entries

log = logging.getLogger(__name__)
NOT_OF_A_BOARD = "-"
_TURNED = 10**16
DAY_MS = 86_400_000


class Audit:
    """`kept_days`: for how long an entry is kept."""

    def __init__(self, entries: Entries, kept_days: int) -> None:
        self._shelf = Shelf(entries, "audit", AuditEntry)
        self._kept_ms = kept_days * DAY_MS

    async def write(self, entry: AuditEntry, name: str = "") -> None:
        """Durable when it returns. `name`: makes one entry of what several instances tell.

        A store that fails is logged, and the entry with it: what it tells of has happened.
        """
        key = f"{entry.board or NOT_OF_A_BOARD}/{_TURNED - entry.at:016d}-{name or secrets.token_hex(4)}"
        try:
            await self._shelf.put(key, entry, version=0, expires_at=entry.at + self._kept_ms)
        except Unavailable as error:
            log.error("not in the audit record: %s: %s", entry, error.message)

    async def note(self, at: int, who: User, what: str, *, about: str = "", address: str = "") -> None:
        """As `write`, of something that is about no board."""
        await self.write(AuditEntry(at=at, who=who, what=what, about=about, address=address))

    async def read(
        self, board: str | None, *, skip: int = 0, limit: int = 100
    ) -> tuple[list[AuditEntry], int]:
        """Newest first, and how many there are in all."""
        scope = f"{board or NOT_OF_A_BOARD}/"
        found = await self._shelf.page(prefix=scope, skip=skip, limit=limit)
        return [kept.value for kept in found], await self._shelf.count(scope)
