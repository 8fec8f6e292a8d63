"""What a stopped Redis costs: acknowledgements, the way to another instance, and how soon it is noticed.

    python -m tests.cluster.redis_away [changes per second] [seconds away]

Redis is held (SIGSTOP), not closed, and let go again. A measurement, not a test.
"""

import asyncio
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.cluster import Cluster, together
from tests.cluster.instance import Instance
from tests.cluster.reading import Newcomer, make_board
from tests.services.mongo import to_measure

BOARD = "away"
BEFORE_S, AFTER_S = 3.0, 6.0
LOOK_S = 0.02


class Observed:
    """When each change was sent, acknowledged, and seen on the other instance."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.acked: dict[str, float] = {}
        self.seen: dict[str, float] = {}

    def told(self, phase: str, begin: float, end: float) -> str:
        names = [name for name, at in self.sent.items() if begin <= at < end]
        acks = [self.acked[name] - self.sent[name] for name in names]
        ways = [self.seen[name] - self.sent[name] for name in names]
        return f"{phase}: {len(names)} changes; ack {summary(acks)}; on the other instance {summary(ways)}"


def summary(took: Sequence[float]) -> str:
    ms = sorted(1000 * seconds for seconds in took)
    return f"p50 {ms[len(ms) // 2]:.0f} ms, longest {ms[-1]:.0f} ms"


async def write(writer: Newcomer, rate: float, seen: Observed, enough: asyncio.Event) -> None:
    begun, number = time.monotonic(), 0
    while not enough.is_set():
        name = f"m-{number}"
        seen.sent[name] = time.monotonic()
        named = {"type": "mutate", "id": name, "board": BOARD, "mutation": name}
        await writer.send({**named, "op": "board.update", "args": {"name": f"Board {number}"}})
        number += 1
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))


async def hear_acks(writer: Newcomer, seen: Observed) -> None:
    while True:
        for answer in await writer.receive():
            assert answer["type"] == "ack", answer
            seen.acked[answer["id"]] = time.monotonic()


async def hear_changes(reader: Newcomer, seen: Observed) -> None:
    while True:
        for message in await reader.receive():
            for change in message.get("changes", ()) if message["type"] == "changes" else ():
                seen.seen[change["mutation"]] = time.monotonic()


def broker_is_up(instance: Instance) -> bool:
    with urllib.request.urlopen(instance.url + "/metrics", timeout=10) as answer:
        return b"\nboardcast_broker_up 1" in answer.read()


async def until_broker(instance: Instance, *, up: bool) -> float:
    while await asyncio.to_thread(broker_is_up, instance) != up:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
    return time.monotonic()


async def measure(cluster: Cluster, rate: float, away_s: float) -> None:
    one, other = cluster.instances
    redis, seen, enough = cluster.services["redis"], Observed(), asyncio.Event()
    await make_board(one, BOARD)
    writer, reader = await Newcomer.at(one, "the-writer"), await Newcomer.at(other, "the-reader")
    await reader.ask("joined", type="join", board=BOARD)
    tasks = [asyncio.create_task(hear_acks(writer, seen)), asyncio.create_task(hear_changes(reader, seen))]
    writing = asyncio.create_task(write(writer, rate, seen, enough))
    await asyncio.sleep(BEFORE_S)
    held = time.monotonic()
    redis.hold()
    noticed = await until_broker(one, up=False)
    await asyncio.sleep(away_s)
    went_on = time.monotonic()
    redis.go_on()
    back = await until_broker(one, up=True), await until_broker(other, up=True)
    await asyncio.sleep(AFTER_S)
    enough.set()
    await writing
    end = time.monotonic()
    while len(seen.seen) < len(seen.sent) or len(seen.acked) < len(seen.sent):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)
    for task in tasks:
        task.cancel()
    print(seen.told("before", 0, held))
    print(f"shown as not up {noticed - held:.2f} s after Redis was stopped")
    print(seen.told("until then", held, noticed))
    print(seen.told("away", noticed, went_on))
    print(f"shown as up {max(back) - went_on:.2f} s after Redis went on")
    print(seen.told("until then", went_on, max(back)))
    print(seen.told("back", max(back), end))


async def main(rate: float, away_s: float) -> None:
    with tempfile.TemporaryDirectory() as folder, to_measure(Path(folder) / "mongo") as mongo:
        async with together(Path(folder), mongo, count=2, proxied=False, STORE__DEADLINE_S="30") as cluster:
            await measure(cluster, rate, away_s)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    asyncio.run(main(float(given.get(1, 50)), float(given.get(2, 5))))
