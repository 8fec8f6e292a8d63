"""What goes wrong with a sensor, when, and what it then shows. Pure and seeded."""

import random
from typing import Literal

from msgspec import Struct

Ailment = Literal["runaway", "stuck", "spikes", "silent"]
AILMENTS: tuple[Ailment, ...] = ("runaway", "stuck", "spikes", "silent")
"""It climbs and climbs; it shows the same for ever; single readings are far off; nothing comes at all."""
RUNAWAY_S = 60.0
"""How long a runaway value takes to be as far off as the metric's whole usual span."""
SPIKE_CHANCE = 0.2


class Fault(Struct, frozen=True):
    """One time that something is wrong. Milliseconds."""

    ailment: Ailment
    since: int
    until: int


class Faults:
    """When one device is unwell: for `share` of the time (0 to 1), each time about `mean_s` seconds."""

    def __init__(self, share: float, rng: random.Random, *, mean_s: float = 120.0) -> None:
        self._share = share
        self._rng = rng
        self._mean_ms = mean_s * 1000
        self._fault: Fault | None = None  # the one that is, or the next one
        self._begun: Fault | None = None
        self.begun = 0
        """How many there were so far."""

    def at(self, t: int) -> Fault | None:
        """The fault at that time. Times must not go backwards."""
        if self._share <= 0:
            return None
        if self._fault is None:
            # Who starts to look must find the share at once, not only after the first well time.
            self._fault = self._next(t, ill=self._rng.random() < self._share)
        while t >= self._fault.until:
            self._fault = self._next(self._fault.until, ill=False)
        if t < self._fault.since:
            return None
        if self._fault is not self._begun:
            self._begun = self._fault
            self.begun += 1
        return self._fault

    def cure(self, t: int) -> Fault | None:
        """End the fault of that time; which one it was."""
        fault = self.at(t)
        if fault is not None:
            self._fault = self._next(t, ill=False)
        return fault

    def _next(self, t: int, *, ill: bool) -> Fault:
        well = self._mean_ms * (1 - self._share) / self._share
        since = t if ill or well <= 0 else t + self._length(well)
        return Fault(self._rng.choice(AILMENTS), since, since + self._length(self._mean_ms))

    def _length(self, mean_ms: float) -> int:
        return max(1, int(self._rng.expovariate(1 / mean_ms)))


class Distortion:
    """What a fault makes of one metric. `span`: how far the metric usually gets from its level."""

    def __init__(self, span: float, rng: random.Random) -> None:
        self._span = span
        self._rng = rng
        self._sign = rng.choice((1, -1))
        self._shown: float | None = None

    def of(self, value: float, fault: Fault | None, t: int) -> float:
        """The value as the sensor shows it."""
        if fault is not None:
            match fault.ailment:
                case "runaway":
                    value += self._span * (t - fault.since) / 1000 / RUNAWAY_S
                case "stuck" if self._shown is not None:
                    value = self._shown
                case "spikes" if self._rng.random() < SPIKE_CHANCE:
                    value += self._sign * self._span * self._rng.uniform(3, 6)
        self._shown = value
        return value
