"""Searches through long texts share one turn: however many are asked for, the loop is late by one slice.

A search holds everybody up while it looks, so it looks for `SLICE_S` and then rests for as long: a round of
the loop alone would not do, since threads that write and read get the interpreter from a busy loop only every
5 ms. Were several under way, each round would be as long as all their slices; so the next one waits.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from server.errors import RateLimited, Unavailable

T = TypeVar("T")

SLICE_S = 0.002
MOST, MOST_OF_ONE = 100, 10
"""Searches that are asked for at once, of all and of one caller."""
COME_BACK_MS = 1_000


class Searches:
    """`waiting`: how many there are, with the one under way, which has the `turn`."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._by: Counter[str] = Counter()
        self.waiting = 0

    async def find(
        self,
        caller: str,
        items: Iterable[T],
        wanted: Callable[[T], bool],
        gone: Callable[[], bool] = bool,
    ) -> list[T]:
        """Those of `items` that are `wanted`, in their order. Raises `RateLimited`, `Unavailable`.

        `gone`: whether nobody waits for them any more. Then some may be missing.
        """
        async with self._place(caller), self.turn:
            found: list[T] = []
            if gone():
                return found
            ends = time.perf_counter() + SLICE_S
            for item in items:
                if wanted(item):
                    found.append(item)
                if time.perf_counter() > ends:
                    await asyncio.sleep(SLICE_S)
                    if gone():
                        break
                    ends = time.perf_counter() + SLICE_S
            return found

    @asynccontextmanager
    async def _place(self, caller: str) -> AsyncIterator[None]:
        if self._by[caller] >= MOST_OF_ONE:
            raise RateLimited("searches of this address at once", COME_BACK_MS)
        if self.waiting >= MOST:
            raise Unavailable("too many searches are under way", COME_BACK_MS)
        self._by[caller] += 1
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
            self._by[caller] -= 1
            if not self._by[caller]:
                del self._by[caller]
