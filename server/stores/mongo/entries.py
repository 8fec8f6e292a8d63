"""The documents of `entries`: one each, found by kind and key."""

from msgspec import Struct
from pymongo import ASCENDING

from server.stores import Failed, Refused
from server.stores.entries import Entry
from server.stores.mongo.failures import Duplicate
from server.stores.mongo.link import Document, Link

_AFTER_ALL = "\x7f"
"""Comes after every character of a key."""


class Drawer(Struct, frozen=True):
    """Methods run inside `Link.in_time` and raise `Failed`."""

    link: Link

    async def find(self, kind: str, key: str) -> Entry | None:
        collection = self.link.collection("entries")
        found = await self.link.call(self.link.lookups, lambda: collection.find_one(_which(kind, key)))
        return None if found is None else _entry(found)

    async def find_all(self, kind: str, prefix: str, after: str, skip: int, limit: int) -> list[Entry]:
        collection = self.link.collection("entries")
        key: Document = {"$gte": prefix, "$lt": prefix + _AFTER_ALL}
        if after >= prefix:
            key = {"$gt": after, "$lt": prefix + _AFTER_ALL}
        cursor = collection.find({"kind": kind, "key": key}, skip=skip, limit=limit).sort(
            [("kind", ASCENDING), ("key", ASCENDING)]
        )
        return [
            _entry(document)
            for document in await self.link.call(self.link.loads, lambda: cursor.to_list(None))
        ]

    async def count(self, kind: str, prefix: str) -> int:
        collection = self.link.collection("entries")
        which = {"kind": kind, "key": {"$gte": prefix, "$lt": prefix + _AFTER_ALL}}
        return int(await self.link.call(self.link.loads, lambda: collection.count_documents(which)))

    async def put(self, kind: str, entry: Entry, expected: int) -> None:
        """Raises `Refused` when the entry has another version than `expected`."""
        collection, which = self.link.collection("entries"), _which(kind, entry.key)
        body = {"value": entry.value, "version": entry.version, "expires_at": entry.expires_at}
        refusal = Refused(f"{kind} {entry.key}: not version {expected} any more")
        if expected == 0:
            try:
                await self.link.call(self.link.lookups, lambda: collection.insert_one({**which, **body}))
            except Duplicate:
                raise refusal from None
            return
        which["version"] = expected
        done = await self.link.call(self.link.lookups, lambda: collection.update_one(which, {"$set": body}))
        if done.matched_count != 1:
            raise refusal

    async def drop(self, kind: str, key: str, expected: int | None) -> None:
        """Raises `Refused` when the entry has another version than `expected`."""
        collection, which = self.link.collection("entries"), _which(kind, key)
        if expected is not None:
            which["version"] = expected
        done = await self.link.call(self.link.lookups, lambda: collection.delete_one(which))
        if expected is not None and done.deleted_count != 1:
            raise Refused(f"{kind} {key}: not version {expected} any more")

    async def drop_expired(self, now_ms: int) -> None:
        collection = self.link.collection("entries")
        which = {"expires_at": {"$lte": now_ms}}
        await self.link.call(self.link.loads, lambda: collection.delete_many(which))


def _which(kind: str, key: str) -> Document:
    return {"_id": f"{kind}/{key}", "kind": kind, "key": key}


def _entry(document: Document) -> Entry:
    try:
        value = bytes(document["value"])
        return Entry(document["key"], value, document["version"], document.get("expires_at"))
    except (KeyError, TypeError) as error:
        raise Failed(f"the entry {document.get('_id')} is unreadable; restore a copy: {error}") from error
