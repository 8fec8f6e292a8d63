"""The rules of the sockets themselves: who gets in, what is agreed, how the server goes."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import CODECS, Client, Refused, ServerProcess, Socket, on_loop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("rules")) as server:
        yield server
    assert "Traceback" not in server.output()


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], None),
        (["boardcast.v1.json"], "boardcast.v1.json"),
        (["boardcast.v1.msgpack", "boardcast.v1.json"], "boardcast.v1.msgpack"),
        (["boardcast.v2.json", "boardcast.v1.json"], "boardcast.v1.json"),
    ],
)
@on_loop
async def test_the_first_known_subprotocol_is_taken(
    server: ServerProcess, offered: list[str], chosen: str | None
) -> None:
    socket = await Socket.open(server.url + "/ws", protocols=offered)
    assert socket.protocol == chosen
    client = Client(socket, "msgpack" if chosen == "boardcast.v1.msgpack" else "json")
    assert (await client.ask("hello", client="subprotocol"))["type"] == "welcome"


@on_loop
async def test_only_unknown_subprotocols_are_http_400(server: ServerProcess) -> None:
    with pytest.raises(Refused) as refusal:
        await Socket.open(server.url + "/ws", protocols=["boardcast.v2.json", "chat"])
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1.evil.example", "null", "http://127.0.0.1:1", "http://[bad"],
)
@on_loop
async def test_a_foreign_origin_is_403_and_names_the_setting(server: ServerProcess, origin: str) -> None:
    with pytest.raises(Refused) as refusal:
        await Socket.open(server.url + "/ws", headers={"Origin": origin})
    assert refusal.value.status == 403
    assert "server.origins" in refusal.value.body


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8888", "127.0.0.1.evil.example"])
@on_loop
async def test_a_foreign_host_is_403_and_names_the_setting(server: ServerProcess, host: str) -> None:
    with pytest.raises(Refused) as refusal:
        await Socket.open(server.url + "/ws", headers={"Host": host})
    assert refusal.value.status == 403
    assert "server.hosts" in refusal.value.body


@on_loop
async def test_a_rebound_name_is_refused_though_origin_and_host_agree(server: ServerProcess) -> None:
    with pytest.raises(Refused) as refusal:
        headers = {"Host": f"evil.example:{server.port}", "Origin": f"http://evil.example:{server.port}"}
        await Socket.open(server.url + "/ws", headers=headers)
    assert refusal.value.status == 403


@on_loop
async def test_the_servers_own_origin_is_welcome(server: ServerProcess) -> None:
    client = await Client.connect(server, headers={"Origin": server.url})
    assert (await client.ask("hello", client="own-origin"))["type"] == "welcome"
    local = f"localhost:{server.port}"
    client = await Client.connect(server, headers={"Host": local, "Origin": f"http://{local}"})
    assert (await client.ask("hello", client="own-origin"))["type"] == "welcome"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("client", ["short", "x" * 65, "with space", 12345678])
@on_loop
async def test_a_bad_hello_is_told_why_and_closed(server: ServerProcess, codec: str, client: object) -> None:
    stranger = await Client.connect(server, codec)
    answer = await stranger.ask("hello", client=client)
    assert answer["code"] == "bad_request"
    assert "client" in answer["message"]
    assert 4500 <= (await stranger.closed()).code <= 4999


@on_loop
async def test_the_default_board_is_there_to_be_joined(server: ServerProcess) -> None:
    client = await Client.hello(server)
    joined = await client.ask("join", board="demo")
    assert (joined["type"], joined["mode"]) == ("joined", "snapshot")
    assert joined["snapshot"]["columns"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_and_readiness_answer_200(server: ServerProcess, path: str) -> None:
    assert server.get(path)[0] == 200


def test_an_unknown_path_is_404(server: ServerProcess) -> None:
    assert server.get("/no/such/page")[0] == 404


def test_a_foreign_host_is_refused_on_http_too(server: ServerProcess) -> None:
    status, body = server.get("/", Host="evil.example")
    assert status == 403
    assert "server.hosts" in body


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_who_is_cut_off_is_reported_as_gone(server: ServerProcess, codec: str) -> None:
    watcher = await Client.hello(server, codec)
    await watcher.ask("join", board="demo")
    visitors = [await Client.hello(server, codec) for _ in range(5)]
    here: set[str] = {visitor.welcome["session"] for visitor in visitors}
    gone: set[str] = set()
    for visitor in visitors:
        await visitor.ask("join", board="demo")
    seen: set[str] = set()
    while not here <= seen:
        joined = (await watcher.next(ephemeral=True))["joined"]
        seen |= {entry["session"] for entry in joined}
    for visitor in visitors:
        visitor.socket.cut()
    while gone != here:
        gone |= set((await watcher.next(ephemeral=True))["left"]) & here
    present = (await watcher.ask("join", board="demo"))["presence"]
    assert [entry["session"] for entry in present] == [watcher.welcome["session"]]


@on_loop
async def test_who_never_says_hello_is_closed(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SERVER__HELLO_TIMEOUT_S="0.3") as server:
        stranger = await Client.connect(server)
        assert (await stranger.closed()).code == 4501


@on_loop
async def test_who_does_not_answer_pings_is_closed_and_who_does_is_not(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SERVER__HEARTBEAT_S="0.2", SERVER__HEARTBEAT_TIMEOUT_S="0.6") as server:
        alive, dead = await Client.hello(server), await Client.hello(server)
        assert alive.welcome["heartbeat_s"] == 0.2
        dead.socket.answers_pings = False
        reading = asyncio.ensure_future(alive.closed())
        assert (await dead.closed()).code == 4009
        assert not reading.done()
        reading.cancel()


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_sigterm_says_bye_acknowledges_what_is_stored_and_closes(tmp_path: Path, codec: str) -> None:
    server = ServerProcess(tmp_path, LIMITS__RESUME_CHANGES="100000")
    with server:
        writer = await Client.hello(server, codec, client="the-last-word")
        await writer.mutate("end", "board.create", name="End")
        for start in range(0, 1000, 100):
            await writer.send(*(create(number) for number in range(start, start + 100)))
        first = await writer.next()
        assert first["type"] == "ack"
        server.terminate()
        end = await writer.closed()
        assert (end.code, server.wait()) == (1001, 0)
    heard = [first, *writer.log]
    byes = [message for message in heard if message["type"] == "bye"]
    assert len(byes) == 1 and byes[0]["retry_after_ms"] >= 0 and byes[0]["reason"]
    acked = {message["mutation"]: message["seq"] for message in heard if message["type"] == "ack"}
    refused = [message for message in heard if message["type"] == "error"]
    assert all(message["retry"] for message in refused)
    assert "Traceback" not in server.output()
    with server:
        reader = await Client.hello(server)
        epoch = (await reader.ask("join", board="end"))["epoch"]
        joined = await reader.ask("join", board="end", since={"epoch": epoch, "seq": 1})
        stored = {change["mutation"]: change["seq"] for change in joined["changes"]}
        assert stored == acked, "what is stored was acknowledged, and the other way round"


def create(number: int) -> dict[str, object]:
    args = {"task": f"t-{number}", "title": "T"}
    body = {"board": "end", "mutation": f"m-{number}", "op": "task.create", "args": args}
    return {"type": "mutate", "id": number, **body}


@on_loop
async def test_who_hangs_up_at_the_upgrade_leaves_no_word_in_the_log(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        for _ in range(50):
            link = socket.create_connection(("127.0.0.1", server.port))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.sendall(
                b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            link.close()
        assert (await (await Client.hello(server)).ask("ping"))["type"] == "pong"
        assert "Traceback" not in server.output()
