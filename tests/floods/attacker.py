"""Hostile clients as a process of their own: `python -m tests.floods.attacker PORT SEED MESSAGES`.

They send so many messages (or frames, or requests) over many connections, some of which never read, some of
which are cut, and print what came of it as one line of JSON.
"""

import asyncio
import collections
import contextlib
import json
import os
import sys
from collections import Counter

from tests.floods.arsenal import Arsenal, opcode_of
from tests.rfc6455.cases import frame
from tests.sockets import Closed, Refused, Socket
from tests.support import CODECS

AT_ONCE = 24
"""Connections at a time."""
PER_CONNECTION = 150
"""Messages of one connection: enough to be thrown out for the bad ones among them."""
WAIT_S = 20


class Attack:
    def __init__(self, port: int, seed: int, messages: int) -> None:
        self.port = port
        self.left = messages
        self.arsenal = Arsenal(seed)
        self.ends: Counter[str] = collections.Counter()

    async def run(self) -> None:
        await asyncio.gather(*(self._go_on() for _ in range(AT_ONCE)))

    async def _go_on(self) -> None:
        while self.left > 0:
            manner = self.arsenal.rng.choice(
                ["talk", "talk", "talk", "talk", "deaf", "cut", "frames", "http"]
            )
            try:
                async with asyncio.timeout(WAIT_S):
                    end = await getattr(self, f"_{manner}")()
            except (OSError, Closed, Refused, asyncio.IncompleteReadError, TimeoutError) as error:
                end = f"closed {error.code}" if isinstance(error, Closed) else type(error).__name__
            self.ends[f"{manner}: {end}"] += 1

    async def _socket(self, codec: str) -> Socket:
        link = await Socket.open(f"http://127.0.0.1:{self.port}/ws", protocols=[f"boardcast.v1.{codec}"])
        hello = {"type": "hello", "id": 1, "client": f"flood-{self.arsenal.rng.randrange(10**9)}"}
        link.writer.write(frame(opcode_of(codec), self.arsenal._packed(codec, hello)))
        await link.receive()
        return link

    async def _send(self, link: Socket, codec: str, count: int) -> None:
        for _ in range(count // 10):
            many = b"".join(frame(opcode_of(codec), self.arsenal.payload(codec)) for _ in range(10))
            link.writer.write(many)
            self.left -= 10
            await link.writer.drain()

    async def _talk(self) -> str:
        """Sends, and reads every answer, until it has sent enough or is thrown out."""
        codec = self.arsenal.rng.choice(CODECS)
        link = await self._socket(codec)
        sending = asyncio.ensure_future(self._send(link, codec, PER_CONNECTION))
        try:
            while not sending.done():
                reading = asyncio.ensure_future(link.receive())
                await asyncio.wait([reading, sending], return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    await reading
                else:
                    reading.cancel()
            return "left"
        finally:
            await _end(sending)
            link.cut()

    async def _deaf(self) -> str:
        link = await self._socket(self.arsenal.rng.choice(CODECS))
        await self._send(link, "json", PER_CONNECTION)
        await asyncio.sleep(self.arsenal.rng.random())
        link.cut()
        return "cut"

    async def _cut(self) -> str:
        link = await self._socket("json")
        link.writer.write(frame(1, self.arsenal.payload("json"))[:-3])
        link.cut()
        self.left -= 1
        return "cut"

    async def _frames(self) -> str:
        link = await self._socket("msgpack")
        for _ in range(10):
            link.writer.write(self.arsenal.frames())
            self.left -= 1
        await link.writer.drain()
        try:
            async with asyncio.timeout(self.arsenal.rng.random()):
                while True:
                    await link.receive()
        except TimeoutError:
            link.cut()
            return "cut"

    async def _http(self) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for _ in range(5):
                writer.write(self.arsenal.request())
                self.left -= 1
            await writer.drain()
            with contextlib.suppress(OSError, TimeoutError):
                writer.write_eof()
                async with asyncio.timeout(1):
                    while await reader.read(1 << 16):
                        pass
            return "answered"
        finally:
            writer.transport.abort()


async def _end(task: "asyncio.Future[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, OSError):
        await task


def main() -> None:
    os.nice(19)  # the healthy ones are measured on the same processor, and are to wait for the server alone
    attack = Attack(*map(int, sys.argv[1:4]))
    asyncio.run(attack.run())
    print(json.dumps(dict(sorted(attack.ends.items()))))


if __name__ == "__main__":
    main()
