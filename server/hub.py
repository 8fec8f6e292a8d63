"""Who listens to what on this instance, and the fan-out to them. Nothing here waits.

Everything is offered first and written by `flush`, at the end of a turn: one write per connection.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from msgspec import Struct

from server.errors import Unauthenticated
from server.model.fields import Kind, Role
from server.model.messages import ClosedBoard, PresenceDelta, PresenceUpdate, Present, Resync, User
from server.model.records import Change
from server.outbox import Limits, Outbox, Transport
from server.presence import Presence
from server.wire import Codec

log = logging.getLogger(__name__)


def _nothing(board: str) -> None:
    pass


class Connection:
    """One socket: what it speaks, who is behind it (once they said hello) and which boards it is on."""

    def __init__(self, hub: "Hub", session: str, codec: Codec, transport: Transport, limits: Limits) -> None:
        self.session = session
        self.codec = codec
        self.user: User | None = None
        self.kind: Kind = "user"
        self.client = ""
        self.boards: dict[str, Role] = {}
        self.outbox = Outbox(transport, limits, self)
        self._hub = hub

    def __repr__(self) -> str:
        return f"<Connection {self.session}>"

    def send(self, message: Struct) -> None:
        """An answer, or a message about no board's state. Goes out with the next `Hub.flush`."""
        self.outbox.offer_log(None, self.codec.frame(message))
        self._hub.touch(self)

    # what the outbox asks of its owner

    def resync_frame(self, board: str) -> bytes:
        return self.codec.frame(Resync(board=board))

    def presence_frame(self, board: str, left: Collection[str]) -> bytes | None:
        if board not in self.boards:
            return None
        here = self._hub.presence_of(board)
        gone = sorted(set(left) - {entry.session for entry in here})
        return self.codec.frame(PresenceDelta(board=board, joined=[], updated=here, left=gone))

    def gone(self) -> None:
        self._hub.remove(self)


class Room:
    """The members of one board."""

    def __init__(self) -> None:
        self.members: dict[Connection, Role] = {}
        self.presence = Presence()
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

    `empty` is set while there is no connection. `occupied` and `vacated` are called with a board that got
    its first member or lost its last one.
    """

    def __init__(self) -> None:
        self.occupied: Callable[[str], object] = _nothing
        self.vacated: Callable[[str], object] = _nothing
        self.empty = asyncio.Event()
        self.empty.set()
        self._connections: dict[Connection, None] = {}
        self._rooms: dict[str, Room] = {}
        self._touched: dict[Connection, None] = {}

    # --- who is here

    @property
    def connections(self) -> Collection[Connection]:
        return tuple(self._connections)

    def members(self, board: str) -> Collection[Connection]:
        room = self._rooms.get(board)
        return tuple(room.members) if room else ()

    def add(self, connection: Connection) -> None:
        """A socket is open; `remove` must follow, whatever happens to it."""
        self._connections[connection] = None
        self.empty.clear()

    def remove(self, connection: Connection) -> None:
        """The socket is gone: it is nowhere any more. Idempotent."""
        for board in tuple(connection.boards):
            self.leave(connection, board)
        self._connections.pop(connection, None)
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
        room.presence.join(connection.session, connection.user, connection.kind)
        connection.boards[board] = role

    def leave(self, connection: Connection, board: str) -> None:
        """Nothing about `board` is offered to `connection` any more. Idempotent."""
        if connection.boards.pop(board, None) is None:
            return
        connection.outbox.forget(board)
        room = self._rooms[board]
        room.drop(connection)
        room.presence.leave(connection.session)
        if not room.members:
            del self._rooms[board]
            self.vacated(board)

    def evict(self, connection: Connection, board: str, reason: str) -> None:
        """End the membership and say why: `deleted`, `archived` or `forbidden`."""
        if board in connection.boards:
            self.leave(connection, board)
            connection.send(ClosedBoard(board=board, reason=reason))

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
        for codec, group in room.groups():
            frame = codec.changes(board, changes)
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

    def flush(self) -> None:
        """The end of a turn: write what was offered in it."""
        while self._touched:
            touched, self._touched = self._touched, {}
            for connection in touched:
                try:
                    connection.outbox.flush()
                except Exception:
                    self._fail(connection)

    # --- presence

    def presence_of(self, board: str) -> list[Present]:
        """Everybody on `board`, in order of arrival."""
        room = self._rooms.get(board)
        return room.presence.entries() if room else []

    def look(self, connection: Connection, update: PresenceUpdate, now: float) -> None:
        """What a member looks at now; ignored from others. `now`: monotonic seconds."""
        if update.board in connection.boards:
            self._rooms[update.board].presence.update(
                connection.session, task=update.task, field=update.field, typing=update.typing, now=now
            )

    def tick(self, now: float) -> None:
        """Tell the members of each board who came, went and looks elsewhere. Call it a few times a second."""
        for board, room in list(self._rooms.items()):
            room.presence.expire(now)
            if delta := room.presence.take_delta():
                message = PresenceDelta(board=board, **delta._asdict())
                for codec, group in room.groups():
                    frame = codec.frame(message)
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
