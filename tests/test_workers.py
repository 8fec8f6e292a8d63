"""Several processes on one port: how the supervisor keeps them, and that together they are one server."""

import asyncio
import contextlib
import gc
import io
import os
import random
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.listening import reserve
from server.app import App
from server.brokers.local import LocalBroker, LocalExchange
from server.cli import instance
from server.cli.group import CONFIGURATION, FAILED
from server.cli.workers import FIRST_PAUSE_S, LONGEST_PAUSE_S, Backoff, Supervisor, hand_over, handed_over
from server.config import Config
from tests.brokers.lines import lines_logged
from tests.services.mongo import database_url
from tests.services.redis import RedisServer
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.store import SimStore
from tests.support import PATIENCE_S, Client, Closed, Message, ServerProcess, on_loop

WORKER = """
import socket, sys
link = socket.create_connection(("127.0.0.1", {port}))
link.sendall(sys.argv[2].encode() + b"\\n")
told = link.makefile()
print("a line that says nothing", flush=True)
print("make the first account: http://127.0.0.1/account/setup#of-" + sys.argv[2], flush=True)
answer = told.readline().strip()
if answer != "serve":
    sys.exit(int(answer))
print("listening on http://127.0.0.1", flush=True)
if {stubborn}:
    told.readline()
sys.exit(int(told.readline() or 0) if {obedient} else len(sys.stdin.read()))
"""
"""Tells the test its number and is told `serve` or an exit code. Then it serves until its standard input is
closed, or an `obedient` one until it is told another exit code; a `stubborn` one does not end by itself."""


class Life:
    """One process of a worker, as the test sees it."""

    def __init__(self, number: int, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        self.number, self._writer, self._reader = number, writer, reader

    def tell(self, answer: str | int) -> None:
        self._writer.write(f"{answer}\n".encode())

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            assert await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Recorder(Backoff):
    """Does not pause, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(random.Random(1))
        self.asked: list[int] = []

    def pause_s(self, ended_soon: int) -> float:
        self.asked.append(ended_soon)
        return 0


class Stage:
    """A supervisor in this process, over workers that do what the test tells them."""

    def __init__(
        self,
        count: int = 2,
        *,
        patience_s: float = PATIENCE_S,
        stubborn: bool = False,
        obedient: bool = False,
    ) -> None:
        self.count, self.patience_s = count, patience_s
        self.stubborn, self.obedient = stubborn, obedient
        self.backoff = Recorder()
        self.all_serve = asyncio.Event()
        self._lives: list[Life] = []
        self.born: asyncio.Queue[Life] = asyncio.Queue()

    async def __aenter__(self) -> "Stage":
        self._server = await asyncio.start_server(self._birth, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        code = WORKER.format(port=port, stubborn=self.stubborn, obedient=self.obedient)
        command = [sys.executable, "-c", code]
        self.supervisor = Supervisor(command, self.count, self.patience_s, self.backoff, b"")
        self.running = asyncio.ensure_future(self.supervisor.run(self.all_serve.set))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervisor.stop()
        self.supervisor.stop()
        await self.running
        while not self.born.empty():
            self._lives.append(self.born.get_nowait())
        for life in self._lives:
            await life.close()
        self._server.close()

    async def _birth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.born.put_nowait(Life(int(await reader.readline()), writer, reader))

    async def next(self) -> Life:
        self._lives.append(await asyncio.wait_for(self.born.get(), PATIENCE_S))
        return self._lives[-1]

    async def serving(self) -> dict[int, Life]:
        """All workers, once they serve."""
        lives = [await self.next() for _ in range(self.count)]
        for life in lives:
            assert not self.all_serve.is_set()
            life.tell("serve")
        await asyncio.wait_for(self.all_serve.wait(), PATIENCE_S)
        return {life.number: life for life in lives}

    async def end(self) -> tuple[int, str]:
        return await asyncio.wait_for(asyncio.shield(self.running), PATIENCE_S)


def test_the_pauses_double_up_to_a_bound_and_are_jittered() -> None:
    for ended_soon in range(20):
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** max(0, ended_soon - 1))
        pauses = [Backoff(random.Random(seed)).pause_s(ended_soon) for seed in range(100)]
        assert longest / 2 <= min(pauses) < max(pauses) <= longest
    assert Backoff(random.Random()).pause_s(10**6) <= LONGEST_PAUSE_S


@on_loop
async def test_all_workers_serve_before_it_is_said_and_end_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with Stage(3) as stage:
        lives = await stage.serving()
        assert set(lives) == {1, 2, 3}
        assert capsys.readouterr().out.count("make the first account: http://127.0.0.1/account/setup#") == 1
        stage.supervisor.stop()
        for life in lives.values():
            await life.ended()
        assert await stage.end() == (0, "")


@on_loop
async def test_a_worker_that_ends_is_started_again_later_and_later() -> None:
    async with Stage(obedient=True) as stage:
        lives = await stage.serving()
        life = lives[2]
        for _ in range(4):
            life.tell(1)
            await life.ended()
            life = await stage.next()
            assert life.number == 2, "the other one was left alone"
            life.tell("serve")
        assert stage.backoff.asked == [1, 2, 3, 4]


@on_loop
async def test_a_worker_that_cannot_serve_at_first_ends_the_whole() -> None:
    async with Stage() as stage:
        first, second = await stage.next(), await stage.next()
        first.tell("serve")
        second.tell(FAILED)
        code, reason = await stage.end()
        assert (code, not stage.all_serve.is_set()) == (FAILED, True)
        assert f"worker {second.number} cannot serve" in reason
        await first.ended()


@on_loop
async def test_a_configuration_that_cannot_work_ends_the_whole_at_any_time() -> None:
    async with Stage(1, obedient=True) as stage:
        lives = await stage.serving()
        lives[1].tell(0)
        again = await stage.next()
        again.tell(CONFIGURATION)
        code, reason = await stage.end()
        assert code == CONFIGURATION and "worker 1" in reason


@on_loop
async def test_a_worker_that_does_not_stop_is_killed_and_that_is_a_failure() -> None:
    async with Stage(patience_s=0.05, stubborn=True) as stage:
        lives = await stage.serving()
        stage.supervisor.stop()
        code, reason = await stage.end()
        assert code == FAILED and reason.endswith("did not stop well (exit code -9)")
        for life in lives.values():
            await life.ended()


@on_loop
async def test_who_insists_on_the_end_is_not_kept_waiting() -> None:
    async with Stage(patience_s=10 * PATIENCE_S, stubborn=True) as stage:
        await stage.serving()
        stage.supervisor.stop()
        stage.supervisor.stop()
        assert await stage.end() == (0, "")


@on_loop
async def test_a_program_that_is_not_there_is_a_failure() -> None:
    supervisor = Supervisor(["/nowhere/python"], 2, 1, Recorder(), b"")
    code, _ = await asyncio.wait_for(supervisor.run(lambda: None), PATIENCE_S)
    assert code == FAILED


def test_a_worker_is_told_the_whole_configuration_in_a_line() -> None:
    environment = {
        "BOARDCAST_SERVER__WORKERS": "auto",
        "BOARDCAST_SERVER__ORIGINS": "https://a.example,https://b.example",
        "BOARDCAST_STORE__URL": "mongodb://me:sécret@h/x",
        "BOARDCAST_BROKER__URL": "redis://h",
    }
    config = Config.load(Path(os.devnull), environment, {"port": 0})
    told = io.BytesIO(hand_over(config))
    assert handed_over(told) == config
    assert told.read() == b""
    with pytest.raises(EOFError, match="supervisor is gone"):
        handed_over(io.BytesIO(hand_over(config)[:-1]))


@on_loop
async def test_a_worker_takes_no_connection_before_it_can_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others get them all: the kernel gives none to a socket that does not listen."""
    (held,) = reserve("127.0.0.1", 0)
    place = held.getsockname()

    class Away(App):
        async def start(self) -> None:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*place)
            await super().start()

    monkeypatch.setattr(instance, "App", Away)
    monkeypatch.setattr(instance, "COLLECTOR_THRESHOLDS", gc.get_threshold())
    config = Config.load(Path(os.devnull), {}, {"port": place[1], "data": str(tmp_path)})
    stopping = instance.Stopping()
    said: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(instance.click, "echo", said.put_nowait)
    living = asyncio.ensure_future(instance._live(config, stopping, shared=True))
    saying = asyncio.ensure_future(said.get())
    await asyncio.wait([living, saying], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    if not saying.done():
        await living
    assert saying.result() == f"listening on http://127.0.0.1:{place[1]}"
    _, writer = await asyncio.open_connection(*place)
    writer.close()
    stopping.asked.set()
    await asyncio.wait_for(living, PATIENCE_S)
    held.close()


@on_loop
async def test_instances_that_start_together_say_once_that_the_demo_board_was_made() -> None:
    disk, exchange = SimDisk(), LocalExchange()
    apps = [App(Config(), store=SimStore(disk, Faults()), broker=LocalBroker(exchange)) for _ in range(3)]
    with lines_logged() as lines:
        await asyncio.gather(*(app.start() for app in apps))
        assert len(lines.about("demo board made")) == 1
    for app in apps:
        await app.stop()


@pytest.mark.parametrize("workers", ["2", "auto"])
def test_several_workers_need_what_can_be_shared(tmp_path: Path, workers: str) -> None:
    server = ServerProcess(tmp_path, SERVER__WORKERS=workers)
    server.spawn()
    assert server.wait() == CONFIGURATION
    for setting in ("server.workers", "store.url", "broker.url"):
        assert setting in server.output()


# -- the real thing


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path, redis: RedisServer) -> Iterator[ServerProcess]:
    """Two workers that share a store and a broker."""
    settings = {"STORE__URL": database_url(str(tmp_path)), "BROKER__URL": redis.url, "SERVER__WORKERS": "2"}
    server = ServerProcess(tmp_path, SERVER__INSTANCE="twin", **settings)
    server.root = tmp_path  # with a configuration file of its own
    with server:
        yield server


async def one_each(server: ServerProcess) -> dict[str, Client]:
    """A client on each worker, by its instance. The kernel divides the connections by their ports."""
    clients: dict[str, Client] = {}
    async with asyncio.timeout(PATIENCE_S):
        while len(clients) < 2:
            try:
                client = await Client.hello(server)
            except ConnectionError:  # it waited to be let in by a worker that was killed
                continue
            if clients.setdefault(client.welcome["server"]["instance"], client) is not client:
                await client.close()
    return clients


async def see(client: Client, task: str) -> Message:
    while True:
        message = await client.next()
        if message["type"] == "changes" and message["changes"][0].get("task") == task:
            return message


def workers_of(server: ServerProcess) -> dict[int, int]:
    """Number of the worker → its process."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in children}
    return {int(words[words.index(b"--worker") + 1]): pid for pid, words in commands.items()}


@on_loop
async def test_what_is_done_on_one_worker_is_seen_on_the_other(
    server: ServerProcess, redis: RedisServer
) -> None:
    clients = await one_each(server)
    assert set(clients) == {"twin-1", "twin-2"}
    for client in clients.values():
        await client.ask("join", board="demo")
    for name, client in clients.items():
        ack = await client.mutate("demo", "task.create", task=f"of-{name}", title="T")
        assert ack["type"] == "ack"
    for client in clients.values():
        for name in clients:
            await see(client, f"of-{name}")
    (channel,) = redis.command("PUBSUB", "CHANNELS", "*:demo")
    assert re.fullmatch(r"boardcast\.[0-9a-f]{16}:demo", channel)
    assert server.output().count("listening on") == 1


@on_loop
async def test_a_killed_worker_is_replaced_and_the_others_serve_on(server: ServerProcess) -> None:
    """By one with the same configuration, whatever is in the file by now."""
    clients = await one_each(server)
    before = workers_of(server)
    (server.root / "config.yaml").write_text("no: configuration\n")
    os.kill(before[1], signal.SIGKILL)
    with pytest.raises((Closed, ConnectionError)):
        while True:
            await clients["twin-1"].next()
    await clients["twin-2"].silent()
    again = await one_each(server)
    assert set(again) == {"twin-1", "twin-2"}
    after = workers_of(server)
    assert after[2] == before[2] and after[1] != before[1]
    assert server.stop() == 0


@on_loop
async def test_a_stop_reaches_the_clients_of_every_worker(server: ServerProcess) -> None:
    clients = await one_each(server)
    for client in clients.values():
        assert (await client.mutate("demo", "task.create", task=f"t{client.welcome['session']}", title="T"))[
            "type"
        ] == "ack"
    server.terminate()
    for client in clients.values():
        assert (await client.closed()).code == 1001
        assert "bye" in [message["type"] for message in client.log]
    assert server.wait() == 0
    assert "Traceback" not in server.output()


@on_loop
async def test_no_worker_outlives_a_supervisor_that_is_killed(server: ServerProcess) -> None:
    clients = await one_each(server)
    server.kill()
    for client in clients.values():
        assert (await client.closed()).code == 1001, "they take their leave as ever"


@on_loop
async def test_a_service_manager_that_signals_every_process_hurts_nobody(server: ServerProcess) -> None:
    """systemd does, and the supervisor passes the word on, too: that is not a second signal."""
    clients = await one_each(server)
    for pid in workers_of(server).values():
        os.kill(pid, signal.SIGTERM)
    server.terminate()
    for client in clients.values():
        assert (await client.closed()).code == 1001
    assert server.wait() == 0
    assert "a second time" not in server.output()


def test_a_port_that_is_taken_is_named_and_nobody_shares_it_by_mistake(
    server: ServerProcess, tmp_path: Path
) -> None:
    second = ServerProcess(tmp_path, **server.settings)
    second.port = server.port
    second.spawn()
    assert second.wait() == FAILED
    assert f"127.0.0.1:{server.port} cannot be listened on" in second.output()
    assert "server.port" in second.output()


def two_ports() -> int:
    """The first of two neighbours that are free, where the system does not take ports for connections."""
    while True:
        first = random.randrange(20_000, 30_000)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", first))
            other.bind(("127.0.0.1", first + 1))
            return first


@on_loop
async def test_each_worker_has_metrics_of_its_own(tmp_path: Path, redis: RedisServer) -> None:
    ops = two_ports()
    settings = {"STORE__URL": database_url(str(tmp_path)), "BROKER__URL": redis.url, "SERVER__WORKERS": "2"}
    with ServerProcess(tmp_path, SERVER__OPS_PORT=str(ops), **settings) as server:
        status, body = await asyncio.to_thread(server.get, "/metrics")
        assert status == 404 and "server.ops_port" in body
        assert (await asyncio.to_thread(server.get, "/readyz"))[0] == 200
        await one_each(server)
        for server.port in (ops, ops + 1):
            for path, expected in (("/readyz", 200), ("/healthz", 200), ("/api/tasks", 404)):
                assert (await asyncio.to_thread(server.get, path))[0] == expected
            status, body = await asyncio.to_thread(server.get, "/metrics")
            assert status == 200 and "boardcast_store_up 1.0" in body
            assert 'boardcast_connections_open{codec="json"} 0.0' not in body
