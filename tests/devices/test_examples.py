"""What docs/devices.md says about connecting a device, done as it stands: curl, Python, MQTT, MicroPython."""

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.devices.tokens import ask
from tests.services.mosquitto import PATH, Mosquitto
from tests.support import PATIENCE_S, ROOT, Client, ServerProcess, on_loop

EXAMPLES = ROOT / "docs" / "examples"


def lines(heading: str) -> list[str]:
    """The lines of the section's shell blocks."""
    page = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    section = re.search(rf"^### {heading}\n(.*?)^##", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    blocks = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def shell(script: str, **environ: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-ec", script],
        env=os.environ | {"PATH": PATH} | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def change(server: ServerProcess, device: str, fields: dict[str, object]) -> tuple[int, object]:
    """`PATCH` of a device."""
    request = urllib.request.Request(
        f"{server.url}/api/boards/demo/devices/{device}",
        json.dumps(fields).encode(),
        {"Content-Type": "application/json"},
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return answer.status, json.load(answer)


def values(server: ServerProcess, device: str, metric: str) -> list[float]:
    status, body = ask(server, f"/api/boards/demo/devices/{device}/telemetry?metric={metric}&points=5000")
    if status == 404 and body["error"]["details"]["field"] == "metric":
        return []  # nothing of it was stored yet
    assert status == 200, body
    return [point[1] for point in body["points"]]


def enrol(server: ServerProcess, device: str) -> str:
    """A device of the board `demo`; its token."""
    body = f'{{"id": "{device}", "name": "{device}"}}'.encode()
    status, made = ask(server, "/api/boards/demo/devices", body, {"Content-Type": "application/json"})
    assert status == 201, made
    token: str = made["token"]
    return token


async def until_values(server: ServerProcess, device: str, metric: str, least: int) -> list[float]:
    async with asyncio.timeout(PATIENCE_S):
        while len(found := await asyncio.to_thread(values, server, device, metric)) < least:
            pass
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("examples")
    with (
        Mosquitto(folder / "broker") as broker,
        ServerProcess(folder / "data", MQTT__URL=broker.url) as server,
    ):
        server.broker = broker  # type: ignore[attr-defined]
        yield server
        assert "Traceback" not in server.output()


def test_the_lines_with_curl_do_what_is_said(server: ServerProcess) -> None:
    script = "\n".join(lines("With curl")).replace(":8888/", f":{server.port}/")
    printed = shell(script).replace("}{", "}\n{").splitlines()
    assert printed[:4] == [
        '{"stored":2}',
        '{"stored":1}',
        '{"boot":"b1","seq":1}',
        '{"boot":"b1","seq":1}',
    ]
    assert '"metric":"temp"' in printed[4]
    assert sorted(values(server, "freezer-7", "temp")) == [-21.5, -21.4, -21.3, -21.2]


@on_loop
async def test_the_lines_with_mqtt_do_what_is_said(server: ServerProcess) -> None:
    headers = {"Content-Type": "application/json"}
    ask(server, "/api/boards/demo/devices", b'{"id": "freezer-7", "name": "Freezer 7"}', headers)
    broker = server.broker  # type: ignore[attr-defined]
    said = [line for line in lines("With MQTT") if line.startswith("mosquitto_pub ")]
    assert len(said) == 4
    before = len(values(server, "freezer-7", "temp"))
    script = "\n".join(said).replace("mosquitto_pub ", f"mosquitto_pub -p {broker.port} ")
    await asyncio.to_thread(shell, script)
    assert len(await until_values(server, "freezer-7", "temp", before + 3)) == before + 3


async def start(*words: str | Path, **environ: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *map(str, words), env=os.environ | environ, stdout=pipe, stderr=pipe
    )


@on_loop
async def test_the_python_device_loses_and_doubles_nothing_obeys_and_ends_when_it_is_refused(
    server: ServerProcess, tmp_path: Path
) -> None:
    token = await asyncio.to_thread(enrol, server, "py-1")
    url = server.url.replace("http", "ws") + "/ws/device"
    words = [EXAMPLES / "device.py", "--url", url, "--queue", tmp_path / "queue.db", "--every", "0.02"]
    device = await start(*words, BOARDCAST_DEVICE_TOKEN=token)
    await until_values(server, "py-1", "load", 5)
    device.kill()
    await device.communicate()
    device = await start(*words, BOARDCAST_DEVICE_TOKEN=token)
    seen = len(await until_values(server, "py-1", "load", 10))
    server.kill()
    server.start()
    await until_values(server, "py-1", "load", seen + 20)

    ann = await Client.hello(server)
    await ann.ask("join", board="demo")
    sent = await ann.mutate(
        "demo", "command.send", command="c1", device="py-1", name="blink", args={"times": 2}
    )
    assert sent["type"] == "ack", sent
    while "blinked 2 times" not in str(await ann.next()):
        pass
    await ann.mutate("demo", "command.send", command="c2", device="py-1", name="nonesuch")
    while "unknown command" not in str(await ann.next()):
        pass

    status, _ = await asyncio.to_thread(
        ask, server, "/api/boards/demo/devices/py-1/token", b"", {"Content-Type": "application/json"}
    )
    assert status in (200, 201)
    async with asyncio.timeout(PATIENCE_S):
        _, err = await device.communicate()
    assert device.returncode == 1
    assert "refused: " in err.decode() and "Traceback" not in err.decode()
    _, body = ask(server, "/api/boards/demo/devices/py-1/telemetry?metric=load&points=5000")
    times = [point[0] for point in body["points"]]
    assert len(set(times)) == len(times), "a reading was stored twice"


@pytest.mark.parametrize(
    ("words", "token", "said"),
    [
        ([], "", "BOARDCAST_DEVICE_TOKEN is not set"),
        (["--queue", "no-such-folder/queue.db"], "bcd_x", "--queue no-such-folder/queue.db: unable to open"),
        (["--url", "http://x"], "bcd_x", "refused: 'http://x' is no ws:// or wss:// address"),
    ],
)
def test_the_python_device_says_in_a_line_what_is_wrong_with_its_settings(
    words: list[str], token: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "device.py", *words],
        env=os.environ | {"BOARDCAST_DEVICE_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode in (1, 2)
    assert said in done.stderr and "Traceback" not in done.stderr


@on_loop
async def test_the_micropython_device_sends_and_sends_again_on_micropython_itself(
    server: ServerProcess, tmp_path: Path
) -> None:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("MicroPython is installed for Linux on x86 only")
    token = await asyncio.to_thread(enrol, server, "mp-1")
    text = (EXAMPLES / "micropython_device.py").read_text(encoding="utf-8")
    for constant, value in (
        ("URL", f'"{server.url}/api/telemetry"'),
        ("TOKEN", f'"{token}"'),
        ("EVERY_S", "0.02"),
        ("PAUSE_S", "0.05"),
    ):
        text, count = re.subn(rf"^{constant} = .*$", f"{constant} = {value}", text, flags=re.MULTILINE)
        assert count == 1
    (tmp_path / "main.py").write_text(text, encoding="utf-8")
    device = await start("-m", "micropython_unix", tmp_path / "main.py")
    seen = len(await until_values(server, "mp-1", "uptime_s", 6))
    server.kill()
    server.start()
    await until_values(server, "mp-1", "uptime_s", seen + 12)
    assert device.stdout is not None
    for disabled in (True, False):
        status, _ = await asyncio.to_thread(change, server, "mp-1", {"disabled": disabled})
        assert status == 200
        while disabled and b"the server says 403" not in await device.stdout.readline():
            pass
    seen = len(await asyncio.to_thread(values, server, "mp-1", "uptime_s"))
    found = await until_values(server, "mp-1", "uptime_s", seen + 12)
    device.kill()
    await device.communicate()
    assert sorted(set(found)) == sorted(found), "a reading was stored twice"
    with closing(sqlite3.connect(server.data / "boardcast.db")) as connection:
        stored = connection.execute(
            "select max(seq), count(*) from batches join sources using (source) where device = 'mp-1'"
        ).fetchone()
    assert stored[0] == stored[1], "what was measured while it was not let in is there, too"
