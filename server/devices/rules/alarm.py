"""Holding and damping: when a verdict turns the alarm."""

from typing import Literal

from msgspec import Struct

Turn = Literal["opened", "returned", "cleared"]
Verdict = Literal[-1, 0, 1]
"""1: not well; -1: well; 0: between the two, which leaves the alarm as it is."""

AGAIN_MS = 3_600_000
"""Not well again within so long of clearing is the same matter: it returns instead of opening anew."""
FLAP_MS = 60_000
"""After the first return it must stay well for so long to clear; twice as long after each further one, up to
`AGAIN_MS`. What flaps with any shorter period soon stays open until it is quiet."""
_MOST_FLAPS = 7  # 60 s doubled six times is past AGAIN_MS


class Alarm(Struct, array_like=True):
    """`active`: open now. `cleared_at`: -1 when it never was. `flaps`: returns in a row.

    `since`, `seen`: when the verdict that would turn it began, by the device's clock and the receiver's;
    `since` is -1 when it has not.
    """

    active: bool = False
    since: int = -1
    seen: int = -1
    cleared_at: int = -1
    flaps: int = 0

    def hold(self, for_ms: int) -> int:
        """How long a verdict must last to turn it; `for_ms`: as the rule has it."""
        if self.active and self.flaps:
            return max(for_ms, min(FLAP_MS << (self.flaps - 1), AGAIN_MS))
        return for_ms

    def judge(self, verdict: Verdict, t: int, now: int, for_ms: int) -> Turn | None:
        """Take the verdict on a point of `t` that came at `now`."""
        if verdict != (-1 if self.active else 1):
            self.since = -1
            return None
        if self.since < 0:
            self.since, self.seen = t, now
        elif t < self.since:
            self.since = t
        return self.turn(t) if t - self.since >= self.hold(for_ms) else None

    def due(self, for_ms: int) -> int | None:
        """When it turns with no further point, by the receiver's clock; None: it does not."""
        return None if self.since < 0 else self.seen + self.hold(for_ms)

    def turn(self, at: int) -> Turn:
        """Turn it, `at` by the clock of `since`, which is left for the caller to read."""
        self.active = not self.active
        if not self.active:
            self.cleared_at = at
            return "cleared"
        again = self.cleared_at >= 0 and at - self.cleared_at <= AGAIN_MS
        self.flaps = min(self.flaps + 1, _MOST_FLAPS) if again else 0
        return "returned" if again else "opened"
