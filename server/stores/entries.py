"""Entries: small values under a kind and a key, beside the boards. Accounts, tokens and the like live there.

They are not part of any board's log: a backup holds them, an export does not. The only lock is the version of
each entry: a write names the version that it replaces and is refused when that is not the one there is.
"""

import secrets
from typing import Protocol

from msgspec import Struct

LONGEST_KEY = 256
"""Characters."""


class Entry(Struct, frozen=True):
    """`version`: goes up with each write. `expires_at` (ms): when `drop_expired` may take it; None: never."""

    key: str
    value: bytes
    version: int
    expires_at: int | None = None


class Entries(Protocol):
    """Every method may raise `Failed`; a write that failed may have happened, or may still. Kinds are names
    such as `session`; keys are 1–256 printable ASCII characters without spaces, others raise ValueError.
    """

    async def entry(self, kind: str, key: str) -> Entry | None:
        """The entry, also when it has expired; None when there is none."""

    async def put_entry(
        self, kind: str, key: str, value: bytes, *, version: int, expires_at: int | None = None
    ) -> int:
        """Make `value` durable in the place of version `version`, 0 for an entry that is not there yet.

        Returns the new version. Raises `Refused`, and writes nothing, when that is not the version there is.
        Of an entry that was dropped and made anew the versions are others: nobody takes it for the old one.
        """

    async def drop_entry(self, kind: str, key: str, *, version: int | None = None) -> None:
        """Take the entry away, whatever its version, or only as `version`: else raises `Refused`.

        Without a version one that is not there is no error.
        """

    async def entries(
        self, kind: str, *, prefix: str = "", after: str = "", skip: int = 0, limit: int = 500
    ) -> list[Entry]:
        """Up to `limit` entries whose key begins with `prefix` and comes after `after`, in order of key; the
        first `skip` of them are left out.
        """

    async def count_entries(self, kind: str, *, prefix: str = "") -> int:
        """How many entries have a key that begins with `prefix`."""

    async def drop_expired(self, now_ms: int) -> None:
        """Take away, of all kinds, what expired at `now_ms` or before."""


def checked(kind: str, key: str) -> None:
    """Raises ValueError for a key that no store needs to take."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(f"{kind}: {key!r} is no key of an entry")


def following(version: int) -> int:
    """The version of what is written in the place of `version`. A new one begins at random, and fits into
    53 bits for a long time.
    """
    return version + 1 if version else 1 + secrets.randbits(40)
