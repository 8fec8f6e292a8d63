"""Which names a board's log holds, remembered: for servers whose unique indexes do not look into arrays."""

from collections.abc import Iterable, Sequence

MOST_NAMES = 1_000_000
"""Of all boards together, some 70 bytes each. Past it everything is forgotten, and read again when needed."""


class Known:
    """Hashes of the names of each board's changes 1 to `reach`.

    What is not in here is not in the log; what is in here must be looked up: it may be another name's hash.
    """

    def __init__(self, most: int = MOST_NAMES) -> None:
        self.most = most
        self._count = 0
        self._boards: dict[str, tuple[int, set[int]]] = {}
        self._tails: dict[str, int] = {}  # a hash of what was added last

    def reach(self, board: str) -> int:
        """The last change whose name is remembered; 0: none is."""
        return self._boards[board][0] if board in self._boards else 0

    def add(self, board: str, first: int, names: Sequence[str]) -> None:
        """The changes from `first` on have these names. Ignored unless they follow on what is known."""
        if self._count + len(names) > self.most:
            self.forget()
        reach, hashes = self._boards.get(board, (0, set()))
        if first != reach + 1:
            return
        hashes.update(map(hash, names))
        self._boards[board] = reach + len(names), hashes
        self._tails[board] = hash((first, *names))
        self._count += len(names)

    def ends_with(self, board: str, first: int, names: Sequence[str]) -> bool:
        """Whether that was added last."""
        return self._tails.get(board) == hash((first, *names))

    def drop(self, board: str) -> None:
        """The log is not the one that was read."""
        _, hashes = self._boards.pop(board, (0, set()))
        self._tails.pop(board, None)
        self._count -= len(hashes)

    def suspects(self, board: str, names: Iterable[str]) -> list[str]:
        """Those that may be in the log."""
        _, hashes = self._boards.get(board, (0, set()))
        return [name for name in names if hash(name) in hashes]

    def forget(self) -> None:
        self._boards.clear()
        self._tails.clear()
        self._count = 0
