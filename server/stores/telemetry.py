"""What a store must do with telemetry. One contract suite (`tests/stores/test_telemetry.py`) holds both to
it.

What is kept, and why in this way:

* **Batches** are the truth: one row (document) per batch, keyed by board, device, boot and number, with a
  hash of what was sent. A number that is there already changes nothing: with the same hash it is `known`,
  with another `taken`. One write makes a batch durable as a whole, with what was rejected of it.
* **Rollups** (a minute, an hour: min, mean, max, count, last) are made from batches by `roll`, always from
  all of them that touch the minute, and written in the place of what was there: never added to. Whatever dies
  or runs twice in between, the next run comes to the same.
* **Stale** minutes are those that a batch touched since they were made. A batch and the note that its minutes
  are stale become durable together. Who reads a series gets stale minutes made from batches on the spot, so
  that a rollup that is late is never seen.
* **Newest values** are a convenience: for each metric the value with the latest `t`.
* **Marks**: up to which number a boot is settled. Batches are dropped after a time that is longer than a
  point may be late, so that a batch that was dropped and comes again is refused as too old; the mark then
  says that its number was settled. A number below one that was dropped counts as settled, too.

Times are milliseconds since 1970. `board` and `device` are ids.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol, Self

from msgspec import Struct

from server.model.telemetry import Bucket, Heard
from server.stores.columns import Columns, pack

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
MARK_EVERY = 64
"""Of the numbers of a boot, how many there may be after its mark."""
Fate = Literal["stored", "known", "taken"]
Step = Literal["minute", "hour"]


class Batch(Struct, frozen=True, kw_only=True):
    """What is stored of one batch, made by `of`. `boot` "" and `seq` 0: it has no number, and is stored each
    time it comes.

    `digest`: of what was sent; `at`: when it came; `rejected`: what was refused of it, encoded by the caller;
    `mark`: up to which number the boot is known to be settled; a number not above it that is not there any
    more is `known`. `first`, `last`: times of its points (0 when it has none), `count` of them; `body`: they;
    `minutes`: that they are of, as numbers since 1970; `newest`: metric → the latest time and its value.
    """

    board: str
    device: str
    boot: str
    seq: int
    digest: bytes
    at: int
    rejected: bytes
    mark: int
    first: int
    last: int
    count: int
    body: str
    minutes: Sequence[int]
    newest: Mapping[str, tuple[int, float]]

    @classmethod
    def of(
        cls,
        board: str,
        device: str,
        columns: Columns,
        *,
        at: int,
        boot: str = "",
        seq: int = 0,
        digest: bytes = b"",
        rejected: bytes = b"",
        mark: int = 0,
    ) -> Self:
        times = [t for ts, _ in columns.values() for t in ts]
        return cls(
            board=board,
            device=device,
            boot=boot,
            seq=seq,
            digest=digest,
            at=at,
            rejected=rejected,
            mark=mark,
            first=min(times, default=0),
            last=max(times, default=0),
            count=len(times),
            body=pack(columns),
            minutes=sorted({t // MINUTE_MS for t in times}),
            newest={metric: _newest(ts, vs) for metric, (ts, vs) in columns.items()},
        )


def _newest(ts: Sequence[int], vs: Sequence[float]) -> tuple[int, float]:
    """Of two with the same time the later one."""
    t = max(ts)
    return t, vs[len(ts) - 1 - ts[::-1].index(t)]


class Kept(Struct, frozen=True):
    """What became of a batch. `rejected`: of one that is `known`, as it was stored with it."""

    fate: Fate
    rejected: bytes = b""


class Retention(Struct, frozen=True):
    """What is older than these times is dropped: batches, minutes, hours."""

    raw: int
    minutes: int
    hours: int


class Raw(Struct, frozen=True):
    """Points of one metric in order of time. `more`: there are later ones in the range that was asked for."""

    t: Sequence[int]
    v: Sequence[float]
    more: bool = False


def cut(ts: Sequence[int], vs: Sequence[float], limit: int, *, more: bool) -> Raw:
    """The first `limit` points, and all of the last one's time."""
    at = limit
    while 0 < at < len(ts) and ts[at] == ts[at - 1]:
        at += 1
    return Raw(ts[:at], vs[:at], more or at < len(ts))


class TelemetryStore(Protocol):
    """Every method may raise `Failed`. All are safe to call at once from one event loop, and from several
    instances where the store can be shared. Nothing is rounded.
    """

    async def keep(self, batches: Sequence[Batch]) -> list[Kept]:
        """Make batches durable, in order; what became of each. After `Failed` any of them may be there."""

    async def settled(self, board: str, device: str, boot: str) -> int:
        """The highest number of the boot up to which all are there (or were); 0 when the first is missing."""

    async def newest(self, board: str, devices: Collection[str] | None = None) -> list[Heard]:
        """The newest value of each metric of these devices (None: of all), in order of device and metric."""

    async def count(self, board: str, device: str, start: int, end: int) -> int:
        """About how many points batches hold from `start` on and before `end`: no fewer than there are."""

    async def raw(self, board: str, device: str, metric: str, start: int, end: int, limit: int) -> Raw:
        """Points from `start` on, before `end`: the first `limit` of them, and all of the last one's time."""

    async def buckets(
        self, board: str, device: str, metric: str, start: int, end: int, step: Step
    ) -> list[Bucket]:
        """The minutes or hours that begin from `start` on and before `end` and have points, in order; stale
        minutes are made on the spot.
        """

    async def roll(self, before: int, limit: int) -> int:
        """Make stale minutes anew that are so since before `before` (by `Batch.at`), and their hours: about
        `limit` at most. How many were done; 0: there are no more. One whose points still come may stay stale.
        """

    async def drop(self, retention: Retention, limit: int) -> int:
        """Drop up to `limit` batches (of which nothing is stale), minutes and hours each. How many."""

    async def forget(self, board: str, device: str, limit: int) -> int:
        """Drop up to `limit` batches of the device; when there are none left, all else of it. How many."""
