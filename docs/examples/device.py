"""A device for Boardcast: it measures, keeps what it measured until that is stored, and obeys commands.

    pip install websockets
    BOARDCAST_DEVICE_TOKEN=bcd_… python device.py --url ws://127.0.0.1:8888/ws/device --queue queue.db

Copy it and change `measure` and `COMMANDS`. What it promises:

* Every reading is stored exactly once, also when the connection, this program or the server dies in between:
  readings wait in a queue on disk, in batches that are numbered once (by `boot`, this start of the program,
  and `seq`) and sent again under the same number until the server says that they are settled.
* The queue is bounded: past MOST_READINGS the oldest that have no number yet are dropped, and it says so.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import sqlite3
import sys
import time

import websockets

BATCH = 100  # readings in one message; a batch may hold 1,000 of them, and 10,000 values
WINDOW = 8  # batches that are under way at once
MOST_READINGS = 100_000


def measure():
    """What is measured now: names and numbers (or true and false)."""
    return {"load": os.getloadavg()[0], "uptime_h": time.monotonic() / 3600}


def blink(times=1):
    return f"blinked {times} times"


COMMANDS = {"blink": blink}
"""What the device can be told to do; called with its args. What they return is shown on the card."""


class Queue:
    """Readings, then batches, in the order in which they were taken. `path` ":memory:" forgets at the end."""

    def __init__(self, path):
        self.boot = secrets.token_hex(8)
        self.seq = 0
        self.dropped = 0
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA synchronous = FULL")  # a number that was sent must not be forgotten
        self.db.execute("CREATE TABLE IF NOT EXISTS readings (id INTEGER PRIMARY KEY, reading TEXT)")
        # AUTOINCREMENT: an id that was used is never used again, also when all batches were settled
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS batches "
            "(id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT, seq INT, body TEXT)"
        )

    def add(self, t, values):
        self.db.execute("INSERT INTO readings (reading) VALUES (?)", [json.dumps({"t": t, "values": values})])
        over = self.db.execute("SELECT count(*) FROM readings").fetchone()[0] - MOST_READINGS
        if over > 0:
            self.db.execute(
                "DELETE FROM readings WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT ?)", [over]
            )
            self.dropped += over

    def batches(self, count):
        """The oldest `count` batches, as they are sent. More are made of readings when there are fewer."""
        while self.db.execute("SELECT count(*) FROM batches").fetchone()[0] < count and self._number():
            pass
        return self.db.execute("SELECT id, body FROM batches ORDER BY id LIMIT ?", [count]).fetchall()

    def _number(self):
        taken = self.db.execute("SELECT id, reading FROM readings ORDER BY id LIMIT ?", [BATCH]).fetchall()
        if not taken:
            return False
        self.seq += 1
        points = [json.loads(reading) for _, reading in taken]
        body = json.dumps({"type": "telemetry", "boot": self.boot, "seq": self.seq, "points": points})
        with self.db:  # a crash leaves both or neither
            self.db.execute("BEGIN")
            self.db.execute(
                "INSERT INTO batches (boot, seq, body) VALUES (?, ?, ?)", [self.boot, self.seq, body]
            )
            self.db.execute("DELETE FROM readings WHERE id <= ?", [taken[-1][0]])
        return True

    def settled(self, boot, seq):
        self.db.execute("DELETE FROM batches WHERE boot = ? AND seq <= ?", [boot, seq])


class Refused(Exception):
    """The server does not want this device, or what it was told cannot be. Its text says why."""


class Device:
    """`run` it beside what calls `add`. It ends only when the server does not want this device any more."""

    def __init__(self, url, token, queue):
        self.url, self.token, self.queue = url, token, queue
        self.news = asyncio.Event()  # something was measured, or settled
        self.window = WINDOW
        self.sent_up_to = 0  # id of the last batch that was sent over this connection
        self.resume_at = 0.0

    async def run(self):
        failures = 0
        while True:
            try:
                async with websockets.connect(
                    self.url,
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                    subprotocols=["boardcast.v1.json"],
                ) as socket:
                    failures = 0
                    await self.converse(socket)
            except websockets.InvalidStatus as refusal:
                if refusal.response.status_code in (401, 403):
                    raise Refused(refusal.response.body.decode()) from None
                print(f"no connection: the server says {refusal.response.status_code}", file=sys.stderr)
            except websockets.ConnectionClosed as end:
                if end.rcvd and end.rcvd.code >= 4500:  # do not come back by yourself
                    raise Refused(end.rcvd.reason) from None
            except websockets.InvalidURI:
                raise Refused(f"{self.url!r} is no ws:// or wss:// address") from None
            except (OSError, websockets.InvalidHandshake) as error:
                print(f"no connection: {error}", file=sys.stderr)
            failures += 1
            pause = random.uniform(
                0, min(60, 2**failures)
            )  # all of it random: a thousand devices come evenly
            await asyncio.sleep(max(pause, self.resume_at - time.monotonic()))

    async def converse(self, socket):
        self.sent_up_to, self.resume_at = 0, 0.0
        self.news.set()
        sending = asyncio.create_task(self.send(socket))
        try:
            async for frame in socket:
                messages = json.loads(frame)
                for message in messages if isinstance(messages, list) else [messages]:
                    await self.heard(socket, message)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def send(self, socket):
        while True:
            await self.news.wait()
            self.news.clear()
            await asyncio.sleep(max(0, self.resume_at - time.monotonic()))
            for number, body in self.queue.batches(self.window):
                if number > self.sent_up_to:
                    self.sent_up_to = number
                    await socket.send(body)

    async def heard(self, socket, message):
        match message["type"]:
            case "stored":
                self.queue.settled(message["boot"], message["seq"])
                self.window = min(self.window + 1, WINDOW)
                for refusal in message.get("rejected", []):
                    print("rejected for good:", refusal, file=sys.stderr)
                self.news.set()
            case "command":
                await socket.send(json.dumps(self.obey(message)))
            case "error":
                print("the server says:", message["message"], file=sys.stderr)
                if message.get("retry"):  # all that is not settled is sent again, a little later
                    wait_ms = message.get("details", {}).get("retry_after_ms", 1000)
                    self.resume_at = time.monotonic() + max(0.1, wait_ms / 1000)
                    self.window = 1  # one is tried, then more again
                    self.sent_up_to = 0
                    self.news.set()
            case "bye":
                self.resume_at = time.monotonic() + message["retry_after_ms"] / 1000

    def obey(self, command):
        wanted = COMMANDS.get(command["name"])
        try:
            result, ok = ("unknown command", False) if wanted is None else (wanted(**command["args"]), True)
        except Exception as error:
            result, ok = repr(error), False
        return {"type": "command_result", "command": command["command"], "ok": ok, "result": result}

    def add(self, values):
        self.queue.add(time.time_ns() // 1_000_000, values)
        self.news.set()


async def main():
    options = argparse.ArgumentParser(description="Send what is measured to Boardcast.")
    options.add_argument("--url", default="ws://127.0.0.1:8888/ws/device")
    options.add_argument("--queue", default=":memory:", help="a file in which readings wait")
    options.add_argument("--every", type=float, default=10.0, help="seconds between two readings")
    given = options.parse_args()
    if not (token := os.environ.get("BOARDCAST_DEVICE_TOKEN")):
        options.error("BOARDCAST_DEVICE_TOKEN is not set: the board shows the token when a device is added")
    try:
        queue = Queue(given.queue)
    except sqlite3.Error as error:
        options.error(f"--queue {given.queue}: {error}")
    device = Device(given.url, token, queue)
    running = asyncio.create_task(device.run())
    while not running.done():
        device.add(measure())
        await asyncio.wait([running], timeout=given.every)
    try:
        running.result()
    except Refused as refusal:
        sys.exit(f"refused: {refusal}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
