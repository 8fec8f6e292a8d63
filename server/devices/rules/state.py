"""What is kept for one rule on one device, and what comes out of it."""

from msgspec import Struct, field

from server.devices.rules.alarm import Alarm, Turn, Verdict
from server.devices.rules.anomaly import Detector
from server.devices.rules.window import Window

Point = tuple[int, float]
"""`t`, milliseconds since 1970 by the device's clock, and the value; a switch counts as 0 or 1."""


class Transition(Struct, frozen=True, kw_only=True):
    """A turn of the alarm.

    `opened`: not well, and was not lately: a new matter. `returned`: not well again soon after it had
    cleared: the same matter. `cleared`: well again. `at`: when that was so, by the device's clock (`silent`:
    by the receiver's); `since`: when it began; `value`: the newest one, None when there was none yet;
    `reason`: a sentence for people.
    """

    turn: Turn
    at: int
    since: int
    value: float | None
    reason: str


class RuleState(Struct, array_like=True):
    """One rule on one device. Plain data: encode it with msgspec to hand it over or keep it.

    `last_t`, `last_v`: the newest point; `heard`: when the last point came, by the receiver's clock, or since
    when it is listened for; `not_before`: until then the mere passing of time turns nothing; `late`, `odd`:
    points left out, as older than the newest or not finite; `verdict`: 1 not well, -1 well, 0 between;
    `change`: of a `rate` rule, within its span, as of the newest point.
    """

    heard: int
    not_before: int = 0
    last_t: int = -1
    last_v: float | None = None
    verdict: Verdict = -1
    late: int = 0
    odd: int = 0
    change: float = 0.0
    alarm: Alarm = field(default_factory=Alarm)
    window: Window | None = None
    detector: Detector | None = None
