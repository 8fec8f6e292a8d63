"""How much a metric has changed within a span of time, in constant memory."""

from msgspec import Struct, field

PARTS = 16


class Window(Struct, array_like=True):
    """Lowest and highest of each sixteenth of the span; `parts` holds its number and both, oldest first.

    It covers between 15 and 16 sixteenths of the span before a point: never more, so that a change which took
    longer is not counted.
    """

    parts: list[tuple[int, float, float]] = field(default_factory=list)
    last: tuple[int, float] | None = None

    def change(self, t: int, value: float, span: int, *, rise: bool) -> float:
        """Take a point. How far it rose (or fell, then below 0) to it; 0 for the first.

        Never above 0 for a fall, nor below 0 for a rise. When the point before is older than the span, the
        average over the gap counts, for one span.
        """
        number = t * PARTS // span
        self.parts = [part for part in self.parts if number - PARTS < part[0] <= number]
        change = 0.0 if self.last is None else self._since(self.last, t, value, span, rise)
        self.last = t, value
        if self.parts and self.parts[-1][0] == number:
            _, low, high = self.parts[-1]
            self.parts[-1] = number, min(low, value), max(high, value)
        else:
            self.parts.append((number, value, value))
        return change

    def _since(self, last: tuple[int, float], t: int, value: float, span: int, rise: bool) -> float:
        age = t - last[0]
        change = (value - last[1]) * (span / age if age > span else 1.0)
        if rise:
            return max(0.0, change, *(value - low for _, low, _ in self.parts))
        return min(0.0, change, *(value - high for _, _, high in self.parts))
