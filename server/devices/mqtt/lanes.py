"""Messages on their way into ingest: of one device in order, of different devices beside each other.

A lane is what waits of one device, in one of these states:

* *asking*: whether the device may come in is being found out; known for `ADMITTED_S`;
* *open*: up to `WINDOW` messages are with ingest, which stores many in one write;
* *pausing*: ingest could not take one (over its limits, store away). What came back goes first, later.

Bounds, and what happens past them:

* `most` messages wait in all: then those of QoS 0 are dropped. Those of QoS 1 the broker keeps back itself,
  by the number that it was told (MQTT 5) or its own; past `4 * most` they are dropped, too.
* While a device is over its limits (`rate_limited`) an eighth of `most` waits for it: its further messages
  are dropped, so that it does not take the place of others. Each is tried again for `PATIENCE_S`.
* While the store is away nothing is given up: it is tried again until it is back. What fails in itself
  (`internal`) is tried `MOST_TRIES` times, and then dropped, so that it does not stand in the way for ever.

A message is acknowledged once it is stored, refused for good, or dropped; each is counted.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from msgspec import Struct

from server.devices.lanes import Answer, Settled
from server.devices.source import Source
from server.errors import BoardcastError, Internal, RateLimited
from server.model.device_messages import CommandResult
from server.wire.devices import Telling

log = structlog.stdlib.get_logger("mqtt")
V = TypeVar("V")
Key = tuple[str, str]
"""Board and device."""
ADMITTED_S = 2.0
WINDOW = 200
"""Messages of a device that are with ingest at once."""
PATIENCE_S = 10.0
MOST_TRIES = 5
"""Of a message that fails in itself."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
MOST_GUESTS = 20_000
"""Devices whose admission is remembered, and as many that were turned away."""


class Gate(Protocol):
    """What is on the other side."""

    async def admit(self, board: str, device: str) -> tuple[Source, str]:
        """May the device come in? What is known of it, and its name. Raises `BoardcastError`."""

    def heard(self, board: str, device: str, name: str) -> None:
        """A device that may come in has said something."""

    def offer(self, source: Source, told: Telling, answer: Answer) -> None:
        """See `Ingest.offer`."""

    def settled(self, board: str, device: str, result: CommandResult) -> None:
        """See `Desk.settled`."""

    def count(self, outcome: str) -> None:
        """What became of a message: `stored`, `refused` or `dropped`."""


class Item(Struct, eq=False):
    """A message of a device. `done` acknowledges it; `since`: when it came, by the loop's time; `failed`: how
    often it has.
    """

    told: Telling | CommandResult
    done: Callable[[], None]
    since: float
    failed: int = 0


class Guest(Struct, frozen=True):
    source: Source
    until: float


class Lane:
    """`again`: what came back, to go first. `pause_s`: the next pause."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.items: deque[Item] = deque()
        self.again: list[Item] = []
        self.with_ingest = 0
        self.limited = self.asking = False
        self.pause_s = FIRST_PAUSE_S
        self.timer: asyncio.TimerHandle | None = None

    @property
    def empty(self) -> bool:
        return not (self.items or self.again or self.with_ingest)


class Lanes:
    def __init__(self, gate: Gate, *, most: int) -> None:
        self._gate, self._most = gate, most
        self._lanes: dict[Key, Lane] = {}
        self._guests: OrderedDict[Key, Guest] = OrderedDict()
        self._strangers: OrderedDict[Key, float] = OrderedDict()  # until when it is not asked about again
        self._asking: set[asyncio.Task[None]] = set()
        self._closed = False
        self._none = asyncio.Event()
        self.waiting = 0

    def put(self, key: Key, told: Telling | CommandResult, done: Callable[[], None], *, kept: bool) -> None:
        """A message came. `kept`: the broker has it until it is acknowledged."""
        if self._closed:
            return
        lane = self._lanes.get(key)
        full = self.waiting >= (4 * self._most if kept else self._most)
        crowded = lane is not None and lane.limited and len(lane.items) + len(lane.again) >= self._most / 8
        if full or crowded:
            self._gate.count("dropped")
            done()
            return
        if lane is None:
            lane = self._lanes[key] = Lane(key)
        self.waiting += 1
        lane.items.append(Item(told, done, _now()))
        self._go_on(lane)

    async def close(self, patience_s: float) -> None:
        """Take nothing more. What waits may be stored for so long; the rest is not acknowledged."""
        self._closed = True
        self._none.clear()
        if self.waiting:
            try:
                await asyncio.wait_for(self._none.wait(), patience_s)
            except TimeoutError:
                log.warning("mqtt messages are left to the broker", messages=self.waiting)
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    # -- one lane

    def _go_on(self, lane: Lane) -> None:
        """Hand on what can be."""
        if lane.asking or lane.timer is not None:
            return
        if self._strangers.get(lane.key, 0.0) > _now():
            self._turn_away(lane)
            return
        guest = self._guests.get(lane.key)
        if guest is None or guest.until < _now():
            lane.asking = True
            self._spawn(self._ask(lane))
            return
        while lane.items and lane.with_ingest < WINDOW and lane.timer is None:
            self._hand_on(lane, guest.source, lane.items.popleft())
        if lane.empty:
            self._lanes.pop(lane.key, None)

    def _hand_on(self, lane: Lane, source: Source, item: Item) -> None:
        lane.with_ingest += 1
        if isinstance(item.told, CommandResult):
            self._gate.settled(*lane.key, item.told)
            self._end(lane, item, "stored")
        else:
            self._gate.offer(source, item.told, partial(self._answered, lane, item))

    async def _ask(self, lane: Lane) -> None:
        try:
            source, name = await self._gate.admit(*lane.key)
        except BoardcastError as error:
            lane.asking = False
            if error.retry:
                self._pause(lane, error)
            else:
                if lane.key not in self._strangers:  # once, not for each message
                    log.info(
                        "mqtt device refused", board=lane.key[0], device=lane.key[1], reason=error.message
                    )
                _remember(self._strangers, lane.key, _now() + ADMITTED_S)
                self._turn_away(lane)
            return
        self._strangers.pop(lane.key, None)
        _remember(self._guests, lane.key, Guest(source, _now() + ADMITTED_S))
        lane.asking = False
        self._gate.heard(*lane.key, name)
        self._go_on(lane)

    def _turn_away(self, lane: Lane) -> None:
        """The device may not come in: all that waits of it is refused."""
        for item in [*lane.again, *lane.items]:
            lane.with_ingest += 1
            self._end(lane, item, "refused")
        lane.again.clear()
        lane.items.clear()
        if lane.empty:
            self._lanes.pop(lane.key, None)

    # -- answers of ingest

    def _answered(self, lane: Lane, item: Item, outcome: Settled | BoardcastError) -> None:
        if isinstance(outcome, Settled):
            lane.limited = False
            lane.pause_s = FIRST_PAUSE_S
            self._end(lane, item, "refused" if outcome.rejected else "stored")
        elif not outcome.retry:
            log.debug("mqtt message refused", board=lane.key[0], device=lane.key[1], reason=outcome.message)
            self._end(lane, item, "refused")
        elif self._given_up(lane, item, outcome):
            self._end(lane, item, "dropped")
        else:
            lane.with_ingest -= 1
            lane.again.append(item)
            self._pause(lane, outcome)
            return
        if lane.items or lane.empty:
            # not now: ingest may be answering from within `offer`
            asyncio.get_running_loop().call_soon(self._go_on, lane)

    @staticmethod
    def _given_up(lane: Lane, item: Item, outcome: BoardcastError) -> bool:
        if isinstance(outcome, RateLimited):
            return _now() - item.since > PATIENCE_S
        item.failed += isinstance(outcome, Internal)
        if item.failed < MOST_TRIES:
            return False
        log.error("an mqtt message cannot be taken", board=lane.key[0], device=lane.key[1])
        return True

    def _pause(self, lane: Lane, error: BoardcastError) -> None:
        lane.limited = isinstance(error, RateLimited)
        if lane.timer is None:
            asked_ms = error.details.get("retry_after_ms", 0)
            asked_s = asked_ms / 1000 if isinstance(asked_ms, int) else 0.0
            wait_s = max(lane.pause_s, asked_s)
            lane.pause_s = min(2 * lane.pause_s, LONGEST_PAUSE_S)
            lane.timer = asyncio.get_running_loop().call_later(wait_s, self._resume, lane)

    def _resume(self, lane: Lane) -> None:
        lane.timer = None
        lane.items.extendleft(reversed(lane.again))
        lane.again.clear()
        self._go_on(lane)

    def _end(self, lane: Lane, item: Item, outcome: str) -> None:
        lane.with_ingest -= 1
        self.waiting -= 1
        self._gate.count(outcome)
        item.done()
        if not self.waiting:
            self._none.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="mqtt admission")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)


def _remember(known: OrderedDict[Key, V], key: Key, value: V) -> None:
    """The newest `MOST_GUESTS`."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > MOST_GUESTS:
        known.popitem(last=False)


def _now() -> float:
    return asyncio.get_running_loop().time()
