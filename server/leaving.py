"""What a graceful stop goes by: what is still under way, and when its clients are to come back."""

import asyncio
import random

FIRST_MS, LEAST_MS, MOST_MS = 200, 1800, 30_000
EACH_MS = 2


def return_after_ms(connections: int, rng: random.Random) -> int:
    """When one of so many clients is to come back, in milliseconds.

    Spread evenly, so that the servers that stay get 500 a second: over 1.8 s at least, 30 s at most.
    """
    return FIRST_MS + rng.randint(0, min(max(EACH_MS * connections, LEAST_MS), MOST_MS))


class InFlight:
    """The HTTP requests under way; `none` is set while there is none."""

    def __init__(self) -> None:
        self._requests: set[object] = set()
        self.none = asyncio.Event()
        self.none.set()

    def add(self, request: object) -> None:
        self._requests.add(request)
        self.none.clear()

    def discard(self, request: object) -> None:
        """Idempotent."""
        self._requests.discard(request)
        if not self._requests:
            self.none.set()
