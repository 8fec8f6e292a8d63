"""What `roll` reads and makes of it, on a reader's connection, inside one moment of the database."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from server.model.telemetry import Bucket
from server.stores import rollup
from server.stores.columns import Body, pack_buckets, unpack, unpack_buckets
from server.stores.sqlite.appends import Row

MINUTE_MS = 60_000
AN_HOUR = 60
"""In minutes."""
A_DAY = 24
"""In hours."""

_BODIES = """select cast(group_concat(body) as blob) from (select body from batches
    where source = ? and last >= ? and first < ? order by id)"""
_CHUNK = "select cast(body as blob) from {table} where source = ? and metric = ? and {unit} = ?"
Chunks = dict[tuple[str, int], dict[int, Bucket]]
"""Metric and number of the hour (day) → its minutes (hours), by number since 1970."""


class Rolled(Struct, frozen=True):
    """Rows to be written, and those of `stale` (source, minute, rev) that are fresh with them."""

    minutes: Sequence[Row]
    hours: Sequence[Row]
    done: Sequence[tuple[int, int, int]]


def bodies(connection: sqlite3.Connection, source: int, start: int, end: int) -> list[Body]:
    """Of the batches that may have points from `start` on and before `end`."""
    (found,) = connection.execute(_BODIES, (source, start, end)).fetchone()
    return [] if found is None else unpack(found)


def next_stale(connection: sqlite3.Connection, before: int, limit: int) -> list[tuple[int, int, int]]:
    """(source, minute, rev) of one source, near each other in time; none: nothing is stale for so long."""
    oldest = connection.execute(
        "select source, minute from stale where at < ? order by at limit 1", (before,)
    ).fetchone()
    if oldest is None:
        return []
    source, minute = oldest
    hour = minute // AN_HOUR * AN_HOUR
    return connection.execute(
        """select source, minute, rev from stale where source = ? and minute between ? and ? and at < ?
        order by minute limit ?""",
        (source, hour, hour + AN_HOUR - 1, before, limit),
    ).fetchall()


def roll(connection: sqlite3.Connection, before: int, limit: int) -> Rolled | None:
    """The next minutes of one device and hour; None when nothing is stale since before `before`."""
    connection.execute("begin")
    try:
        stale = next_stale(connection, before, limit)
        if not stale:
            return None
        source = stale[0][0]
        made = made_minutes(connection, source, [minute for _, minute, _ in stale])
        chunks = with_made(connection, source, made)
        minutes = [(source, *key, pack_buckets(_sorted(chunk))) for key, chunk in chunks.items()]
        days = hours_with(connection, source, chunks)
        hours = [(source, *key, pack_buckets(_sorted(chunk))) for key, chunk in days.items()]
        return Rolled(minutes, hours, stale)
    finally:
        connection.execute("rollback")


def _sorted(chunk: Mapping[int, Bucket]) -> Iterable[Bucket]:
    return (chunk[key] for key in sorted(chunk))


def made_minutes(
    connection: sqlite3.Connection, source: int, minutes: Sequence[int], metric: str | None = None
) -> dict[str, dict[int, Bucket]]:
    """Metric → number of the minute → what it is, made from batches. `minutes`: in order, at least one."""
    start, end = minutes[0] * MINUTE_MS, (minutes[-1] + 1) * MINUTE_MS
    found = bodies(connection, source, start, end)
    if metric is None:
        points = rollup.points_of(found, start, end)
    else:
        points = {metric: rollup.of_metric(found, metric, start, end)}
    return {name: rollup.minutes_of(ts, vs, minutes) for name, (ts, vs) in points.items()}


def with_made(
    connection: sqlite3.Connection, source: int, made: Mapping[str, Mapping[int, Bucket]]
) -> Chunks:
    """The hours that `made` belongs to, all their minutes."""
    chunks: Chunks = {}
    for metric, minutes in made.items():
        for minute, bucket in minutes.items():
            key = metric, minute // AN_HOUR
            if key not in chunks:
                chunks[key] = _read(connection, "minutes", "hour", source, key, MINUTE_MS)
            chunks[key][minute] = bucket
    return chunks


def hours_with(connection: sqlite3.Connection, source: int, chunks: Chunks) -> Chunks:
    """The days that the hours `chunks` belong to, all their hours."""
    days: Chunks = {}
    for (metric, hour), minutes in chunks.items():
        key = metric, hour // A_DAY
        if key not in days:
            days[key] = _read(connection, "hours", "day", source, key, AN_HOUR * MINUTE_MS)
        days[key][hour] = rollup.joined(hour * AN_HOUR * MINUTE_MS, list(_sorted(minutes)))
    return days


def _read(
    connection: sqlite3.Connection, table: str, unit: str, source: int, key: tuple[str, int], length: int
) -> dict[int, Bucket]:
    row = connection.execute(_CHUNK.format(table=table, unit=unit), (source, *key)).fetchone()
    return {} if row is None else {bucket.t // length: bucket for bucket in unpack_buckets(row[0])}
