"""Entries of one kind as the Structs that they hold."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from server.errors import Unavailable
from server.stores import Refused, answering
from server.stores.entries import Entries, Entry

T = TypeVar("T", bound=Struct)
PAGE = 500
_encode = msgspec.json.Encoder().encode


class Kept(Struct, Generic[T], frozen=True):
    """A value and the version that a write in its place must name."""

    key: str
    value: T
    version: int


class Shelf(Generic[T]):
    """Methods raise `Unavailable` when the store does not answer, or holds what cannot be read."""

    def __init__(self, entries: Entries, kind: str, type: type[T]) -> None:
        self._entries = entries
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(type)

    async def get(self, key: str) -> Kept[T] | None:
        """None for a key that cannot be one, too: whoever asks may have made it up."""
        try:
            with answering():
                found = await self._entries.entry(self._kind, key)
            return None if found is None else self._read(found)
        except ValueError:
            return None

    async def put(self, key: str, value: T, *, version: int, expires_at: int | None = None) -> bool:
        """Whether `version` was the one there is: then `value` has taken its place, durably."""
        try:
            with answering():
                await self._entries.put_entry(
                    self._kind, key, _encode(value), version=version, expires_at=expires_at
                )
        except Refused:
            return False
        return True

    async def drop(self, key: str, *, version: int | None = None) -> bool:
        """Whether `version` was the one there was; it is gone. Without one it is gone in any case."""
        try:
            with answering():
                await self._entries.drop_entry(self._kind, key, version=version)
        except Refused:
            return False
        return True

    async def count(self, prefix: str = "") -> int:
        """How many there are with a key that begins with `prefix`."""
        with answering():
            return await self._entries.count_entries(self._kind, prefix=prefix)

    async def page(
        self, *, prefix: str = "", after: str = "", skip: int = 0, limit: int = PAGE
    ) -> list[Kept[T]]:
        with answering():
            found = await self._entries.entries(
                self._kind, prefix=prefix, after=after, skip=skip, limit=limit
            )
        return [self._read(entry) for entry in found]

    def _read(self, entry: Entry) -> Kept[T]:
        try:
            return Kept(entry.key, self._decoder.decode(entry.value), entry.version)
        except msgspec.MsgspecError as error:
            raise Unavailable("the store holds what cannot be read") from error

    async def all(self, *, prefix: str = "", after: str = "") -> list[Kept[T]]:
        """For ranges with few entries: they all come at once."""
        found: list[Kept[T]] = []
        while True:
            page = await self.page(prefix=prefix, after=found[-1].key if found else after)
            found += page
            if len(page) < PAGE:
                return found
