"""`python -m server simulate` against a real server: what it sends is stored, and it says what came of it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devices.tokens import ask, issue
from tests.support import PATIENCE_S, ROOT, Client, ServerProcess, on_loop


async def simulate(*options: str | Path) -> asyncio.subprocess.Process:
    words = [sys.executable, "-m", "server", "simulate", *map(str, options)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*words, cwd=ROOT, env=inherited, stdout=pipe, stderr=pipe)


async def outcome(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Exit code, and all that it said."""
    async with asyncio.timeout(2 * PATIENCE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode() + err.decode()


def settled(said: str) -> int:
    found = re.search(r"(\d+) points settled", said)
    assert found is not None, said
    return int(found[1])


def stored(server: ServerProcess, device: str, metric: str) -> list[float]:
    status, body = ask(server, f"/api/boards/demo/devices/{device}/telemetry?metric={metric}&points=5000")
    assert status == 200, body
    return [point[1] for point in body["points"]]


@on_loop
async def test_all_that_devices_read_is_stored_through_a_restart_of_the_server(tmp_path: Path) -> None:
    names = ["sim-1", "sim-2", "sim-3"]
    tokens = tmp_path / "tokens"
    tokens.write_text("\n".join(await issue(tmp_path / "data", *names)) + "\n")
    with ServerProcess(tmp_path / "data") as server:
        ann = await Client.hello(server)
        for name in names:
            await ann.mutate("demo", "device.create", device=name, name=name)
        await ann.ask("join", board="demo")
        common = ["--url", server.url, "--tokens", tokens, "--kind", "room", "--rate", "20", "--past", "3h"]
        running = await simulate(*common, "--codec", "msgpack")
        while not (await ann.next(ephemeral=True))["joined"]:
            pass
        server.kill()
        server.start()
        again = await Client.hello(server)
        joined = (await again.ask("join", board="demo"))["presence"]
        while len(joined) < 4:
            joined += (await again.next(ephemeral=True))["joined"]
        running.send_signal(signal.SIGINT)
        code, said = await outcome(running)
        assert code == 0, said
        assert "rejected 0, dropped 0, not settled 0" in said
        assert "round trip: p50" in said
        kept = sum(
            len(stored(server, name, metric)) for name in names for metric in ("temp", "humidity", "co2")
        )
        assert kept == settled(said) > 3 * 3 * 180
        assert "Traceback" not in said + server.output()


@on_loop
async def test_devices_are_made_on_the_board_and_a_second_run_takes_them_over(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        for turn in range(2):
            code, said = await outcome(
                await simulate("--url", server.url, "--devices", "4", "--rate", "10", "--for", "1s")
            )
            assert code == 0, said
            if turn == 0:  # one that was deleted is brought back
                owner = await Client.hello(server)
                assert (await owner.mutate("demo", "device.delete", device="sim-2"))["type"] == "ack"
                await owner.close()
        status, listed = ask(server, "/api/boards/demo/devices")
        assert status == 200
        assert {device["id"]: device["name"] for device in listed["items"]} == {
            "sim-1": "Freezer 1",
            "sim-2": "Room 2",
            "sim-3": "Machine 3",
            "sim-4": "Meter 4",
        }
        code, said = await outcome(await simulate("--url", server.url, "--board", "nowhere"))
        assert (code, "cannot simulate: cannot make sim-1: 404 board 'nowhere' does not exist" in said) == (
            1,
            True,
        )


@on_loop
async def test_a_file_is_replayed_at_speed_and_wholly(tmp_path: Path) -> None:
    tokens, file = tmp_path / "tokens", tmp_path / "readings.csv"
    tokens.write_text((await issue(tmp_path / "data", "d1"))[0])
    rows = [
        f"2014-01-07 {hour:02}:{minute:02}:00,{hour * 60 + minute}"
        for hour in range(8)
        for minute in range(60)
    ]
    file.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    with ServerProcess(tmp_path / "data") as server:
        ann = await Client.hello(server)
        await ann.mutate("demo", "device.create", device="d1", name="D1")
        given = [
            "--url",
            server.url,
            "--tokens",
            tokens,
            "--replay",
            file,
            "--speed",
            "86400",
            "--metric",
            "load",
        ]
        code, said = await outcome(await simulate(*given))
        assert (code, settled(said)) == (0, 480), said
        assert stored(server, "d1", "load") == [float(n) for n in range(480)]


@on_loop
async def test_a_token_that_counts_no_more_is_told_and_ends_it(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("bcd_nobody\n")
    with ServerProcess(tmp_path / "data") as server:
        code, said = await outcome(await simulate("--url", server.url, "--tokens", tokens))
    assert code == 1
    assert "refused: device 1: HTTP 401" in said


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--for", "soon"], 2, "'soon' is no duration"),
        (["--for", "0"], 2, "'0' is not between 0.1s and 3650d"),
        (["--past", "8d"], 2, "'8d' is not between 0s and 7d"),
        (["--rate", "nan"], 2, "'nan' is no number"),
        (["--faults", "nan"], 2, "'nan' is no number"),
        (["--tokens", "empty.txt"], 1, "cannot simulate: empty.txt: there is no token in it"),
        (["--url", "localhost"], 2, "wanted is http://<host>:<port>"),
        (["--replay", "no-such.csv"], 2, "does not exist"),
        (["--url", "http://127.0.0.1:9"], 1, "cannot simulate: no server at http://127.0.0.1:9"),
        (["--replay", "bad.csv"], 1, "cannot simulate: bad.csv: line 2: 'x' is no finite number"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    options: list[str], code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("timestamp,value\n1,x\n")
    (tmp_path / "empty.txt").write_text("\n\n")
    done = subprocess.run(
        [sys.executable, "-m", "server", "simulate", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr and json.dumps(done.stdout) == '""'
