"""Entries of one kind as the Structs that they hold."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from server.errors import Unavailable
from server.stores import Failed, Refused
from server.stores.entries import Entries

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
            found = await self._entries.entry(self._kind, key)
            return None if found is None else Kept(key, self._decoder.decode(found.value), found.version)
        except ValueError as error:
            if isinstance(error, msgspec.MsgspecError):
                raise Unavailable("the store holds what cannot be read") from error
            return None
        except Failed as error:
            raise Unavailable("the store does not answer") from error

    async def put(self, key: str, value: T, *, version: int, expires_at: int | None = None) -> bool:
        """Whether `version` was the one there is: then `value` has taken its place, durably."""
        try:
            await self._entries.put_entry(
                self._kind, key, _encode(value), version=version, expires_at=expires_at
            )
        except Refused:
            return False
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        return True

    async def drop(self, key: str, *, version: int | None = None) -> bool:
        """Whether `version` was the one there was; it is gone. Without one it is gone in any case."""
        try:
            await self._entries.drop_entry(self._kind, key, version=version)
        except Refused:
            return False
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        return True

    async def page(self, *, prefix: str = "", after: str = "", limit: int = PAGE) -> list[Kept[T]]:
        try:
            found = await self._entries.entries(self._kind, prefix=prefix, after=after, limit=limit)
            return [Kept(entry.key, self._decoder.decode(entry.value), entry.version) for entry in found]
        except msgspec.MsgspecError as error:
            raise Unavailable("the store holds what cannot be read") from error
        except Failed as error:
            raise Unavailable("the store does not answer") from error

    async def all(self, *, prefix: str = "", after: str = "") -> list[Kept[T]]:
        """For ranges with few entries: they all come at once."""
        found: list[Kept[T]] = []
        while True:
            page = await self.page(prefix=prefix, after=found[-1].key if found else after)
            found += page
            if len(page) < PAGE:
                return found
