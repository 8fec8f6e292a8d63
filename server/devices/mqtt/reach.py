"""Which devices can be told something by MQTT: those that were heard of lately, and the way to them.

MQTT tells nobody who is there. A device counts as reachable from its first message until it was silent for
`idle_s`, or the connection to the broker ends; to the desk it then has a line like that of a socket.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog
from msgspec import Struct

from server.devices.desk import Line
from server.devices.mqtt.topics import Topics
from server.errors import BoardcastError
from server.metrics.families import Number
from server.model.device_messages import CommandMessage

log = structlog.stdlib.get_logger("mqtt")
MOST_COMMANDS = 1000
"""That wait to be published, also while the broker is away. A further one is dropped and counted: it stays
unanswered on its card until it expires."""


class Order(Struct, frozen=True):
    """A command on its way to the broker."""

    topic: str
    payload: bytes
    expires_at: int | None


class MqttLine:
    """A device's line, as the desk sees it."""

    def __init__(self, topic: str | None, post: Callable[[Order], None], end: Callable[[], None]) -> None:
        self.heard = 0.0
        self._topic, self._post, self._end = topic, post, end
        self._over = False

    def send(self, message: CommandMessage) -> None:
        if self._over or self._topic is None:
            return
        self._post(Order(self._topic, msgspec.json.encode(message), message.expires_at))

    def close(self, refusal: BoardcastError) -> None:
        """The device may not be here any more: there is nobody to tell, its next message is refused."""
        self.end()

    def end(self) -> None:
        """Nothing is sent any more; the desk is told, soon. Idempotent."""
        if not self._over:
            self._over = True
            self._end()


class Hall(Protocol):
    """Who is told of lines."""

    def arrived(self, board: str, device: str, name: str, line: Line) -> None:
        """The device, `name` for people, can be told something."""

    def left(self, board: str, device: str, line: Line) -> None:
        """It cannot, any more."""


class Reach:
    """All lines, and the commands that wait to be published. `dropped`: counts those that could not wait."""

    def __init__(self, hall: Hall, topics: Topics, idle_s: float, dropped: Number) -> None:
        self._hall, self._topics, self._idle_s, self._dropped = hall, topics, idle_s, dropped
        self._lines: dict[tuple[str, str], MqttLine] = {}
        self._orders: deque[Order] = deque()
        self._posted = asyncio.Event()

    def __len__(self) -> int:
        return len(self._lines)

    def heard(self, board: str, device: str, name: str, now: float) -> None:
        """A message of a device that was admitted has come."""
        key = (board, device)
        line = self._lines.get(key)
        if line is None:
            line = MqttLine(self._topics.commands(board, device), self._post, lambda: self._ended(key))
            line.heard = now
            self._lines[key] = line
            self._hall.arrived(board, device, name, line)
        line.heard = now

    def sweep(self, now: float) -> None:
        """End the lines of those that were silent for too long."""
        for line in [line for line in self._lines.values() if now - line.heard >= self._idle_s]:
            line.end()

    def cut(self) -> None:
        """The connection is gone: nobody can be told anything new. What waits goes out when it is back."""
        for line in list(self._lines.values()):
            line.end()

    async def order(self) -> Order:
        """The oldest command, as long as it is not `published`."""
        while not self._orders:
            self._posted.clear()
            await self._posted.wait()
        return self._orders[0]

    def published(self) -> None:
        """The broker has it, or it is worth nothing any more."""
        self._orders.popleft()

    def _ended(self, key: tuple[str, str]) -> None:
        line = self._lines.pop(key)
        self._hall.left(*key, line)

    def _post(self, order: Order) -> None:
        if len(self._orders) >= MOST_COMMANDS:
            self._dropped.value += 1
            return
        self._orders.append(order)
        self._posted.set()
