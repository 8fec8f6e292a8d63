"""The points of a batch, column by column, as they are kept: `{"temp": [t, [0, 1000], [21.5, 21.4]]}`.

JSON on purpose: people can query it, many bodies can be joined to one value by the database, and it is
shorter than binary numbers for what sensors usually say. The times stand relative to the first one of their
metric.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from server.model.telemetry import Bucket

Columns = Mapping[str, tuple[Sequence[int], Sequence[float]]]
"""Metric → the times and, beside them, the values, in the order of the batch."""
Body = dict[str, tuple[int, list[int], list[float]]]
"""A batch's body: metric → where its times count from, the times, the values."""

_encode = msgspec.json.Encoder().encode
_bodies = msgspec.json.Decoder(list[Body]).decode
_buckets = msgspec.json.Decoder(list[list[Bucket]]).decode


def pack(columns: Columns) -> str:
    body = {metric: (ts[0], [t - ts[0] for t in ts], vs) for metric, (ts, vs) in columns.items()}
    return _encode(body).decode()


def unpack(bodies: bytes) -> list[Body]:
    """Bodies, joined by commas."""
    return _bodies(b"[%b]" % bodies)


def pack_buckets(buckets: Iterable[Bucket]) -> str:
    return _encode(list(buckets)).decode()


def unpack_buckets(chunks: bytes) -> list[Bucket]:
    """Of chunks, joined by commas; in their order."""
    return [bucket for chunk in _buckets(b"[%b]" % chunks) for bucket in chunk]
