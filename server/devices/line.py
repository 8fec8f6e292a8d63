"""One open socket of a device, from the upgrade to the end. It knows no socket, and nothing in it waits.

States: *open* → *closed*. Who it is was found out before: there is no `hello`. Frames are handled in order;
each batch gets one answer, when it is settled or refused. A device that sends what is no message is told so,
and closed with 4500 when it does nothing else.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
from msgspec import UNSET, Struct, structs

from server import wire
from server.budgets import BAD_MESSAGE_S, MOST_PAUSE_S, Budget
from server.devices.ingest import Ingest
from server.devices.lanes import Settled
from server.devices.source import Source
from server.errors import BoardcastError, Close, Forbidden
from server.hub import Connection, Hub
from server.model.device_messages import CommandMessage, CommandResult, Stored
from server.wire.devices import Item, Telling, decode_device

log = structlog.stdlib.get_logger("devices")
PING = b"\x89\x00"


class LineSettings(Struct, frozen=True, kw_only=True):
    """See `server` and `limits` in config.yaml."""

    heartbeat_s: float
    heartbeat_timeout_s: float
    bad_messages: int


class DeviceLine:
    """It is the `Line` that the desk gets. `ended`: called once, when the socket is gone. `budget`: of
    bytes and frames, whatever is in them; points have budgets of their own.
    """

    def __init__(
        self,
        connection: Connection,
        source: Source,
        ingest: Ingest,
        hub: Hub,
        settings: LineSettings,
        ended: "Callable[[DeviceLine], None]",
        budget: Budget,
    ) -> None:
        self.source = source
        self._connection = connection
        self._ingest = ingest
        self._hub = hub
        self._settings = settings
        self._ended = ended
        self._budget = budget
        self._bad = 0
        self._pause_s = 0.0
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(settings.heartbeat_s, self._beat)
        self._log = log.bind(connection=connection.session, board=source.board, device=source.device)
        self._log.info("device connected", codec=connection.codec.subprotocol)

    @property
    def session(self) -> str:
        """Names this socket, in presence."""
        return self._connection.session

    # -- what the socket reports

    def receive(self, frame: str | bytes) -> None:
        """A frame came in. Never raises, never waits."""
        self._heard = self._loop.time()
        items = decode_device(self._connection.codec, frame)
        self._connection.traffic.receives(len(items), wire.size_of(frame))
        for item in items:
            if self._closed:
                return
            self._take(item)
        self._hub.flush()

    def took(self, size: int, frames: int) -> float:
        """So many bytes were read, and `frames` that were no messages; seconds that reading is to rest."""
        now = self._loop.time()
        wait_s, self._pause_s = max(self._pause_s, self._budget.received(now, size)), 0.0
        if frames:
            wait_s = max(wait_s, self._budget.message(now, frames))
        return min(wait_s, MOST_PAUSE_S)

    def heard(self) -> None:
        """A ping or a pong came in."""
        self._heard = self._loop.time()

    def closed(self) -> None:
        """The socket is gone. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._timer.cancel()
        self._hub.remove(self._connection)
        self._log.info("device disconnected")
        self._ended(self)

    def _take(self, item: Item) -> None:
        match item:
            case wire.Malformed():
                self._refuse_bad(item)
            case CommandResult():
                if self._ingest.desk is not None:
                    self._ingest.desk.settled(self.source.board, self.source.device, item)
            case _:
                self._bad = max(0, self._bad - 1)
                self._ingest.offer(self.source, item, partial(self._answer, item))

    def _refuse_bad(self, item: wire.Malformed) -> None:
        self._connection.send(item.reply())
        self._bad += 1
        self._pause_s += BAD_MESSAGE_S
        if self._bad >= self._settings.bad_messages:
            self._end(Close.BAD_MESSAGES, "too many bad messages")

    # -- answers

    def _answer(self, told: Telling, outcome: Settled | BoardcastError) -> None:
        if self._closed:
            return
        if isinstance(outcome, Settled):
            rejected = outcome.rejected or UNSET
            self._connection.send(Stored(boot=told.boot, seq=outcome.mark, rejected=rejected))
        else:
            refusal = wire.refusal(outcome)
            details = dict(outcome.details)
            if told.boot:
                details |= {"boot": told.boot, "seq": told.seq}
            self._connection.send(structs.replace(refusal, details=details or UNSET))

    def send(self, message: CommandMessage) -> None:
        """See `Line.send`."""
        if not self._closed:
            self._connection.send(message)
            self._hub.flush_soon()

    def close(self, refusal: BoardcastError) -> None:
        """See `Line.close`."""
        forbidden = isinstance(refusal, Forbidden)
        self._end(Close.FORBIDDEN if forbidden else Close.UNAUTHENTICATED, refusal.message)

    def _end(self, code: int, reason: str) -> None:
        if not self._closed:
            self._log.info("device refused", code=code, reason=reason)
            self._connection.outbox.close(code, reason[:120])
            self.closed()

    def _beat(self) -> None:
        left = self._heard + self._settings.heartbeat_timeout_s - self._loop.time()
        if left <= 0:
            self._end(Close.NO_HEARTBEAT, "no sign of life")
            return
        self._connection.outbox.offer_log(None, PING)
        self._connection.outbox.flush()
        self._timer = self._loop.call_later(min(self._settings.heartbeat_s, left), self._beat)
