"""The way of a batch: judged, counted against its budgets, stored together with others, then told.

    frame or body ─ wire.devices ─ Ingest.offer ─ judge: each value ─ budgets: device and board
                                        │ refused: an answer at once; the device has it still
                                        ▼
                    lanes: live, backlog ─ store.keep: many batches in one write
                                        ▼
            numbers: what is settled ─ desk.stored: rules ─ live values ─ answer: `stored`

States of a batch: *judged* → *waiting* → *under way* → *settled* (stored, known, or rejected as a whole) or
*refused* (it may come again) or *in conflict* (its number has other content; nothing changes).

What may go wrong:

* The store does not answer, or this process dies: no answer, or `unavailable`. Some of it may be stored. The
  device sends it again under the same number, and the store knows it. Without a number it is stored again.
* The answer is lost: the same.
* A number comes twice at once, here and on another instance: the store's key decides; both are told that it
  is settled. Rules and live values hear of it once.
* More comes than budgets or lanes allow: `rate_limited` with `retry_after_ms`, nothing of the batch is taken.
* Numbers come with a hole: `stored` names the number before the hole until it comes. Another instance may
  have it: the store is asked, at most each `ASK_S` for a boot.
* A batch that can never be stored is settled, and kept as a row without points, so that its number stays
  settled and is answered alike when it comes again.

Bounds: `Lanes`; `Sources`; `MOST_WAITING` batches of one device.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct

from server.devices.desk import Desk
from server.devices.judge import Judged, digest_of, judge
from server.devices.lanes import Answer, Lanes, Settled, Waiting
from server.devices.packing import nothing_good, reused, together
from server.devices.source import Limits, Source, take
from server.devices.sources import Sources
from server.errors import BoardcastError, Internal, LimitExceeded, RateLimited, Unavailable
from server.metrics import Metrics
from server.model.device_messages import Rejected
from server.model.telemetry import Point
from server.stores import Failed
from server.stores.telemetry import Batch, Kept, TelemetryStore

log = structlog.stdlib.get_logger("devices")
MOST_WAITING = 256
"""Batches of one device without an answer."""
ASK_S = 1.0
"""Between two questions about a hole in the numbers of a boot."""
SLICE = 32
"""Batches that are answered in one turn of the loop: others have turns in between."""
_rejections = msgspec.msgpack.Decoder(list[Rejected]).decode


class IngestSettings(Struct, frozen=True, kw_only=True):
    """See `devices` in config.yaml. `backlog_after_ms`: a batch whose newest point is older is backlog."""

    device: Limits
    board: Limits
    backlog_after_ms: int
    metrics_per_device: int
    waiting_points: int


class Told(Protocol):
    """What a device sent: `server.wire.devices` makes it. No number: `boot` "", `seq` 0."""

    @property
    def boot(self) -> str: ...

    @property
    def seq(self) -> int: ...

    @property
    def points(self) -> Sequence[Any]: ...


Show = Callable[[str, str, Sequence[Point]], None]
"""Takes points of a board and device that are durable now, to be shown live."""


class Ingest:
    """All devices of this instance. Everything but `source` and `stop` returns at once.

    `store`: where telemetry goes, asked for each time; raises `Failed`. `clock`: milliseconds since 1970.
    `flush`: called when a turn's answers were given.
    """

    def __init__(
        self,
        store: Callable[[], TelemetryStore],
        settings: IngestSettings,
        *,
        clock: Callable[[], int],
        metrics: Metrics,
        show: Show,
        flush: Callable[[], None],
    ) -> None:
        self.desk: Desk | None = None
        self._store = store
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._show = show
        self._flush = flush
        self._sources = Sources(
            store,
            device=settings.device,
            board=settings.board,
            metrics=settings.metrics_per_device,
            now=self._now,
        )
        self._lanes = Lanes(settings.waiting_points)
        self._worker: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._stopping = False

    # -- devices

    async def source(self, board: str, device: str) -> Source:
        """What is known of a device, read from the store when it is not yet. Raises `Unavailable`."""
        return await self._sources.of(board, device)

    def forget(self, board: str, device: str) -> None:
        """The device is gone, or is another one now."""
        self._sources.forget(board, device)

    # -- a batch comes in

    def offer(self, source: Source, told: Told, answer: Answer) -> None:
        """Take a batch in; `answer` is called once, now or later. Never raises."""
        self._metrics.points_received.value += len(told.points)
        try:
            refusal = self._take(source, told, answer)
        except Exception:
            log.exception("a batch failed")
            refusal = Internal()
        if refusal is not None:
            self._metrics.batches_settled(refusal.code).value += 1
            answer(refusal)

    def _take(self, source: Source, told: Told, answer: Answer) -> BoardcastError | None:
        now = self._clock()
        if self._stopping:
            return Unavailable("the server is going away")
        if source.waiting >= MOST_WAITING:
            return RateLimited("batches of this device without an answer", 1000)
        try:
            judged = judge(told.points, source.names, now)
        except LimitExceeded as error:
            if not told.boot:
                return error
            judged = Judged({}, [], [Rejected(code=error.code, message=error.message)])
        for rejected in judged.rejected:
            self._metrics.points_refused(rejected.code).value += 1
        if not told.boot and not judged.points:
            return nothing_good(judged, source)
        backlog = bool(judged.points) and judged.newest < now - self._settings.backlog_after_ms
        budgets = (source.budget, self._sources.budget(source.board))
        wait = take(budgets, len(judged.points) or 1, self._now(), backlog=backlog)
        if wait:
            return RateLimited("backlog points" if backlog else "points", max(1, round(wait * 1000)))
        waiting = self._waiting(source, told, judged, now, answer)
        if not self._lanes.add(waiting, backlog=backlog):
            return RateLimited("points waiting to be stored", 1000)
        source.waiting += 1
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="ingest")
        return None

    def _waiting(self, source: Source, told: Told, judged: Judged, now: int, answer: Answer) -> Waiting:
        """As it goes into the queue. What has a number is encoded now, one by one, and not in one go
        later.
        """
        batch = None
        if told.boot:
            named = [msgspec.structs.replace(one, seq=told.seq) for one in judged.rejected]
            numbers = source.numbers(told.boot)
            batch = Batch.of(
                source.board,
                source.device,
                judged.columns,
                at=now,
                boot=told.boot,
                seq=told.seq,
                digest=digest_of(told.points),
                rejected=msgspec.msgpack.encode(named) if named else b"",
                mark=0 if numbers is None else numbers.mark,
            )
        return Waiting(source, told.boot, told.seq, judged, batch, now, answer)

    # -- storing

    async def _work(self) -> None:
        try:
            while group := self._lanes.group():
                await self._store_group(group)
        finally:
            self._worker = None

    async def _store_group(self, group: list[Waiting]) -> None:
        """One write. After a defect in it each is tried alone: it costs the one that cannot be stored."""
        begun = self._now()
        try:
            parts = together(group)
            kept = await self._store().keep([batch for batch, _ in parts])
        except Failed:
            self._refuse(group, Unavailable("the store did not take it in time; send it again"))
            return
        except Exception:
            if len(group) > 1:
                for waiting in group:
                    await self._store_group([waiting])
                return
            log.exception(
                "a batch could not be stored", board=group[0].source.board, device=group[0].source.device
            )
            self._refuse(group, Internal())
            return
        self._metrics.batches_stored.observe(self._now() - begun)
        for start in range(0, len(parts), SLICE):
            for (_, ones), fate in islice(zip(parts, kept, strict=True), start, start + SLICE):
                for waiting in ones:
                    try:
                        self._conclude(waiting, fate)
                    except Exception:
                        log.exception("a stored batch could not be answered for")
                        self._settle(waiting, Internal())
            self._flush()
            await asyncio.sleep(0)

    def _refuse(self, group: Iterable[Waiting], error: BoardcastError) -> None:
        for waiting in group:
            self._settle(waiting, error)
        self._flush()

    def _conclude(self, waiting: Waiting, fate: Kept) -> None:
        source = waiting.source
        try:
            if fate.fate == "stored" and waiting.judged.points:
                self._metrics.points_stored.value += len(waiting.judged.points)
                if self.desk is not None:
                    self.desk.stored(source.board, source.device, waiting.judged.points, waiting.now)
                self._show(source.board, source.device, waiting.judged.points)
        except Exception:
            log.exception("stored points could not be handed on")
        if fate.fate == "taken":
            self._settle(waiting, reused(waiting))
        elif waiting.batch is None:
            self._settle(waiting, Settled(0, len(waiting.judged.points), waiting.judged.rejected))
        else:
            self._number(waiting, fate)

    def _number(self, waiting: Waiting, fate: Kept) -> None:
        """Its number is settled: up to which one are all? The store is asked where it may know more."""
        assert waiting.batch is not None
        encoded = waiting.batch.rejected if fate.fate == "stored" else fate.rejected
        rejected = _rejections(encoded) if encoded else []
        numbers = waiting.source.numbers(waiting.boot)
        known = numbers is not None or waiting.seq == 1
        numbers = waiting.source.begin(waiting.boot)
        numbers.settle(waiting.seq)
        stored = len(waiting.judged.points)
        if known and (not numbers.doubtful or self._now() < numbers.asked_at + ASK_S):
            self._settle(waiting, Settled(numbers.mark, stored, rejected), fate.fate)
            return
        numbers.asked_at = self._now()
        asking = asyncio.create_task(self._ask(waiting, Settled(0, stored, rejected), fate.fate))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _ask(self, waiting: Waiting, settled: Settled, fate: str) -> None:
        source, boot = waiting.source, waiting.boot
        numbers = source.begin(boot)
        try:
            numbers.raise_to(await self._store().settled(source.board, source.device, boot))
        except Failed:
            self._settle(waiting, Unavailable("the store did not answer in time; send it again"))
        else:
            self._settle(waiting, msgspec.structs.replace(settled, mark=numbers.mark), fate)
        self._flush()

    def _settle(self, waiting: Waiting, outcome: Settled | BoardcastError, fate: str = "stored") -> None:
        waiting.source.waiting -= 1
        result = outcome.code if isinstance(outcome, BoardcastError) else fate
        self._metrics.batches_settled(result).value += 1
        try:
            waiting.answer(outcome)
        except Exception:
            log.exception("a batch could not be answered")

    # -- the end

    @property
    def points_waiting(self) -> int:
        return self._lanes.points

    async def stop(self) -> None:
        """Take nothing more; finish and answer what was taken. Idempotent."""
        self._stopping = True
        while self._worker is not None or self._asking:
            await asyncio.wait([task for task in (self._worker, *self._asking) if task is not None])

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
