"""The mutations of one connection that have no answer yet."""

import asyncio


class Pending:
    """Counts them, bounded by count and bytes, and wakes who waits until there is none."""

    __slots__ = ("_all_answered", "_bytes", "_count", "_most", "_most_bytes")

    def __init__(self, mutations: int, size: int) -> None:
        """`mutations`: how many may be under way; `size`: how many bytes of them."""
        self._most, self._most_bytes = mutations, size
        self._count = self._bytes = 0
        self._all_answered: asyncio.Future[None] | None = None  # made when somebody waits

    def begin(self, weight: int) -> bool:
        """One more of `weight` bytes is under way, until its `end`. False: that is one too many."""
        self._count += 1
        self._bytes += weight
        return self._count <= self._most and self._bytes <= self._most_bytes

    def end(self, weight: int) -> None:
        """One of `weight` bytes has its answer."""
        self._count -= 1
        self._bytes -= weight
        if self._count == 0 and (waiting := self._all_answered) is not None:
            self._all_answered = None
            if not waiting.done():
                waiting.set_result(None)

    async def answered(self) -> None:
        """Until none is under way. One caller at a time."""
        while self._count:
            self._all_answered = asyncio.get_running_loop().create_future()
            await self._all_answered
