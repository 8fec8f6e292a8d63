"""Pure: what of a batch can be stored. Each value is judged by itself; what is refused is named, with a hint.

What is refused here can never be stored, however often it is sent: the batch is settled without it. A device
that sends seconds, text or NaN is told so in words, once per batch and kind of mistake at least.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import isnan
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from server.errors import BadRequest, BoardcastError, LimitExceeded
from server.model.device_messages import Reading, Rejected
from server.model.telemetry import AHEAD_MS, LATEST_MS, MOST_POINTS, MOST_VALUES, Point

LARGEST = 1e300
"""Larger values would leave the range of a float in a sum or difference."""
MOST_NAMED = 50
"""Refusals that are named in one answer; what is beyond is counted in the last one."""
DAY_MS = 86_400_000
_NO_TIME = 10**30
"""Whatever the unit."""
NAME_LENGTH = 64
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
Columns = dict[str, tuple[list[int], list[float]]]


class Names:
    """The metrics that a device has, at most `most`. A new one is one more from its first value on."""

    def __init__(self, known: Iterable[str], most: int) -> None:
        self.known = set(known)
        self.most = most

    def admit(self, metric: str, value: float) -> BoardcastError | None:
        """Why this value of a new name is refused; None: it is not, and the name is known from now on."""
        if not 1 <= len(metric) <= NAME_LENGTH or not _NAME_CHARACTERS.issuperset(metric):
            return BadRequest(_short(metric), "a metric is named with 1-64 of A-Z a-z 0-9 _ . -")
        if not -LARGEST <= value <= LARGEST:
            return _wrong_number(metric, value)
        if len(self.known) >= self.most:
            return _TooManyMetrics(metric, self.most)
        self.known.add(metric)
        return None


class _TooManyMetrics(LimitExceeded):
    def __init__(self, metric: str, most: int) -> None:
        super().__init__(metric, most)
        self.message = (
            f"{metric}: the device has {most} metrics already; does the name hold something variable?"
        )


class _TooLarge(LimitExceeded):
    def __init__(self, what: str, there: int, most: int) -> None:
        super().__init__(what, most)
        self.message = f"{what}: {there} in one batch, at most {most} are taken; send it in smaller ones"


class Judged(Struct):
    """What is good of a batch, in its order, and what is not."""

    columns: Columns
    points: list[Point]
    rejected: list[Rejected]

    @property
    def newest(self) -> int:
        """The latest time of a good point; 0: there are none."""
        return max((max(ts) for ts, _ in self.columns.values()), default=0)


def judge(readings: Sequence[Any], names: Names, now: int) -> Judged:
    """`readings`: `Reading`s, or what was sent in the place of one; `now`: milliseconds, what has no time is
    of now. Raises `LimitExceeded` for a batch that is too large: nothing of it can be stored.
    """
    _must_fit(readings)
    judged = Judged({}, [], [])
    columns, points = judged.columns, judged.points
    oldest, latest = now - LATEST_MS, now + AHEAD_MS
    for index, reading in enumerate(readings):
        if type(reading) is not Reading:
            reading = _read(index, reading, judged)
        t = now if reading.t is UNSET else reading.t
        if not oldest <= t <= latest:
            _reject(judged, index, None, _wrong_time(t, now))
            continue
        for metric, given in reading.values.items():
            column = columns.get(metric)
            if column is None:
                error = None if metric in names.known else names.admit(metric, float(given))
                if error is not None:
                    _reject(judged, index, metric, error)
                    continue
                column = columns[metric] = ([], [])
            v = float(given)
            if -LARGEST <= v <= LARGEST:
                column[0].append(t)
                column[1].append(v)
                points.append(Point(t, metric, v))
            else:
                _reject(judged, index, metric, _wrong_number(metric, v))
    judged.columns = {metric: column for metric, column in columns.items() if column[0]}
    return judged


def _must_fit(readings: Sequence[Any]) -> None:
    if len(readings) > MOST_POINTS:
        raise _TooLarge("points", len(readings), MOST_POINTS)
    count = sum([len(r.values) for r in readings if type(r) is Reading])
    if count > MOST_VALUES:
        raise _TooLarge("values", count, MOST_VALUES)


def _read(index: int, given: Any, judged: Judged) -> Reading:
    """What can be read of something that is no whole `Reading`; the rest is rejected."""
    if not isinstance(given, dict) or not isinstance(given.get("values"), dict):
        _reject(judged, index, None, _no_point(given))
        return Reading({})
    if unknown := [key for key in given if key not in ("t", "values")]:
        _reject(
            judged,
            index,
            None,
            BadRequest(_short(str(unknown[0])), "unknown field; a point has t and values"),
        )
        return Reading({})
    t = given.get("t", UNSET)
    if isinstance(t, float) and t.is_integer():
        t = int(t)
    if t is not UNSET and (isinstance(t, bool) or not isinstance(t, int)):
        _reject(judged, index, None, BadRequest("t", "expected milliseconds since 1970, a whole number"))
        return Reading({})
    values: dict[str, float | bool] = {}
    for metric, value in given["values"].items():
        if isinstance(metric, str) and isinstance(value, bool | int | float):
            values[metric] = _as_float(value)
        else:
            _reject(judged, index, str(metric), _no_number(str(metric), value))
    return Reading(values, t)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _reject(judged: Judged, index: int, metric: str | None, error: BoardcastError) -> None:
    named = UNSET if metric is None else _short(metric)
    if len(judged.rejected) < MOST_NAMED:
        judged.rejected.append(Rejected(index=index, metric=named, code=error.code, message=error.message))
    elif len(judged.rejected) == MOST_NAMED:
        judged.rejected.append(Rejected(code=error.code, message="and more of this batch, not named here"))


def _no_point(given: Any) -> BoardcastError:
    form = '{"t": …, "values": {metric: number}}'
    if isinstance(given, dict) and "t" in given and "values" not in given:
        return BadRequest("points", f"beside a time the values stand in a map of their own: {form}")
    return BadRequest("points", f"a point is {form}")


def _no_number(metric: str, value: Any) -> BoardcastError:
    if isinstance(value, str):
        return BadRequest(
            _short(metric), f"{_short(value)!r} is text; send a number, without quotation marks"
        )
    if value is None:
        return BadRequest(_short(metric), "null is no value; leave the metric out")
    return BadRequest(_short(metric), "expected a number, or true or false")


def _wrong_number(metric: str, v: float) -> BoardcastError:
    if isnan(v):
        return BadRequest(metric, "NaN is no number; leave the metric out while there is none")
    return BadRequest(metric, "out of range; values go up to 1e300")


def _wrong_time(t: int, now: int) -> BoardcastError:
    if abs(t) >= _NO_TIME:
        return BadRequest("t", "is no time; send milliseconds since 1970")
    for unit, factor in (("seconds", 1000.0), ("microseconds", 1e-3), ("nanoseconds", 1e-6)):
        if abs(t * factor - now) < 2 * 365 * DAY_MS:
            meant = int(t * factor) if factor < 1 else t * 1000
            return BadRequest("t", f"{t} seems to be {unit}; send milliseconds: {meant}")
    off, where = (now - t, "behind") if t < now else (t - now, "ahead of")
    days = off / DAY_MS
    far = f"{days:.0f} days" if days >= 2 else f"{off / 60_000:.0f} minutes"
    return BadRequest(
        "t",
        f"{t} is {far} {where} the server's clock; at most 7 days behind and 5 minutes ahead are "
        "taken. Is the device's clock right? Without t the time of arrival counts",
    )


def _short(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= NAME_LENGTH else text[: NAME_LENGTH - 1] + "…"


def digest_of(content: Any) -> bytes:
    """Names what was sent: the same for the same readings, however they were written."""
    try:
        encoded = msgspec.msgpack.encode(content)
    except (msgspec.MsgspecError, OverflowError, UnicodeError, TypeError):
        encoded = repr(content).encode("utf-8", "surrogatepass")
    return blake2b(encoded, digest_size=16).digest()
