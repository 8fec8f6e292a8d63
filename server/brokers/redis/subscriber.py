"""The subscribing link: wishes that a task reconciles with the connection in force, and what arrives."""

import asyncio
from collections.abc import Callable
from itertools import islice

import structlog

from server.brokers import Confirmed, Receive
from server.brokers.redis.link import Link, all_until_one_ends, packed

log = structlog.stdlib.get_logger("broker")
CHANNELS_AT_ONCE = 512
"""In one SUBSCRIBE or UNSUBSCRIBE."""
MESSAGES_AT_ONCE = 100
"""Handed on before the loop gets a turn for others, when that many have arrived."""
PING = packed(b"PING")


class Subscriber:
    """Channels are known by their name at Redis. `own`, a channel of this broker alone, is always subscribed
    and told to `came_back`; the others, while they are wanted, to `receive` and `confirmed`.

    Wishes are kept in a set, so that there are never more of them than channels.
    """

    def __init__(self, own: bytes, sender: bytes, came_back: Callable[[bytes], None]) -> None:
        self.own, self._sender, self._came_back = own, sender, came_back
        self._wanted: dict[bytes, str] = {}
        self._wishes: dict[bytes, None] = {}
        self._in_force = False
        self._ping_due = False
        self._pings = 0  # without an answer
        self._wake = asyncio.Event()

    def tell(self, receive: Receive, confirmed: Confirmed) -> None:
        self._receive, self._confirmed = receive, confirmed

    # -- wishes

    def want(self, name: bytes, channel: str) -> None:
        if name not in self._wanted:
            self._wanted[name] = channel
            self._wish(name)

    def unwant(self, name: bytes) -> None:
        if self._wanted.pop(name, None) is not None:
            self._wish(name)

    def forget_all(self) -> None:
        """Nothing is told any more, at once."""
        self._wanted.clear()
        self._wishes.clear()

    def _wish(self, name: bytes) -> None:
        if self._in_force:
            self._wishes[name] = None
            self._wake.set()

    def ping(self) -> None:
        self._ping_due = True
        self._wake.set()

    # -- a connection

    async def live(self, link: Link, works: Callable[[], None]) -> None:
        """Everything wanted is asked for again. `own` comes last: once it is confirmed, so are the others."""
        self._wishes = dict.fromkeys([*self._wanted, self.own])
        self._in_force = True
        self._pings = 0
        self._wake.set()
        try:
            await all_until_one_ends(self._ask(link), self._hear(link, works))
        finally:
            self._in_force = False
            self._wishes.clear()

    async def _ask(self, link: Link) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while commands := self._commands():
                await link.send(commands)

    def _commands(self) -> list[bytes]:
        names = list(islice(self._wishes, CHANNELS_AT_ONCE))
        for name in names:
            del self._wishes[name]
        wanted = [name for name in names if name in self._wanted or name == self.own]
        unwanted = [name for name in names if name not in self._wanted and name != self.own]
        asks = ((b"UNSUBSCRIBE", unwanted), (b"SUBSCRIBE", wanted))
        commands = [packed(verb, *channels) for verb, channels in asks if channels]
        if commands or self._ping_due:  # its answer tells that what stands before it was dealt with
            self._ping_due = False
            self._pings += 1
            commands.append(PING)
        return commands

    async def _hear(self, link: Link, works: Callable[[], None]) -> None:
        heard = 0
        while True:
            answer = await link.read()
            link.silence.heard()
            kind = answer[0]
            if kind == b"message":
                self._arrived(answer[1], answer[2])
            elif kind == b"pong" or answer == b"PONG":  # the latter while nothing is subscribed
                self._pings -= 1
                link.silence.answered(all_of_it=not self._pings)
            elif kind == b"subscribe":
                self._in_force_now(answer[1], works)
            heard += 1
            if heard % MESSAGES_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _in_force_now(self, name: bytes, works: Callable[[], None]) -> None:
        if name == self.own:
            works()
        channel = self._wanted.get(name)
        if channel is not None:
            self._guarded(self._confirmed, channel)

    def _arrived(self, name: bytes, payload: bytes) -> None:
        if name == self.own:
            self._came_back(payload)
            return
        channel = self._wanted.get(name)
        if channel is not None and not payload.startswith(self._sender):
            self._guarded(self._receive, channel, payload[len(self._sender) :])

    def _guarded(self, call: Callable[..., None], *values: object) -> None:
        """A receiver that fails harms no other message."""
        try:
            call(*values)
        except Exception:
            log.exception("a message or confirmation could not be taken in", channel=values[0])
