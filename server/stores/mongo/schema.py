"""The collections' indexes, and what the server is able to do: made and found out at each start."""

import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct

from server.stores import Failed, TooNew
from server.stores.mongo.failures import Duplicate, is_unknown_option
from server.stores.mongo.link import Collection, Document, Lane, Link

log = logging.getLogger(__name__)

VERSION = 1
"""Of the documents' shapes."""

Keys = Sequence[tuple[str, int]]
NAMES: Keys = (("board", 1), ("names", 1))
NEWEST: Keys = (("board", 1), ("last", -1))

UNIQUE: Mapping[str, Sequence[Keys]] = {
    "log": ((("board", 1), ("first", 1)), NEWEST),
    "parts": ((("board", 1), ("append", 1), ("part", 1)),),
    "boards": ((("board", 1),),),
    "tasks": ((("board", 1), ("id", 1)),),
    "comments": ((("board", 1), ("id", 1)),),
    "entries": ((("kind", 1), ("key", 1)),),
    "batches": (),
    "minutes": (),
    "hours": (),
    "newest": (),
    "boots": (),
}
"""What `_id` alone makes unique has none of its own."""
_OF_DEVICE: Keys = (("board", 1), ("device", 1))
OTHERS: Mapping[str, Sequence[Keys]] = {
    "log": ((("board", 1), ("tasks", 1), ("first", 1)),),
    "entries": ((("expires_at", 1),),),
    "batches": (
        (*_OF_DEVICE, ("boot", 1), ("seq", 1)),
        (*_OF_DEVICE, ("last", 1)),
        (*_OF_DEVICE, ("stale", 1)),
        (("stale", 1),),
        (("last", 1),),
    ),
    "minutes": ((*_OF_DEVICE, ("metric", 1), ("hour", 1)), (("hour", 1),)),
    "hours": ((*_OF_DEVICE, ("metric", 1), ("day", 1)), (("day", 1),)),
    "newest": (_OF_DEVICE,),
    "boots": (_OF_DEVICE,),
}


class Abilities(Struct, frozen=True):
    """`unique_names`: a unique index looks into arrays. `grouped`: the heads of many boards in one query."""

    unique_names: bool
    grouped: bool


async def prepare(link: Link) -> Abilities:
    """Make what is missing, check what is there. Raises `Failed` with a reason an operator can act on."""
    await touch(link)
    await _try_majority(link)
    await _check_version(link)
    unique_names = await _looks_into_arrays(link)
    abilities = Abilities(unique_names, unique_names and await _groups(link))
    for collection, indexes in UNIQUE.items():
        others = OTHERS.get(collection, ())
        if collection == "log":
            indexes, others = ([*indexes, NAMES], others) if unique_names else (indexes, [*others, NAMES])
        await _make_indexes(link, collection, indexes, others)
    log.info("%s is ready: %s", link.server, abilities)
    return abilities


async def touch(link: Link) -> None:
    """A write that changes nothing anybody reads: it shows whether one would be taken."""
    meta = link.collection("meta")
    token = secrets.token_hex(8)
    async with link.in_time():
        await upsert(link, meta, {"_id": "ping"}, {"$set": {"by": token}}, link.probes)


async def installation(link: Link) -> str:
    """See `Store.installation`. A copy by mongodump holds the same document, but is another collection, to
    which the server has given another UUID, or is in another database. The hosts tell nothing: not all
    instances need to know the server by the same name.
    """
    meta, which = link.collection("meta"), {"_id": "installation"}
    async with link.in_time():
        await upsert(link, meta, which, {"$setOnInsert": {"value": secrets.token_hex(16)}})
        found = await link.call(link.lookups, lambda: meta.find_one(which))
        uuid = await link.uuid_of("meta")
    if found is None:
        raise Failed(f"{link.server}: meta.installation is gone; start the server again")
    return hashlib.sha256(f"{found['value']} {meta.database.name} {uuid}".encode()).hexdigest()[:16]


async def upsert(
    link: Link, collection: Collection, which: Document, change: Document, lane: Lane | None = None
) -> None:
    """Update the document, or insert it; when another instance inserts it at the same moment, update it.

    `lane`: `link.lookups` when not given.
    """
    lane = lane or link.lookups
    try:
        await link.call(lane, lambda: collection.update_one(which, change, upsert=True))
    except Duplicate:
        await link.call(lane, lambda: collection.update_one(which, change))


async def _try_majority(link: Link) -> None:
    """Whether the server knows how to read what a majority has. One without replicas may not."""
    meta = link.collection("meta")
    async with link.in_time():
        try:
            await link.call(link.lookups, lambda: meta.find_one({"_id": "ping"}))
        except Failed as error:
            if not is_unknown_option(error):
                raise
            log.warning("the server does not know how to read what a majority has: %s", error)
            link.majority = False


async def _check_version(link: Link) -> None:
    meta = link.collection("meta")
    async with link.in_time():
        await upsert(link, meta, {"_id": "schema"}, {"$setOnInsert": {"version": VERSION}})
        await upsert(link, meta, {"_id": "boards"}, {"$setOnInsert": {"value": 0}})
        found = await link.call(link.lookups, lambda: meta.find_one({"_id": "schema"}))
    version = None if found is None else found.get("version")
    if not isinstance(version, int):
        raise Failed(f"{link.server}: meta.schema has no version: the data is damaged, or not of Boardcast")
    if version > VERSION:
        raise TooNew(
            f"{link.server} holds data of version {version}, this program knows up to {VERSION}; run the "
            "newer version of Boardcast, or restore a copy made before the upgrade"
        )


async def _looks_into_arrays(link: Link) -> bool:
    """Whether two documents that share one element of an indexed array collide, as in MongoDB."""
    probe = link.collection("probe")
    await _index(link, "probe", NAMES, unique=True)
    token = secrets.token_hex(8)
    async with link.in_time():
        try:
            for number, names in ((1, ["a", "b"]), (2, ["b", "c"])):
                document = {"_id": f"{token}/{number}", "board": token, "names": names}
                await link.call(link.lookups, partial(probe.insert_one, document))
        except Duplicate:
            return True
        finally:
            await link.call(link.lookups, lambda: probe.delete_many({"board": token}))
    log.warning("the server's unique indexes do not look into arrays: names are asked for before each append")
    return False


async def _groups(link: Link) -> bool:
    entries = link.collection("log")
    async with link.in_time():
        try:
            await link.call(link.lookups, lambda: entries.aggregate(newest_of([])).to_list(None))
        except Failed as error:
            log.warning("the heads of boards are asked for one by one: %s", error)
            return False
    return True


def newest_of(boards: Sequence[str] | None) -> list[Document]:
    """The pipeline for the last number of each board; None: of all. MongoDB skips through `NEWEST` for it."""
    match = [] if boards is None else [{"$match": {"board": {"$in": list(boards)}}}]
    return [
        *match,
        {"$sort": {"board": 1, "last": -1}},
        {"$group": {"_id": "$board", "last": {"$first": "$last"}}},
    ]


async def _make_indexes(link: Link, collection: str, unique: Sequence[Keys], others: Sequence[Keys]) -> None:
    """Make those that are missing, and see that the unique ones are there."""
    there = await _indexes(link, collection)
    missing = [keys for keys in (*unique, *others) if there.get(_fields(keys)) != (keys in unique)]
    for keys in missing:
        await _index(link, collection, keys, unique=keys in unique)
    if missing:
        there = await _indexes(link, collection)
    for keys in unique:
        if not there.get(_fields(keys)):
            raise Failed(f"{link.server}: the collection {collection} has no unique index on {dict(keys)}")


async def _indexes(link: Link, collection: str) -> dict[tuple[str, ...], bool]:
    """The fields of each index, and whether it is unique. nx-27017 does not tell directions."""
    target = link.collection(collection)
    async with link.in_time():
        found = await link.call(link.lookups, target.index_information)
    return {_fields(index["key"]): bool(index.get("unique")) for index in found.values()}


def _fields(keys: Keys) -> tuple[str, ...]:
    return tuple(field for field, _ in keys)


async def _index(link: Link, collection: str, keys: Keys, *, unique: bool) -> None:
    target = link.collection(collection)
    async with link.in_time():
        await link.call(link.lookups, lambda: target.create_index(list(keys), unique=unique))
