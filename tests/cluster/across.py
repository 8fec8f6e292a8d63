"""What a second instance adds: how long a change takes to members of the writer's instance, and of another.

    python -m tests.cluster.across [seconds] [changes per second] [members on each instance]

A measurement, not a test: figures of one run are compared with each other, never with another machine's.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.cluster.cluster import Cluster, together
from tests.cluster.instance import Instance
from tests.cluster.reading import Newcomer, make_board
from tests.services.mongo import to_measure

BOARD = "paced"
WARM_UP = 50
"""Changes that are not counted."""


async def member(instance: Instance, name: str) -> Newcomer:
    newcomer = await Newcomer.at(instance, name)
    await newcomer.ask("joined", type="join", board=BOARD)
    return newcomer


async def watch(reader: Newcomer, last: str, sent: dict[str, float], took: list[float]) -> None:
    """Notes how long each change was under way, until the one named `last` has come."""
    while True:
        frame = await reader.receive()
        now = time.monotonic()
        for message in frame:
            for change in message.get("changes", ()) if message["type"] == "changes" else ():
                took.append(now - sent[change["mutation"]])
                if change["mutation"] == last:
                    return


async def write(writer: Newcomer, names: Sequence[str], pause_s: float, sent: dict[str, float]) -> None:
    begun = time.monotonic()
    for number, name in enumerate(names):
        await asyncio.sleep(max(0.0, begun + number * pause_s - time.monotonic()))
        args = {"name": f"Board {number}"}
        sent[name] = time.monotonic()
        await writer.send(
            {
                "type": "mutate",
                "id": number,
                "board": BOARD,
                "mutation": name,
                "op": "board.update",
                "args": args,
            }
        )


async def hear_answers(writer: Newcomer) -> None:
    while True:
        await writer.receive()


def line(where: str, took: Sequence[float]) -> str:
    ms = sorted(1000 * seconds for seconds in took)
    return f"  {where}: p50 {ms[len(ms) // 2]:.2f} ms, p99 {ms[int(len(ms) * 0.99)]:.2f} ms ({len(ms)})"


async def measure(cluster: Cluster, seconds: float, rate: float, members: int) -> None:
    one, other = cluster.instances
    await make_board(one, BOARD)
    names = [f"m-{number}" for number in range(WARM_UP + int(seconds * rate))]
    sent: dict[str, float] = {}
    there: dict[Instance, list[list[float]]] = {one: [], other: []}
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        writer = await Newcomer.at(one, "the-writer")
        watching = []
        for instance, took in there.items():
            for number in range(members):
                reader = await member(instance, f"reader-{number}-{instance.name}")
                stack.push_async_callback(reader.close)
                took.append([])
                watching.append(group.create_task(watch(reader, names[-1], sent, took[-1])))
        answers = group.create_task(hear_answers(writer))
        await write(writer, names, 1 / rate, sent)
        await asyncio.wait(watching)
        answers.cancel()
    print(f"{rate:g} changes/s, {members} members on each instance:")
    medians = []
    for instance, where in ((one, "where the writer is"), (other, "on the other instance")):
        took = sorted(seconds for reader in there[instance] for seconds in reader[WARM_UP:])
        medians.append(took[len(took) // 2])
        print(line(where, took))
    print(f"the other instance adds {1000 * (medians[1] - medians[0]):.2f} ms to p50")


async def main(seconds: float, rate: float, members: int) -> None:
    with tempfile.TemporaryDirectory() as folder, to_measure(Path(folder) / "mongo") as mongo:
        async with together(Path(folder), mongo, count=2, proxied=False, STORE__DEADLINE_S="30") as cluster:
            await measure(cluster, seconds, rate, members)


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    asyncio.run(main(float(given.get(1, 10)), float(given.get(2, 100)), int(given.get(3, 10))))
