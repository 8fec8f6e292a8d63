"""One socket between a client and an instance: both directions keep their order until it is cut."""

import asyncio
import contextvars
import random
from collections.abc import Callable
from typing import Any

Message = tuple[Any, ...]
STALLS = 0.02
LONGEST_STALL_S = 15.0
"""How often a message to the server is held up, with all that follow it, and for how long at most: longer
than any client waits."""


class Link:
    """`to_server` and `to_client` are called with what arrives; nothing arrives after `cut`.

    `open`: as the instance sees it. `stalls`: whether what the client sends may be held up.
    """

    def __init__(self, rng: random.Random, context: contextvars.Context, *, stalls: bool = False) -> None:
        self.open = True
        self._left = False
        self._stalls = stalls
        self.at_server: Callable[[Message], None] = lambda message: None
        self.at_client: Callable[[Message], None] = lambda message: None
        self.on_cut: Callable[[], None] = lambda: None
        self._rng = rng
        self._context = context
        self._latest = [0.0, 0.0]

    def to_server(self, message: Message) -> None:
        """Handled in the context of the instance, whose tasks die with it."""
        loop = asyncio.get_running_loop()
        loop.call_at(self._when(0), self._arrive, self.at_server, message, context=self._context)

    def to_client(self, messages: list[Message]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(self._when(1), self._arrive_all, messages, context=_OUTSIDE)

    def cut(self) -> None:
        """The connection is gone, whatever is on its way; the client notices at once."""
        if self.open:
            self.open = False
            self.on_cut()
            self._tell_client()

    def leave(self) -> None:
        """The client has waited for too long. What it sent still arrives; then its end is noticed."""
        if self.open and not self._left:
            asyncio.get_running_loop().call_at(self._when(0), self.cut, context=self._context)
            self._tell_client()

    def _tell_client(self) -> None:
        if not self._left:
            self._left = True
            asyncio.get_running_loop().call_soon(self.at_client, ("gone",), context=_OUTSIDE)

    def _when(self, direction: int) -> float:
        now = asyncio.get_running_loop().time()
        wanted = now + 0.001 + 0.01 * self._rng.random()
        if direction == 0 and self._stalls and self._rng.random() < STALLS:
            wanted += LONGEST_STALL_S * self._rng.random()
        self._latest[direction] = max(wanted, self._latest[direction] + 1e-6)
        return self._latest[direction]

    def _arrive(self, receive: Callable[[Message], None], message: Message) -> None:
        if self.open:
            receive(message)

    def _arrive_all(self, messages: list[Message]) -> None:
        for message in messages:
            if not self._left:
                self._arrive(self.at_client, message)


_OUTSIDE = contextvars.Context()
"""Where clients live: what they start belongs to no instance."""
