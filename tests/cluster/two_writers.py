"""Two instances write one board as fast as they can: what they do together, beside one of them alone.

    python -m tests.cluster.two_writers [seconds] [mutations without an answer at a time, per instance]

A measurement, not a test: figures of one run are compared with each other, never with another machine's.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.cluster import together
from tests.cluster.instance import Instance
from tests.cluster.reading import Newcomer, make_board, read_log
from tests.services.mongo import to_measure
from tests.support import Message

BOARD = "contested"


@dataclass
class Writer:
    """One connection that always has `window` mutations under way; what fails is sent again, in order."""

    instance: Instance
    window: int
    waits_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    acked: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    async def write(self, client: Newcomer, board: str, until: float) -> None:
        began: dict[int, float] = {}
        number = 0
        while time.monotonic() < until or began:
            again = sorted(self.failed) if len(self.failed) == len(began) else []
            self.failed = [] if again else self.failed
            while not self.failed and len(began) < self.window and time.monotonic() < until:
                number += 1
                began[number] = time.monotonic()
                again.append(number)
            if again:
                await client.send(*(self._update(board, one) for one in again))
            for answer in await client.receive():
                if answer["type"] in ("ack", "error"):
                    self._hear(answer, began)

    @property
    def task(self) -> str:
        return f"task-of-{self.instance.name}"

    def _update(self, board: str, number: int) -> Message:
        args = {"task": self.task, "title": f"T{number}"}
        update = {"type": "mutate", "board": board, "mutation": f"m-{number}", "op": "task.update"}
        return {"id": number, "args": args, **update}

    def _hear(self, answer: Message, began: dict[int, float]) -> None:
        number = answer["id"]
        if answer["type"] == "ack":
            self.waits_s.append(time.monotonic() - began.pop(number))
            self.acked.append(answer["seq"])
        else:
            self.errors[f"{answer['code']}: {answer['message']}"] += 1
            self.failed.append(number)

    async def arrive(self, board: str) -> Newcomer:
        """Its connection, and a task of its own on the board."""
        client = await Newcomer.at(self.instance, f"writer-{self.instance.name}")
        args = {"task": self.task, "title": "T"}
        await client.ask("ack", type="mutate", board=board, mutation="m-0", op="task.create", args=args)
        return client


async def measure(instances: Sequence[Instance], board: str, seconds: float, window: int) -> float:
    """Acknowledged per second, all together; the rest is printed."""
    await make_board(instances[0], board)
    writers = [Writer(instance, window) for instance in instances]
    clients = [await writer.arrive(board) for writer in writers]
    began = time.monotonic()
    pairs = zip(writers, clients, strict=True)
    await asyncio.gather(*(writer.write(client, board, began + seconds) for writer, client in pairs))
    took = time.monotonic() - began
    total = sum(len(writer.acked) for writer in writers)
    print(f"{len(writers)} writing: {total / took:.0f} acknowledged/s in {took:.1f} s")
    for writer in writers:
        waits = sorted(writer.waits_s)
        print(
            f"  {writer.instance.name}: {len(writer.acked) / total:.0%} of them, wait p50 "
            f"{1000 * waits[len(waits) // 2]:.0f} ms, p99 {1000 * waits[int(len(waits) * 0.99)]:.0f} ms, "
            f"longest {1000 * waits[-1]:.0f} ms, errors {dict(writer.errors)}"
        )
    for client in clients:
        await client.close()
    log = await read_log(instances[0], board, patience_s=60)
    acked = sorted(seq for writer in writers for seq in writer.acked)
    names = [(change["client"], change["mutation"]) for change in log]
    assert len(set(names)) == len(names) and len(set(acked)) == len(acked), "once each"
    assert len(log) == total + 1 + len(writers), (len(log), total)
    return total / took


async def main(seconds: float, window: int) -> None:
    with tempfile.TemporaryDirectory() as folder, to_measure(Path(folder) / "mongo") as mongo:
        settings = {"STORE__DEADLINE_S": "30", "LIMITS__MUTATIONS_PER_SECOND": "1000000"}
        async with together(Path(folder), mongo, count=2, proxied=False, **settings) as cluster:
            one, other = cluster.instances
            alone = [await measure([one], "alone-0", seconds, window)]
            pair = await measure([one, other], BOARD, seconds, window)
            alone.append(await measure([other], "alone-1", seconds, window))
            print(f"together {pair / (sum(alone) / 2):.2f} of one alone")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    asyncio.run(main(float(given.get(1, 10)), int(given.get(2, 64))))
