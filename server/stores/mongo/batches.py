"""Batches, newest values and marks, as documents. Methods run inside `Link.in_time` and raise `Failed`."""

import secrets
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from pymongo import ASCENDING, UpdateOne

from server.model.telemetry import Heard
from server.stores import Failed
from server.stores.columns import Body, unpack
from server.stores.mongo.failures import Duplicate
from server.stores.mongo.link import Document, Link
from server.stores.mongo.schema import upsert
from server.stores.telemetry import MARK_EVERY, Batch, Kept

PAGE = 500
MOST_ROUNDS = 5
"""Tries to write batches while others write the same ones."""


class Batches:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._batches = link.collection("batches")
        self._newest = link.collection("newest")
        self._boots = link.collection("boots")

    # -- keeping

    async def keep(self, batches: Sequence[Batch], by: str) -> list[Kept]:
        """`by`: a name for this call."""
        ids = [_id(batch) for batch in batches]
        wanted: dict[str, Batch] = {}
        for key, batch in zip(ids, batches, strict=True):
            wanted.setdefault(key, batch)
        there = await self._there([key for key, batch in wanted.items() if 0 < batch.seq <= batch.mark])
        passed = {key for key, batch in wanted.items() if 0 < batch.seq <= batch.mark and key not in there}
        there |= await self._insert(
            {key: batch for key, batch in wanted.items() if key not in there and key not in passed}, by
        )
        await self._mark([batch for key, batch in wanted.items() if key in there])
        kept: list[Kept] = []
        counted: set[str] = set()
        for key, batch in zip(ids, batches, strict=True):
            fate = _fate(there.get(key), batch, by, first=key not in counted)
            if fate.fate == "known" and key in counted and batch.digest != wanted[key].digest:
                fate = Kept("taken")
            kept.append(fate)
            counted.add(key)
        return kept

    async def _insert(self, wanted: dict[str, Batch], by: str) -> dict[str, Document | None]:
        """Write those that are not there. What then is there: None stands for "ours"."""
        written: dict[str, Document | None] = {}
        missing = dict(wanted)
        for _ in range(MOST_ROUNDS):
            if not missing:
                return written
            documents = [_document(key, batch, by) for key, batch in missing.items()]
            try:
                await self._link.call(
                    self._link.appends, partial(self._batches.insert_many, documents, ordered=False)
                )
            except Duplicate:
                found = await self._there(list(missing))
                written |= found
                missing = {key: batch for key, batch in missing.items() if key not in found}
                continue
            return written | dict.fromkeys(missing)
        raise Failed(f"{self._link.server}: others write the same batches all the time")

    async def _there(self, ids: Sequence[str]) -> dict[str, Document | None]:
        if not ids:
            return {}
        fields = {"digest": 1, "rejected": 1, "by": 1}
        found = await self.find(self._batches, {"_id": {"$in": list(ids)}}, fields)
        return {document["_id"]: document for document in found}

    async def _mark(self, batches: Sequence[Batch]) -> None:
        """Before anybody is told: what comes after may be dropped one day."""
        marks: dict[tuple[str, str, str], int] = {}
        for batch in batches:
            if batch.mark and batch.seq % MARK_EVERY == 0:
                key = batch.board, batch.device, batch.boot
                marks[key] = max(batch.mark, marks.get(key, 0))
        await self._raise_marks(marks)

    async def _raise_marks(self, marks: dict[tuple[str, str, str], int]) -> None:
        for (board, device, boot), mark in marks.items():
            which = {"_id": f"{board}/{device}/{boot}", "board": board, "device": device}
            await upsert(self._link, self._boots, which, {"$max": {"mark": mark}})

    async def note(self, batches: Sequence[Batch]) -> None:
        """Write the newest values of stored batches; where there are newer ones only when they came."""
        newest: dict[str, Document] = {}
        for batch in batches:
            for metric, (t, v) in batch.newest.items():
                key = f"{batch.board}/{batch.device}/{metric}"
                before = newest.get(key)
                if before is None or t >= before["t"]:
                    newest[key] = {"board": batch.board, "device": batch.device, "metric": metric}
                    newest[key] |= {"_id": key, "t": t, "v": v, "at": batch.at}
        await self.write_newest(list(newest.values()))

    async def write_newest(self, documents: Sequence[Document]) -> None:
        updates: list[UpdateOne] = []
        for document in documents:
            which = {"_id": document["_id"], "board": document["board"]}
            rest = {key: value for key, value in document.items() if key not in which and key != "at"}
            updates.append(
                UpdateOne(which, {"$setOnInsert": rest, "$max": {"at": document["at"]}}, upsert=True)
            )
            newer = {"t": document["t"], "v": document["v"]}
            updates.append(UpdateOne({**which, "t": {"$lte": document["t"]}}, {"$set": newer}))
        if not updates:
            return
        send = partial(self._newest.bulk_write, updates, ordered=True)
        try:
            await self._link.call(self._link.appends, send)
        except Duplicate:  # another instance inserts the same
            await self._link.call(self._link.appends, send)

    # -- reading

    async def find(
        self, collection: Any, which: Document, fields: Document | None = None, **options: Any
    ) -> list[Document]:
        found: list[Document] = await self._link.call(
            self._link.loads,
            lambda: collection.find(which, fields, batch_size=PAGE, **options).to_list(None),
        )
        return found

    async def settled(self, board: str, device: str, boot: str) -> int:
        row = await self._link.call(
            self._link.lookups, lambda: self._boots.find_one({"_id": f"{board}/{device}/{boot}"})
        )
        mark = 0 if row is None else int(row["mark"])
        while True:
            which = {"board": board, "device": device, "boot": boot, "seq": {"$gt": mark}}
            order = [("board", ASCENDING), ("device", ASCENDING), ("boot", ASCENDING), ("seq", ASCENDING)]
            found = await self.find(self._batches, which, {"seq": 1}, sort=order, limit=PAGE)
            for document in found:
                if document["seq"] != mark + 1:
                    return mark
                mark += 1
            if len(found) < PAGE:
                return mark

    async def newest(self, board: str, devices: Collection[str] | None) -> list[Heard]:
        which: Document = {"board": board}
        if devices is not None:
            which["device"] = {"$in": list(devices)}
        found = await self.find(self._newest, which)
        # plain numbers: BSON's 64 bit ones are of a class of their own, which nothing else can encode
        heard = [
            Heard(d["device"], d["metric"], int(d["t"]), float(d["v"]), int(d["at"]))
            for d in found
            if "t" in d
        ]
        return sorted(heard, key=lambda one: (one.device, one.metric))

    async def count(self, board: str, device: str, start: int, end: int) -> int:
        found = await self.find(self._batches, overlapping(board, device, start, end), {"points": 1})
        return sum(document["points"] for document in found)

    async def bodies(self, which: Document) -> list[Body]:
        """Of the batches, in order of coming."""
        found = await self.find(self._batches, which, {"body": 1, "at": 1})
        found.sort(key=lambda document: (document["at"], document["_id"]))
        return unpack(",".join(document["body"] for document in found).encode())

    async def by_last(self, which: Document, limit: int) -> list[Document]:
        """The first `limit` batches that end, in order: `last` and `points`."""
        order = [("board", ASCENDING), ("device", ASCENDING), ("last", ASCENDING)]
        return await self.find(self._batches, which, {"last": 1, "points": 1}, sort=order, limit=limit)

    async def fresh(self, which: Document, limit: int = 0) -> list[Document]:
        """Those whose minutes are to be made: `minutes` and `points`; with a `limit` the oldest first."""
        fields = {"board": 1, "device": 1, "minutes": 1, "points": 1}
        return await self.find(
            self._batches, which, fields, sort=[("stale", ASCENDING)] if limit else None, limit=limit
        )

    async def rolled(self, ids: Sequence[str]) -> None:
        change = {"$unset": {"stale": "", "minutes": ""}}
        await self._link.call(
            self._link.loads, lambda: self._batches.update_many({"_id": {"$in": list(ids)}}, change)
        )

    # -- dropping

    async def drop(self, which: Document, limit: int) -> int:
        fields = {"board": 1, "device": 1, "boot": 1, "seq": 1}
        found = await self.find(self._batches, which, fields, limit=limit)
        marks: dict[tuple[str, str, str], int] = {}
        for document in found:
            if document["seq"]:
                key = document["board"], document["device"], document["boot"]
                marks[key] = max(document["seq"], marks.get(key, 0))
        await self._raise_marks(marks)
        ids = [document["_id"] for document in found]
        if ids:
            await self._link.call(self._link.loads, lambda: self._batches.delete_many({"_id": {"$in": ids}}))
        return len(ids)


def overlapping(board: str, device: str, start: int, end: int) -> Document:
    """Batches that may have points from `start` on and before `end`."""
    return {"board": board, "device": device, "last": {"$gte": start}, "first": {"$lt": end}}


def _id(batch: Batch) -> str:
    number = f"{batch.seq:016d}" if batch.boot else secrets.token_hex(12)
    return f"{batch.board}/{batch.device}/{batch.boot}/{number}"


def _document(key: str, batch: Batch, by: str) -> Document:
    document: Document = {
        "_id": key,
        "board": batch.board,
        "device": batch.device,
        "boot": batch.boot,
        "seq": batch.seq,
        "digest": batch.digest,
        "at": batch.at,
        "first": batch.first,
        "last": batch.last,
        "points": batch.count,
        "body": batch.body,
        "rejected": batch.rejected,
        "by": by,
    }
    if batch.count:
        document |= {"stale": batch.at, "minutes": batch.minutes}
    return document


def _fate(found: Document | None, batch: Batch, by: str, *, first: bool) -> Kept:
    """`found`: what stands under its number; None: ours, or one below the mark that is gone."""
    if found is None:
        gone = 0 < batch.seq <= batch.mark
        return Kept("known") if gone or not first else Kept("stored")
    if bytes(found["digest"]) != batch.digest:
        return Kept("taken")
    if found["by"] == by and first:
        return Kept("stored")
    return Kept("known", bytes(found["rejected"]))
