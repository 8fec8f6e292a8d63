"""Sessions and API tokens: random, kept as hashes, found by what stands in them, listed by whose they are.

The text is `<prefix><16 hex of the user><16 hex of the id><43 random characters>`: 256 bits to guess.
"""

import hashlib
import hmac
import re
import secrets

from msgspec import Struct, structs

from server.accounts.shelf import Kept, Shelf
from server.model.accounts import Secret
from server.stores.entries import Entries

SESSION, TOKEN = "bcs_", "bct_"
KINDS = {SESSION: "session", TOKEN: "token"}
MOST = 100
"""Sessions, and tokens, of one person. Of sessions the oldest gives way."""
SEEN_EVERY_MS = 600_000
"""How exact `seen_at` is: noting it is a write."""

_TEXT = re.compile(r"(bc[st]_)([0-9a-f]{16})([0-9a-f]{16})([A-Za-z0-9_-]{43})")


class Parsed(Struct, frozen=True):
    """What stands in the text of a session or token. `key`: of its entry."""

    prefix: str
    user: str
    key: str
    hash: str


def parse(text: str) -> Parsed | None:
    """None for what cannot be one."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    prefix, user, id, secret = found.groups()
    return Parsed(prefix, f"u_{user}", f"u_{user}/{id}", _hash(secret))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Credentials:
    """Those of one kind, by prefix. Methods raise `Unavailable`."""

    def __init__(self, entries: Entries, prefix: str) -> None:
        self._prefix = prefix
        self._shelf = Shelf(entries, KINDS[prefix], Secret)

    async def issue(self, wanted: Secret) -> tuple[str, Secret]:
        """The text, to be shown once, and what is kept of it. `wanted`: its `id` and `hash` are made here."""
        id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        made = structs.replace(wanted, id=id, hash=_hash(secret), seen_at=wanted.created_at)
        await self._shelf.put(f"{made.user}/{id}", made, version=0, expires_at=made.expires_at)
        return f"{self._prefix}{made.user.removeprefix('u_')}{id}{secret}", made

    async def find(self, parsed: Parsed, now_ms: int) -> Secret | None:
        """The one that the text is of, while it lasts; notes now and then that it was seen."""
        kept = await self._shelf.get(parsed.key)
        if kept is None or not hmac.compare_digest(kept.value.hash, parsed.hash):
            return None
        if kept.value.expires_at <= now_ms:
            return None
        if now_ms - kept.value.seen_at >= SEEN_EVERY_MS:
            await self._seen(kept, now_ms)
        return kept.value

    async def _seen(self, kept: Kept[Secret], now_ms: int) -> None:
        seen = structs.replace(kept.value, seen_at=now_ms)
        await self._shelf.put(kept.key, seen, version=kept.version, expires_at=seen.expires_at)

    async def of(self, user: str, now_ms: int) -> list[Secret]:
        """Those of a person that last still, oldest first."""
        kept = [one.value for one in await self._shelf.all(prefix=f"{user}/")]
        return sorted((one for one in kept if one.expires_at > now_ms), key=lambda one: one.created_at)

    async def revoke(self, user: str, id: str) -> bool:
        """Whether there was one."""
        kept = await self._shelf.get(f"{user}/{id}")
        return kept is not None and await self._shelf.drop(kept.key)

    async def revoke_all(self, user: str, *, but: str = "") -> None:
        """All of a person's; `but`: the id of one that stays."""
        for kept in await self._shelf.all(prefix=f"{user}/"):
            if kept.value.id != but:
                await self._shelf.drop(kept.key)
