"""Messages that wait for their turn: a client's own order is kept while one of them waits for the store."""

from server import wire
from server.model.messages import ClientMessage, Mutate

Item = ClientMessage | wire.Malformed
Waiting = tuple[Item, float, int]
"""A message that waits, when it came in (the loop's time), and its share of its frame in bytes."""


class Backlog:
    """What is behind the message that waits, bounded by count and bytes. Its owner judges what is much."""

    __slots__ = ("_bytes", "_items", "_most", "_most_bytes")

    def __init__(self, messages: int, size: int) -> None:
        """`messages`: how many may wait; `size`: how many bytes of them."""
        self._most, self._most_bytes = messages, size
        self._items: list[Waiting] = []  # mostly empty, and ten times smaller than a deque then
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item, arrived: float, weight: int) -> bool:
        """Whether there was room for one more."""
        if len(self._items) >= self._most or self._bytes >= self._most_bytes:
            return False
        self._items.append((item, arrived, weight))
        self._bytes += weight
        return True

    def take(self) -> Waiting:
        """The next in order. Raises `IndexError` when there is none."""
        first = self._items.pop(0)
        self._bytes -= first[2]
        return first

    def take_mutations(self, board: str) -> list[Mutate]:
        """All that wait to write `board`, in order; the others go on waiting."""
        taken: list[Mutate] = []
        kept: list[Waiting] = []
        for waiting in self._items:
            item, _, weight = waiting
            if isinstance(item, Mutate) and item.board == board:
                taken.append(item)
                self._bytes -= weight
            else:
                kept.append(waiting)
        self._items = kept
        return taken
