"""Newest values: conflated per key, after history, to those who want them, across instances."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from server.app import App
from server.brokers.local import LocalBroker, LocalExchange
from server.config import Config
from server.devices.lanes import Settled
from server.devices.live import Filter, Live, Watcher
from server.hub import Connection, Hub
from server.metrics import Metrics
from server.model.device_messages import Reading
from server.model.messages import User
from server.model.telemetry import Point
from server.stores.mongo import MongoStore
from server.wire import JSON, MSGPACK, PeerTelemetry, decode_peer
from server.wire.devices import Loose
from tests.connections import PairTransport, frames
from tests.services.mongo import database_url
from tests.support import PATIENCE_S, on_loop
from tests.test_outbox import Bounds

ALL = Filter(None, None)


class Stage:
    """A hub and live values; `peers`: what other instances would be told."""

    def __init__(self) -> None:
        self.hub = Hub(Metrics())
        self.peers: list[tuple[str, PeerTelemetry]] = []
        self.live = Live(self.hub, self._offer, lambda board: True)
        self.transports: list[PairTransport] = []

    def _offer(self, board: str, message: bytes) -> None:
        told = decode_peer(message)
        assert isinstance(told, PeerTelemetry)
        self.peers.append((board, told))

    def member(self, wanted: Filter = ALL, codec: object = JSON) -> "Member":
        return Member(self, f"s{len(self.transports)}", wanted, codec)

    def show(self, device: str, *points: tuple[int, float], metric: str = "temp") -> None:
        self.live.show("b", device, [Point(t, metric, v) for t, v in points])

    def tick(self) -> None:
        self.live.tick()
        self.hub.flush()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    for transport in made.transports:
        transport.dispose()


class Member:
    def __init__(self, stage: Stage, name: str, wanted: Filter, codec: object) -> None:
        self.transport = PairTransport(kernel_bytes=4096)
        stage.transports.append(self.transport)
        self.connection = Connection(stage.hub, name, codec, self.transport, Bounds())  # type: ignore[arg-type]
        self.connection.user = User(name, name)
        stage.hub.add(self.connection)
        stage.hub.join(self.connection, "b", "viewer")
        self.watcher: Watcher = stage.live.watch(self.connection, "b", wanted)

    def reads(self) -> list[list[tuple[str, str, int, float]]]:
        """The points of each `telemetry` that has arrived."""
        found = []
        for opcode, payload in frames(self.transport.read_all()):
            message = msgspec.msgpack.decode(payload) if opcode == 2 else msgspec.json.decode(payload)
            if message["type"] == "telemetry":
                assert message["board"] == "b"
                found.append([(p["device"], p["metric"], p["t"], p["v"]) for p in message["points"]])
        return found


@on_loop
async def test_of_each_key_the_newest_value_is_told_once_a_tick_and_times_only_go_up(stage: Stage) -> None:
    json, packed = stage.member(), stage.member(codec=MSGPACK)
    some = stage.member(Filter(frozenset({"d2"}), frozenset({"temp"})))
    for member in (json, packed, some):
        member.watcher.release({})
    stage.show("d1", (1, 1.0), (3, 3.0), (2, 2.0))
    stage.show("d1", (4, 4.0), metric="hum")
    stage.show("d2", (9, 9.0))
    stage.tick()
    told = [[("d1", "temp", 3, 3.0), ("d1", "hum", 4, 4.0), ("d2", "temp", 9, 9.0)]]
    assert json.reads() == packed.reads() == told
    assert some.reads() == [[("d2", "temp", 9, 9.0)]]
    stage.tick()
    stage.show("d1", (2, 2.5), (3, 3.5))
    stage.tick()
    assert json.reads() == [], "what is older than what was told is not told"
    stage.show("d1", (5, 5.0))
    stage.show("d1", (6, 6.0))
    stage.tick()
    assert json.reads() == [[("d1", "temp", 6, 6.0)]]
    assert some.reads() == []


@on_loop
async def test_who_is_held_gets_what_its_history_lacks_and_nothing_that_it_has(stage: Stage) -> None:
    member = stage.member()
    stage.show("d1", (5, 5.0))
    stage.show("d2", (5, 5.0))
    stage.tick()
    stage.show("d1", (6, 6.0))
    stage.tick()
    assert member.reads() == [], "its history comes first"
    member.watcher.release({("d1", "temp"): 6, ("d2", "temp"): 4})
    stage.tick()
    assert member.reads() == [[("d2", "temp", 5, 5.0)]]
    stage.live.heard("b", PeerTelemetry(points=[("d3", "temp", 3, 3.0)]))
    stage.show("d1", (7, 7.0))
    stage.tick()
    assert member.reads() == [[("d3", "temp", 3, 3.0), ("d1", "temp", 7, 7.0)]]


@on_loop
async def test_what_another_instance_tells_late_is_not_told_when_history_has_it(stage: Stage) -> None:
    member = stage.member()
    member.watcher.release({("d1", "temp"): 6})
    stage.show("d2", (1, 1.0))
    stage.tick()
    stage.live.heard("b", PeerTelemetry(points=[("d1", "temp", 6, 6.0)]))
    stage.tick()
    stage.live.heard("b", PeerTelemetry(points=[("d1", "temp", 8, 8.0)]))
    stage.tick()
    assert member.reads() == [[("d2", "temp", 1, 1.0)], [("d1", "temp", 8, 8.0)]]


@on_loop
async def test_a_slow_reader_gets_the_newest_of_each_key_when_it_reads_again(stage: Stage) -> None:
    slow, quick = stage.member(), stage.member()
    for member in (slow, quick):
        member.watcher.release({})
    slow.connection.outbox.offer_log(None, b"\x81\x7f" + (1 << 20).to_bytes(8, "big") + b" " * (1 << 20))
    slow.connection.outbox.flush()
    assert slow.transport.writing()
    for t in range(1, 200):
        stage.show("d1", (t, float(t)))
        stage.show(f"d{2 + t % 2}", (t, float(t)))
        stage.tick()
        assert len(quick.reads()) == 1
    assert len(slow.watcher.kept) == 3
    slow.transport.read_all()
    stage.tick()
    (last,) = slow.reads()
    assert sorted((device, t) for device, _, t, _ in last) == [("d1", 199), ("d2", 198), ("d3", 199)]


@on_loop
async def test_who_leaves_the_board_or_is_gone_is_told_nothing_more(stage: Stage) -> None:
    left, gone, stays = stage.member(), stage.member(), stage.member()
    for member in (left, gone, stays):
        member.watcher.release({})
    stage.hub.leave(left.connection, "b")
    stage.hub.remove(gone.connection)
    stage.show("d1", (1, 1.0))
    stage.tick()
    assert (left.reads(), gone.reads(), len(stays.reads())) == ([], [], 1)
    stage.hub.remove(stays.connection)
    stage.tick()
    assert not stage.live._boards, "nothing is kept of a board that nobody watches"


@on_loop
async def test_other_instances_are_told_what_came_in_here_and_nothing_else(stage: Stage) -> None:
    for n in range(2500):
        stage.show(f"d{n}", (1, 1.0), (2, 2.0))
    stage.live.heard("b", PeerTelemetry(points=[("elsewhere", "temp", 3, 3.0)]))
    stage.tick()
    assert [len(told.points) for _, told in stage.peers] == [1000, 1000, 500]
    assert {board for board, _ in stage.peers} == {"b"}
    assert all(t == 2 for _, told in stage.peers for _, _, t, _ in told.points)
    stage.tick()
    assert len(stage.peers) == 3


@on_loop
async def test_a_value_that_comes_in_on_one_instance_is_seen_on_another(tmp_path: Path) -> None:
    """Two instances on one MongoDB; the one that the device knows is not the one that is watched."""
    exchange, url = LocalExchange(), database_url(str(tmp_path))
    config = Config.load(None, {}, {})
    one, two = (App(config, store=MongoStore(url), broker=LocalBroker(exchange)) for _ in range(2))
    for app in (one, two):
        await app.start()
    transport = PairTransport()
    session = one.connect(transport, JSON)
    received: list[dict[str, object]] = []

    async def says(kind: str, wanted: str = "", **fields: object) -> dict[str, object]:
        session.receive(msgspec.json.encode({"type": kind, "id": 1, "board": "demo", **fields}).decode())
        return await hears(wanted)

    async def hears(wanted: str) -> dict[str, object]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for message in received:
                    if message["type"] == wanted:
                        received.remove(message)
                        return message
                data = await asyncio.get_running_loop().sock_recv(transport.peer, 1 << 16)
                received.extend(msgspec.json.decode(payload) for op, payload in frames(data) if op == 1)

    try:
        session.receive('{"type":"hello","id":1,"client":"somebody-here"}')
        await hears("welcome")
        await says("join", "joined")
        source = await two.devices.ingest.source("demo", "d1")
        t = two.devices.clock()
        for n in (1, 2):
            stored = asyncio.get_running_loop().create_future()
            told = Loose("boot", n, [Reading({"temp": float(n)}, t + n)])
            two.devices.ingest.offer(source, told, stored.set_result)
            assert isinstance(await stored, Settled)
            if n == 1:
                watching = await says("watch", "watching", **{"from": t})
                (series,) = watching["series"]  # type: ignore[misc]
                assert series["points"] == [[t + 1, 1.0, 1.0, 1.0, 1]] and series["position"] == t + 1
        news = await hears("telemetry")
        assert news["points"] == [{"device": "d1", "metric": "temp", "t": t + 2, "v": 2.0}]
        source = await one.devices.ingest.source("demo", "d1")
        stored = asyncio.get_running_loop().create_future()
        one.devices.ingest.offer(source, Loose("boot", 3, [Reading({"temp": 3.0})]), stored.set_result)
        settled = await stored
        assert isinstance(settled, Settled) and settled.mark == 3, "what the other instance settled counts"
    finally:
        session.closed()
        transport.dispose()
        for app in (one, two):
            await app.drain()
            await app.stop()
