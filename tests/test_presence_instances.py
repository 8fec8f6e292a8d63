"""Two people on two instances see each other: over real sockets, and over Redis between real processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from handlers.routes import application
from server.app import App
from server.brokers.local import LocalBroker, LocalExchange
from server.config import Config
from server.model.messages import Present, User
from server.presence import Rhythm
from server.wire import PeerHere, encode_peer
from tests.neighbours import DEAD_S
from tests.services.mongo import database_url
from tests.services.redis import RedisServer
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.store import SimStore
from tests.sockets import cut_all
from tests.support import PATIENCE_S, Client, ServerProcess, on_loop

BOARD = "demo"
Seen = list[dict[str, Any]]
"""The entries of everybody whom somebody sees."""


class Person:
    """Somebody on the board. `sees`: who is there, from `joined` and the deltas after it."""

    def __init__(self, client: Client, presence: Seen) -> None:
        self.client = client
        self._here = {entry["session"]: entry for entry in presence}

    @classmethod
    async def join(cls, server: Any, name: str) -> "Person":
        client = await Client.hello(server, name=name)
        joined = await client.ask("join", board=BOARD)
        return cls(client, joined["presence"])

    @property
    def sees(self) -> Seen:
        return list(self._here.values())

    async def until(self, seen: Callable[[Seen], object], within_s: float = PATIENCE_S) -> None:
        """Read on until what is seen is as it should be."""
        try:
            async with asyncio.timeout(within_s):
                while not seen(self.sees):
                    self._take(await self.client.next(ephemeral=True))
        except TimeoutError:
            raise AssertionError(f"after {within_s} s there are still {self.sees}") from None

    def _take(self, message: Any) -> None:
        for entry in message["joined"] + message["updated"]:
            self._here[entry["session"]] = entry
        for session in message["left"]:
            self._here.pop(session, None)

    async def looks(self, **looks: object) -> None:
        await self.client.send({"type": "presence", "board": BOARD, **looks})


def only(*names: str) -> Callable[[Seen], bool]:
    return lambda seen: sorted(entry["user"]["name"] for entry in seen) == sorted(names)


def at(name: str, **looks: object) -> Callable[[Seen], bool]:
    return lambda seen: any(e["user"]["name"] == name and looks.items() <= e.items() for e in seen)


async def meet(one: Any, two: Any) -> tuple[Person, Person]:
    """Ada on the first instance and Bob on the second, who see each other type."""
    ada, bob = await Person.join(one, "Ada"), await Person.join(two, "Bob")
    await ada.until(only("Ada", "Bob"))
    await bob.until(only("Ada", "Bob"))
    await ada.looks(task="t1", field="title", typing=True)
    await bob.until(at("Ada", task="t1", field="title", typing=True))
    await bob.looks(task="t2")
    await ada.until(at("Bob", task="t2"))
    return ada, bob


# --- two instances in one process


class Instance:
    """A whole server on a port of its own. `url` is what a client wants to know."""

    def __init__(self, folder: Path, disk: SimDisk, exchange: LocalExchange) -> None:
        config = Config.load(None, {}, {"data": str(folder)})
        self.app = App(config, store=SimStore(disk, Faults()), broker=LocalBroker(exchange))
        self.url = ""
        self.stopped = False

    async def start(self) -> None:
        await self.app.start()
        self._server = HTTPServer(application(self.app))
        listening, port = bind_unused_port()
        self._server.add_socket(listening)
        self.url = f"http://127.0.0.1:{port}"

    async def die(self) -> None:
        """No goodbye: from one moment to the next nothing is said to anybody."""
        self.app.hub.people._offer = None
        await self.app.broker.close()

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self._server.stop()
            await self.app.drain()
            await self.app.stop()


@asynccontextmanager
async def two_instances(folder: Path) -> AsyncIterator[tuple[Instance, Instance]]:
    disk, exchange = SimDisk(), LocalExchange()
    them = [Instance(folder / name, disk, exchange) for name in ("one", "two")]
    for instance in them:
        await instance.start()
    try:
        yield them[0], them[1]
    finally:
        await cut_all()
        for instance in them:
            await instance.stop()


@on_loop
async def test_people_on_two_instances_see_each_other_come_look_and_go(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (one, two):
        ada, bob = await meet(one, two)
        late = await Person.join(two, "Late")
        assert only("Ada", "Bob", "Late")(late.sees), "whoever is known is in `joined`"
        await ada.until(only("Ada", "Bob", "Late"))
        await late.client.ask("leave", board=BOARD)
        await ada.until(only("Ada", "Bob"))
        await bob.client.close()
        await ada.until(only("Ada"))


@on_loop
async def test_who_moves_to_another_instance_is_there_once(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (one, two):
        ada, bob = await meet(one, two)
        await ada.client.close()
        again = await Person.join(two, "Ada")
        await again.until(only("Ada", "Bob"))
        await again.looks(task="t9")
        await bob.until(lambda seen: only("Ada", "Bob")(seen) and at("Ada", task="t9")(seen))


@on_loop
async def test_a_graceful_stop_takes_its_people_along_at_once(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (one, two):
        ada, bob = await meet(one, two)
        stopping = asyncio.create_task(one.stop())
        await bob.until(only("Bob"), Rhythm().beacon_s)
        assert (await ada.client.closed()).code == 1001
        await stopping


@on_loop
async def test_a_sudden_end_takes_its_people_along_after_a_silence(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (one, two):
        _, bob = await meet(one, two)
        await one.die()
        two.app.hub.tick(asyncio.get_running_loop().time() + Rhythm().silent_s)
        await bob.until(only("Bob"), Rhythm().beacon_s)


@on_loop
async def test_a_board_that_is_unloaded_is_forgotten(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (one, _):
        known = one.app.hub.people._boards
        await one.app.boards.get("nowhere").ready()
        assert "nowhere" not in known, "nobody here is to see who is there"
        await one.app.boards.hold("nowhere").ready()
        assert "nowhere" in known, "others may tell of their people there"
        one.app.boards.release("nowhere")
        one.app.boards._unload_idle(asyncio.get_running_loop().time())
        assert "nowhere" not in known


def test_what_a_newer_instance_says_is_passed_over_and_nonsense_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @on_loop
    async def hear(*messages: bytes) -> None:
        exchange = LocalExchange()
        one = Instance(tmp_path, SimDisk(), exchange)
        await one.start()
        ada = await Person.join(one, "Ada")
        other = LocalBroker(exchange)
        await other.start(lambda *_: None, lambda _: None)
        for message in messages:
            other.offer(BOARD, message)
        bob = Present(session="s9", user=User("u9", "Bob"), kind="user")
        other.offer(BOARD, encode_peer(PeerHere(run="x-1", number=1, after=0, here=[bob])))
        await ada.until(only("Ada", "Bob"))
        await ada.client.close()
        await one.stop()

    hear(msgspec.msgpack.encode({"type": "future", "people": 3}))
    assert "cannot be understood" not in caplog.text
    hear(b"nonsense", encode_peer(PeerHere(run="x" * 200, number=1, after=0)))
    assert caplog.text.count("cannot be understood") == 2


# --- processes of their own, over Redis


class Hasty(ServerProcess):
    """Whoever is silent is gone five times as soon."""

    program = "tests.hasty"


@on_loop
async def test_processes_tell_each_other_over_redis_of_their_people_and_of_their_end(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as redis:
        settings = {"BROKER__URL": redis.url, "STORE__URL": database_url(str(tmp_path))}
        one, two, three = (Hasty(tmp_path / name, **settings) for name in ("one", "two", "three"))
        with one, two, three:
            _, bob = await meet(one, two)
            cleo = await Person.join(three, "Cleo")
            await bob.until(only("Ada", "Bob", "Cleo"))
            await cleo.until(only("Ada", "Bob", "Cleo"))
            three.terminate()
            await bob.until(only("Ada", "Bob"), Rhythm().beacon_s)
            redis.restart()
            dora = await Person.join(two, "Dora")
            await dora.until(only("Ada", "Bob", "Dora"))
            one.kill()
            await bob.until(only("Bob", "Dora"), DEAD_S)
