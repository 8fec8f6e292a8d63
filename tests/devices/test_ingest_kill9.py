"""`kill -9` in the middle of ingest: what devices were told is stored is there, once, and nothing else is."""

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path
from typing import Any

from server.stores.sqlite import SqliteStore
from tests.devices.tokens import Device, enrol, post
from tests.support import CODECS, Closed, Message, ServerProcess, on_loop

ROUNDS = 100 if os.environ.get("BOARDCAST_CHAOS") == "1" else 3
SEED = int(os.environ.get("BOARDCAST_SEED", "1"))
DEVICES = ("d0", "d1", "d2", "d3")
WINDOW = 8
T0 = 1_000
"""Each point has a time of its own, so long before now, in milliseconds."""


class Sender:
    """A device that numbers its batches and sends again, after a crash, what it got no answer to."""

    def __init__(self, name: str, token: str, codec: str, now: int) -> None:
        self.name, self.token, self.codec, self.now = name, token, codec, now
        self.batches: list[Message] = []
        self.settled = 0
        self.conflicts = 0

    def batch(self) -> Message:
        seq = len(self.batches) + 1
        times = [self.now - T0 - 10 * seq - n for n in range(1 + seq % 5)]
        points = [{"t": t, "values": {"temp": float(seq), f"m{seq % 3}": t % 7}} for t in times]
        self.batches.append({"type": "telemetry", "boot": "boot", "seq": seq, "points": points})
        return self.batches[-1]

    async def send(self, server: ServerProcess, progress: asyncio.Semaphore) -> None:
        """Sends until the server is gone."""
        with contextlib.suppress(Closed, OSError):
            device = await Device.open(server, self.token, self.codec)
            unanswered = self.batches[self.settled :] or [self.batch()]
            await device.send(*unanswered[:WINDOW])
            while True:
                self.hear(await device.next())
                progress.release()
                await device.send(self.batch())

    async def settle(self, server: ServerProcess) -> None:
        """Sends again all that was not answered, in an order of its own."""
        device = await Device.open(server, self.token, self.codec)
        unanswered = self.batches[self.settled :]
        random.Random(len(unanswered)).shuffle(unanswered)
        for batch in unanswered:
            await device.send(batch)
        for _ in unanswered:
            self.hear(await device.next())
        assert self.settled == len(self.batches)
        await device.close()

    def hear(self, message: Message) -> None:
        assert message["type"] == "stored", message
        assert message["boot"] == "boot" and "rejected" not in message
        assert message["seq"] >= self.settled, "what is settled stays so"
        self.settled = message["seq"]


async def stored(server: ServerProcess, device: str) -> dict[str, list[tuple[int, float]]]:
    """All points that the store has, read behind the server's back."""
    store = SqliteStore(server.data / "boardcast.db", exclusive=False)
    await store.start()
    try:
        metrics = [one.metric for one in await store.telemetry.newest("demo", [device])]
        found = {}
        for metric in metrics:
            raw = await store.telemetry.raw("demo", device, metric, 0, 2**52, 10**6)
            found[metric] = list(zip(raw.t, raw.v, strict=True))
        return found
    finally:
        await store.close()


def expected(batches: list[Message]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for batch in batches:
        for point in batch["points"]:
            for metric, value in point["values"].items():
                found.setdefault(metric, []).append((point["t"], float(value)))
    return {metric: sorted(points) for metric, points in found.items()}


def ordered(found: dict[str, list[tuple[int, float]]]) -> dict[str, list[tuple[int, float]]]:
    return {metric: sorted(points) for metric, points in found.items()}


def within(part: dict[str, Any], whole: dict[str, Any]) -> bool:
    return all(set(points) <= set(whole.get(metric, ())) for metric, points in part.items())


@on_loop
async def test_what_devices_were_told_survives_kill_9_exactly_once(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    server = ServerProcess(tmp_path, DEVICES__DEVICE_POINTS="", DEVICES__BOARD_POINTS="")
    with server:
        tokens = await enrol(server, *DEVICES, "flat")
        now = time.time_ns() // 1_000_000
        senders = [
            Sender(name, token, CODECS[n % 2], now)
            for n, (name, token) in enumerate(zip(DEVICES, tokens[:-1], strict=True))
        ]
        told_flat = 0
        for _ in range(ROUNDS):
            progress = asyncio.Semaphore(0)
            sending = [asyncio.ensure_future(one.send(server, progress)) for one in senders]
            for _ in range(rng.choice([1, 20, 100])):
                await progress.acquire()
            told_flat += (await asyncio.to_thread(post, server, tokens[-1], {"temp": 1.0}))[1]["stored"]
            for _ in range(rng.randrange(200)):
                await asyncio.sleep(0)  # dies at another point of its work
            server.kill()
            await asyncio.gather(*sending)
            for one in senders:
                found = await stored(server, one.name)
                assert within(expected(one.batches[: one.settled]), found), "told, so there"
                assert within(found, expected(one.batches)), "nothing that nobody sent"
                assert all(len(set(points)) == len(points) for points in found.values()), "nothing twice"
            server.start()
            for one in senders:
                await one.settle(server)
                assert ordered(await stored(server, one.name)) == expected(one.batches)
        assert len((await stored(server, "flat"))["temp"]) == told_flat
        assert "Traceback" not in server.output()
