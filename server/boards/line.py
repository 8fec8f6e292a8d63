"""Whose turn it is to write a board that several instances write as fast as they can. Pure.

Whoever lost a race for the board's next number says that it wants the board (`PeerWant`). Whoever has it
keeps it for a turn and then leaves it to the first in line, with the rest of the line (`PeerTurn`); has it
more to write, it is the last in that line. Everybody hears everything, so that everybody knows the line.

This is for speed and fairness; the store's refusal is the only lock. A message may be lost, an instance may
die during its turn: then the wait ends after `QUIET_S` without a sign of the others, after `PATIENCE_S`
whatever they do, and the board is raced for. All times are seconds of one monotonic clock.
"""

from server.wire import PeerTurn, PeerWant

ROUND_S = 0.2
"""What all turns of a round take together: longer ones cost less, shorter ones let nobody wait for long."""
QUIET_S = 0.3
"""Who has the board and neither writes nor leaves it for so long is gone."""
PATIENCE_S = 0.8
"""Nobody waits longer for a turn."""
AGAIN_S = 0.25
"""Who waits for so long says again that it wants the board: that may have been lost."""
MOST_IN_LINE = 100
DEAF_AFTER = 2
"""Races that were lost in a row to somebody of whom nothing was heard: messages do not come through."""


class Line:
    """One instance's view of one board. `me`: this instance, unlike any other. `ours`: it may write."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._line: list[str] = []
        self._began = self._left = self._sign = float("-inf")
        self._held = float("-inf")
        self._unheard = 0
        self.ours = True

    @property
    def wanted(self) -> bool:
        """Others wait for the board."""
        return bool(self._line)

    @property
    def deaf(self) -> bool:
        """Others write the board, and what they say is not heard."""
        return self._unheard >= DEAF_AFTER

    def want(self) -> PeerWant:
        return PeerWant(by=self._me)

    @property
    def holds(self) -> bool:
        """Nothing was heard of anybody who has written it, or was left it, after us: it is ours to leave."""
        return self._held >= self._sign and self._held > float("-inf")

    def stored(self, now: float) -> None:
        """An append of ours has succeeded. Was the board not left to us, a race was won."""
        self._held = now
        if not self.ours:
            self.begin(now)

    def begin(self, now: float) -> None:
        """The board was left to us, or taken."""
        self.ours, self._began = True, now

    def over(self, now: float) -> bool:
        """We have had it for long enough."""
        return self.ours and self.wanted and now - self._began >= ROUND_S / (1 + len(self._line))

    def give(self, now: float, *, back: bool) -> PeerTurn:
        """Leave it to the first in line, which there must be. `back`: we have more to write."""
        to, *line = self._line
        if back:
            self._lose(now)
        self._line = line
        return PeerTurn(back=back, to=to, line=[*line, self._me] if back else line)

    def refused(self, since: float, now: float) -> bool:
        """An append that was sent at `since` came too late. Whether to say that we want the board: not when
        it was left to us meanwhile.
        """
        if self.ours and self._began > since:
            return False
        self._unheard += 1
        self._lose(now)
        return True

    def _lose(self, now: float) -> None:
        """Somebody else has it."""
        self.ours, self._left, self._sign = False, now, now

    def until(self) -> float:
        """How long to wait for our turn, as things stand."""
        return min(self._left + PATIENCE_S, self._sign + QUIET_S)

    def waits(self, now: float) -> bool:
        """It is not our turn, and will be."""
        return not self.ours and now < self.until()

    def had(self, now: float) -> float:
        """For how long we have had it."""
        return now - self._began

    def rested(self, now: float) -> float:
        """How long ago we wrote it, or were left it."""
        return now - self._held

    # -- what the others say

    def wrote(self, now: float) -> None:
        self._sign, self._unheard = now, 0

    def wants(self, by: str) -> None:
        self._unheard = 0
        if by != self._me and by not in self._line and len(self._line) < MOST_IN_LINE:
            self._line.append(by)

    def given(self, turn: PeerTurn, now: float) -> bool:
        """Somebody has left the board. Whether to us; an older version does not say to whom."""
        self._sign, self._unheard = now, 0
        # What somebody said while this was under way is not in it.
        line = dict.fromkeys([*turn.line, *self._line])
        self._line = [other for other in line if other not in (self._me, turn.to)][:MOST_IN_LINE]
        if turn.to not in ("", self._me):
            return False
        self.begin(now)
        self._held = now
        return True
