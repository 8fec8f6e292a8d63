"""Who listens to what on this instance, and the fan-out to them. Nothing here waits.

Everything is offered first and written by `flush`, at the end of a turn: one write per connection.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from msgspec import Struct

from server.errors import Unauthenticated
from server.metrics import Metrics
from server.model.accounts import Grant, Identity
from server.model.fields import Kind, Role
from server.model.messages import ClosedBoard, PresenceDelta, PresenceUpdate, Present, Resync, User
from server.model.records import Change
from server.outbox import Limits, Outbox, Transport
from server.people import People
from server.wire import Codec

log = logging.getLogger(__name__)


def _nothing(board: str) -> None:
    pass


def _nobody(connection: "Connection", board: str) -> None:
    pass


class Connection:
    """One socket: what it speaks, who is behind it (once they said hello) and which boards it is on."""

    def __init__(self, hub: "Hub", session: str, codec: Codec, transport: Transport, limits: Limits) -> None:
        self.session = session
        self.codec = codec
        self.user: User | None = None
        self.kind: Kind = "user"
        self.identity: Identity | None = None
        self.hang_up: Callable[[int, str], object] = self._cut
        self.client = ""
        self.boards: dict[str, Role] = {}
        self.outbox = Outbox(transport, limits, self, hub.metrics)
        self.traffic = hub.metrics.traffic(codec.name)
        self._hub = hub

    def __repr__(self) -> str:
        return f"<Connection {self.session}>"

    @property
    def grant(self) -> Grant:
        """What they may do at most who have said hello. It may change while the connection lasts."""
        assert self.identity is not None
        return self.identity.grant

    def send(self, message: Struct) -> int:
        """An answer, or a message about no board's state; its size. Goes out with the next `Hub.flush`."""
        frame = self.codec.frame(message)
        self.traffic.sends(len(frame))
        self.outbox.offer_log(None, frame)
        self._hub.touch(self)
        return len(frame)

    def _cut(self, code: int, reason: str) -> None:
        """Until somebody has the conversation, and a better way to end it."""
        self.outbox.close(code, reason)

    def frame(self, message: Struct) -> bytes:
        """The frame of a message to this connection, counted as sent."""
        frame = self.codec.frame(message)
        self.traffic.sends(len(frame))
        return frame

    # what the outbox asks of its owner

    def resync_frame(self, board: str) -> bytes:
        return self.frame(Resync(board=board))

    def presence_frame(self, board: str, left: Collection[str]) -> bytes | None:
        if board not in self.boards:
            return None
        here = self._hub.presence_of(board)
        gone = sorted(set(left) - {entry.session for entry in here})
        return self.frame(PresenceDelta(board=board, joined=[], updated=here, left=gone))

    def gone(self) -> None:
        self._hub.remove(self)


class Room:
    """The members of one board."""

    def __init__(self) -> None:
        self.members: dict[Connection, Role] = {}
        self._groups: dict[Codec, dict[Connection, None]] | None = None

    def put(self, connection: Connection, role: Role) -> None:
        self.members[connection] = role
        self._groups = None

    def drop(self, connection: Connection) -> None:
        self.members.pop(connection, None)
        self._groups = None

    def groups(self) -> Iterable[tuple[Codec, dict[Connection, None]]]:
        """The members by codec. Made anew when members change, so that a walk over it may remove some."""
        if self._groups is None:
            self._groups = {}
            for connection in self.members:
                self._groups.setdefault(connection.codec, {})[connection] = None
        return self._groups.items()


class Hub:
    """The members of all boards on this instance. It is the `Listener` of `server.boards`.

    `people`: who is on which board, on other instances, too; this instance alone when not given.
    `empty` is set while there is no connection. `occupied` and `vacated` are called with a board that got
    its first member or lost its last one, `left` with a connection and the board that it has left.
    """

    def __init__(self, metrics: Metrics, people: People | None = None) -> None:
        self.metrics = metrics
        self.people = people or People()
        self.occupied: Callable[[str], object] = _nothing
        self.vacated: Callable[[str], object] = _nothing
        self.left: Callable[[Connection, str], object] = _nobody
        self.empty = asyncio.Event()
        self.empty.set()
        self._connections: dict[Connection, None] = {}
        self._rooms: dict[str, Room] = {}
        self._touched: dict[Connection, None] = {}
        self._flushing = False
        self._delivering: float | None = None  # since when changes wait for the end of the turn
        self._asked: list[float] = []  # when those mutations came in whose acks wait for it

    # --- who is here

    @property
    def connections(self) -> Collection[Connection]:
        return tuple(self._connections)

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def members(self, board: str) -> Collection[Connection]:
        room = self._rooms.get(board)
        return tuple(room.members) if room else ()

    def add(self, connection: Connection) -> None:
        """A socket is open; `remove` must follow, whatever happens to it."""
        self._connections[connection] = None
        connection.traffic.opens()
        self.empty.clear()

    def remove(self, connection: Connection) -> None:
        """The socket is gone: it is nowhere any more. Idempotent."""
        for board in tuple(connection.boards):
            self.leave(connection, board)
        if connection in self._connections:
            del self._connections[connection]
            connection.traffic.ends()
        self._touched.pop(connection, None)
        if not self._connections:
            self.empty.set()

    def join(self, connection: Connection, board: str, role: Role) -> None:
        """From now on `connection` gets what happens on `board`. In the same turn the caller reads the
        board's state and offers the `joined`. Raises `Unauthenticated` when it has no user yet.
        """
        if connection.user is None:
            raise Unauthenticated
        if connection not in self._connections:
            return
        room = self._rooms.get(board)
        if room is None:
            room = self._rooms[board] = Room()
            self.occupied(board)
        room.put(connection, role)
        self.people.join(board, connection.session, connection.user, connection.kind)
        connection.boards[board] = role

    def leave(self, connection: Connection, board: str) -> None:
        """Nothing about `board` is offered to `connection` any more. Idempotent."""
        if connection.boards.pop(board, None) is None:
            return
        connection.outbox.forget(board)
        self.left(connection, board)
        room = self._rooms[board]
        room.drop(connection)
        self.people.leave(board, connection.session)
        if not room.members:
            del self._rooms[board]
            self.vacated(board)

    def evict(self, connection: Connection, board: str, reason: str) -> None:
        """End the membership and say why: `deleted`, `archived` or `forbidden`."""
        if board in connection.boards:
            self.leave(connection, board)
            connection.send(ClosedBoard(board=board, reason=reason))

    def regard(self, connection: Connection, board: str, role: Role | None) -> None:
        """The role of a member is another one now, or none: then the membership ends."""
        if role is None:
            self.evict(connection, board, "forbidden")
        elif board in connection.boards:
            connection.boards[board] = role

    def closed(self, board: str, reason: str) -> None:
        """Nobody can stay on `board`. What they were to see of it goes out before."""
        self.flush()
        for connection in self.members(board):
            self.evict(connection, board, reason)

    # --- fan-out

    def deliver(self, board: str, changes: Sequence[Change]) -> None:
        """Durable changes, in order: encoded once per codec, the same bytes offered to every member."""
        room = self._rooms.get(board)
        if room is None or not changes:
            return
        if self._delivering is None:
            self._delivering = time.monotonic()
        for codec, group in room.groups():
            frame = codec.changes(board, changes)
            self.metrics.traffic(codec.name).sends(len(frame), len(group))
            for connection in group:
                try:
                    connection.outbox.offer_log(board, frame)
                except Exception:
                    self._fail(connection)
            self._touched.update(group)

    def resync(self, board: str) -> None:
        """The board has a new epoch: its members must join again."""
        self._each(self.members(board), lambda connection: connection.outbox.resync(board))

    def touch(self, connection: Connection) -> None:
        """Something was offered to `connection`: the next `flush` writes it."""
        self._touched[connection] = None

    def acknowledged(self, asked: float) -> None:
        """An ack was offered to a mutation that came in at `asked`, monotonic seconds."""
        self._asked.append(asked)

    def flush_soon(self) -> None:
        """`flush` in the next turn of the loop: for who offers something and does not know the turn's end."""
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = False
        self.flush()

    def flush(self) -> None:
        """The end of a turn: write what was offered in it."""
        while self._touched:
            touched, self._touched = self._touched, {}
            for connection in touched:
                try:
                    connection.outbox.flush()
                except Exception:
                    self._fail(connection)
        if self._delivering is not None or self._asked:
            self._measure(time.monotonic())

    def _measure(self, now: float) -> None:
        if self._delivering is not None:
            self.metrics.batches_delivered.observe(now - self._delivering)
            self._delivering = None
        asked, self._asked = self._asked, []
        for since in asked:
            self.metrics.mutations_acknowledged.observe(now - since)

    # --- presence

    def presence_of(self, board: str) -> list[Present]:
        """Everybody on `board`, as far as it is known here; see `People.entries`."""
        return self.people.entries(board)

    def look(self, connection: Connection, update: PresenceUpdate, now: float) -> None:
        """What a member looks at now; ignored from others. `now`: monotonic seconds."""
        if update.board in connection.boards:
            self.people.look(connection.session, update, now)

    def tick(self, now: float) -> None:
        """Tell the members of each board, and the other instances, who came, went and looks elsewhere. Call
        it a few times a second.
        """
        for board, delta in self.people.tick(now):
            room = self._rooms.get(board)
            if room is not None:
                message = PresenceDelta(board=board, **delta._asdict())
                for codec, group in room.groups():
                    frame = codec.frame(message)
                    self.metrics.traffic(codec.name).sends(len(frame), len(group))
                    self._each(group, partial(_offer_presence, board, frame, delta.left))
        self.flush()

    def _each(self, group: Iterable[Connection], offer: Callable[[Connection], None]) -> None:
        for connection in group:
            try:
                offer(connection)
            except Exception:
                self._fail(connection)
            self.touch(connection)

    def _fail(self, connection: Connection) -> None:
        """A defect, met while serving one member, must not reach the others."""
        log.exception("connection %s failed and is dropped", connection.session)
        self.remove(connection)
        try:
            connection.outbox.abort()
        except Exception:
            log.exception("connection %s could not be dropped", connection.session)


def _offer_presence(board: str, frame: bytes, left: Collection[str], connection: Connection) -> None:
    connection.outbox.offer_ephemeral(board, frame, left)
