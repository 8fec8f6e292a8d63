"""The weather of a run: how often which part misbehaves. Each seed makes its own."""

import random
from dataclasses import dataclass, field, fields

_RATES = (0.0, 0.0, 0.03, 0.1, 0.3)


@dataclass
class Faults:
    """Probabilities per call, all 0 in fine weather. Shared by everything in a world, changed while it runs."""

    rng: random.Random = field(default_factory=lambda: random.Random(0))
    read_fails: float = 0.0
    read_slow: float = 0.0
    answer_lost: float = 0.0  # a write lands, its caller is told `Failed`
    lands_late: float = 0.0  # … lands after its caller was told `Failed`
    lands_never: float = 0.0
    write_slow: float = 0.0
    drop: float = 0.0
    double: float = 0.0
    delay: float = 0.0  # messages that take long, and so overtake each other
    load_in_pieces: float = 0.0  # a load that is not one moment's snapshot
    store_down: bool = False

    @classmethod
    def drawn(cls, rng: random.Random) -> "Faults":
        """Some faults often, some never: seeds differ in kind, not only in luck."""
        rates = {f.name: rng.choice(_RATES) for f in fields(cls) if f.name not in ("rng", "store_down")}
        return cls(rng=rng, **rates)

    def clear(self) -> None:
        """Fine weather from now on."""
        for f in fields(self):
            if f.name not in ("rng", "store_down"):
                setattr(self, f.name, 0.0)
        self.store_down = False

    def hit(self, rate: float) -> bool:
        return rate > 0.0 and self.rng.random() < rate

    def latency(self, usual_s: float = 0.002, slow: float = 0.0) -> float:
        """Seconds. `slow`: the rate of those that take up to 400 times as long."""
        factor = 400.0 if self.hit(slow) else 2.0
        return usual_s * (0.2 + factor * self.rng.random())
