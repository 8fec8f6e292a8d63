"""The seam between what devices send (sockets, HTTP, storage) and what a board makes of it (rules, commands).

Ingest knows tokens, batches and the store; it knows nothing of a board's state. The desk knows the board's
devices, rules and commands; it knows no socket. Each of them calls the other through what stands here.
"""

from collections.abc import Sequence
from typing import Protocol

from server.errors import BoardcastError
from server.model.device_messages import CommandMessage, CommandResult
from server.model.telemetry import Point


class Line(Protocol):
    """An open socket of a device. Nothing in it waits or raises; after the end it does nothing."""

    def send(self, message: CommandMessage) -> None:
        """Goes out in order. That it arrived is only known from its `command_result`."""

    def close(self, refusal: BoardcastError) -> None:
        """The device may not be here any more: `Forbidden` closes with 4503, `Unauthenticated` with 4501."""


class Desk(Protocol):
    """What is made of devices on their boards. But for `admit` nothing waits; nothing but `admit` raises.

    A device may have several lines at once (it came back before its old socket was noticed to be dead): the
    newest is the last that `arrived` was called with, and `left` comes once for each.
    """

    async def admit(self, board: str, device: str) -> str:
        """May this device come in now? Its name, for people.

        Called when its socket is opened, and for HTTP at most every few seconds per device. Waits for the
        board to be loaded. Raises `Forbidden` when it is disabled, `Unauthenticated` when it or the board is
        deleted, `Unavailable` when that cannot be found out. A device that is disabled or deleted later is
        the desk's to notice: it calls `Line.close`.
        """

    def arrived(self, board: str, device: str, line: Line) -> None:
        """A socket of the device is open; pending commands go out through it."""

    def left(self, board: str, device: str, line: Line) -> None:
        """The socket is gone."""

    def settled(self, board: str, device: str, result: CommandResult) -> None:
        """A `command_result` came in. Which commands there are is the desk's to know."""

    def stored(self, board: str, device: str, points: Sequence[Point], now_ms: int) -> None:
        """These points are durable now. Once per batch, in the order in which they became so; never for a
        batch that was stored before. `points`: in the order of the batch, any times; `now_ms`: when they
        came.
        """
