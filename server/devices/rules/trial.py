"""A rule tried on past points: the same code, with the points' own time for the clock."""

from collections.abc import Iterable

from server.devices.rules.evaluate import begin, due, feed, tick
from server.devices.rules.state import Point, RuleState, Transition
from server.model.devices import Rule


class Trial:
    """Fed in slices, a long past does not hold up the present. As many cards as there are turns `opened`."""

    def __init__(self, rule: Rule, start: int) -> None:
        """`start`: the time from which on the rule would have watched, milliseconds since 1970."""
        self._rule, self._now = rule, start
        self.state: RuleState = begin(start)

    def feed(self, points: Iterable[Point]) -> list[Transition]:
        """Take the next points, in order of `t`. What is older than those before is late here, too."""
        out: list[Transition] = []
        for t, value in points:
            out += self.until(t)
            out += feed(self._rule, self.state, ((t, value),), self._now)
        return out

    def until(self, end: int) -> list[Transition]:
        """Let time pass without a point."""
        out: list[Transition] = []
        while (at := due(self._rule, self.state)) is not None and at < end:
            self._now = max(self._now, at)
            out += tick(self._rule, self.state, self._now)
        self._now = max(self._now, end)
        return out


def trial(rule: Rule, points: Iterable[Point], *, start: int, end: int) -> list[Transition]:
    """The transitions that `points`, in any order, would have made from `start` to `end`."""
    made = Trial(rule, start)
    return made.feed(sorted(points, key=lambda point: point[0])) + made.until(end)
