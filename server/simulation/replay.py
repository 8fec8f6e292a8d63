"""Readings from a CSV file: `timestamp,value` rows, or a column for each metric, named by the first line.

    timestamp,value                     timestamp,temp,humidity
    2013-12-02 21:15:00,73.967          1385932500,21.5,40
    2013-12-02 21:20:00,74.935          1385932560,21.6,

Timestamps: ISO 8601 (UTC when it says nothing else), or seconds or milliseconds since 1970. An empty cell, or
NaN, is a value that is not there; a row with no value is left out. Rows that are out of order, as where
clocks were set back, are put in order.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from server.simulation.device import Values

METRIC = re.compile(r"\A[A-Za-z0-9_.-]{1,64}\Z")
MILLISECONDS_FROM = 1e11
"""A number larger than this is no count of seconds: that would be the year 5138."""
Row = tuple[int, Values]
"""Time, milliseconds since 1970, and values."""


class ReplayError(ValueError):
    """The file cannot be replayed; the text names the line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")


def read(lines: Iterable[str], *, metric: str | None = None) -> list[Row]:
    """The rows in order of time, at least one. Raises `ReplayError` at the first bad line.

    `metric`: the name for the values of a file with one column of them, instead of the column's own.
    """
    reader = csv.reader(lines)
    metrics = _metrics(next(reader, []), metric)
    found = []
    for cells in reader:
        line = reader.line_num
        if cells and len(cells) != len(metrics) + 1:
            raise ReplayError(line, f"has {len(cells)} cells, the first line has {len(metrics) + 1}")
        if cells and (values := _values(metrics, cells[1:], line)):
            found.append((_time(cells[0], line), values))
    if not found:
        raise ReplayError(1, "no readings follow")
    return sorted(found, key=lambda row: row[0])


def _metrics(head: Sequence[str], metric: str | None) -> list[str]:
    names = [name.strip() for name in head[1:]]
    if not names:
        raise ReplayError(1, "must name the columns, such as timestamp,value")
    if metric is not None:
        if len(names) > 1:
            raise ReplayError(1, f"names {len(names)} metrics already: {', '.join(names)}")
        names = [metric]
    for name in names:
        if not METRIC.match(name):
            raise ReplayError(1, f"{name!r} is no name of a metric: 1-64 of A-Z a-z 0-9 _ . -")
    if len(set(names)) < len(names):
        raise ReplayError(1, "names a column twice")
    return names


def _time(cell: str, line: int) -> int:
    try:
        number = float(cell)
    except ValueError:
        return _date(cell, line)
    if not math.isfinite(number):
        raise ReplayError(line, f"{cell!r} is no time")
    return round(number if abs(number) > MILLISECONDS_FROM else number * 1000)


def _date(cell: str, line: int) -> int:
    try:
        moment = datetime.fromisoformat(cell.strip())
    except ValueError:
        raise ReplayError(line, f"{cell!r} is no time: wanted is 2013-12-02 21:15:00, or a number") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _values(metrics: Sequence[str], cells: Sequence[str], line: int) -> Values:
    values: Values = {}
    for metric, cell in zip(metrics, cells, strict=True):
        if cell.strip().lower() not in ("", "nan"):
            values[metric] = _value(cell, line)
    return values


def _value(cell: str, line: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ReplayError(line, f"{cell!r} is no finite number")
    return value


def shifted(rows: Sequence[Row], start: int, speed: float) -> Iterator[Row]:
    """The rows as if the first one were of `start` and time went by `speed` times as fast."""
    for t, values in rows:
        yield start + round((t - rows[0][0]) / speed), values
