"""The publishing link: a queue bounded in bytes that `offer` fills and a task drains, pipelined."""

import asyncio
from collections import deque
from collections.abc import Callable

from server.brokers.redis.link import Link, all_until_one_ends, packed

BATCH_BYTES = 256 * 1024
"""Sent at once, unless one message is larger; the next goes out when all answers to it are in."""
OVERHEAD_BYTES = 64
"""What a queued message costs beside its bytes, so that empty ones have a bound, too."""
PING = packed(b"PING")


class Publisher:
    """`dropped` counts what did not fit, what came while the link was down, and what was queued or without
    an answer when it went down: that may have gone out.
    """

    def __init__(self, *, queue_bytes: int, greeting: bytes) -> None:
        self._bound = queue_bytes
        self.greeting = greeting
        self._queue: deque[tuple[bytes, bytes]] = deque()
        self._queued = 0
        self._unanswered = 0  # messages
        self._ping_due = False
        self._pings = 0
        self._open = False
        self._wake = asyncio.Event()
        self._all_answered = asyncio.Event()
        self.dropped = 0

    def offer(self, channel: bytes, payload: bytes) -> bool:
        """Queue it, if the link works and there is room; else it is dropped and counted."""
        size = len(channel) + len(payload) + OVERHEAD_BYTES
        if not self._open or self._queued + size > self._bound:
            self.dropped += 1
            return False
        self._queued += size
        self._queue.append((channel, payload))
        self._wake.set()
        return True

    def ping(self) -> None:
        self._ping_due = True
        self._wake.set()

    async def live(self, link: Link, works: Callable[[], None]) -> None:
        """The greeting is published to a channel that only we listen to: it proves that we may."""
        await link.send([packed(b"PUBLISH", self.greeting, b"")])
        await link.read()
        link.silence.answered()
        self._unanswered = self._pings = 0
        self._open = True
        self._all_answered.set()
        try:
            works()
            await all_until_one_ends(self._send(link), self._settle(link))
        finally:
            self._open = False
            self._drop()

    async def _send(self, link: Link) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue or self._ping_due:
                await self._all_answered.wait()
                self._all_answered.clear()
                await link.send(self._batch())

    def _batch(self) -> list[bytes]:
        commands, size = [], 0
        if self._ping_due:
            self._ping_due = False
            self._pings += 1
            commands.append(PING)
        while self._queue and (not size or size + len(self._queue[0][1]) <= BATCH_BYTES):
            channel, payload = self._queue.popleft()
            size += len(payload) + OVERHEAD_BYTES
            self._queued -= len(channel) + len(payload) + OVERHEAD_BYTES
            self._unanswered += 1
            commands.append(packed(b"PUBLISH", channel, payload))
        return commands

    async def _settle(self, link: Link) -> None:
        """Take the answers: a number to a PUBLISH, text to a PING."""
        while True:
            answer = await link.read()
            link.silence.heard()
            if isinstance(answer, int):
                self._unanswered -= 1
            else:
                self._pings -= 1
            if not self._unanswered and not self._pings:
                link.silence.answered()
                self._all_answered.set()

    def _drop(self) -> None:
        """Old news is not sent when the link is back: the numbers in the log show the hole."""
        self.dropped += len(self._queue) + self._unanswered
        self._queue.clear()
        self._queued = self._unanswered = 0
        self._ping_due = False
        self._all_answered.set()

    async def flush(self) -> None:
        """Until everything queued has been answered, or dropped."""
        while self._queue or self._unanswered:
            await self._all_answered.wait()
            await asyncio.sleep(0)
