"""What a broker must do: carry messages to the other instances, fast and without promises.

Messages may be lost, doubled or reordered; the numbers in the log show it. One contract suite
(`tests/brokers/`) holds every implementation to it.
"""

from collections.abc import Callable
from typing import Protocol

Receive = Callable[[str, bytes], None]
"""Called with the channel and a message of another instance. Synchronous, must not raise."""

Confirmed = Callable[[str], None]
"""Called each time the subscription to a channel is (again) in force: something may have been missed."""


class BrokerError(Exception):
    """The base of what a broker raises. No driver's exception leaves its file."""


class Failed(BrokerError):
    """The broker does not do its work now, or cannot with what it was given; says why, for an operator."""


class Broker(Protocol):
    def keep_apart(self, installation: str) -> None:
        """Before `start`, once: hear only those who were given the same name. Empty: those without one."""

    async def start(self, receive: Receive, confirmed: Confirmed) -> None:
        """Connect. Never fails for a broker that is away: that is a state, shown by `up`."""

    async def close(self) -> None:
        """Let go. Nothing is received afterwards."""

    def subscribe(self, channel: str) -> None:
        """Want messages of the channel from now on; `confirmed` follows. Idempotent."""

    def unsubscribe(self, channel: str) -> None:
        """Want no more of them. Idempotent."""

    def offer(self, channel: str, message: bytes) -> None:
        """Queue a message for the other instances. Never waits, never fails; past its bound it drops."""

    def reaches(self, channel: str) -> bool:
        """Whether anybody else may hear what is offered; when not, it need not even be made."""

    async def probe(self) -> None:
        """Prove that a message would arrive now, by one of its own that goes out and comes back.

        Raises `Failed` with a reason an operator can act on. Never hangs.
        """

    @property
    def up(self) -> bool:
        """Whether messages are believed to arrive."""

    @property
    def dropped(self) -> int:
        """How many offered messages are known or feared not to have gone out."""
