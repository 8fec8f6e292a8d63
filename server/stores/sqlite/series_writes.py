"""The statements that write telemetry, on a connection inside a transaction. Few and wide, as in `writes`."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from server.stores import Failed
from server.stores.sqlite.appends import Row
from server.stores.sqlite.rolling import Rolled
from server.stores.sqlite.writes import insert
from server.stores.telemetry import MARK_EVERY, Batch, Kept, Retention

Device = tuple[str, str]
"""Board and device."""
Number = tuple[int, str, int]
"""Source, boot and seq."""

_encode = msgspec.json.Encoder().encode
_found = msgspec.json.Decoder(list[tuple[int, str, int, str, str]]).decode

_BATCHES = "batches (source, boot, seq, digest, at, first, last, points, body, rejected)"
_THERE = """select (
    select count(*) from json_each(?) wanted join sources s
    on s.source = json_extract(wanted.value, '$[0]') and s.board = json_extract(wanted.value, '$[1]')
    and s.device = json_extract(wanted.value, '$[2]')
), (
    select json_group_array(json_array(b.source, b.boot, b.seq, hex(b.digest), hex(b.rejected)))
    from json_each(?) wanted join batches b on b.source = json_extract(wanted.value, '$[0]')
    and b.boot = json_extract(wanted.value, '$[1]') and b.seq = json_extract(wanted.value, '$[2]')
)"""
_NEWER = """on conflict (source, metric) do update set
    v = case when excluded.t >= t then excluded.v else v end, t = max(t, excluded.t), at = max(at,
    excluded.at)
    """
_STALER = "on conflict (source, minute) do update set rev = rev + 1"
_HIGHER = "on conflict (source, boot) do update set mark = max(mark, excluded.mark)"
_REPLACED = "do update set body = excluded.body"
_DROPPABLE = """select b.id from sources s cross join batches b on b.source = s.source where b.last < ?
    and not exists (select 1 from stale t where t.source = b.source
        and t.minute between b.first / 60000 and b.last / 60000) limit ?"""


def add_sources(connection: sqlite3.Connection, devices: Iterable[Device]) -> None:
    """Give devices that have none a number; it is never given to another one."""
    values = _encode(list(devices)).decode()
    connection.execute(
        """insert into sources (board, device) select json_extract(value, '$[0]'), json_extract(value, '$[1]')
        from json_each(?) where true on conflict do nothing""",
        (values,),
    )


def keep(
    connection: sqlite3.Connection,
    batches: Sequence[tuple[int, Batch]],
    sources: Mapping[Device, int],
    kept: list[Kept],
) -> None:
    """Store what is new of `batches`, each with its source; `kept` is told what became of each."""
    there = _there(connection, batches, sources)
    fresh: list[tuple[int, Batch]] = []
    fates: list[Kept] = []
    for source, batch in batches:
        fate = _fate(there, source, batch)
        fates.append(fate)
        if fate.fate == "stored":
            fresh.append((source, batch))
            if batch.boot:
                there[source, batch.boot, batch.seq] = (batch.digest, batch.rejected)
    _insert(connection, fresh)
    kept[:] = fates


def _there(
    connection: sqlite3.Connection, batches: Sequence[tuple[int, Batch]], sources: Mapping[Device, int]
) -> dict[Number, tuple[bytes, bytes]]:
    """Digest and rejections of the numbers that are there, in one statement.

    Raises `Failed` when another file was put in the place of the one that `sources` were read from.
    """
    devices = _encode([(source, *device) for device, source in sources.items()]).decode()
    wanted = _encode([(source, b.boot, b.seq) for source, b in batches if b.boot]).decode()
    count, found = connection.execute(_THERE, (devices, wanted)).fetchone()
    if count != len(sources):
        raise Failed("the devices are not those any more that were known: an older copy was put back")
    return {
        (source, boot, seq): (bytes.fromhex(digest), bytes.fromhex(rejected))
        for source, boot, seq, digest, rejected in _found(found)
    }


def _fate(there: Mapping[Number, tuple[bytes, bytes]], source: int, batch: Batch) -> Kept:
    if not batch.boot:
        return Kept("stored")
    known = there.get((source, batch.boot, batch.seq))
    if known is None:
        return Kept("known" if batch.seq <= batch.mark else "stored")
    digest, rejected = known
    return Kept("known", rejected) if digest == batch.digest else Kept("taken")


def _insert(connection: sqlite3.Connection, fresh: Sequence[tuple[int, Batch]]) -> None:
    newest: dict[tuple[int, str], tuple[int, float, int]] = {}
    stale: dict[tuple[int, int], int] = {}
    marks: dict[tuple[int, str], int] = {}
    for source, batch in fresh:
        for metric, (t, v) in batch.newest.items():
            before = newest.get((source, metric))
            newest[source, metric] = (t, v, batch.at) if before is None or t >= before[0] else before
        for minute in batch.minutes:
            stale.setdefault((source, minute), batch.at)
        if batch.mark and batch.seq % MARK_EVERY == 0:
            marks[source, batch.boot] = max(batch.mark, marks.get((source, batch.boot), 0))
    insert(connection, _BATCHES, 10, [_row(source, batch) for source, batch in fresh])
    insert(connection, "newest", 5, [(*key, *value) for key, value in newest.items()], _NEWER)
    insert(connection, "stale", 4, [(*key, at, 0) for key, at in stale.items()], _STALER)
    insert(connection, "boots", 3, [(*key, mark) for key, mark in marks.items()], _HIGHER)


def _row(source: int, batch: Batch) -> Row:
    number = (batch.boot, batch.seq) if batch.boot else (None, None)
    body = batch.body if batch.count else "{}"
    return (
        *(source, *number, batch.digest, batch.at),
        *(batch.first, batch.last, batch.count, body, batch.rejected),
    )


def write_rolled(connection: sqlite3.Connection, rolled: Rolled) -> None:
    """Put minutes and hours in the place of what was there; what went stale again meanwhile stays so."""
    insert(connection, "minutes", 4, rolled.minutes, f"on conflict (source, metric, hour) {_REPLACED}")
    insert(connection, "hours", 4, rolled.hours, f"on conflict (source, metric, day) {_REPLACED}")
    connection.execute(
        """delete from stale where (source, minute, rev) in (select json_extract(value, '$[0]'),
        json_extract(value, '$[1]'), json_extract(value, '$[2]') from json_each(?))""",
        (_encode(rolled.done).decode(),),
    )


def drop(connection: sqlite3.Connection, retention: Retention, limit: int, dropped: list[int]) -> None:
    """See `TelemetryStore.drop`; the count goes into `dropped`."""
    batches = [key for (key,) in connection.execute(_DROPPABLE, (retention.raw, limit))]
    count = _drop_batches(connection, batches)
    for table, unit, before in (("minutes", "hour", retention.minutes), ("hours", "day", retention.hours)):
        length = 3_600_000 if unit == "hour" else 86_400_000
        count += connection.execute(
            f"""delete from {table} where (source, metric, {unit}) in
            (select source, metric, {unit} from {table} where {unit} < ? limit ?)""",
            (before // length, limit),
        ).rowcount
    dropped.append(count)


def _drop_batches(connection: sqlite3.Connection, batches: Sequence[int]) -> int:
    """Their numbers stay settled."""
    if not batches:
        return 0
    ids = _encode(batches).decode()
    connection.execute(
        f"""insert into boots select source, boot, max(seq) from batches
        where id in (select value from json_each(?)) and boot is not null group by source, boot {_HIGHER}""",
        (ids,),
    )
    connection.execute("delete from batches where id in (select value from json_each(?))", (ids,))
    return len(batches)


def forget(connection: sqlite3.Connection, source: int, limit: int, dropped: list[int]) -> None:
    """See `TelemetryStore.forget`; the count goes into `dropped`."""
    ids = [
        key
        for (key,) in connection.execute("select id from batches where source = ? limit ?", (source, limit))
    ]
    _drop_batches(connection, ids)
    if len(ids) < limit:
        for table in ("newest", "stale", "minutes", "hours", "boots"):
            connection.execute(f"delete from {table} where source = ?", (source,))
    dropped.append(len(ids))
