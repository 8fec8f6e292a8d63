"""What an outbox is given: its bounds, the way out and its owner."""

from collections.abc import Callable, Collection
from typing import Protocol

Buffer = bytes | memoryview


class Limits(Protocol):
    """Bounds of what is queued for one connection, in bytes. `Delivery` of the configuration is one."""

    @property
    def log_bytes(self) -> int: ...

    @property
    def log_hard_bytes(self) -> int: ...

    @property
    def ephemeral_bytes(self) -> int: ...


class Transport(Protocol):
    """The connection's way out. Attributes rather than methods: the hot path pays for every call."""

    @property
    def send(self) -> Callable[[Buffer], int] | None:
        """The plain socket's own `send`; None when bytes must not pass the stream by (TLS)."""

    @property
    def writing(self) -> Callable[[], bool]:
        """Whether something is buffered, so that a direct send would overtake it."""

    @property
    def closing(self) -> Callable[[], bool]:
        """Whether either side has begun to close, or the connection is gone."""

    def write(self, data: Buffer, drained: Callable[[], None]) -> None:
        """Buffer `data`; `drained` is called, later, when the kernel has it or never will. Never raises."""

    def close(self, code: int, reason: str) -> None:
        """Send a Close frame behind what is buffered."""

    def abort(self) -> None:
        """Drop the connection and what is buffered."""


class Owner(Protocol):
    """Whose connection it is. Called from inside the outbox's methods; must not raise."""

    def resync_frame(self, board: str) -> bytes: ...

    def presence_frame(self, board: str, left: Collection[str]) -> bytes | None:
        """All who are on the board now; `left`: sessions whose going may not have been told."""

    def gone(self) -> None:
        """Nothing will be delivered any more: the outbox has closed or lost the connection."""
