"""The script of a run, a function of its seed: what fails, when, for how long."""

import random
from collections.abc import Mapping
from typing import NamedTuple

KINDS: Mapping[str, tuple[float, float]] = {
    # the instance
    "kill": (0.0, 1.0),
    "stop": (0.5, 6.0),
    "terminate": (0.0, 0.5),
    # Redis, for everybody
    "restart redis": (0.0, 2.0),
    "stop redis": (1.0, 7.0),
    # the store, for everybody
    "restart store": (0.0, 2.0),
    "stop store": (0.5, 4.0),
    # the instance's way to Redis
    "cut redis": (0.0, 1.0),
    "delay redis": (0.5, 3.0),
    "lose redis": (1.0, 6.0),
    "drop messages": (1.0, 5.0),
    # the instance's way to the store
    "cut store": (0.0, 0.5),
    "delay store": (0.5, 3.0),
    "throttle store": (0.5, 2.0),
    "halve store": (0.2, 1.0),
    "lose store": (0.5, 4.0),
    "lose answers": (0.5, 4.0),
}
"""What can fail, and for how many seconds, from and to."""


class Step(NamedTuple):
    """At `after` acks of the run, `kind` befalls `instance` for `lasts_s`; `amount`, 0 to 1: how badly."""

    after: int
    kind: str
    instance: int
    lasts_s: float
    amount: float

    def __str__(self) -> str:
        return f"{self.kind}, instance {self.instance}, {self.lasts_s:.2f} s, {self.amount:.2f}"


def script(seed: int, counts: Mapping[str, int], *, instances: int, acks: int) -> list[Step]:
    """`counts`: how many of each kind; they come in an order of the seed's, evenly over `acks`."""
    rng = random.Random(f"script {seed}")
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    rng.shuffle(kinds)
    every = acks / (len(kinds) + 1)
    return [
        Step(
            after=round(every * (number + rng.random())),
            kind=kind,
            instance=rng.randrange(instances),
            lasts_s=rng.uniform(*KINDS[kind]),
            amount=rng.random(),
        )
        for number, kind in enumerate(kinds, 1)
    ]
