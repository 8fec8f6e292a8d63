"""The statements that read telemetry, on a reader's connection. Rows come many to a value, as in `reads`."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import msgspec

from server.model.telemetry import Bucket, Heard
from server.stores import rollup
from server.stores.columns import unpack_buckets
from server.stores.sqlite import rolling
from server.stores.sqlite.rolling import AN_HOUR, MINUTE_MS
from server.stores.telemetry import DAY_MS, HOUR_MS, Raw, Step, cut

PAGE = 512
"""Batches looked at together."""

_encode = msgspec.json.Encoder().encode
_heard = msgspec.json.Decoder(list[tuple[str, str, int, float, int]]).decode
_sources = msgspec.json.Decoder(list[tuple[str, str, int]]).decode

_SETTLED = """select max(seq) from (select seq, row_number() over (order by seq) as place from batches
    where source = ? and boot = ? and seq > ?) where seq = ? + place"""
_NEWEST = """select json_group_array(json_array(device, metric, t, v, at)) from
    (select device, metric, t, v, at from sources s join newest n on n.source = s.source where board = ?
    {these} order by device, metric)
    """
_CHUNKS = """select cast(group_concat(body) as blob) from (select body from {table}
    where source = ? and metric = ? and {unit} between ? and ? order by {unit})"""
_PAGE = """select last, points from batches where source = ? and last >= ? and last > ? and first < ?
    order by last limit ?"""


@contextmanager
def _moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")


def sources_of(
    connection: sqlite3.Connection, devices: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """The numbers of those devices that have one."""
    (found,) = connection.execute(
        """select json_group_array(json_array(board, device, source)) from json_each(?) wanted join sources s
        on s.board = json_extract(wanted.value, '$[0]') and s.device = json_extract(wanted.value, '$[1]')""",
        (_encode(list(devices)).decode(),),
    ).fetchone()
    return {(board, device): source for board, device, source in _sources(found)}


def settled(connection: sqlite3.Connection, source: int, boot: str) -> int:
    """See `TelemetryStore.settled`."""
    with _moment(connection):
        row = connection.execute(
            "select mark from boots where source = ? and boot = ?", (source, boot)
        ).fetchone()
        mark = 0 if row is None else row[0]
        (highest,) = connection.execute(_SETTLED, (source, boot, mark, mark)).fetchone()
    return highest or mark


def newest(connection: sqlite3.Connection, board: str, devices: Collection[str] | None) -> list[Heard]:
    """See `TelemetryStore.newest`."""
    these, values = "", [board]
    if devices is not None:
        these, values = (
            "and device in (select value from json_each(?))",
            [board, _encode(list(devices)).decode()],
        )
    (found,) = connection.execute(_NEWEST.format(these=these), values).fetchone()
    return [Heard(*row) for row in _heard(found)]


def count(connection: sqlite3.Connection, source: int, start: int, end: int) -> int:
    """See `TelemetryStore.count`."""
    (found,) = connection.execute(
        "select sum(points) from batches where source = ? and last >= ? and first < ?", (source, start, end)
    ).fetchone()
    return found or 0


def raw(connection: sqlite3.Connection, source: int, metric: str, start: int, end: int, limit: int) -> Raw:
    """See `TelemetryStore.raw`. All points up to some time are read together, then those after it."""
    ts: list[int] = []
    vs: list[float] = []
    with _moment(connection):
        while len(ts) < limit and start < end:
            reach, more = _reach(connection, source, start, end, limit - len(ts))
            found = rollup.of_metric(rolling.bodies(connection, source, start, reach), metric, start, reach)
            ts += found[0]
            vs += found[1]
            start = reach
            if not more:
                break
    return cut(ts, vs, limit, more=start < end)


def _reach(
    connection: sqlite3.Connection, source: int, start: int, end: int, wanted: int
) -> tuple[int, bool]:
    """A time before which there are about `wanted` points, and whether there are batches behind it."""
    after, points = -1, 0
    while True:
        rows = connection.execute(_PAGE, (source, start, after, end, PAGE)).fetchall()
        for last, held in rows:
            points += held
            if points >= wanted:
                return min(last + 1, end), last + 1 < end
        if len(rows) < PAGE:
            return end, False
        after = rows[-1][0]


def buckets(
    connection: sqlite3.Connection, source: int, metric: str, start: int, end: int, step: Step
) -> list[Bucket]:
    """See `TelemetryStore.buckets`."""
    with _moment(connection):
        if step == "minute":
            found = _minutes(connection, source, metric, start, end)
        else:
            found = _hours(connection, source, metric, start, end)
    return [found[t] for t in sorted(found) if start <= t < end]


def _minutes(
    connection: sqlite3.Connection, source: int, metric: str, start: int, end: int
) -> dict[int, Bucket]:
    found = _chunks(connection, "minutes", "hour", source, metric, (start // HOUR_MS, (end - 1) // HOUR_MS))
    stale = _stale(connection, source, start // MINUTE_MS, (end - 1) // MINUTE_MS)
    if stale:
        made = rolling.made_minutes(connection, source, stale, metric)[metric]
        found |= {bucket.t: bucket for bucket in made.values()}
    return found


def _hours(
    connection: sqlite3.Connection, source: int, metric: str, start: int, end: int
) -> dict[int, Bucket]:
    found = _chunks(connection, "hours", "day", source, metric, (start // DAY_MS, (end - 1) // DAY_MS))
    first, last = start // HOUR_MS, (end - 1) // HOUR_MS
    stale = _stale(connection, source, first * AN_HOUR, (last + 1) * AN_HOUR - 1)
    for hour in sorted({minute // AN_HOUR for minute in stale}):
        minutes = _minutes(connection, source, metric, hour * HOUR_MS, (hour + 1) * HOUR_MS)
        if minutes:
            parts = [minutes[t] for t in sorted(minutes)]
            found[hour * HOUR_MS] = rollup.joined(hour * HOUR_MS, parts)
    return found


def _chunks(
    connection: sqlite3.Connection, table: str, unit: str, source: int, metric: str, reach: tuple[int, int]
) -> dict[int, Bucket]:
    (found,) = connection.execute(_CHUNKS.format(table=table, unit=unit), (source, metric, *reach)).fetchone()
    return {} if found is None else {bucket.t: bucket for bucket in unpack_buckets(found)}


def _stale(connection: sqlite3.Connection, source: int, first: int, last: int) -> list[int]:
    (found,) = connection.execute(
        """select json_group_array(minute) from (select minute from stale
        where source = ? and minute between ? and ? order by minute)""",
        (source, first, last),
    ).fetchone()
    return msgspec.json.decode(found, type=list[int])
