"""Pure: which numbers of one boot of a device are settled.

States of a number: *open*, *settled* (stored, or rejected for good). `mark` is the highest one up to which
all are settled; those above it that are settled, too, are remembered until the hole before them closes. What
is known here is a part of what the store knows: other instances settle numbers of the same boot. So a hole is
no proof, and `doubtful` says that the store should be asked. A number that is settled stays so.

Bound: `MOST_AHEAD` numbers are remembered; one more is forgotten, and asked for when the hole closes.
"""

MOST_AHEAD = 1024


class Numbers:
    __slots__ = ("_ahead", "asked_at", "mark")

    def __init__(self) -> None:
        self.mark = 0
        self.asked_at = float("-inf")
        self._ahead: set[int] = set()

    @property
    def doubtful(self) -> bool:
        """There is a hole: the number behind `mark` may have been settled elsewhere."""
        return bool(self._ahead)

    def settle(self, seq: int) -> None:
        """`seq` is settled."""
        if seq <= self.mark:
            return
        if seq > self.mark + 1:
            if len(self._ahead) < MOST_AHEAD:
                self._ahead.add(seq)
            return
        self.raise_to(seq)

    def raise_to(self, mark: int) -> None:
        """All up to `mark` are settled, as the store says."""
        if mark <= self.mark:
            return
        self.mark = mark
        if self._ahead:
            while self.mark + 1 in self._ahead:
                self.mark += 1
            self._ahead = {seq for seq in self._ahead if seq > self.mark}
