"""One-time addresses and invitations: what is handed on as a link. Kept as hashes, used up by a write."""

import hashlib
import secrets
from collections.abc import Callable

from msgspec import structs

from server.accounts.shelf import Shelf
from server.errors import LimitExceeded
from server.model.accounts import Code, Invitation
from server.stores.entries import Entries

MOST_INVITATIONS = 200
"""Open ones of a board, and of those without a board."""
MOST_ROUNDS = 10


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Codes:
    """One-time codes. Methods raise `Unavailable`."""

    def __init__(self, entries: Entries) -> None:
        self._shelf = Shelf(entries, "code", Code)

    async def issue(self, code: Code) -> str:
        """The text, to be shown once."""
        text = secrets.token_urlsafe(32)
        await self._shelf.put(_key(text), code, version=0, expires_at=code.expires_at)
        return text

    async def look(self, text: str, purpose: str, now_ms: int) -> Code | None:
        """What it is for, while it lasts."""
        kept = await self._shelf.get(_key(text))
        if kept is None or kept.value.purpose != purpose or kept.value.expires_at <= now_ms:
            return None
        return kept.value

    async def use(self, text: str, purpose: str, now_ms: int) -> Code | None:
        """As `look`, once: whoever else comes with it gets None."""
        kept = await self._shelf.get(_key(text))
        if kept is None or kept.value.purpose != purpose or kept.value.expires_at <= now_ms:
            return None
        return kept.value if await self._shelf.drop(kept.key, version=kept.version) else None

    async def drop_of(self, user: str) -> None:
        """All that are for somebody."""
        for kept in await self._shelf.all():
            if kept.value.user == user:
                await self._shelf.drop(kept.key)


class Invitations:
    """Methods raise `Unavailable`."""

    def __init__(self, entries: Entries) -> None:
        self._shelf = Shelf(entries, "invitation", Invitation)

    async def issue(self, wanted: Invitation, now_ms: int) -> tuple[str, Invitation]:
        """The text, to be shown once, and what is kept. Raises `LimitExceeded`."""
        if len(await self.of(wanted.board, now_ms)) >= MOST_INVITATIONS:
            raise LimitExceeded("invitations", MOST_INVITATIONS)
        text = secrets.token_urlsafe(32)
        made = structs.replace(wanted, id=_key(text))
        await self._shelf.put(made.id, made, version=0, expires_at=made.expires_at)
        return text, made

    async def of(self, board: str | None, now_ms: int) -> list[Invitation]:
        """The open ones of a board, or those without one, oldest first."""
        kept = [one.value for one in await self._shelf.all()]
        there = [one for one in kept if one.board == board and one.expires_at > now_ms]
        return sorted(there, key=lambda one: one.created_at)

    async def look(self, text: str, now_ms: int) -> Invitation | None:
        kept = await self._shelf.get(_key(text))
        return None if kept is None or kept.value.expires_at <= now_ms else kept.value

    async def use(self, text: str, now_ms: int) -> Invitation | None:
        """One use of it less. None: it is none, has expired, or was used up."""
        for _ in range(MOST_ROUNDS):
            kept = await self._shelf.get(_key(text))
            if kept is None or kept.value.expires_at <= now_ms:
                return None
            if await self._set_uses(kept.value, kept.value.uses - 1, kept.version):
                return kept.value
        return None

    async def give_back(self, used: Invitation) -> None:
        """What it was used for did not come about."""
        for _ in range(MOST_ROUNDS):
            kept = await self._shelf.get(used.id)
            there, version = (used, 0) if kept is None else (kept.value, kept.version)
            uses = 1 if kept is None else there.uses + 1
            if await self._set_uses(there, uses, version):
                return

    async def _set_uses(self, invitation: Invitation, uses: int, version: int) -> bool:
        if uses < 1:
            return await self._shelf.drop(invitation.id, version=version)
        left = structs.replace(invitation, uses=uses)
        return await self._shelf.put(invitation.id, left, version=version, expires_at=left.expires_at)

    async def end(self, ends: Callable[[Invitation], bool]) -> None:
        """Revoke all of which `ends` says so."""
        for kept in await self._shelf.all():
            if ends(kept.value):
                await self._shelf.drop(kept.key)

    async def revoke(self, id: str, board: str | None) -> bool:
        """Whether there was one, of that board."""
        kept = await self._shelf.get(id)
        return kept is not None and kept.value.board == board and await self._shelf.drop(kept.key)
