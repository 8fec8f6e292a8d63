"""Pure: is a part that we depend on up, degraded or down? One `Health` each; time comes in, in seconds.

    up ──trouble──▶ degraded ──DOWN_AFTER probes without an answer in a row──▶ down
     ▲                 │  ▲                                                     │
     └──CALM_S without─┘  └──UP_AFTER answered probes in a row, or work done────┘
        trouble

*Trouble* is work or a probe that failed or took longer than `slow_s`. Work that fails makes a part degraded
at most: it may be one board's own misfortune, and only a probe proves that nobody is served. So a part does
not flap: each way takes more than one event, or time.

Degraded is still in service. Nothing is known at first: that is degraded, too, until the first answer.
"""

from typing import Literal

State = Literal["up", "degraded", "down"]
STATES: tuple[State, ...] = ("up", "degraded", "down")
DOWN_AFTER = 2
UP_AFTER = 2
CALM_S = 5.0
SLOW_S = 0.5


class Health:
    """The state of one part, and why. `state` and `reason` are to be read, the methods tell what happened."""

    def __init__(self, *, slow_s: float = SLOW_S) -> None:
        self.state: State = "degraded"
        self.reason = "not asked yet"
        self._slow_s = slow_s
        self._failed = self._answered = 0  # probes in a row
        self._trouble = self._heard = float("-inf")

    def __str__(self) -> str:
        return self.state if self.state == "up" else f"{self.state}: {self.reason}"

    @property
    def in_service(self) -> bool:
        return self.state != "down"

    def due(self, now: float, *, quiet_s: float) -> bool:
        """Whether to probe without being asked: something is wrong, or nothing was heard for `quiet_s`."""
        return self.state != "up" or now - self._heard >= quiet_s

    def worked(self, now: float, took_s: float) -> None:
        """Work that proves the part was done."""
        self._failed = 0
        if self.state == "down":
            self._degrade(now, "it answers again")
        self._hear(now, took_s)

    def troubled(self, now: float, reason: str) -> None:
        """Work failed."""
        if self.state != "down":
            self._degrade(now, reason)

    def probe_answered(self, now: float, took_s: float) -> None:
        self._failed = 0
        self._answered += 1
        if self.state == "down":
            if self._answered < UP_AFTER:
                return
            self._degrade(now, "it answers again")
        self._hear(now, took_s)

    def probe_failed(self, now: float, reason: str) -> None:
        self._answered = 0
        self._failed += 1
        stays = self.state == "down" or self._failed >= DOWN_AFTER
        self._degrade(now, reason)
        if stays:
            self.state = "down"

    def _hear(self, now: float, took_s: float) -> None:
        self._heard = now
        if took_s > self._slow_s:
            self._degrade(now, f"it took {took_s:.1f} s to answer")
        elif now - self._trouble >= CALM_S:
            self.state, self.reason = "up", ""

    def _degrade(self, now: float, reason: str) -> None:
        self.state, self.reason, self._trouble = "degraded", reason or "it failed", now
