"""Rules and points for tests, and a device that is watched."""

from collections.abc import Iterable

from server.devices import rules
from server.devices.rules import Point, Transition
from server.model.devices import Rule, Then, When

MIN = 60_000
HOUR = 60 * MIN
T0 = 1_700_000_000_000  # some time in 2023


def rule(when: When, *, metric: str = "temp", device: str = "*") -> Rule:
    return Rule(id="r1", device=device, metric=metric, when=when, then=Then(column="todo", title="Look"))


class Watched:
    """One rule on one device; times are milliseconds after T0. `now`: when points arrive; else at once."""

    def __init__(self, when: When) -> None:
        self.rule = rule(when)
        self.state = rules.begin(T0)
        self.seen: list[Transition] = []

    def feed(self, *points: Point, now: int | None = None) -> list[str]:
        arrived = max(t for t, _ in points) if now is None else now
        return self._kept(
            rules.feed(self.rule, self.state, [(T0 + t, value) for t, value in points], T0 + arrived)
        )

    def tick(self, now: int) -> list[str]:
        return self._kept(rules.tick(self.rule, self.state, T0 + now))

    @property
    def due(self) -> int | None:
        at = rules.due(self.rule, self.state)
        return None if at is None else at - T0

    def every(self, step: int, values: Iterable[float], start: int = 0) -> list[tuple[int, str]]:
        """Feed a value each `step`; where it turned, in ms after T0, and how."""
        return [
            (start + i * step, turn)
            for i, value in enumerate(values)
            for turn in self.feed((start + i * step, value))
        ]

    def _kept(self, transitions: list[Transition]) -> list[str]:
        self.seen += transitions
        return [transition.turn for transition in transitions]
