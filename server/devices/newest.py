"""Pure: how far the readings of each metric go, so that a backlog does not decide what is now.

What the store holds is taken over with `know`, what comes in with `take`. By the devices' clocks.
"""

from collections.abc import Iterable, Sequence

from server.devices.rules import Point
from server.model.telemetry import Heard
from server.model.telemetry import Point as Value


class Newest:
    def __init__(self) -> None:
        self._times: dict[tuple[str, str], int] = {}

    def know(self, heard: Iterable[Heard]) -> None:
        """What the store holds."""
        for one in heard:
            key = one.device, one.metric
            self._times[key] = max(one.t, self._times.get(key, -1))

    def of(self, device: str, metric: str, now: int) -> int:
        """The time of the newest reading, -1 when there was none, or its clock was ahead of `now`."""
        t = self._times.get((device, metric), -1)
        return t if t <= now else -1

    def take(self, device: str, metric: str, points: Sequence[Point], now: int) -> int:
        """Take points that came at `now`, at least one. Gives `of` before them."""
        before = self.of(device, metric, now)
        latest = max(points)[0]
        if latest > before:
            self._times[device, metric] = latest
        return before

    def note(self, device: str, points: Iterable[Value]) -> None:
        """As `take`, for points that nobody judges."""
        times = self._times
        for point in points:
            key = device, point.metric
            if point.t > times.get(key, -1):
                times[key] = point.t

    def forget(self, devices: Iterable[str]) -> None:
        """These devices are there, and no others."""
        there = set(devices)
        self._times = {key: t for key, t in self._times.items() if key[0] in there}
