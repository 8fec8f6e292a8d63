"""Keeps one link of the broker alive: connects, lives, waits a random while, connects again."""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

import structlog

from server.brokers.redis.link import AWAY, Link, LinkDown
from server.brokers.redis.settings import Deadlines
from server.metrics.families import Number

log = structlog.stdlib.get_logger("broker")


class Life(Protocol):
    """What a link is for."""

    async def live(self, link: Link, works: Callable[[], None]) -> None:
        """Use the open link until it fails. `works` is called once it is proved to."""

    def ping(self) -> None:
        """Time to send a PING."""


class Backoff:
    """Full jitter: a random part of a bound that doubles with each failure."""

    def __init__(self, rng: random.Random, first_s: float, longest_s: float) -> None:
        self._rng, self._first_s, self._longest_s = rng, first_s, longest_s
        self._bound_s = first_s

    def next_s(self) -> float:
        pause = self._rng.uniform(0, self._bound_s)
        self._bound_s = min(self._bound_s * 2, self._longest_s)
        return pause

    def reset(self) -> None:
        self._bound_s = self._first_s


class Keeper:
    """`problem` is None while the link works; `tried` is set after the first attempt, well or not."""

    def __init__(
        self,
        link: Link,
        life: Life,
        *,
        changed: Callable[[], None],
        lost: Number,
        rng: random.Random,
        deadlines: Deadlines,
    ) -> None:
        self._link, self._life, self._changed, self._lost = link, life, changed, lost
        self._steady_s = deadlines.longest_pause_s
        self._backoff = Backoff(rng, deadlines.first_pause_s, deadlines.longest_pause_s)
        self._worked_at: float | None = None
        self.problem: LinkDown | None = LinkDown(AWAY, "not connected yet")
        self.tried = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            problem = await self._attempt()
            now = asyncio.get_running_loop().time()
            if self._worked_at is not None:
                self._lost.value += 1
                if now - self._worked_at >= self._steady_s:
                    self._backoff.reset()
            self._worked_at = None
            self._tell(problem)
            await asyncio.sleep(self._backoff.next_s())

    async def _attempt(self) -> LinkDown:
        try:
            async with self._link.opened(self._life.ping):
                await self._life.live(self._link, self._works)
        except LinkDown as problem:
            return LinkDown(problem.kind, str(problem))  # without the frames that the caught one holds on to
        except Exception as error:
            log.exception("a link to Redis ended by a defect; it is made again")
            return LinkDown(AWAY, f"a defect: {error!r}")
        return LinkDown(AWAY, "the link ended")

    def _works(self) -> None:
        self._worked_at = asyncio.get_running_loop().time()
        self._tell(None)

    def _tell(self, problem: LinkDown | None) -> None:
        self.problem = problem
        self.tried.set()
        self._changed()
