"""Pure: how much may come in, in windows such as `100:1,2000:60`: 100 a second, and 2,000 a minute.

Each window fills up evenly, so that a hundred a second is one each ten milliseconds after a burst of a
hundred. What is larger than a whole window goes through when the window is full, and leaves it in debt:
nothing waits for ever. Times are monotonic seconds. What is full again needs not be remembered.
"""

from collections.abc import Sequence

Spec = Sequence[tuple[int, int]]
"""How many, in how many seconds."""


def parse(text: str) -> Spec:
    """`100:1,2000:60`, checked by the configuration. Empty: no limit."""
    parts = (part.split(":") for part in text.split(",") if part)
    return tuple((int(count), int(seconds)) for count, seconds in parts)


class Windows:
    """One of those that are limited, full at first."""

    __slots__ = ("_levels", "_spec", "_then")

    def __init__(self, spec: Spec, now: float) -> None:
        self._spec = spec
        self._levels = [float(count) for count, _ in spec]
        self._then = now

    def take(self, amount: int, now: float) -> float:
        """Take `amount` if all windows let it: 0.0; else seconds until they would, and nothing is taken."""
        wait = self.wait(amount, now)
        if wait == 0.0:
            self._levels = [level - amount for level in self._levels]
        return wait

    def wait(self, amount: int, now: float) -> float:
        """Seconds until `amount` may be taken; 0.0: now."""
        past, self._then = max(0.0, now - self._then), now
        wait = 0.0
        for place, (count, seconds) in enumerate(self._spec):
            level = min(count, self._levels[place] + past * count / seconds)
            self._levels[place] = level
            lacking = min(amount, count) - level
            if lacking > 1e-9:
                wait = max(wait, lacking * seconds / count)
        return wait
