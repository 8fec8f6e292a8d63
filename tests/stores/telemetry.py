"""Batches to store, and what becomes of them worked out the plain way."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import fsum

from server.model.telemetry import Bucket
from server.stores import Store
from server.stores.columns import Columns
from server.stores.telemetry import Batch, TelemetryStore
from tests.stores.places import Place

START = 1_700_000_040_000
"""The beginning of a minute, in the middle of an hour."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
EVER = (0, 2**50)
Points = Sequence[tuple[int, float]]


def temp(*points: tuple[int, float]) -> Columns:
    """Points of `temp`; times are after `START`."""
    return {"temp": ([START + t for t, _ in points], [v for _, v in points])}


def batch(
    seq: int, columns: Columns, *, device: str = "d1", boot: str = "boot", digest: bytes = b"", **more: object
) -> Batch:
    """Number `seq` of `boot`, which came at `START` unless `at` says otherwise."""
    given = {"at": START, **more}
    digest = digest or f"{boot}/{seq}".encode()
    return Batch.of("b1", device, columns, boot=boot, seq=seq, digest=digest, **given)  # type: ignore[arg-type]


def flat(columns: Columns, *, device: str = "d1", at: int = START) -> Batch:
    """A batch without a number."""
    return Batch.of("b1", device, columns, at=at)


def expected(points: Points, width: int) -> list[Bucket]:
    """The buckets of all points, whose times are after `START`, made one by one."""
    groups: dict[int, list[tuple[int, float]]] = {}
    for t, v in sorted(points, key=lambda point: point[0]):
        groups.setdefault((START + t) // width * width, []).append((t, v))
    made = []
    for begin, group in sorted(groups.items()):
        values = [v for _, v in group]
        mean = fsum(values) / len(values)
        made.append(Bucket(begin, min(values), mean, max(values), len(values), values[-1]))
    return made


def nearly(found: Sequence[Bucket], wanted: Sequence[Bucket]) -> bool:
    """Equal, but for the last digits of the means."""
    return [rounded(one) for one in found] == [rounded(one) for one in wanted]


def rounded(bucket: Bucket) -> tuple[float, ...]:
    return bucket.t, bucket.min, round(bucket.mean, 9), bucket.max, bucket.n, bucket.last


async def roll_all(store: TelemetryStore, before: int = 2**50) -> int:
    count = 0
    while done := await store.roll(before, 100):
        count += done
    return count


@asynccontextmanager
async def telemetry_of(place: Place) -> AsyncIterator[TelemetryStore]:
    store: Store = place.store()
    await store.start()
    try:
        yield store.telemetry
    finally:
        await store.close()
