"""Messages on their way into ingest, on virtual time: order, bounds, and what happens past them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import wraps

from server.devices.judge import Names
from server.devices.lanes import Answer, Settled
from server.devices.mqtt.lanes import ADMITTED_S, MOST_TRIES, PATIENCE_S, WINDOW, Lanes
from server.devices.source import Budget, Limits, Source
from server.errors import BoardcastError, Forbidden, Internal, RateLimited, Unavailable
from server.model.device_messages import CommandResult, Reading
from server.wire.devices import Loose, Telling
from tests.simulator.loop import VirtualLoop

MANY = 1000


class Gate:
    """Takes everything, unless it is told what to refuse; answers in the next turn of the loop."""

    def __init__(self) -> None:
        self.refusal: Callable[[str], BoardcastError | None] = lambda device: None
        self.admission: BoardcastError | None = None
        self.taken: list[tuple[str, float]] = []
        self.counted: Counter[str] = Counter()
        self.admitted: list[str] = []
        self.results: list[CommandResult] = []
        self.with_ingest = self.most_with_ingest = 0
        self.held: list[Callable[[], None]] | None = None

    async def admit(self, board: str, device: str) -> tuple[Source, str]:
        await asyncio.sleep(0.01)
        if self.admission is not None:
            raise self.admission
        self.admitted.append(device)
        return Source(board, device, Names([], 10), Budget(Limits((), ()), 0.0)), device

    def heard(self, board: str, device: str, name: str) -> None:
        assert device in self.admitted

    def offer(self, source: Source, told: Telling, answer: Answer) -> None:
        self.with_ingest += 1
        self.most_with_ingest = max(self.most_with_ingest, self.with_ingest)

        def conclude() -> None:
            self.with_ingest -= 1
            refusal = self.refusal(source.device)
            if refusal is None:
                self.taken += [(source.device, value) for value in told.points[0].values.values()]
            answer(refusal or Settled(0, 1, []))

        if self.held is None:
            asyncio.get_running_loop().call_soon(conclude)
        else:
            self.held.append(conclude)

    def settled(self, board: str, device: str, result: CommandResult) -> None:
        self.results.append(result)

    def count(self, outcome: str) -> None:
        self.counted[outcome] += 1


class Place:
    """Lanes of at most `most` messages, and what was acknowledged, in order."""

    def __init__(self, most: int = MANY) -> None:
        self.gate = Gate()
        self.lanes = Lanes(self.gate, most=most)
        self.done: list[tuple[str, float]] = []

    def put(self, device: str, *values: float, kept: bool = True) -> None:
        for value in values:
            told = Loose("", 0, [Reading({"v": value}, 1)])
            self.lanes.put(("b", device), told, lambda v=value: self.done.append((device, v)), kept=kept)  # type: ignore[misc]

    async def all_done(self) -> None:
        while self.lanes.waiting:  # noqa: ASYNC110 - on virtual time
            await asyncio.sleep(0.01)


def on_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        async def main() -> None:
            await test()

        VirtualLoop().run(main())

    return run


@on_virtual_time
async def test_messages_of_a_device_go_in_order_and_it_is_asked_for_once() -> None:
    place = Place()
    place.put("a", *range(50))
    place.put("b", *range(50))
    await place.all_done()
    assert [value for device, value in place.gate.taken if device == "a"] == list(range(50))
    assert sorted(place.gate.admitted) == ["a", "b"]
    assert len(place.done) == 100 == place.gate.counted["stored"]
    assert not place.lanes._lanes, "nothing is kept of a device that said all"


@on_virtual_time
async def test_no_more_than_the_window_of_a_device_is_with_ingest() -> None:
    place = Place()
    place.put("a", *range(3 * WINDOW))
    await place.all_done()
    assert place.gate.most_with_ingest == WINDOW
    assert len(place.done) == 3 * WINDOW


@on_virtual_time
async def test_what_comes_back_goes_again_before_the_rest_and_in_order() -> None:
    place = Place()
    refusals = iter([RateLimited("points", 300)] * 3)
    place.gate.refusal = lambda device: next(refusals, None)
    place.put("a", *range(10))
    await place.all_done()
    assert sorted(value for _, value in place.gate.taken) == list(range(10))
    again = [value for _, value in place.gate.taken if value < 3]
    assert again == [0, 1, 2]
    assert place.gate.counted == {"stored": 10}


@on_virtual_time
async def test_while_the_store_is_away_nothing_that_the_broker_keeps_is_given_up() -> None:
    place = Place(most=10)
    away = True
    place.gate.refusal = lambda device: Unavailable("the store does not answer") if away else None
    place.put("a", *range(20))
    place.put("b", *range(10), kept=False)
    assert place.gate.counted == {"dropped": 10}, "QoS 0 past the bound"
    assert place.lanes.waiting == 20
    await asyncio.sleep(600)
    assert not place.gate.taken
    away = False
    await place.all_done()
    assert [value for _, value in place.gate.taken] == list(range(20))


@on_virtual_time
async def test_past_the_last_bound_messages_are_dropped_whatever_their_qos() -> None:
    place = Place(most=10)
    place.put("a", *range(50))
    assert (place.lanes.waiting, place.gate.counted["dropped"]) == (40, 10)
    await place.all_done()
    assert place.gate.counted == {"dropped": 10, "stored": 40}


@on_virtual_time
async def test_a_device_over_its_limits_takes_no_place_from_the_others_and_is_given_up_in_the_end() -> None:
    place = Place(most=80)
    place.gate.refusal = lambda device: RateLimited("points", 100) if device == "flood" else None
    place.put("flood", *range(5))
    await asyncio.sleep(0.1)
    place.put("flood", *range(5, 60))
    assert place.gate.counted["dropped"] == 50
    place.put("calm", *range(30), kept=False)
    await asyncio.sleep(0.1)
    assert [value for _, value in place.gate.taken] == list(range(30))
    await asyncio.sleep(2 * PATIENCE_S)
    assert place.lanes.waiting == 0
    assert place.gate.counted == {"dropped": 60, "stored": 30}
    assert len(place.done) == 90, "each is acknowledged: the broker is not to send it again"


@on_virtual_time
async def test_a_device_that_may_not_come_in_is_refused_all_it_said() -> None:
    place = Place()
    place.gate.admission = Forbidden("telemetry", "disabled")
    place.put("a", *range(5))
    await place.all_done()
    assert place.gate.counted == {"refused": 5}
    place.gate.admission = None
    place.put("a", 6)
    await place.all_done()
    assert place.gate.counted == {"refused": 6}, "it is not asked about at each message"
    await asyncio.sleep(ADMITTED_S)
    place.put("a", 5)
    await place.all_done()
    assert place.gate.taken == [("a", 5)]


@on_virtual_time
async def test_the_answer_to_a_command_waits_for_the_admission_too() -> None:
    place = Place()
    told = CommandResult(command="c1", ok=True)
    place.lanes.put(("b", "a"), told, lambda: place.done.append(("a", 0)), kept=True)
    assert not place.gate.results
    await place.all_done()
    assert place.gate.results == [told]
    assert place.done == [("a", 0)]


@on_virtual_time
async def test_at_the_end_what_ingest_has_is_waited_for_and_the_rest_is_left_to_the_broker() -> None:
    place = Place()
    place.gate.held = []
    place.put("a", *range(4))
    await asyncio.sleep(0.1)
    closing = asyncio.create_task(place.lanes.close(2.0))
    await asyncio.sleep(0)
    for conclude in place.gate.held[:3]:
        conclude()
    place.put("a", 99)
    await closing
    assert [value for _, value in place.done] == [0, 1, 2]
    assert place.gate.counted == {"stored": 3}


@on_virtual_time
async def test_a_message_that_always_fails_is_given_up_and_the_rest_goes_on() -> None:
    place = Place()
    tries = 0

    def fails(device: str) -> BoardcastError | None:
        nonlocal tries
        tries += device == "a"
        return Internal() if device == "a" and tries <= MOST_TRIES else None

    place.gate.refusal = fails
    place.put("a", 1)
    await place.all_done()
    place.put("a", 2)
    await place.all_done()
    assert place.gate.taken == [("a", 2)]
    assert place.gate.counted == {"dropped": 1, "stored": 1}
    assert place.done == [("a", 1), ("a", 2)], "the broker is not to send it again"
