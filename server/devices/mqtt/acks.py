"""Which messages are to be acknowledged to the broker now. Pure.

MQTT wants PUBACKs in the order in which the messages came (4.6.0-2); messages of different devices are done
in any order. So one waits for those before it.
"""

from collections import deque


class Acks:
    """Of one connection. `waiting`: how many are not acknowledged."""

    def __init__(self) -> None:
        self._order: deque[int] = deque()
        self._done: set[int] = set()

    @property
    def waiting(self) -> int:
        return len(self._order)

    def received(self, mid: int) -> None:
        """A message of QoS 1, in the order of arrival. Its number is used again once it is acknowledged."""
        self._order.append(mid)

    def done(self, mid: int) -> list[int]:
        """The message is dealt with; the numbers to acknowledge now, in order."""
        self._done.add(mid)
        ready = []
        while self._order and self._order[0] in self._done:
            ready.append(self._order.popleft())
            self._done.discard(ready[-1])
        return ready
