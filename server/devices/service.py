"""All of devices that one instance has: made, started and stopped in one place.

What devices send goes to `ingest`, what people watch comes from `live`, what boards make of it is the
`desk`'s. A device with an open socket is among the people of its board, and the board stays in memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

import structlog
from msgspec import Struct

from server.boards.registry import Boards
from server.budgets import Budgets
from server.devices.desk import Desk
from server.devices.gone import Forgetting
from server.devices.ingest import Ingest, IngestSettings
from server.devices.line import DeviceLine, LineSettings
from server.devices.live import Live
from server.devices.source import Source
from server.devices.tokens import Tokens, Watch, hash_of
from server.devices.upkeep import Keeping, Upkeep
from server.errors import Unauthenticated
from server.hub import Connection, Hub
from server.metrics import Metrics
from server.model.messages import User
from server.stores import Store
from server.stores.telemetry import TelemetryStore

log = structlog.stdlib.get_logger("devices")
ADMITTED_S = 2.0
"""How long a device that was let in over HTTP is not asked about again."""
MOST_GUESTS = 20_000


class DeviceSettings(Struct, frozen=True, kw_only=True):
    """What `devices`, `server` and `limits` of config.yaml say about devices."""

    ingest: IngestSettings
    keeping: Keeping
    line: LineSettings


class Guest(Struct, frozen=True):
    """A device that was let in. `token`: the hash of what it came with; `name`: for people."""

    source: Source
    name: str
    token: str
    until: float
    generation: int


class Devices:
    """`store`: with `entries` and `telemetry`; `offer`, `reaches`: as of the broker."""

    def __init__(
        self,
        store: Store,
        boards: Boards,
        hub: Hub,
        settings: DeviceSettings,
        *,
        offer: Callable[[str, bytes], object],
        reaches: Callable[[str], bool],
        clock: Callable[[], int],
        metrics: Metrics,
        budgets: Budgets,
    ) -> None:
        self.tokens = Tokens(store)
        self.live = Live(hub, offer, reaches)
        self.settings = settings
        self.clock = clock
        self._store = store
        self._boards = boards
        self._hub = hub
        self._metrics = metrics
        self._budgets = budgets
        self.ingest = Ingest(
            self.telemetry,
            settings.ingest,
            clock=clock,
            metrics=metrics,
            show=self.live.show,
            flush=hub.flush,
        )
        self.upkeep = Upkeep(self.telemetry, settings.keeping, clock=clock, metrics=metrics)
        self._forgetting = Forgetting(
            store, boards, self.tokens, self.telemetry, self.ingest.forget, clock=clock
        )
        self._turns = 0
        self._watch = Watch(self.tokens, self._revoked)
        self._guests: OrderedDict[str, Guest] = OrderedDict()
        self._lines: dict[DeviceLine, Guest] = {}
        boards.on_telemetry = self.live.heard

    @property
    def desk(self) -> Desk | None:
        """Who makes something of devices on their boards; None: nobody."""
        return self.ingest.desk

    @desk.setter
    def desk(self, desk: Desk) -> None:
        self.ingest.desk = desk

    def telemetry(self) -> TelemetryStore:
        """What devices measured. Raises `Failed` when the store is not open."""
        return self._store.telemetry

    def start(self) -> None:
        """On a running loop, when the store is open."""
        self._watch.start()
        self.upkeep.start()
        self._forgetting.start()

    async def finish(self) -> None:
        """Take nothing more; what was taken is stored and answered."""
        await self.ingest.stop()

    async def stop(self) -> None:
        """Before the store is closed. Idempotent."""
        await self.finish()
        await self._watch.stop()
        await self.upkeep.stop()
        await self._forgetting.stop()

    # -- letting in

    def known(self, token: str) -> Guest | None:
        """The guest with this token, when it was let in a moment ago."""
        guest = self._guests.get(token)
        if guest is None or guest.generation != self._watch.generation or guest.until < _now():
            return None
        return guest

    async def admit(self, token: str) -> Guest:
        """Let a device in. Raises `Unauthenticated`, `Forbidden`, `Unavailable`."""
        generation, turns = self._watch.generation, self._turns
        holder = await self._watch.holder(token)
        name = holder.device
        if self.desk is not None:
            name = await self.desk.admit(holder.board, holder.device)
        source = await self.ingest.source(holder.board, holder.device)
        until = _now() + ADMITTED_S if turns == self._turns else 0.0  # it may just have been turned away
        guest = Guest(source, name, hash_of(token), until, generation)
        self._guests[token] = guest
        self._guests.move_to_end(token)
        if len(self._guests) > MOST_GUESTS:
            self._guests.popitem(last=False)
        return guest

    def turn_away(self, board: str, device: str) -> None:
        """The device may not come in any more: it is asked about again, whoever let it in a moment ago."""
        self._turns += 1
        for token, guest in list(self._guests.items()):
            if guest.source.board == board and guest.source.device == device:
                del self._guests[token]

    def hidden(self, board: str) -> frozenset[str]:
        """Devices of a board that were deleted: what they have sent is nobody's to see."""
        state = self._boards.state_of(board)
        return (
            frozenset(name for name, kept in state.devices.items() if kept.deleted) if state else frozenset()
        )

    # -- sockets

    def connect(self, connection: Connection, guest: Guest) -> DeviceLine:
        """A socket of a device is open, and the hub has it. What it reports goes to the line.

        Raises `Unavailable` when the server is going away.
        """
        source = guest.source
        self._boards.hold(source.board)
        connection.user, connection.kind = User(source.device, guest.name), "device"
        self._hub.people.join(source.board, connection.session, connection.user, "device")
        budget = self._budgets.of(f"device {source.board}/{source.device}")
        line = DeviceLine(connection, source, self.ingest, self._hub, self.settings.line, self._ended, budget)
        self._lines[line] = guest
        self._watch.follow(guest.token)
        self._metrics.devices_connected.value += 1
        if self.desk is not None:
            self.desk.arrived(source.board, source.device, line)
        if guest.generation != self._watch.generation:  # its token may have been replaced meanwhile
            self._watch.look_again()
        return line

    def _ended(self, line: DeviceLine) -> None:
        guest = self._lines.pop(line)
        source = guest.source
        self._watch.unfollow(guest.token)
        self._metrics.devices_connected.value -= 1
        self._hub.people.leave(source.board, line.session)
        self._boards.release(source.board)
        if self.desk is not None:
            self.desk.left(source.board, source.device, line)

    def _revoked(self, token: str) -> None:
        for line, guest in list(self._lines.items()):
            if guest.token == token:
                line.close(Unauthenticated("the token of the device was replaced or revoked"))


def _now() -> float:
    return asyncio.get_running_loop().time()
