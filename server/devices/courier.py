"""Commands of one board on their way to devices that are here, and back.

A command is first marked as sent in the log, which only one instance can do, and only then handed to the
device: it is never delivered twice. Whether it arrived is known by its answer alone.
"""

import heapq
import random
from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from server.boards.judge import SYSTEM
from server.boards.submission import Accepted, Outcome
from server.devices.asking import Asked, Asking
from server.devices.desk import Line
from server.document import BoardState
from server.errors import BoardcastError
from server.model import device_commands as d
from server.model.command import Command
from server.model.device_messages import CommandMessage, CommandResult
from server.model.devices import DeviceCommand, Scalar
from server.model.records import Actor

LONGEST_RESULT = 500
ELSEWHERE_MS = 2_000
"""A command whose device is not here is left to the other instances for up to so long."""


class Courier:
    """`state` gives the board's state as it is now."""

    def __init__(self, state: Callable[[], BoardState], asking: Asking) -> None:
        self._state = state
        self._asking = asking
        self._lines: dict[str, list[Line]] = {}
        self._asked: set[str] = set()
        self._expiring: list[tuple[int, str]] = []
        self._rng = random.Random()

    @property
    def busy(self) -> bool:
        """Devices are here, or commands wait."""
        return bool(self._lines or self._expiring or self._asked)

    @property
    def due(self) -> int | None:
        """When `tick` has something to do."""
        return self._expiring[0][0] if self._expiring else None

    # -- devices that are here

    def arrived(self, device: str, line: Line) -> None:
        self._lines.setdefault(device, []).append(line)
        for command in list(self._state().commands.values()):
            if command.device == device:
                self._deliver(command)

    def left(self, device: str, line: Line) -> None:
        lines = [other for other in self._lines.get(device, ()) if other is not line]
        if lines:
            self._lines[device] = lines
        else:
            self._lines.pop(device, None)

    def close(self, device: str, refusal: BoardcastError) -> None:
        """The device may not be here any more."""
        for line in self._lines.pop(device, []):
            line.close(refusal)

    # -- commands

    def follow(self, commands: Iterable[str]) -> None:
        """These are new, or have changed."""
        known = self._state().commands
        for name in commands:
            command = known.get(name)
            if command is not None and command.state in ("queued", "sent"):
                self._deliver(command)
                patience = 0 if command.device in self._lines else self._rng.randrange(ELSEWHERE_MS)
                heapq.heappush(self._expiring, (command.expires_at + patience, name))

    def _deliver(self, command: DeviceCommand) -> None:
        if command.state != "queued" or command.device not in self._lines or command.id in self._asked:
            return
        self._ask(
            d.CommandDeliver(command=command.id),
            command.id,
            lambda: self._is(command.id, "queued") and command.device in self._lines,
            partial(self._delivered, command),
        )

    def _ask(
        self,
        what: Command,
        command: str,
        still: Callable[[], bool],
        answered: Callable[[Outcome | None], None] | None = None,
    ) -> None:
        def done(outcome: Outcome | None) -> None:
            self._asked.discard(command)
            if answered is not None:
                answered(outcome)

        self._asked.add(command)
        self._asking.ask(Asked(actor=SYSTEM, command=what, still=still, answered=done))

    def _is(self, command: str, state: str) -> bool:
        known = self._state().commands.get(command)
        return known is not None and known.state == state

    def _delivered(self, command: DeviceCommand, outcome: Outcome | None) -> None:
        if not isinstance(outcome, Accepted):
            return
        lines = self._lines.get(command.device)
        if not lines:  # it left in the meantime: nothing was sent, and nobody else may think so
            self._ask(d.CommandReturn(command=command.id), command.id, lambda: self._is(command.id, "sent"))
            return
        lines[-1].send(
            CommandMessage(
                command=command.id,
                name=command.name,
                args=dict(command.args),
                expires_at=command.expires_at,
            )
        )

    def settled(self, device: str, result: CommandResult) -> None:
        """A device answered. What answers no command of its own is refused by the board, and forgotten."""
        kept = self._state().device(device)
        actor = Actor(device, device if kept is None else kept.name, "device")
        command = d.CommandSettle(command=result.command, ok=result.ok, result=plain(result.result))
        self._asking.ask(
            Asked(actor=actor, command=command, still=lambda: True, answered=lambda outcome: None)
        )

    def tick(self, now: int) -> None:
        """Let what is over expire."""
        commands = self._state().commands
        while self._expiring and self._expiring[0][0] <= now:
            _, name = heapq.heappop(self._expiring)
            command = commands.get(name)
            if command is None or command.state not in ("queued", "sent"):
                continue
            if name in self._asked:
                heapq.heappush(self._expiring, (now + ELSEWHERE_MS, name))
                break
            self._ask(
                d.CommandExpire(command=name),
                name,
                lambda name=name: self._is(name, "queued") or self._is(name, "sent"),  # type: ignore[misc]
            )


def plain(value: object) -> Scalar:
    """What a device answered, as a command keeps it: plain values as they are, others as JSON text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) <= 2**53:
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_RESULT else text[: LONGEST_RESULT - 1] + "…"
