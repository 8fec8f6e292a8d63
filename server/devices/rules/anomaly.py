"""A detector of the unusual in one metric, without tuning: `Detector.judge`.

A bank of band-pass filters: the value less its mean over 8 points, that mean less the mean over 64, that
less the mean over 512. A drift hardly goes through them; a cycle does, but steadily. Of the size of each
filter's output two quantiles are followed, 9 in 10 and 199 in 200; how far they are apart tells how heavy the
tail is, and the limit is set past the tail. An outlier moves means and quantiles no further than a point at
the limit would, so that one glitch teaches nothing. What lasts becomes the usual: after some hundred points
when it is a few times the limit, some thousand when it is a hundred times.

Everything counts points, not time: a signal once a second and one an hour are judged alike, and a gap is
nothing. The parameters were chosen on made signals: cycles, drift, steps, bursts, noise of many kinds, with
faults put in.
"""

from math import copysign, exp, log
from typing import Literal

from msgspec import Struct, field

from server.devices.rules.alarm import Verdict

WARM_UP = 600
"""Points that it learns from before it judges: two days at one in five minutes."""
MOVES = 30
"""And so many changes of the value: what has hardly ever moved gives no measure of what is unusual."""

Sign = Literal["jump", "shift", "drift", "stuck"]
"""What was unusual: against the last few points, some dozens, some hundreds; the same value for very long."""
SIGNS: tuple[Sign, ...] = ("jump", "shift", "drift")
SPANS = (8.0, 64.0, 512.0)  # points that the means reach back
_TAILS = (2.0, 1.0, 1.0)  # how often the distance of the quantiles is laid beyond the upper one
_LEAST, _MOST = log(1.7), log(2.2)  # bounds of that, as factors
_STEPS = (0.08, 0.01, 0.00125)  # how far a quantile moves in a point, of itself
_HIGH, _LOW = 0.995, 0.90
_WELL = log(0.6)  # of a limit: below is well again …
QUIET = 24  # … after so many points in a row
_STUCK_LEAST, _STUCK_TIMES = 30, 6.0  # the same value for so many points, and times the longest run before
_NOTHING = -700.0  # the logarithm of no size at all


class Detector(Struct, array_like=True):
    """The state. Logarithms of sizes throughout, so that the unit of the metric is nothing.

    `seen`, `moves`: points and changes so far; `armed`: warmed up; `quiet`: points in a row that were well;
    `score`: of the last point, 0 at its limit; `sign`: what the last unusual point was; `run`, `longest`:
    points with the same value.
    """

    seen: int = 0
    moves: int = 0
    quiet: int = 0
    armed: bool = False
    score: float = _NOTHING
    sign: Sign = "jump"
    last: float = 0.0
    run: int = 0
    longest: float = 5.0
    means: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)

    @property
    def learning(self) -> int:
        """How many points it needs before it judges, at least."""
        return max(0, WARM_UP - self.seen, MOVES - self.moves)

    def judge(self, value: float) -> Verdict:
        """Take the next value, finite and within ±1e300. Always well while it warms up."""
        self.seen += 1
        if not self.means:
            self._begin(value)
            return -1
        if self.armed:
            self.score = self._filter(value)
        else:
            self._learn(value)
        self._same(value)
        if not self.armed:
            self.armed = self.learning == 0
            return -1
        return self._latch()

    def _begin(self, value: float) -> None:
        self.last = value
        self.means = [value] * len(SPANS)
        self.highs = [_NOTHING] * len(SPANS)
        self.lows = [_NOTHING] * len(SPANS)

    def _learn(self, value: float) -> None:
        """Warming up: means of all so far, quantiles in larger steps and close below the largest."""
        for j, span in enumerate(SPANS):
            step = max(_STEPS[j], 4.0 / self.seen)
            away = value - self.means[j]
            size = log(abs(away)) if away else _NOTHING
            high, low = max(self.highs[j], size - 1.1), max(self.lows[j], size - 2.0)
            self.highs[j] = high + step * (_HIGH if size > high else _HIGH - 1)
            self.lows[j] = low + step * (_LOW if size > low else _LOW - 1)
            self.means[j] += away / min(span, self.seen)
            value = self.means[j]

    def _filter(self, value: float) -> float:
        """The highest score of the filters: the logarithm of size over limit."""
        means, highs, lows = self.means, self.highs, self.lows
        best = _NOTHING
        for j, span in enumerate(SPANS):
            away = value - means[j]
            size = log(abs(away)) if away else _NOTHING
            high, low, step = highs[j], lows[j], _STEPS[j]
            limit = high + min(max(_TAILS[j] * (high - low), _LEAST), _MOST)
            if size - limit > best:
                best = size - limit
                if best >= 0:
                    self.sign = SIGNS[j]
            if size > limit:
                away = copysign(exp(limit), away)
            highs[j] = high + step * (_HIGH if size > high else _HIGH - 1)
            lows[j] = low + step * (_LOW if size > low else _LOW - 1)
            means[j] = value = means[j] + away / span
        return best

    def _same(self, value: float) -> None:
        """Follow how long the value stays the same, and score that."""
        if value != self.last:
            self.longest = max(self.longest, min(self.run, 2 * self.longest))
            self.last, self.run = value, 0
            self.moves += 1
            return
        self.run += 1
        if self.run <= _STUCK_LEAST:
            return
        if not self.armed:
            self.longest = max(self.longest, self.run)
        elif (score := log(self.run / (_STUCK_TIMES * self.longest))) > self.score:
            self.score = score
            if score >= 0:
                self.sign = "stuck"

    def _latch(self) -> Verdict:
        if self.score >= 0:
            self.quiet = 0
            return 1
        self.quiet = self.quiet + 1 if self.score < _WELL else 0
        return -1 if self.quiet >= QUIET else 0
