"""Connections that ask for nothing, or too slowly: they cost little, for a short time."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.web import Application, RequestHandler

from handlers.arrivals import Arrivals, GuardedServer, Patience
from handlers.listening import bind
from server.callers import Proxies
from tests.sockets import Closed, Socket
from tests.support import Client, ServerProcess, on_loop
from tests.test_metrics import scrape
from tests.web.raw import connect, exchange, head, read_answer

PATIENCE = Patience(waiting=3, per_home=2, new_s=10, resting_s=75, sending_s=20, asking_s=120)
MANY = 2000
SPARE = 300
"""Descriptors for everything that is not one of the many connections."""
UPGRADE = head("GET /ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")


def crowd(*names: str, home: str | None = None) -> Arrivals:
    arrivals = Arrivals(PATIENCE)
    for at, name in enumerate(names):
        assert arrivals.arrive(name, home, at)
    return arrivals


def test_of_those_that_wait_the_longest_makes_room() -> None:
    arrivals = crowd("a", "b", "c", "d")
    arrivals.ask("a", 5)
    assert arrivals.longest() is None, "a request is under way: that is no waiting"
    arrivals.arrive("e", None, 6)
    assert arrivals.longest() == "b"
    arrivals.leave("b")
    arrivals.rest("a", 7)
    assert arrivals.longest() == "c"


def test_resting_ones_make_room_when_they_are_more() -> None:
    arrivals = crowd("a", "b", "c", "d")
    for name in "cba":
        arrivals.ask(name, 5)
    for name in "abc":
        arrivals.rest(name, 6)
    assert arrivals.longest() == "a"


def test_each_state_has_its_time() -> None:
    arrivals = crowd("new", "resting", "sending", "asking")
    for name in ("resting", "sending", "asking"):
        arrivals.send(name, 4)
    for name in ("resting", "asking"):
        arrivals.ask(name, 5)
    arrivals.rest("resting", 6)
    assert list(arrivals.late(9.9)) == []
    assert list(arrivals.late(10)) == [("new", "new")]
    assert list(arrivals.late(24)) == [("new", "new"), ("sending", "sending")]
    assert ("resting", "resting") not in arrivals.late(80.9) and ("resting", "resting") in arrivals.late(81)
    assert ("asking", "asking") not in arrivals.late(124.9) and ("asking", "asking") in arrivals.late(125)
    for name in ("new", "resting", "sending", "asking", "asking"):
        arrivals.leave(name)
    assert len(arrivals) == 0 and list(arrivals.late(1000)) == []


def test_a_home_has_its_share_and_gets_it_back() -> None:
    arrivals = crowd("a", "b", home="192.0.2.1")
    assert not arrivals.arrive("c", "192.0.2.1", 3)
    assert arrivals.arrive("d", "192.0.2.2", 3)
    assert arrivals.arrive("e", None, 3), "who stands for many is not counted"
    arrivals.leave("a")
    assert arrivals.arrive("c", "192.0.2.1", 4)


@pytest.fixture
def files() -> Iterator[int]:
    """Lets this process have so many connections: `MANY`, or as many as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY + SPARE if hard == resource.RLIM_INFINITY else min(MANY + SPARE, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield min(MANY, wanted - SPARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def half_open(port: int, count: int) -> list[Socket]:
    """Connections that say nothing, half a request, half a WebSocket's handshake, by turns."""
    beginnings = [b"", b"GET /api/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", UPGRADE[:-20]]
    links = []
    for number in range(count):
        links.append(await connect(port))
        links[-1].writer.write(beginnings[number % 3])
    return links


async def others_are_served(server: ServerProcess, ann: Client) -> None:
    """Who was there before goes on, and who comes now is let in: by socket and by HTTP."""
    task = f"t{server.descriptors()}"
    assert (await ann.mutate("demo", "task.create", task=task, title="T"))["type"] == "ack"
    assert (await (await Client.hello(server)).ask("ping"))["type"] == "pong"
    answer = await exchange(server.port, head("GET /api/tasks"))
    assert answer is not None and answer.status == 200


@on_loop
async def test_half_open_connections_push_each_other_out_and_nobody_else(tmp_path: Path, files: int) -> None:
    """Forty times as many as may wait; people and programs come and go all the while."""
    with ServerProcess(tmp_path, LIMITS__WAITING_CONNECTIONS="50") as server:
        ann = await Client.hello(server)
        before = server.descriptors()
        links = await half_open(server.port, files)
        await others_are_served(server, ann)
        for link in links[: files - 60]:
            assert await rest(link) == b"", "the oldest were closed, without a word"
        assert server.descriptors() - before < 70
        met = (await scrape(server))["boardcast_limits_reached_total{limit=waiting_connections}"]
        assert met >= files - 50


@on_loop
async def test_as_many_as_2000_half_open_connections_wait_their_time_and_are_gone(
    tmp_path: Path, files: int
) -> None:
    """With the limits as they are by default; a quarter of them are WebSockets that never say hello."""
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server)
        before = server.descriptors()
        links = await half_open(server.port, files * 3 // 4)
        greeted = [await Socket.open(f"{server.url}/ws") for _ in range(files // 4)]
        assert server.descriptors() - before >= 0.99 * files, "all of them are let in at first"
        await others_are_served(server, ann)
        for link in links:
            answer = await rest(link)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        for link in greeted:
            with pytest.raises(Closed) as closed:
                while True:
                    await link.receive()
            assert closed.value.code == 4501
        await others_are_served(server, ann)
        assert server.descriptors() - before < 10
        assert (await scrape(server))["boardcast_limits_reached_total{limit=first_request}"] == len(links)
        assert "Traceback" not in server.output()


async def rest(link: Socket) -> bytes:
    """What comes until the server hangs up."""
    try:
        return await link.reader.read()
    except ConnectionError:  # a reset, or a write that failed before it
        return b""


@on_loop
async def test_a_request_that_trickles_in_is_cut_off_whatever_it_wants_to_be(tmp_path: Path) -> None:
    settings = {"LIMITS__FIRST_REQUEST_S": "0.5"}
    with ServerProcess(tmp_path, **settings) as server:
        trickle = [
            head("GET /"),
            head("GET /ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            b"\x16\x03\x01",
            b"\r\n" * 100,
            b"",
        ]
        for data in trickle:
            link = await connect(server.port)
            with contextlib.suppress(ConnectionError):  # it was cut off on the way
                for at in range(len(data) - 1):
                    link.writer.write(data[at : at + 1])
                    await link.writer.drain()
            answer = await rest(link)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        assert (await scrape(server))["boardcast_limits_reached_total{limit=first_request}"] >= 3
        assert "Traceback" not in server.output()


@on_loop
async def test_a_body_that_does_not_come_is_cut_off() -> None:
    met: list[str] = []
    server = GuardedServer(Application([("/", RequestHandler)]))
    patience = Patience(waiting=9, per_home=9, new_s=600, resting_s=600, sending_s=0)
    server.guard(patience, Proxies(()), met.append, met.append)
    server.add_sockets(sockets := bind("127.0.0.1", 0))
    try:
        link = await connect(sockets[0].getsockname()[1])
        link.writer.write(head("POST /", "Content-Length: 5") + b"half")
        assert await rest(link) == b""
        assert met == ["slow_requests"]
    finally:
        server.stop()


@on_loop
async def test_who_is_quiet_between_two_requests_is_not_new_again(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, LIMITS__FIRST_REQUEST_S="0.2") as server:
        link = await connect(server.port)
        for _ in range(2):
            link.writer.write(head("GET /healthz"))
            assert (await read_answer(link.reader)).status == 200
            late = await connect(server.port)
            assert await rest(late) == b"", "one that asked for nothing is gone by now"
