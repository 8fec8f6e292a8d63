"""`MongoTelemetry`: the `TelemetryStore` protocol on a MongoDB that several instances share.

The collections (their indexes are in `schema`):

`batches`   `_id` "<board>/<device>/<boot>/<seq, 16 digits>", random in the end when there is no number;
            `board`, `device`, `boot`, `seq`, `digest`, `at`, `first`, `last`, `points`, `body` (see
            `stores.columns`), `rejected`, `by` (random, of the call that wrote it); until its minutes are
            made `stale` (as `at`) and `minutes` (numbers since 1970) `newest`    `_id`
            "<board>/<device>/<metric>", `board`, `device`, `metric`, `t`, `v`, `at` `minutes`   `_id`
            "<board>/<device>/<metric>/<hour>", `board`, `device`, `metric`, `hour`, `rev`, `body` `hours`
            the same with `day` `boots`     `_id` "<board>/<device>/<boot>", `board`, `device`, `mark`

What holds it together, without a transaction:

1. A batch and the note that it is not in the rollups yet are one document. A duplicate key proves that
   nothing was written of it; which of several that were sent at once were written tells `by`.
2. A document of minutes is read (`rev`), then the batches, then it is replaced if it still has that `rev`;
   else all of that is done again. Two instances that make the same minutes come to the same, since the one
   that wrote in the face of the other's `rev` has to look again. Hours: the same, from the minutes.
3. `stale` is taken away last, from exactly those batches that were read. Whoever dies before leaves it.
4. Newest values are written after the batch. When that fails the next batch of the metric mends it.
"""

import logging
import secrets
from collections.abc import Collection, Sequence

from server.model.telemetry import Bucket, Heard
from server.stores import Failed
from server.stores.mongo import series
from server.stores.mongo.batches import Batches
from server.stores.mongo.link import Link
from server.stores.mongo.series import Series
from server.stores.telemetry import Batch, Kept, Raw, Retention, Step

log = logging.getLogger(__name__)


class MongoTelemetry:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._batches = Batches(link)
        self._series = Series(link, self._batches)

    async def keep(self, batches: Sequence[Batch]) -> list[Kept]:
        if not batches:
            return []
        async with self._link.in_time():
            kept = await self._batches.keep(batches, secrets.token_hex(8))
        stored = [batch for batch, one in zip(batches, kept, strict=True) if one.fate == "stored"]
        try:
            async with self._link.in_time():
                await self._batches.note(stored)
        except Failed as error:
            log.info("newest values are late: %s", error)
        return kept

    async def settled(self, board: str, device: str, boot: str) -> int:
        async with self._link.in_time():
            return await self._batches.settled(board, device, boot)

    async def newest(self, board: str, devices: Collection[str] | None = None) -> list[Heard]:
        async with self._link.in_time():
            return await self._batches.newest(board, devices)

    async def count(self, board: str, device: str, start: int, end: int) -> int:
        async with self._link.in_time():
            return await self._batches.count(board, device, start, end)

    async def raw(self, board: str, device: str, metric: str, start: int, end: int, limit: int) -> Raw:
        async with self._link.in_time():
            return await self._series.raw(series.Of(board, device, metric), start, end, limit)

    async def buckets(
        self, board: str, device: str, metric: str, start: int, end: int, step: Step
    ) -> list[Bucket]:
        if start >= end:
            return []
        of = series.Of(board, device, metric)
        async with self._link.in_time():
            if step == "minute":
                found = await self._series.minutes(of, start, end)
            else:
                found = await self._series.hours(of, start, end)
        return [found[t] for t in sorted(found) if start <= t < end]

    async def roll(self, before: int, limit: int) -> int:
        async with self._link.in_time():
            return await self._series.roll(before, limit)

    async def drop(self, retention: Retention, limit: int) -> int:
        async with self._link.in_time():
            batches = await self._batches.drop({"last": {"$lt": retention.raw}, "stale": None}, limit)
        async with self._link.in_time():
            return batches + await self._series.drop(retention, limit)

    async def forget(self, board: str, device: str, limit: int) -> int:
        which = {"board": board, "device": device}
        async with self._link.in_time():
            dropped = await self._batches.drop(which, limit)
            if dropped < limit:
                await self._series.forget(which)
        return dropped
