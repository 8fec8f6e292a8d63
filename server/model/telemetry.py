"""Telemetry: what devices measure, and what is made of it for charts."""

from msgspec import Struct

MOST_POINTS = 1000
"""In one batch."""
MOST_VALUES = 10_000
"""In one batch, of all its points: what is judged and written in one turn, some ten milliseconds."""
LATEST_MS = 7 * 86_400_000
"""How far back a point may be when it comes."""
AHEAD_MS = 5 * 60_000
"""How far ahead of the server's clock a point may be."""


class Point(Struct, frozen=True, gc=False, array_like=True):
    """One value: `t`, milliseconds since 1970 by the device's clock (the server's, when the device gave
    none); `metric`, a `MetricName`; `v`, finite, a switch as 0 or 1.
    """

    t: int
    metric: str
    v: float


class Bucket(Struct, frozen=True, gc=False, array_like=True):
    """What a metric was from `t` on, for the length of its resolution; a point alone: all its values are one.

    `n`: how many points; `last`: the value of the newest of them.
    """

    t: int
    min: float
    mean: float
    max: float
    n: int
    last: float

    @property
    def shown(self) -> tuple[int, float, float, float, int]:
        """As clients see it: `[t, min, mean, max, n]`."""
        return self.t, self.min, self.mean, self.max, self.n


class Heard(Struct, frozen=True):
    """The newest value of one metric of a device. `at`: when it came, by the server's clock."""

    device: str
    metric: str
    t: int
    v: float
    at: int
