"""One simulated device: what it reads at a time, its faults included. Pure and seeded."""

import random

from server.simulation.faults import Distortion, Faults
from server.simulation.signals import KINDS, Curve, CurveSignal, SwitchSignal

Values = dict[str, float | bool]


class Sensor:
    """A metric of a device that is not a switch."""

    def __init__(self, curve: Curve, rng: random.Random) -> None:
        self._signal = CurveSignal(curve, rng)
        span = abs(curve.daily) + curve.cycle + 3 * curve.wander + 3 * curve.noise
        self._distortion = Distortion(span, rng)

    def at(self, t: int, faults: Faults) -> float:
        return self._signal.shown(self._distortion.of(self._signal.at(t), faults.at(t), t))


class Device:
    """`number` and `seed` make it what it is. `faulty`: the share of its time that it is unwell."""

    def __init__(self, kind: str, number: int, *, seed: int, faulty: float) -> None:
        rng = random.Random(f"{seed}/{number}/{kind}")
        self.faults = Faults(faulty, random.Random(rng.random()))
        self._sensors: dict[str, Sensor] = {}
        self._switches: dict[str, SwitchSignal] = {}
        for metric, behaviour in KINDS[kind].items():
            own = random.Random(rng.random())
            if isinstance(behaviour, Curve):
                self._sensors[metric] = Sensor(behaviour, own)
            else:
                self._switches[metric] = SwitchSignal(behaviour, own)

    def read(self, t: int) -> Values | None:
        """What it shows at that time, milliseconds since 1970; None: nothing, it is silent."""
        values: Values = {metric: sensor.at(t, self.faults) for metric, sensor in self._sensors.items()}
        values |= {metric: switch.at(t) for metric, switch in self._switches.items()}
        fault = self.faults.at(t)
        return None if fault is not None and fault.ailment == "silent" else values

    def obey(self, name: str, t: int) -> str:
        """Do what a command says, whatever it is: that ends what was wrong. What came of it."""
        cured = self.faults.cure(t)
        return f"did {name}; {cured.ailment} is over" if cured else f"did {name}"


def kind_of(number: int) -> str:
    """The kind of device `number` of a mixed fleet."""
    return tuple(KINDS)[number % len(KINDS)]
