"""Tokens of devices: 256 random bits each, shown once, kept as their sha-256 in the store's entries.

Kinds of entries: `device-token`, by hash: whose it is; `device`, by `<board>/<device>`: the hash of the one
that counts; `device-tokens`, one entry that is written with each change, so that other instances notice.

What may go wrong: between the writes of `issue` the process dies. The `device` entry decides alone: before it
is written the old token counts, afterwards the new one. A hash without it names nobody.

`Watch` looks at that one entry each second, asks again about the tokens of open sockets when it has changed,
and tells whose token counts no more: within two seconds, on every instance, with or without a broker.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec
import structlog
from msgspec import Struct

from server.errors import BoardcastError, Unauthenticated, Unavailable
from server.stores import Failed, Refused
from server.stores.entries import Entries

log = structlog.stdlib.get_logger("devices")
PREFIX = "bcd_"
TOKEN, DEVICE, CHANGES = "device-token", "device", "device-tokens"
MOST_TRIES = 20
MOST_KNOWN = 20_000
"""Tokens whose holder is remembered."""
LOOK_S = 1.0


class Holder(Struct, frozen=True):
    """Whose a token is."""

    board: str
    device: str


class Tokens:
    """Every method but `hash_of` may raise `Unavailable`."""

    def __init__(self, store: Entries) -> None:
        self._store = store

    async def issue(self, board: str, device: str) -> str:
        """A new token for the device; the earlier one counts no more when this returns."""
        token = PREFIX + secrets.token_urlsafe(32)
        name = hash_of(token)
        try:
            await self._store.put_entry(TOKEN, name, msgspec.json.encode(Holder(board, device)), version=0)
            before = await self._replace(board, device, name)
            if before is not None:
                await self._store.drop_entry(TOKEN, before)
            await self._tell()
        except (Failed, Refused) as error:
            raise Unavailable("the store does not answer; ask for a token once more") from error
        return token

    async def authenticate(self, token: str) -> Holder:
        """Whose token it is. Raises `Unauthenticated` when it is nobody's, or not any more."""
        if not token.startswith(PREFIX):
            raise Unauthenticated("a device comes with its token: Authorization: Bearer bcd_…")
        holder = await self.holder(hash_of(token))
        if holder is None:
            raise Unauthenticated("the token of the device is not known, or has been replaced")
        return holder

    async def holder(self, name: str) -> Holder | None:
        """Whose token has the hash `name`; None: nobody's."""
        try:
            entry = await self._store.entry(TOKEN, name)
            if entry is None:
                return None
            holder = msgspec.json.decode(entry.value, type=Holder)
            counts = await self._store.entry(DEVICE, _key(holder.board, holder.device))
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        return holder if counts is not None and counts.value == name.encode() else None

    async def revoke(self, board: str, device: str) -> None:
        """No token of the device counts from now on. Idempotent."""
        key = _key(board, device)
        try:
            entry = await self._store.entry(DEVICE, key)
            if entry is not None:
                await self._store.drop_entry(DEVICE, key)
                await self._store.drop_entry(TOKEN, entry.value.decode())
            await self._tell()
        except (Failed, Refused) as error:
            raise Unavailable("the store does not answer") from error

    async def changes(self) -> int:
        """Another number after each change of any token. Raises `Failed`."""
        entry = await self._store.entry(CHANGES, CHANGES)
        return 0 if entry is None else entry.version

    async def _replace(self, board: str, device: str, name: str) -> str | None:
        """Make `name` the one that counts; the one that did."""
        key = _key(board, device)
        for _ in range(MOST_TRIES):
            before = await self._store.entry(DEVICE, key)
            version = 0 if before is None else before.version
            try:
                await self._store.put_entry(DEVICE, key, name.encode(), version=version)
            except Refused:
                continue
            return None if before is None else before.value.decode()
        raise Failed("others issue tokens for the same device all the time")

    async def _tell(self) -> None:
        for _ in range(MOST_TRIES):
            version = await self.changes()
            try:
                await self._store.put_entry(CHANGES, CHANGES, b"", version=version)
            except Refused:
                continue
            return


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(board: str, device: str) -> str:
    return f"{board}/{device}"


class Watch:
    """Remembers who has which token, and notices when one counts no more.

    `ended` is called with the hash of each token that was known, or of an open socket (`follow`), and whose
    holder has another one now. Nothing else is remembered longer than `LOOK_S` after a change.
    """

    def __init__(self, tokens: Tokens, ended: Callable[[str], None]) -> None:
        self._tokens = tokens
        self._ended = ended
        self._known: OrderedDict[str, Holder] = OrderedDict()
        self._followed: dict[str, int] = {}
        self._seen: int | None = None
        self.generation = 0
        """Another one whenever what was known of tokens counts no more."""
        self._again = asyncio.Event()
        self._looker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looker = asyncio.create_task(self._look(), name="device tokens")

    async def stop(self) -> None:
        looker, self._looker = self._looker, None
        if looker is not None:
            looker.cancel()
            await asyncio.wait([looker])

    async def holder(self, token: str) -> Holder:
        """As `Tokens.authenticate`, from memory when it is known; at most `LOOK_S` old."""
        name = hash_of(token)
        known = self._known.get(name)
        if known is not None:
            return known
        generation = self.generation
        holder = await self._tokens.authenticate(token)
        if generation == self.generation:
            self._known[name] = holder
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return holder

    def follow(self, name: str) -> None:
        """There is a socket with the token of this hash; `unfollow` follows."""
        self._followed[name] = self._followed.get(name, 0) + 1

    def unfollow(self, name: str) -> None:
        left = self._followed.get(name, 0) - 1
        if left > 0:
            self._followed[name] = left
        else:
            self._followed.pop(name, None)

    async def _look(self) -> None:
        while True:
            try:
                seen = await self._tokens.changes()
                if seen != self._seen:
                    self._forget()
                    await self._check(list(self._followed))
                    self._seen = seen
            except (Failed, BoardcastError):
                self._forget()  # what has changed is not known; sockets go on until it is
            except Exception:
                log.exception("tokens of devices could not be looked at; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._again.wait()
            self._again.clear()

    def look_again(self) -> None:
        """Somebody came in with what was known before the last change."""
        self._seen = None
        self._again.set()

    def _forget(self) -> None:
        self._known.clear()
        self.generation += 1

    async def _check(self, names: Iterable[str]) -> None:
        for name in names:
            if await self._tokens.holder(name) is None:
                self._ended(name)
