"""What a live board works with; handed in by the registry, so that a simulator can hand in its own."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from server.boards.distrust import Distrust
from server.brokers import Broker
from server.document import Limits
from server.metrics import Metrics
from server.model.records import Change
from server.policy import Policy
from server.stores import Store


class BoardSettings(Struct, frozen=True, kw_only=True):
    """Bounds and rhythms; see `boards` and `limits` in config.yaml. Seconds end in `_s`."""

    idle_unload_s: float = 60.0
    heads_check_s: float = 2.0
    materialise_s: float = 1.0
    batch_changes: int = 512
    inbox_per_board: int = 8192
    resume_changes: int = 1000
    boards: int = 10_000


class Listener(Protocol):
    """Whoever shows a board to people: the hub. Nothing here waits or raises."""

    def deliver(self, board: str, changes: Sequence[Change]) -> None:
        """Durable changes, in order, right after the state took them in."""

    def resync(self, board: str) -> None:
        """The board has a new epoch: everybody must start from a snapshot."""

    def closed(self, board: str, reason: str) -> None:
        """Nobody can stay on the board: `archived`, `deleted`, `forbidden`."""

    def flush(self) -> None:
        """The turn is over: what was offered may be written."""


class Parts(Struct, frozen=True, kw_only=True):
    """Collaborators. `run`: this life of this instance, unlike any other; `clock`: milliseconds since 1970;
    `mint`: a fresh epoch; `rng`: jitter.

    `peer_bytes`: of a message to the other instances; past it they are told to read the log.
    """

    run: str
    store: Store
    broker: Broker
    listener: Listener
    policy: Policy
    settings: BoardSettings
    limits: Limits
    clock: Callable[[], int]
    mint: Callable[[], str]
    rng: random.Random
    metrics: Metrics
    peer_bytes: int = 512 << 10
    distrust: Distrust = field(default_factory=Distrust)
