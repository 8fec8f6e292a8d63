"""The weather of a run: how often which part misbehaves. Each seed makes its own."""

import random
from dataclasses import dataclass, field, fields

_RATES = (0.0, 0.0, 0.03, 0.1, 0.3)
_NO_RATES = ("rng", "store_down", "outages", "remembers", "usual_s")


@dataclass
class Faults:
    """Probabilities per call, all 0 in fine weather. Shared by all of a world, changed while it runs."""

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
    outages: int = 0  # how often the store went away; everybody's connection to it is another one then
    remembers: bool = False  # that a log ends where they saw it end, as the store on MongoDB does
    usual_s: float = 0.002  # what the store usually takes: the longer, the larger the batches

    @classmethod
    def drawn(cls, rng: random.Random) -> "Faults":
        """Some faults often, some never: seeds differ in kind, not only in luck."""
        rates = {name: rng.choice(_RATES) for name in _rates()}
        usual_s, remembers = rng.choice((0.002, 0.03)), rng.random() < 0.5
        return cls(rng=rng, usual_s=usual_s, remembers=remembers, **rates)

    def lose_store(self) -> None:
        self.store_down = True
        self.outages += 1

    def clear(self) -> None:
        """Fine weather from now on."""
        for name in _rates():
            setattr(self, name, 0.0)
        self.store_down = False

    def hit(self, rate: float) -> bool:
        return rate > 0.0 and self.rng.random() < rate

    def latency(self, usual_s: float | None = None, slow: float = 0.0) -> float:
        """Seconds: `usual_s` or so (the store's own when not given). `slow`: how often it takes long."""
        if self.hit(slow):
            return 1.2 * self.rng.random()
        return (self.usual_s if usual_s is None else usual_s) * (0.2 + 2 * self.rng.random())


def _rates() -> list[str]:
    return [f.name for f in fields(Faults) if f.name not in _NO_RATES]
