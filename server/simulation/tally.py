"""What came of a simulation: counted while it goes on, told at the end. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct, field

MOST_SAMPLES = 100_000
"""Round trips that are kept; of more, each second, then each fourth … one."""


class RoundTrips:
    """Seconds from a batch sent to its answer: percentiles of a sample that is thinned evenly, not grown."""

    def __init__(self) -> None:
        self._kept: list[float] = []
        self._every = 1
        self.count = 0

    def add(self, seconds: float) -> None:
        if self.count % self._every == 0:
            self._kept.append(seconds)
            if len(self._kept) >= MOST_SAMPLES:
                self._kept = self._kept[::2]
                self._every *= 2
        self.count += 1

    def percentiles(self, *parts: float) -> list[float]:
        """Seconds, for each of the parts (0.5: the median); nothing when there were no answers."""
        ordered = sorted(self._kept)
        return [ordered[min(len(ordered) - 1, int(part * len(ordered)))] for part in parts] if ordered else []


class Tally(Struct):
    """Values (points), batches and commands, of all devices together."""

    read: int = 0
    settled: int = 0
    rejected: int = 0
    batches: int = 0
    resent: int = 0
    dropped: int = 0
    unsettled: int = 0
    commands: int = 0
    reconnects: int = 0
    faults: int = 0
    trips: RoundTrips = field(default_factory=RoundTrips)
    refusals: Counter[str] = field(default_factory=Counter)
    """What the server said, by its words, and how often."""
    _first: dict[str, str] = field(default_factory=dict)

    def said(self, words: str) -> None:
        """The server refused something. What differs in numbers alone counts as one, by its first words."""
        self.refusals[self._first.setdefault(re.sub(r"\d+", "#", words), words)] += 1

    def complete(self) -> bool:
        """All that was read is stored."""
        return self.settled > 0 and not self.rejected and not self.dropped and not self.unsettled

    def lines(self, devices: int, took_s: float) -> list[str]:
        """The summary, for people."""
        rate = self.settled / took_s if took_s > 0 else 0
        lines = [
            f"{devices} devices, {took_s:.1f} s: {self.settled} points settled ({rate:.0f}/s) "
            f"in {self.batches} batches",
            f"rejected {self.rejected}, dropped {self.dropped}, not settled {self.unsettled}; "
            f"{self.reconnects} reconnects, {self.resent} batches sent again",
        ]
        if not self.read:
            lines.append("nothing was read in that time")
        if self.faults:
            lines.append(f"faults: {self.faults}")
        if self.commands:
            lines.append(f"commands obeyed: {self.commands}")
        lines += self._round_trips()
        lines += [f"the server said {count} times: {words}" for words, count in self.refusals.most_common(5)]
        return lines

    def _round_trips(self) -> Sequence[str]:
        found = self.trips.percentiles(0.5, 0.95, 0.99, 1.0)
        names = ("p50", "p95", "p99", "max")
        shown = (f"{name} {1000 * part:.1f} ms" for name, part in zip(names, found, strict=False))
        return ["round trip: " + ", ".join(shown)] if found else []
