"""Hostile clients of every kind at once: none of it is a failure of the server, and nothing is left of it.

20,000 messages; a million with `BOARDCAST_CHAOS=1`, or `BOARDCAST_MESSAGES`. `-s` shows the healthy ones.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import BOARD
from tests.support import ROOT, Client, ServerProcess, on_loop
from tests.test_metrics import Samples, scrape

CHAOS = os.environ.get("BOARDCAST_CHAOS") == "1"
MESSAGES = int(os.environ.get("BOARDCAST_MESSAGES", "1000000" if CHAOS else "20000"))
SEED = int(os.environ.get("BOARDCAST_SEED", "7"))
HEALTHY = 5
KEPT = 1.05 if CHAOS else 1.3
"""What the second wave may leave, beside the first: that one fills what the process keeps for itself anyway,
which takes more than a short run. SQLite's page cache comes on top: it grows with what the healthy clients
write, up to 32 MiB (`cache_size` in server/stores/sqlite/schema.py), with 256 bytes beside each page."""
CACHED = 1 + 256 / 4096
THINK_S = 0.01


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path, LOG__LEVEL="warning") as server:
        yield server


class Work:
    """A healthy client that writes, waits for its ack, thinks a moment and writes again."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.took_s: list[float] = []
        self.done = 0

    async def go_on(self) -> None:
        while True:
            begun = time.monotonic()
            args = {"task": self.name, "title": f"{self.name} {self.done}"}
            ack = await self.client.mutate(BOARD, "task.update", **args)
            assert ack["type"] == "ack", ack
            self.took_s.append(time.monotonic() - begun)
            self.done += 1
            self.client.log.clear()
            await asyncio.sleep(THINK_S)


async def people(server: ServerProcess) -> tuple[Client, list[Work]]:
    """Somebody who looks on, and those who work."""
    first = await Client.hello(server)
    await first.mutate(BOARD, "board.create", name="Quiet")
    for task in ("t", *(f"w{number}" for number in range(HEALTHY))):
        await first.mutate(BOARD, "task.create", task=task, title="T")
    workers = [Work(await Client.hello(server), f"w{number}") for number in range(HEALTHY)]
    for work in workers:
        await work.client.ask("join", board=BOARD)
    return first, workers


async def attack(server: ServerProcess, seed: int, messages: int) -> dict[str, int]:
    """How the hostile connections ended, and how often."""
    command = [sys.executable, "-m", "tests.floods.attacker", str(server.port), str(seed), str(messages)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    ends: dict[str, int] = json.loads(out)
    return ends


async def settled(server: ServerProcess, connections: int) -> Samples:
    """What the metrics tell once all hostile connections are gone."""
    while True:
        seen = await scrape(server)
        if (
            sum(value for name, value in seen.items() if name.startswith("boardcast_connections_open{"))
            == connections
        ):
            return seen


def database_mib(server: ServerProcess) -> float:
    return (server.data / "boardcast.db").stat().st_size / (1 << 20)


def p99(took_s: list[float]) -> float:
    return statistics.quantiles(took_s, n=100)[98]


def stalls(before: Samples, after: Samples) -> dict[str, float]:
    """How often the loop was later than so many seconds."""
    name = "boardcast_loop_lagged_seconds"
    total = after[f"{name}_count"] - before[f"{name}_count"]
    bounds = ("0.05", "0.1", "0.25", "1.0")
    within = {
        bound: after[f"{name}_bucket{{le={bound}}}"] - before[f"{name}_bucket{{le={bound}}}"]
        for bound in bounds
    }
    return {bound: total - count for bound, count in within.items()}


@on_loop
async def test_a_flood_of_everything_hostile(server: ServerProcess) -> None:
    onlooker, workers = await people(server)
    working = [asyncio.ensure_future(work.go_on()) for work in workers]
    calm: list[float] = []
    while sum(map(len, (work.took_s for work in workers))) < (3000 if CHAOS else 100):
        await onlooker.ask("ping")
    looking = asyncio.ensure_future(onlooker.socket.receive())  # answers pings: a long flood lasts many
    for work in workers:
        calm += work.took_s
        work.took_s = []
    ends = await attack(server, SEED, MESSAGES // 4)
    before = await settled(server, HEALTHY + 1)
    first_mib, written_mib = server.rss_mib(), database_mib(server)
    for work in workers:
        work.took_s = []
    ends |= await attack(server, SEED + 1, 3 * MESSAGES // 4)
    rough = [took for work in workers for took in work.took_s]
    after = await settled(server, HEALTHY + 1)
    last_mib = server.rss_mib()
    cached_mib = database_mib(server) - written_mib
    for task in working:
        assert not task.done(), f"a healthy client failed: {task}"
        task.cancel()
    assert not looking.done(), looking
    looking.cancel()
    await asyncio.wait([looking, *working])
    assert (await onlooker.ask("ping"))["type"] == "pong"
    show(ends, calm, rough, stalls(before, after))
    print(f"memory {first_mib:.1f} MiB, then {last_mib:.1f}, the database {cached_mib:.1f} MiB larger")
    assert "Traceback" not in server.output() and '"level":"error"' not in server.output()
    assert sum(value for name, value in after.items() if "internal" in name) == 0
    assert after["boardcast_requests_answered_seconds_count{status=5xx}"] == 0
    assert last_mib <= KEPT * first_mib + CACHED * min(cached_mib, 32)
    assert {end.partition(":")[0] for end in ends} == {"talk", "deaf", "cut", "frames", "http"}


def show(ends: dict[str, int], calm: list[float], rough: list[float], late: dict[str, float]) -> None:
    print(f"\n{MESSAGES} hostile messages: {ends}")
    for name, took_s in (("calm", calm), ("flood", rough)):
        print(f"{name}: p50 {1000 * statistics.median(took_s):.1f} ms, p99 {1000 * p99(took_s):.1f} ms")
    print(f"loop later than so many seconds: {late}")
