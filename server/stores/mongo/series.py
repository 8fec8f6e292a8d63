"""Points, minutes and hours of one metric; how minutes and hours are made. Inside `Link.in_time`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from msgspec import Struct

from server.model.telemetry import Bucket
from server.stores import Failed, rollup
from server.stores.columns import pack_buckets, unpack_buckets
from server.stores.mongo.batches import Batches, overlapping
from server.stores.mongo.failures import Duplicate
from server.stores.mongo.link import Document, Link
from server.stores.telemetry import DAY_MS, HOUR_MS, MINUTE_MS, Raw, Retention, cut

MOST_ROUNDS = 10
"""Tries to replace a document that others replace, too."""
POINTS_AT_ONCE = 100_000
"""Read for one step of `roll`, about."""
AN_HOUR = HOUR_MS // MINUTE_MS
Table = Literal["minutes", "hours"]
UNITS: Mapping[Table, tuple[str, int, int]] = {
    "minutes": ("hour", HOUR_MS, MINUTE_MS),
    "hours": ("day", DAY_MS, HOUR_MS),
}
"""Collection → the field that counts its documents, how long one is, and each bucket in it."""


class Of(Struct, frozen=True):
    """One metric of one device."""

    board: str
    device: str
    metric: str


class Chunk(Struct):
    """A document of buckets, by number since 1970. `rev` 0: there is none yet."""

    rev: int
    buckets: dict[int, Bucket]


class Series:
    def __init__(self, link: Link, batches: Batches) -> None:
        self._link = link
        self._batches = batches
        self._tables = {"minutes": link.collection("minutes"), "hours": link.collection("hours")}

    # -- reading

    async def raw(self, of: Of, start: int, end: int, limit: int) -> Raw:
        """See `TelemetryStore.raw`."""
        ts: list[int] = []
        vs: list[float] = []
        while len(ts) < limit and start < end:
            reach, more = await self._reach(of, start, end, limit - len(ts))
            found = await self._points(of, start, reach)
            ts += found[0]
            vs += found[1]
            start = reach
            if not more:
                break
        return cut(ts, vs, limit, more=start < end)

    async def _reach(self, of: Of, start: int, end: int, wanted: int) -> tuple[int, bool]:
        """A time before which there are about `wanted` points, and whether there are batches behind it."""
        which = overlapping(of.board, of.device, start, end)
        page, points = min(wanted, 2000), 0
        found = await self._batches.by_last(which, page)
        for document in found:
            points += document["points"]
            if points >= wanted:
                last = int(document["last"])
                return min(last + 1, end), last + 1 < end
        if len(found) < page:
            return end, False
        return min(found[-1]["last"] + 1, end), True

    async def _points(self, of: Of, start: int, end: int) -> rollup.Points:
        bodies = await self._batches.bodies(overlapping(of.board, of.device, start, end))
        return rollup.of_metric(bodies, of.metric, start, end)

    async def minutes(self, of: Of, start: int, end: int) -> dict[int, Bucket]:
        """By time; whole hours, and more than was asked for."""
        found = await self._chunks("minutes", of, start, end)
        stale = await self._stale(of, start, end)
        if stale:
            ts, vs = await self._points(of, stale[0] * MINUTE_MS, (stale[-1] + 1) * MINUTE_MS)
            found |= {bucket.t: bucket for bucket in rollup.minutes_of(ts, vs, stale).values()}
        return found

    async def hours(self, of: Of, start: int, end: int) -> dict[int, Bucket]:
        """By time; whole days, and more than was asked for."""
        found = await self._chunks("hours", of, start, end)
        stale = await self._stale(of, start // HOUR_MS * HOUR_MS, -(-end // HOUR_MS) * HOUR_MS)
        hours = sorted({minute // AN_HOUR for minute in stale})
        if hours:
            minutes = await self.minutes(of, hours[0] * HOUR_MS, (hours[-1] + 1) * HOUR_MS)
            for hour in hours:
                times = range(hour * HOUR_MS, (hour + 1) * HOUR_MS, MINUTE_MS)
                if parts := [minutes[t] for t in times if t in minutes]:
                    found[hour * HOUR_MS] = rollup.joined(hour * HOUR_MS, parts)
        return found

    async def _stale(self, of: Of, start: int, end: int) -> list[int]:
        which = {"board": of.board, "device": of.device, "stale": {"$gt": 0}}
        fresh = await self._batches.fresh(which)
        first, last = start // MINUTE_MS, (end - 1) // MINUTE_MS
        minutes: set[int] = set()
        for document in fresh:
            minutes.update(minute for minute in document["minutes"] if first <= minute <= last)
        return sorted(minutes)

    async def _chunks(self, table: Table, of: Of, start: int, end: int) -> dict[int, Bucket]:
        unit, length, _ = UNITS[table]
        which = {"board": of.board, "device": of.device, "metric": of.metric}
        reach = {unit: {"$gte": start // length, "$lte": (end - 1) // length}}
        found = await self._batches.find(self._tables[table], which | reach, {"body": 1})
        bodies = ",".join(document["body"] for document in found)
        return {bucket.t: bucket for bucket in unpack_buckets(bodies.encode())}

    # -- making

    async def roll(self, before: int, limit: int) -> int:
        """See `TelemetryStore.roll`. Of one device at a time; as many batches as are read in one go."""
        oldest = await self._batches.fresh({"stale": {"$gt": 0, "$lt": before}}, 1)
        if not oldest:
            return 0
        board, device = oldest[0]["board"], oldest[0]["device"]
        which = {"board": board, "device": device, "stale": {"$gt": 0, "$lt": before}}
        fresh = _as_many(await self._batches.fresh(which, limit))
        minutes = sorted({minute for document in fresh for minute in document["minutes"]})
        for hour in sorted({minute // AN_HOUR for minute in minutes}):
            await self._make_hour(board, device, [m for m in minutes if m // AN_HOUR == hour])
        await self._batches.rolled([document["_id"] for document in fresh])
        return len(fresh)

    async def _make_hour(self, board: str, device: str, minutes: Sequence[int]) -> None:
        """Minutes of one hour, of all metrics that have points in them."""
        start, end = minutes[0] * MINUTE_MS, (minutes[-1] + 1) * MINUTE_MS
        which = overlapping(board, device, start, end)
        metrics = rollup.points_of(await self._batches.bodies(which), start, end)
        for metric in metrics:
            of, hour = Of(board, device, metric), minutes[0] // AN_HOUR
            await self._replace("minutes", of, hour, partial(self._made, of, minutes))
            day = hour * HOUR_MS // DAY_MS
            await self._replace("hours", of, day, partial(self._made_hour, of, hour))

    async def _made(self, of: Of, minutes: Sequence[int]) -> dict[int, Bucket]:
        start, end = minutes[0] * MINUTE_MS, (minutes[-1] + 1) * MINUTE_MS
        return rollup.minutes_of(*await self._points(of, start, end), minutes)

    async def _made_hour(self, of: Of, hour: int) -> dict[int, Bucket]:
        chunk = await self._read("minutes", of, hour)
        parts = [chunk.buckets[key] for key in sorted(chunk.buckets)]
        return {hour: rollup.joined(hour * HOUR_MS, parts)} if parts else {}

    async def _replace(
        self, table: Table, of: Of, number: int, make: Callable[[], Awaitable[dict[int, Bucket]]]
    ) -> None:
        """Read the document, then make what belongs into it, then replace it, unless somebody else has."""
        for _ in range(MOST_ROUNDS):
            chunk = await self._read(table, of, number)
            made = await make()
            if not made or await self._write(table, of, number, Chunk(chunk.rev, chunk.buckets | made)):
                return
        raise Failed(f"{self._link.server}: others write the {table} of {of.device} all the time")

    async def _read(self, table: Table, of: Of, number: int) -> Chunk:
        collection, key = self._tables[table], _key(of, number)
        found = await self._link.call(self._link.loads, lambda: collection.find_one({"_id": key}))
        if found is None:
            return Chunk(0, {})
        length = UNITS[table][2]
        return Chunk(found["rev"], {b.t // length: b for b in unpack_buckets(found["body"].encode())})

    async def _write(self, table: Table, of: Of, number: int, chunk: Chunk) -> bool:
        """Whether nobody has written it since it was read."""
        collection, key, link = self._tables[table], _key(of, number), self._link
        document: Document = {
            "_id": key,
            "board": of.board,
            "device": of.device,
            "metric": of.metric,
            UNITS[table][0]: number,
            "rev": chunk.rev + 1,
            "body": pack_buckets(chunk.buckets[key] for key in sorted(chunk.buckets)),
        }
        if chunk.rev == 0:
            try:
                await link.call(link.loads, lambda: collection.insert_one(document))
            except Duplicate:
                return False
            return True
        which = {"_id": key, "board": of.board, "rev": chunk.rev}
        written = await link.call(link.loads, lambda: collection.replace_one(which, document))
        return bool(written.matched_count)

    # -- dropping

    async def drop(self, retention: Retention, limit: int) -> int:
        before = {"minutes": retention.minutes, "hours": retention.hours}
        count = 0
        for table, (unit, length, _) in UNITS.items():
            collection = self._tables[table]
            which = {unit: {"$lt": before[table] // length}}
            found = await self._batches.find(collection, which, {"_id": 1}, limit=limit)
            if found:
                gone = {"_id": {"$in": [document["_id"] for document in found]}}
                await self._link.call(self._link.loads, partial(collection.delete_many, gone))
            count += len(found)
        return count

    async def forget(self, which: Document) -> None:
        for name in ("minutes", "hours", "newest", "boots"):
            collection = self._link.collection(name)
            await self._link.call(self._link.loads, partial(collection.delete_many, which))


def _key(of: Of, number: int) -> str:
    return f"{of.board}/{of.device}/{of.metric}/{number}"


def _as_many(documents: Sequence[Document]) -> Sequence[Document]:
    """The first ones, about as many as are read in one go."""
    points = 0
    for place, document in enumerate(documents):
        points += document["points"]
        if points >= POINTS_AT_ONCE:
            return documents[: place + 1]
    return documents
