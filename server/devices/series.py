"""A series for a chart: from points, minutes or hours, whichever fits the number of points asked for.

It ends with a *position*: all points of the metric up to that time are in it, and none later. Who goes on
with live values from there on has neither a gap nor an overlap. Therefore the end is not taken from rollups,
which may know of later points already: whole hours and minutes before the position come from rollups, the
rest from the points themselves.
"""

from math import ceil

from msgspec import Struct

from server.model.telemetry import Bucket, Heard
from server.stores import rollup
from server.stores.telemetry import HOUR_MS, MINUTE_MS, TelemetryStore

MOST_RAW = 100_000
"""Points that are read for one series; past it minutes are."""


class Asked(Struct, frozen=True, kw_only=True):
    """`start`, `end`: milliseconds, `end` exclusive; `points`: at most so many. `raw_since`: how far back
    there are points; before that there are rollups alone.
    """

    board: str
    device: str
    metric: str
    start: int
    end: int
    points: int
    raw_since: int


class Series(Struct, frozen=True):
    """`resolution_ms`: how long each bucket is; 0: they are points. `position`: see above; None: no
    points.
    """

    resolution_ms: int
    points: list[Bucket]
    position: int | None


async def newest_of(store: TelemetryStore, board: str, device: str, metric: str) -> Heard | None:
    """The newest value of a metric; None: there is none. Raises `Failed`."""
    heard = await store.newest(board, [device])
    return next((one for one in heard if one.metric == metric), None)


async def series(store: TelemetryStore, asked: Asked, newest: Heard | None) -> Series:
    """`newest`: as it was before the series is read. Raises `Failed`."""
    if newest is None or asked.start >= asked.end:
        return Series(0, [], None)
    position = min(newest.t, asked.end - 1)
    width = _width(asked, 1)
    if width < MINUTE_MS and asked.start >= asked.raw_since and await _few(store, asked):
        return await _points(store, asked, position, width)
    base = HOUR_MS if width >= HOUR_MS else MINUTE_MS
    width = _width(asked, base)
    parts = await _buckets(store, asked, position, base)
    return Series(width, rollup.grouped(parts, width), position)


def _width(asked: Asked, base: int) -> int:
    """How wide buckets are, in multiples of `base`, so that no more than `points` of them, whose edges lie at
    multiples of their width, touch the range.
    """
    width = ceil((asked.end - asked.start) / asked.points / base) * base
    while (asked.end - 1) // width - asked.start // width >= asked.points:
        width = max(width + base, ceil(width * 1.05 / base) * base)
    return width


async def _few(store: TelemetryStore, asked: Asked) -> bool:
    return await store.count(asked.board, asked.device, asked.start, asked.end) <= MOST_RAW


async def _points(store: TelemetryStore, asked: Asked, position: int, width: int) -> Series:
    points = await _raw(store, asked, asked.start, position + 1)
    if len(points) <= asked.points:
        return Series(0, points, position)
    return Series(width, rollup.grouped(points, width), position)


async def _raw(store: TelemetryStore, asked: Asked, start: int, end: int) -> list[Bucket]:
    """Points as buckets of their own."""
    found: list[Bucket] = []
    while start < end:
        page = await store.raw(asked.board, asked.device, asked.metric, start, end, MOST_RAW)
        found += [Bucket(t, v, v, v, 1, v) for t, v in zip(page.t, page.v, strict=True)]
        if not page.more:
            break
        start = page.t[-1] + 1
    return found


async def _buckets(store: TelemetryStore, asked: Asked, position: int, base: int) -> list[Bucket]:
    """Hours, minutes, and the points of the last minute, of all that is not later than `position`."""
    of = (asked.board, asked.device, asked.metric)
    start = asked.start // base * base
    hour = position // HOUR_MS * HOUR_MS if base == HOUR_MS else start
    minute = position // MINUTE_MS * MINUTE_MS
    parts = await store.buckets(*of, start, hour, "hour") if hour > start else []
    if minute > max(hour, start):
        parts += await store.buckets(*of, max(hour, start), minute, "minute")
    tail = await _raw(store, asked, max(minute, start), position + 1)
    if not tail and minute >= start:  # the points are gone, their minute is not
        tail = await store.buckets(*of, minute, minute + 1, "minute")
    return parts + tail
