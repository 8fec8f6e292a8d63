"""Telemetry on one core, durable, beside people at work: `python -m benchmarks.telemetry`.

The server is pinned to one core and the generators to the other. Prints a line for each figure; nothing is
asserted. `--profile FILE` has py-spy record the server meanwhile.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from server.devices.tokens import Tokens
from server.stores.sqlite import SqliteStore
from server.stores.telemetry import Batch

from . import tools

DEVICES, POINTS, WINDOW = 10, 100, 8
PEOPLE, CHANGES_A_SECOND = 10, 50
BOARD = "demo"
WINDOWS = ("DEVICE_POINTS", "BOARD_POINTS", "DEVICE_BACKLOG", "BOARD_BACKLOG")
UNLIMITED = {f"BOARDCAST_DEVICES__{name}": "" for name in WINDOWS} | {
    f"BOARDCAST_LIMITS__{name}": "1000000000"
    for name in ("RECEIVED_BYTES_PER_SECOND", "ANSWERED_BYTES_PER_SECOND")
}
UNLIMITED |= {
    f"BOARDCAST_LIMITS__{name}": "1000000" for name in ("MESSAGES_PER_SECOND", "MUTATIONS_PER_SECOND")
}
UNLIMITED["BOARDCAST_LOG__LEVEL"] = "warning"
MINUTE, YEAR = 60_000, 365 * 86_400_000
SILENT, SOON_MS = 1000, 5_000


def now() -> int:
    return time.time_ns() // 1_000_000


def say(text: str) -> None:
    print(text, flush=True)


async def prepare(data: Path) -> list[str]:
    """A year of one metric, a point a minute, and tokens."""
    store = SqliteStore(data / "boardcast.db", deadline_s=60)
    await store.start()
    tokens = [await Tokens(store).issue(BOARD, f"d{n}") for n in range(DEVICES)]
    times = range(now() - YEAR, now() - MINUTE, MINUTE)
    for at in range(0, len(times), 50_000):
        pages = (times[n : n + 1000] for n in range(at, min(at + 50_000, len(times)), 1000))
        await store.telemetry.keep(
            [Batch.of(BOARD, "year", {"temp": (page, [daily(t) for t in page])}, at=1) for page in pages]
        )
    while await store.telemetry.roll(2**50, 60):
        pass
    heard = now()
    last = [Batch.of(BOARD, f"s{n}", {"pulse": ([heard], [1.0])}, at=heard) for n in range(SILENT)]
    await store.telemetry.keep(last)
    await store.close()
    return tokens


def daily(t: int) -> float:
    return 20 + t // MINUTE % 1440 / 100


class Serving:
    """A server on the first core, with the devices on its board."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "server", "serve", "--port", "0", "--data", str(data)]
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", *command],
            env={**os.environ, **UNLIMITED},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        names = ["year", *(f"d{n}" for n in range(DEVICES)), *(f"s{n}" for n in range(SILENT))]
        made = [{"mutation": n, "op": "device.create", "args": {"device": n, "name": n}} for n in names]
        for at in range(0, len(made), 200):
            self.post(made[at : at + 200])

    def post(self, mutations: Sequence[object]) -> None:
        url = f"http://127.0.0.1:{self.port}/api/boards/{BOARD}/mutations"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(mutations).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            assert all("seq" in one for one in json.load(answer)["results"])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


async def socket(port: int, path: str, token: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        "Sec-WebSocket-Version: 13",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in answer, answer
    return reader, writer


def framed(text: str) -> bytes:
    """A masked frame whose mask is zero."""
    payload = text.encode()
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + payload


class Device:
    def __init__(self, token: str) -> None:
        self.token, self.boot, self.seq = token, secrets.token_hex(4), 0
        self.stored = self.refused = 0

    def frame(self) -> bytes:
        self.seq += 1
        t = now() - POINTS
        points = [f'{{"t":{t + n},"values":{{"temp":{20 + n / 100:.2f}}}}}' for n in range(POINTS)]
        head = f'{{"type":"telemetry","boot":"{self.boot}","seq":{self.seq},"points":['
        return framed(head + ",".join(points) + "]}")

    async def run(self, port: int, until: float, rate: float | None) -> None:
        """As fast as answers come, `WINDOW` batches without one; `rate`: batches a second."""
        reader, writer = await socket(port, "/ws/device", self.token)
        begun, sent, waiting = time.monotonic(), 0, 0
        while (at := time.monotonic()) < until:
            while waiting < WINDOW and (rate is None or sent < (at - begun) * rate):
                writer.write(self.frame())
                sent, waiting = sent + 1, waiting + 1
            try:
                data = await asyncio.wait_for(reader.read(1 << 16), 0.005 if rate else 1.0)
            except TimeoutError:
                continue
            done, bad = data.count(b'"stored"'), data.count(b'"error"')
            if bad and not self.refused:
                print(data[:300], file=sys.stderr)
            self.stored, self.refused = self.stored + done, self.refused + bad
            waiting -= done + bad
        writer.close()


class Person:
    """Changes a card of their own a few times a second, and waits for each ack."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.task = f"t-{secrets.token_hex(4)}"
        self.took: list[float] = []

    async def run(self, port: int, until: float) -> None:
        self.reader, self.writer = await socket(port, "/ws")
        await self.ask(b'"welcome"', {"type": "hello", "client": f"person-{self.number:04}"})
        await self.change("task.create", 0)
        pause, number = PEOPLE / CHANGES_A_SECOND, 0
        await asyncio.sleep(pause * self.number / PEOPLE)
        while time.monotonic() < until:
            number += 1
            begun = time.monotonic()
            self.took.append(await self.change("task.update", number))
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - begun)))
        self.writer.close()

    async def change(self, op: str, number: int) -> float:
        args = {"task": self.task, "title": f"T {number}"}
        name = {"mutation": f"{self.task}-{number}", "op": op, "args": args}
        return await self.ask(b'"ack"', {"type": "mutate", "board": BOARD, **name})

    async def ask(self, answer: bytes, message: dict[str, object]) -> float:
        """How long it took, milliseconds."""
        begun, buffer = time.perf_counter(), b""
        self.writer.write(framed(json.dumps({"id": 1, **message})))
        while answer not in buffer:
            data = await self.reader.read(1 << 16)
            assert data, buffer
            buffer += data
        return 1000 * (time.perf_counter() - begun)


async def at_work(port: int, seconds: float) -> str:
    """How long changes of cards take."""
    until = time.monotonic() + seconds
    people = [Person(number) for number in range(PEOPLE)]
    await asyncio.gather(*(person.run(port, until) for person in people))
    took = sorted(took for person in people for took in person.took)
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    return f"task changes p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {took[-1]:.1f} ms ({len(took)})"


async def batches(port: int, tokens: list[str], seconds: float, rate: float | None) -> None:
    devices = [Device(token) for token in tokens]
    until = time.monotonic() + seconds
    each = None if rate is None else rate / POINTS / len(devices)
    running = [asyncio.ensure_future(device.run(port, until, each)) for device in devices]
    people = await at_work(port, seconds) if rate else ""
    await asyncio.gather(*running)
    stored, refused = sum(d.stored for d in devices), sum(d.refused for d in devices)
    a_second = stored * POINTS / seconds
    say(f"batches of {POINTS} over sockets: {a_second:,.0f} points/s, {refused} refused; {people}")


async def posts(port: int, token: str, seconds: float, connections: int, *, people: bool) -> None:
    where = ["127.0.0.1", str(port), str(connections), str(seconds), "1", "POST", "/api/telemetry"]
    command = [str(tools.build("httpload")), *where, '{"temp": 21.5}', f"Authorization: Bearer {token}"]
    load = await asyncio.create_subprocess_exec("taskset", "-c", "1", *command, stdout=subprocess.PIPE)
    told = await at_work(port, seconds + 1) if people else ""
    out, _ = await load.communicate()
    said = json.loads(out)
    figures = f"{said['answered_per_s']:,.0f} posts/s, p99 {said['p99_ms']:.1f} ms, {said['refused']} refused"
    say(f"single points over HTTP, {connections} connections: {figures}; {told}")


def charts(port: int) -> None:
    took = []
    for number in range(25):
        end = now() - number
        query = f"metric=temp&points=1000&from={end - YEAR}&to={end}"
        url = f"http://127.0.0.1:{port}/api/boards/{BOARD}/devices/year/telemetry?{query}"
        begun = time.perf_counter()
        with urllib.request.urlopen(url) as answer:
            body = json.load(answer)
        took.append(1000 * (time.perf_counter() - begun))
    size = f"{len(body['points'])} buckets of {body['resolution_ms'] / 3_600_000:g} h"
    say(f"a year at a point a minute, {size}: median {median(took):.1f} ms, longest {max(took):.1f} ms")


def heard_at(port: int) -> int:
    """When the devices that are to fall silent were heard."""
    url = f"http://127.0.0.1:{port}/api/boards/{BOARD}/devices/s0/telemetry/newest"
    with urllib.request.urlopen(url) as answer:
        return int(json.load(answer)["items"][0]["at"])


async def silence(port: int, heard: int) -> None:
    """All devices fall silent in the same moment: how long until the last card is open."""
    due = now() + SOON_MS
    when = {"kind": "silent", "for_ms": due - heard}
    rule = {"id": "quiet", "device": "*", "metric": "pulse", "when": when}
    person = Person(PEOPLE)
    person.reader, person.writer = await socket(port, "/ws")
    await person.ask(b'"welcome"', {"type": "hello", "client": "person-silent"})
    await person.ask(b'"joined"', {"type": "join", "board": BOARD})
    args = {"rule": {**rule, "then": {"column": "todo", "title": "Silent"}}}
    name = {"mutation": "silent-1", "op": "rule.set", "args": args}
    await person.ask(b'"ack"', {"type": "mutate", "board": BOARD, **name})
    opened, rest, first = 0, b"", 0
    while opened < SILENT:
        rest += await person.reader.read(1 << 20)
        found = rest.count(b'"alarm.open"')
        if found:
            first, opened = first or now(), opened + found
            rest = rest[rest.rindex(b'"alarm.open"') + 1 :]
    person.writer.close()
    say(
        f"{SILENT} devices silent at once: first card {first - due} ms after the limit, last {now() - due} ms"
    )


def spying(pid: int, into: str, seconds: float) -> "subprocess.Popen[bytes]":
    what = ["record", "-r", "200", "-f", "raw", "-o", into, "-p", str(pid), "-d", str(int(seconds))]
    return subprocess.Popen(["py-spy", *what], stdout=subprocess.DEVNULL)


async def measure(wanted: argparse.Namespace, serving: Serving, tokens: list[str]) -> None:
    port, seconds, only = serving.port, wanted.seconds, wanted.only.split(",")
    if "chart" in only:
        charts(port)
    if "idle" in only:
        say(f"idle: {await at_work(port, seconds)}")
    if "fast" in only:
        await batches(port, tokens, seconds, None)
    if "paced" in only:
        await batches(port, tokens, seconds, 50_000)
    if "posts" in only:
        await posts(port, tokens[0], seconds, 64, people=False)
    if "posts-people" in only:
        await posts(port, tokens[0], seconds, 16, people=True)
    if "silent" in only:  # last: it fills the board with cards
        await silence(port, heard_at(port))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.telemetry")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--only", default="chart,idle,fast,paced,posts,posts-people,silent")
    parser.add_argument("--profile", default="")
    wanted = parser.parse_args()
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory() as folder:
        tokens = asyncio.run(prepare(Path(folder)))
        serving = Serving(Path(folder))
        spy = spying(serving.process.pid, wanted.profile, wanted.seconds) if wanted.profile else None
        try:
            asyncio.run(measure(wanted, serving, tokens))
            if spy is not None:
                spy.wait()
        finally:
            serving.stop()


if __name__ == "__main__":
    main()
