"""A stop that was asked for: not ready first, then everybody is sent away with what they were owed."""

import asyncio
import json
import random
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from server.app import App
from server.config import Config
from server.errors import Close, Unavailable
from server.leaving import EACH_MS, FIRST_MS, LEAST_MS, MOST_MS, InFlight, return_after_ms
from server.wire import JSON
from tests.connections import PairTransport, messages
from tests.support import PATIENCE_S, Client, Closed, ServerProcess, on_loop


@pytest.mark.parametrize(
    ("connections", "spread_ms"),
    [(1, LEAST_MS), (1000, 1000 * EACH_MS), (20_000, MOST_MS)],
)
def test_the_more_clients_the_longer_they_are_spread_over(connections: int, spread_ms: int) -> None:
    rng = random.Random(1)
    asked = [return_after_ms(connections, rng) - FIRST_MS for _ in range(10_000)]
    assert 0 <= min(asked) < spread_ms / 100 and spread_ms * 0.99 < max(asked) <= spread_ms
    quarters = [sum(part <= at * 4 / spread_ms < part + 1 for at in asked) for part in range(4)]
    assert min(quarters) > 2200, "evenly: no crowd at any time"


def test_requests_under_way_are_waited_for() -> None:
    requests = InFlight()
    assert requests.none.is_set()
    requests.add("one")
    requests.add("two")
    requests.discard("one")
    requests.discard("one")
    assert not requests.none.is_set()
    requests.discard("two")
    assert requests.none.is_set()


@on_loop
async def test_readiness_goes_first_and_everything_else_goes_on(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SERVER__LAME_DUCK_S="600") as server:
        ann = await Client.hello(server)
        server.terminate()
        status, body = await until_not_ready(server)
        assert (status, body["draining"], body["parts"]["store"]) == (503, True, "up")
        assert (await asyncio.to_thread(server.get, "/healthz"))[0] == 200
        newcomer = await Client.hello(server)
        for number, client in enumerate((ann, newcomer)):
            assert (await client.mutate("demo", "task.create", task=f"t{number}", title="T"))["type"] == "ack"
            await client.silent()
        _, text = await asyncio.to_thread(server.get, "/metrics")
        assert "boardcast_server_draining 1.0" in text
        server.terminate()
        assert server.wait() == 0, "a second signal does not wait"


async def until_not_ready(server: ServerProcess) -> tuple[int, dict[str, object]]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            status, body = await asyncio.to_thread(server.get, "/readyz")
            if status != 200:
                return status, json.loads(body)


@on_loop
async def test_the_lame_duck_time_comes_to_its_end(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SERVER__LAME_DUCK_S="0.3") as server:
        ann = await Client.hello(server)
        server.terminate()
        assert (await ann.closed()).code == Close.GOING_AWAY
        assert server.wait() == 0


@on_loop
async def test_a_second_signal_stops_at_once_whatever_hangs(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SERVER__DRAIN_S="600") as server:
        stuck = await Client.hello(server)
        stuck.socket.writer.transport.pause_reading()  # never answers the Close frame
        server.terminate()
        bye = await asyncio.to_thread(wait_for_line, server, "draining")
        assert bye
        server.terminate()
        assert server.wait() == 0
        assert "told to stop a second time" in server.output()
        assert "Traceback" not in server.output()


def wait_for_line(server: ServerProcess, word: str) -> bool:
    """Reads what the server writes until the word is there, or the process has ended."""
    while word not in server.output():
        try:
            server._process.wait(0.01)
        except subprocess.TimeoutExpired:
            continue
        break
    return word in server.output()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_the_server_starts_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    """Its store does not answer, so that it is starting for as long as it takes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/x"
        server = ServerProcess(tmp_path, STORE__URL=url, STORE__DEADLINE_S="60")
        process = server.spawn()
        silent.settimeout(PATIENCE_S)
        silent.accept()[0].close()
        process.send_signal(number)
        assert server.wait() == 0, server.output()
        assert "Traceback" not in server.output()


@on_loop
async def test_who_waits_for_a_board_to_be_read_is_told_that_the_server_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App(Config.load(None, {}, {"data": str(tmp_path)}))
    await app.start()
    reading = asyncio.Event()

    async def for_ever(board: str, recent: int) -> None:
        reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(app.store, "load", for_ever)
    waiting = asyncio.create_task(app.boards.get("large").ready())
    impatient = asyncio.create_task(app.boards.get("large").ready())
    await reading.wait()
    impatient.cancel()
    await app.drain()
    with pytest.raises(Unavailable, match="going away"):
        await waiting
    assert impatient.cancelled()
    await app.stop()


@on_loop
async def test_who_comes_in_while_the_server_goes_is_sent_away_like_the_others(tmp_path: Path) -> None:
    app = App(Config.load(None, {}, {"data": str(tmp_path)}))
    await app.start()
    await app.drain()
    transport = PairTransport()
    app.connect(transport, JSON)
    app.hub.flush()
    bye, close = messages(transport.read_all(), JSON)
    assert (bye["type"], close) == ("bye", {"type": "close", "code": Close.GOING_AWAY})
    assert app.hub.empty.is_set()
    await app.stop()
    transport.dispose()


@on_loop
async def test_a_connection_that_is_kept_alive_is_given_up_and_its_request_answered(tmp_path: Path) -> None:
    """A proxy keeps connections open. It must learn that this one is of no more use, and lose no answer."""
    app = App(Config.load(None, {}, {"data": str(tmp_path)}))
    await app.start()
    from handlers.listening import bind
    from handlers.routes import application, serve

    server = serve(application(app), bind("127.0.0.1", 0), app)
    port = next(iter(server._sockets.values())).getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    first = await exchange(reader, writer, "/api/tasks")
    assert first.startswith("HTTP/1.1 200") and "Connection: close" not in first
    asked, held = asyncio.Event(), asyncio.Event()
    load = app.store.board_ids

    async def slow() -> object:
        asked.set()
        await held.wait()
        return await load()

    app.store.board_ids = slow
    asking = asyncio.ensure_future(exchange(reader, writer, "/api/boards"))
    await asyncio.wait_for(asked.wait(), PATIENCE_S)
    server.stop()
    draining = asyncio.ensure_future(app.drain())
    await app.hub.empty.wait()
    assert not draining.done()
    held.set()
    assert (await asking).startswith("HTTP/1.1 200")
    await draining
    last = await exchange(reader, writer, "/api/tasks")
    assert last.startswith("HTTP/1.1 503") and "Connection: close" in last
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await app.stop()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> str:
    """One request on a connection that stays; the head of the answer."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next(line for line in head.splitlines() if line.startswith("Content-Length"))
        await reader.readexactly(int(size.split(": ")[1]))
    return head


@on_loop
async def test_mutations_after_the_bye_are_stored_and_acknowledged_or_can_be_sent_again(
    tmp_path: Path,
) -> None:
    acked: set[str] = set()
    sent = 0
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server, client="client-ann")
        await ann.mutate("demo", "task.create", task="first", title="T")
        server.terminate()
        while True:
            try:
                message = await ann.next()
            except Closed as end:
                assert end.code == Close.GOING_AWAY
                break
            if message["type"] == "bye":
                for sent in range(1, 101):
                    args = {"task": f"t{sent}", "title": "T"}
                    name = {"board": "demo", "mutation": f"m{sent}", "op": "task.create", "args": args}
                    await ann.send({"type": "mutate", "id": sent, **name})
            elif message["type"] == "ack":
                acked.add(message["mutation"])
            else:
                assert message["code"] == "unavailable" and message["retry"], message
        assert server.wait() == 0
    assert sent
    with server:
        ann = await Client.hello(server, client="client-ann")
        for number in range(1, 101):
            args = {"task": f"t{number}", "title": "T"}
            again = await ann.ask("mutate", board="demo", mutation=f"m{number}", op="task.create", args=args)
            assert again["type"] == "ack" and (f"m{number}" not in acked or again["duplicate"])
