"""Pure: from the bodies of batches to points, minutes and hours. Any order of batches comes to the same, but
that of two values of one metric and time the one of the later batch is `last`.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from math import fsum

from server.model.telemetry import Bucket
from server.stores.columns import Body

MINUTE_MS = 60_000
Points = tuple[list[int], list[float]]
"""Times in order, and their values."""


def points_of(bodies: Iterable[Body], start: int, end: int) -> dict[str, Points]:
    """All points of the bodies from `start` on and before `end`, metric by metric, in order of time."""
    found: dict[str, Points] = {}
    for body in bodies:
        for metric, (base, deltas, values) in body.items():
            ts, vs = found.setdefault(metric, ([], []))
            ts += [base + delta for delta in deltas]
            vs += values
    return {metric: _between(*_in_order(ts, vs), start, end) for metric, (ts, vs) in found.items()}


def of_metric(bodies: Iterable[Body], metric: str, start: int, end: int) -> Points:
    """As `points_of`, of one metric."""
    only = [{metric: body[metric]} for body in bodies if metric in body]
    return points_of(only, start, end).get(metric, ([], []))


def _in_order(ts: list[int], vs: list[float]) -> Points:
    order = sorted(range(len(ts)), key=ts.__getitem__)  # stable: of one time the later one stays behind
    if order == list(range(len(ts))):
        return ts, vs
    return [ts[at] for at in order], [vs[at] for at in order]


def _between(ts: list[int], vs: list[float], start: int, end: int) -> Points:
    first, last = bisect_left(ts, start), bisect_left(ts, end)
    return (ts, vs) if last - first == len(ts) else (ts[first:last], vs[first:last])


def bucket_of(t: int, vs: Sequence[float]) -> Bucket:
    """`vs`: at least one value, in order of time. The mean does not depend on the order."""
    return Bucket(t, min(vs), fsum(vs) / len(vs), max(vs), len(vs), vs[-1])


def minutes_of(ts: list[int], vs: list[float], wanted: Collection[int]) -> dict[int, Bucket]:
    """The minutes among `wanted` (numbers since 1970) that have points; times are in order."""
    made: dict[int, Bucket] = {}
    for minute in wanted:
        first = bisect_left(ts, minute * MINUTE_MS)
        last = bisect_left(ts, (minute + 1) * MINUTE_MS, first)
        if last > first:
            made[minute] = bucket_of(minute * MINUTE_MS, vs[first:last])
    return made


def joined(t: int, parts: Sequence[Bucket]) -> Bucket:
    """One bucket from `t` on for all that is in `parts`, which are in order of time, at least one."""
    n = sum(part.n for part in parts)
    mean = parts[0].mean if len(parts) == 1 else fsum(part.mean * part.n for part in parts) / n
    low, high = min(part.min for part in parts), max(part.max for part in parts)
    return Bucket(t, low, mean, high, n, parts[-1].last)


def grouped(parts: Sequence[Bucket], width: int) -> list[Bucket]:
    """`parts`, which are in order of time, in buckets of `width` milliseconds, at multiples of it."""
    made: list[Bucket] = []
    first = 0
    while first < len(parts):
        begin = parts[first].t // width * width
        last = first + 1
        while last < len(parts) and parts[last].t < begin + width:
            last += 1
        made.append(joined(begin, parts[first:last]))
        first = last
    return made
