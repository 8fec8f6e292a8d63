"""When a simulated device reads: regularly, from a moment on, and perhaps a past before that. Pure."""

from collections.abc import Iterator
from itertools import count

from server.simulation.device import Device, Values

PAST_STEP_MS = 60_000
"""Between readings of a past that is filled in, unless the device reads more seldom than that."""


def readings(
    device: Device, start: int, period_ms: float, *, past_ms: int = 0
) -> Iterator[tuple[int, Values]]:
    """Times and values for ever, from `past_ms` before `start` on, in order; no values: it is silent then.

    `period_ms`: between two readings; not less than 1, so that each has a time of its own.
    """
    step = max(period_ms, PAST_STEP_MS)
    for number in range(int(past_ms // step), 0, -1):
        t = start - round(number * step)
        yield t, device.read(t) or {}
    for number in count():
        t = start + round(number * period_ms)
        yield t, device.read(t) or {}
