"""An event loop on virtual time: when nothing is ready it jumps to the next timer. Nothing ever waits."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(RuntimeError):
    """Nothing is ready, nothing is scheduled, and the main task is not done."""


class Runaway(RuntimeError):
    """More turns of the loop, or more virtual seconds, than the run may take."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Deterministic as long as callers are: no sockets, no threads, no clock but its own.

    `most_turns` and `most_s` (virtual seconds) bound a run.
    """

    def __init__(self, *, most_turns: int = 200_000, most_s: float = 3600.0) -> None:
        super().__init__()
        self.turns = 0
        self._now = 0.0
        self._most_turns = most_turns
        self._most_s = most_s
        # The base class asks a selector to wait and tells it for how long; this one moves the clock.
        self._selector = self
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def select(self, timeout: float | None) -> list[object]:
        """Called once a turn by the base class. `timeout`: seconds to the next timer; None: there is none."""
        if timeout is None:
            raise Deadlock(f"everybody waits for everybody at {self._now:.3f} s")
        self.turns += 1
        self._now += timeout
        if self.turns > self._most_turns or self._now > self._most_s:
            raise Runaway(f"no end after {self.turns} turns and {self._now:.1f} s")
        return []

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main`, cancel whatever it leaves behind, close the loop."""
        try:
            return self.run_until_complete(main)
        finally:
            self._most_turns += 100_000
            self._most_s += 3600
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.wait(left))
            for task in left:  # retrieved, so that nobody complains
                if not task.cancelled():
                    task.exception()
            self.close()
