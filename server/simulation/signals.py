"""What a sensor would measure: a level, a daily cycle, a machine that cycles, wandering, drift and noise.

Pure and seeded: the same seed and the same times give the same values. Times are milliseconds since 1970 and
must not go backwards; how far apart they are makes no difference to how strongly a value wanders.
"""

import math
import random
from collections.abc import Mapping

from msgspec import Struct

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Curve(Struct, frozen=True, kw_only=True):
    """How a metric behaves; everything but times in its own unit.

    `daily`: from the mean to the top of the day, at `peak_h` o'clock UTC. `cycle`: half the height of a
    sawtooth of `cycle_s` seconds, as of a compressor that runs and stops. `wander`: how far it strays over
    minutes (`wander_s`), `noise`: how much two readings in a row differ by chance (both are standard
    deviations). `drift`: how much it creeps up a day, as an ageing sensor does. `least`, `most`: what it can
    show.
    """

    level: float
    daily: float = 0.0
    peak_h: float = 15.0
    cycle: float = 0.0
    cycle_s: float = 1200.0
    wander: float = 0.0
    wander_s: float = 900.0
    noise: float = 0.0
    drift: float = 0.0
    least: float = -math.inf
    most: float = math.inf
    digits: int = 2


class Switch(Struct, frozen=True, kw_only=True):
    """Something that is on or off, for chance durations of these means, in seconds."""

    on_s: float
    off_s: float


class CurveSignal:
    """One sensor's own instance of a curve, with a phase of its own: two of a kind do not move as one."""

    def __init__(self, curve: Curve, rng: random.Random) -> None:
        self._curve = curve
        self._rng = rng
        self._level = curve.level + rng.gauss(0, curve.wander / 2)
        self._cycle_s = curve.cycle_s * rng.uniform(0.9, 1.1)
        self._phase = rng.random()
        self._strayed = rng.gauss(0, curve.wander)
        self._first: int | None = None
        self._last = 0

    def at(self, t: int) -> float:
        curve = self._curve
        if self._first is None:
            self._first = self._last = t
        self._stray(max(0, t - self._last) / 1000)
        self._last = t
        value = self._level + self._strayed
        value += curve.daily * math.cos(2 * math.pi * (t % DAY_MS - curve.peak_h * HOUR_MS) / DAY_MS)
        value += curve.cycle * _sawtooth(t / 1000 / self._cycle_s + self._phase)
        value += curve.drift * (t - self._first) / DAY_MS
        value += self._rng.gauss(0, curve.noise)
        return self.shown(value)

    def shown(self, value: float) -> float:
        """As the sensor can show it."""
        return round(min(max(value, self._curve.least), self._curve.most), self._curve.digits)

    def _stray(self, passed_s: float) -> None:
        """An Ornstein-Uhlenbeck step, exact for any step: it strays, and is drawn back."""
        kept = math.exp(-passed_s / self._curve.wander_s)
        self._strayed = kept * self._strayed + self._rng.gauss(0, self._curve.wander) * math.sqrt(1 - kept**2)


def _sawtooth(turns: float) -> float:
    """From -1 up to 1 in three quarters of a turn, and back in the last."""
    part = turns % 1
    return part / 0.375 - 1 if part < 0.75 else (0.875 - part) / 0.125


class SwitchSignal:
    """One switch."""

    def __init__(self, switch: Switch, rng: random.Random) -> None:
        self._switch = switch
        self._rng = rng
        self._on = False
        self._until: float | None = None

    def at(self, t: int) -> bool:
        if self._until is None:
            self._until = t + self._length()
        while t >= self._until:
            self._on = not self._on
            self._until += self._length()
        return self._on

    def _length(self) -> float:
        mean_s = self._switch.on_s if self._on else self._switch.off_s
        return 1000 * self._rng.expovariate(1 / mean_s)


KINDS: Mapping[str, Mapping[str, Curve | Switch]] = {
    "freezer": {
        "temp": Curve(level=-21, cycle=1.2, wander=0.4, noise=0.05, daily=0.3, most=40),
        "door": Switch(on_s=25, off_s=1500),
    },
    "room": {
        "temp": Curve(level=21, daily=1.8, wander=0.4, noise=0.04),
        "humidity": Curve(level=45, daily=-6, wander=2, noise=0.3, least=0, most=100, digits=1),
        "co2": Curve(level=700, daily=220, peak_h=13, wander=60, noise=8, least=400, digits=0),
    },
    "machine": {
        "temp": Curve(level=68, daily=4, cycle=3, cycle_s=2700, wander=1.5, noise=0.3, drift=0.4),
        "vibration": Curve(level=2.4, cycle=0.3, cycle_s=2700, wander=0.2, noise=0.08, least=0),
        "running": Switch(on_s=5400, off_s=600),
    },
    "meter": {
        "power": Curve(level=1.4, daily=0.7, peak_h=18, wander=0.4, wander_s=300, noise=0.05, least=0.1),
        "voltage": Curve(level=231, daily=-1.5, peak_h=18, wander=0.8, noise=0.2, digits=1),
    },
}
"""The kinds of devices, by name: each metric and how it behaves."""
