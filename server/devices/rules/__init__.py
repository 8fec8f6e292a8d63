"""Pure: rules on telemetry. Points and the time go in, transitions of an alarm come out.

`begin` makes the state of one rule on one device, `feed` takes points, `tick` takes the time (`due` says when
it is needed), `resume` takes up a state after a restart or from another instance, `Trial` runs the same code
over past points.

Two clocks are used and no length of time is taken between them: `t` of points is the device's, `now` the
receiver's. Both are milliseconds since 1970; `now` should run steadily (the wall clock at start plus
monotonic time), so that setting the clock makes nobody silent.
"""

from server.devices.rules.evaluate import adopt, begin, due, feed, learning, missed, resume, tick
from server.devices.rules.state import Point, RuleState, Transition
from server.devices.rules.trial import Trial, trial
from server.model.conditions import check

__all__ = [
    "Point",
    "RuleState",
    "Transition",
    "Trial",
    "adopt",
    "begin",
    "check",
    "due",
    "feed",
    "learning",
    "missed",
    "resume",
    "tick",
    "trial",
]
