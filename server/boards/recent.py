"""The newest changes of a board in memory: what resuming clients are caught up from, and recent names."""

from collections.abc import Iterable

from server.boards.weight import weight_of
from server.model.records import Change

MOST_BYTES = 4 << 20
"""About how much of the log is kept in memory per board, whatever the number of changes."""


class Recent:
    """Changes without holes up to the head; at most about `most` of them and MOST_BYTES bytes."""

    def __init__(self, most: int, changes: Iterable[Change] = ()) -> None:
        self._most = most
        self._changes: list[Change] = []
        self._weights: list[int] = []
        self._names: list[str | None] = []
        self._bytes = 0
        self.names: dict[str, int] = {}
        for change in changes:
            self.append(change)

    def append(self, change: Change) -> None:
        weight, name = weight_of(change), change.name
        self._changes.append(change)
        self._weights.append(weight)
        self._names.append(name)
        self._bytes += weight
        if name is not None:
            self.names[name] = change.seq
        if len(self._changes) > self._most * 1.25 or self._bytes > MOST_BYTES * 1.25:
            self._trim()

    def since(self, seq: int) -> list[Change] | None:
        """All changes after `seq`; None when they do not reach back that far."""
        if not self._changes:
            return None
        first = self._changes[0].seq
        return None if seq < first - 1 else self._changes[seq - first + 1 :]

    def _trim(self) -> None:
        drop = max(0, len(self._changes) - self._most)
        size = self._bytes - sum(self._weights[:drop])
        while size > MOST_BYTES and drop < len(self._changes):
            size -= self._weights[drop]
            drop += 1
        for name in self._names[:drop]:
            if name is not None:
                self.names.pop(name, None)
        del self._changes[:drop], self._weights[:drop], self._names[:drop]
        self._bytes = size
