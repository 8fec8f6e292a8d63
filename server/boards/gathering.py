"""When a batch begins: at once, or when those are back who wrote in the one before.

An append costs what it costs, and a delivery costs a write to each member, however few changes are in them.
Clients that write on and on do so as soon as they have their acks, and the quickest of them would have the
next batch to themselves: every second one would be of one or two changes. (PostgreSQL's `commit_delay` and
`commit_siblings` are made for the same.)
"""

import asyncio

CROWD = 8
"""Changes in the batch before: with fewer nobody is waited for."""
WAIT_S = 0.001
"""At most. Whoever waits for people is not slowed down by that, and a timer of the loop takes as long."""
LATELY_S = 0.05
"""The batch before ended so long ago at most; else its clients are not writing on."""
_NEVER = 1 << 30


class Gathering:
    """Of one board. A batch asks `crowd` before it begins, and tells its `size` when it is answered."""

    __slots__ = ("_ended", "_enough", "_size", "_wanted")

    def __init__(self) -> None:
        self._size = 0
        self._ended = float("-inf")
        self._wanted = _NEVER
        self._enough: asyncio.Future[None] | None = None

    async def crowd(self, waiting: int) -> None:
        """`waiting`: mutations in the inbox. Returns when there are three quarters as many as were answered
        last, or after `WAIT_S`.
        """
        loop = asyncio.get_running_loop()
        wanted = self._size * 3 // 4
        if self._size < CROWD or waiting >= wanted or loop.time() - self._ended > LATELY_S:
            return
        self._wanted, self._enough = wanted, loop.create_future()
        timer = loop.call_later(WAIT_S, self._proceed)
        try:
            await self._enough
        finally:
            timer.cancel()
            self._wanted = _NEVER

    def came(self, waiting: int) -> None:
        """One more is in the inbox: `waiting` by now."""
        if waiting >= self._wanted:
            self._proceed()

    def answered(self, size: int) -> None:
        """A batch of `size` mutations has its answers."""
        self._size, self._ended = size, asyncio.get_running_loop().time()

    def _proceed(self) -> None:
        if self._enough is not None and not self._enough.done():
            self._enough.set_result(None)
