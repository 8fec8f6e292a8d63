"""What one client, or too many of them, cannot do to the server. On real processes."""

import asyncio
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sockets import TEXT, Closed
from tests.support import ROOT, Client, Message, ServerProcess, on_loop

AT_ONCE = 2_000
"""More than one connection may have under way."""
WAVES = 4


def archive(board: str, number: int) -> Message:
    name = f"m{number}"
    return {
        "type": "mutate",
        "id": number,
        "board": board,
        "mutation": name,
        "op": "board.archive",
        "args": {},
    }


@on_loop
async def test_one_board_too_many_is_refused_by_its_limit(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, LIMITS__BOARDS="2") as server:
        ann = await Client.hello(server)
        answers = [
            await ann.ask("mutate", board=board, mutation="new", op="board.create", args={"name": board})
            for board in ("second", "third")
        ]
        assert [answer.get("code", answer["type"]) for answer in answers] == ["ack", "limit_exceeded"]
        assert answers[1]["details"]["limit"] == 2


@on_loop
async def test_a_flood_of_mutations_for_boards_that_do_not_exist_leaves_nothing_in_memory(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server)
        answers, grown = [], list[float]()
        for start in range(0, WAVES * AT_ONCE, AT_ONCE):
            numbers = range(start, start + AT_ONCE)
            for first in range(start, start + AT_ONCE, 400):
                await ann.send(*(archive(f"none-{n}", n) for n in range(first, first + 400)))
            answers += [await ann.reply(n) for n in numbers]
            grown.append(server.rss_mib())
        assert {answer["code"] for answer in answers} == {"not_found", "rate_limited"}
        assert grown[-1] - grown[0] < 18, grown  # what the first took is used again


@on_loop
async def test_without_descriptors_nobody_is_let_in_for_a_moment_and_the_log_stays_short(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server)
        limit = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        in_use = server.descriptors()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (in_use, limit[1]))
        waiting = asyncio.create_task(Client.hello(server))
        assert (await ann.ask("ping"))["type"] == "pong"
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limit)
        assert (await waiting).welcome["type"] == "welcome"
        assert "Traceback" not in server.output()
        assert server.output().count("no more connections for a moment") < 10


@on_loop
async def test_text_that_is_not_utf8_closes_with_1007(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server)
        await ann.socket.send(b'{"type":"ping","id":"\xff"}', TEXT)
        with pytest.raises(Closed) as end:
            await ann.next()
        assert end.value.code == 1007


@on_loop
async def test_a_connection_is_one_id_in_the_log_from_its_opening_to_its_end(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server)
        await ann.ask("join", board="demo")
        await ann.ask("leave", board="demo")
        server.stop()
        lines = [json.loads(line) for line in server.output().splitlines() if line.startswith("{")]
        told = [line["event"] for line in lines if line.get("connection") == ann.welcome["session"]]
        assert told[:2] == ["connection open", "connection greeted"]
        assert told[2:] == ["board joined", "board left", "connection closed"]
        assert all(line.startswith(("{", "listening on")) for line in server.output().splitlines())


@on_loop
async def test_sockets_that_close_while_they_join_leave_no_word_in_the_log(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        for _ in range(50):
            passing = await Client.connect(server)
            hello = {"type": "hello", "id": 1, "client": "passing-by"}
            await passing.send(hello, {"type": "join", "id": 2, "board": "demo"})
            passing.socket.cut()
        assert (await (await Client.hello(server)).ask("ping"))["type"] == "pong"
        server.stop()
        assert all(line.startswith(("{", "listening on")) for line in server.output().splitlines())


def test_a_port_that_is_taken_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "first") as server:
        command = [sys.executable, "-m", "server", "serve", "--port", str(server.port)]
        second = subprocess.run(
            [*command, "--data", str(tmp_path / "second")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert f"127.0.0.1:{server.port} cannot be listened on" in second.stderr
    assert "server.port" in second.stderr and "Traceback" not in second.stderr
    assert not (tmp_path / "second").exists()
