"""One-time addresses and invitations: what is handed on as a link. Kept as hashes, used up by a write."""

import hashlib
import secrets
from collections.abc import Callable

from msgspec import structs

from server.accounts.shelf import Kept, Shelf
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
        there = [one for one in kept if one.board == board and _lasts(one, now_ms)]
        return sorted(there, key=lambda one: one.created_at)

    async def look(self, text: str, now_ms: int) -> Invitation | None:
        kept = await self._shelf.get(_key(text))
        return None if kept is None or not _lasts(kept.value, now_ms) else kept.value

    async def use(self, text: str, now_ms: int) -> Invitation | None:
        """One use of it less. None: it is none, has expired, or was used up."""
        for _ in range(MOST_ROUNDS):
            kept = await self._shelf.get(_key(text))
            if kept is None or not _lasts(kept.value, now_ms):
                return None
            if await self._add_uses(kept, -1):
                return kept.value
        return None

    async def give_back(self, used: Invitation) -> None:
        """What it was used for did not come about. One that was revoked meanwhile stays so."""
        for _ in range(MOST_ROUNDS):
            kept = await self._shelf.get(used.id)
            if kept is None or await self._add_uses(kept, 1):
                return

    async def _add_uses(self, kept: Kept[Invitation], more: int) -> bool:
        """One that is used up is kept until it expires: it may be given back. One that is gone may not."""
        left = structs.replace(kept.value, uses=kept.value.uses + more)
        return await self._shelf.put(kept.key, left, version=kept.version, expires_at=left.expires_at)

    async def end(self, ends: Callable[[Invitation], bool]) -> None:
        """Revoke all of which `ends` says so."""
        for kept in await self._shelf.all():
            if ends(kept.value):
                await self._shelf.drop(kept.key)

    async def revoke(self, id: str, board: str | None) -> bool:
        """Whether there was one, of that board."""
        kept = await self._shelf.get(id)
        if kept is None or kept.value.board != board:
            return False
        return await self._shelf.drop(kept.key) and kept.value.uses > 0


def _lasts(invitation: Invitation, now_ms: int) -> bool:
    return invitation.uses > 0 and invitation.expires_at > now_ms
