"""Newest values, shown to those who watch. Nothing here waits; it is told what was stored and when to tell.

A *key* is a device and one of its metrics. Of each key only the newest value counts: what comes within a tick
is conflated, and times only go up, so that a backlog that comes in does not make values jump back.

States of a watcher: *held* (its history is being read: what comes is kept), *told* at each tick with what its
filter lets through, or *slow* (its socket takes nothing: what comes is kept, the newest of each key) until a
tick finds it ready. With a tick each 100 ms a key is told ten times a second at most.

Instances tell each other the same way, each tick, what came in on them. That may be lost: the next value
comes soon, and the history is in the store.

Bounds: `MOST_KEYS` per board; past it new keys are not shown until others were told. `PEER_POINTS` a message.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from server.hub import Connection, Hub
from server.model.messages import LivePoint, TelemetryNews
from server.model.telemetry import Point
from server.wire import PeerTelemetry, encode_peer

Key = tuple[str, str]
"""Device and metric."""
Value = tuple[int, float]
"""Time and value."""
MOST_KEYS = 20_000
PEER_POINTS = 1000


class Filter(Struct, frozen=True):
    """What a watcher wants; None: all."""

    devices: frozenset[str] | None
    metrics: frozenset[str] | None

    def lets(self, key: Key) -> bool:
        wanted = self.devices is None or key[0] in self.devices
        return wanted and (self.metrics is None or key[1] in self.metrics)


class Watcher:
    """One connection on one board. `told`: up to which time of a key it has history."""

    def __init__(self, wanted: Filter) -> None:
        self.wanted = wanted
        self.held = True
        self.kept: dict[Key, Value] = {}
        self.told: dict[Key, int] = {}

    def release(self, told: dict[Key, int]) -> None:
        """Its history goes out now, and reaches up to these times."""
        self.held, self.told = False, told


class Watched:
    """One board."""

    def __init__(self) -> None:
        self.watchers: dict[Connection, Watcher] = {}
        self.newest: dict[Key, int] = {}
        self.fresh: dict[Key, Value] = {}  # since the last tick
        self.ours: dict[Key, Value] = {}  # of which what came in here


class Live:
    """All boards. `offer`: takes a board and a message for the other instances; `reaches`: whether any of
    them can hear it.
    """

    def __init__(
        self, hub: Hub, offer: Callable[[str, bytes], object], reaches: Callable[[str], bool]
    ) -> None:
        self._hub = hub
        self._offer = offer
        self._reaches = reaches
        self._boards: dict[str, Watched] = {}
        hub.left = self.unwatch

    def show(self, board: str, device: str, points: Sequence[Point]) -> None:
        """Points that are durable now came in here."""
        reaches = self._reaches(board)
        if not reaches and board not in self._boards:
            return
        watched = self._board(board)
        newest: dict[Key, Value] = {}
        for point in points:
            key = (device, point.metric)
            before = newest.get(key)
            if before is None or point.t >= before[0]:
                newest[key] = (point.t, point.v)
        for key, value in newest.items():
            if _put(watched, key, value) and reaches:
                watched.ours[key] = value

    def heard(self, board: str, message: PeerTelemetry) -> None:
        """Another instance tells what came in there."""
        watched = self._boards.get(board)
        if watched is not None and watched.watchers:
            for device, metric, t, v in message.points:
                _put(watched, (device, metric), (t, v))

    def watch(self, connection: Connection, board: str, wanted: Filter) -> Watcher:
        """From now on; held until `release`. It takes the place of an earlier one."""
        watcher = Watcher(wanted)
        self._board(board).watchers[connection] = watcher
        return watcher

    def unwatch(self, connection: Connection, board: str) -> None:
        """Idempotent."""
        watched = self._boards.get(board)
        if watched is not None:
            watched.watchers.pop(connection, None)

    def is_watching(self, connection: Connection, board: str, watcher: Watcher) -> bool:
        watched = self._boards.get(board)
        return watched is not None and watched.watchers.get(connection) is watcher

    def tick(self) -> None:
        """Tell watchers and the other instances. Ten times a second; the hub's flush follows."""
        for board, watched in list(self._boards.items()):
            if watched.ours:
                self._tell_peers(board, watched)
            if watched.watchers:
                self._tell(board, watched)
            watched.fresh = {}
            if not watched.watchers:
                del self._boards[board]

    # -- telling

    def _board(self, board: str) -> Watched:
        watched = self._boards.get(board)
        if watched is None:
            watched = self._boards[board] = Watched()
        return watched

    def _tell_peers(self, board: str, watched: Watched) -> None:
        ours, watched.ours = [(*key, *value) for key, value in watched.ours.items()], {}
        for start in range(0, len(ours), PEER_POINTS):
            self._offer(board, encode_peer(PeerTelemetry(points=ours[start : start + PEER_POINTS])))

    def _tell(self, board: str, watched: Watched) -> None:
        """Those who are ready and want the same are given the same bytes."""
        same: dict[tuple[str, Filter], bytes | None] = {}
        for connection, watcher in watched.watchers.items():
            if watcher.held or watcher.kept or watcher.told or not connection.outbox.idle:
                self._tell_one(board, watched, connection, watcher)
                continue
            if not watched.fresh:
                continue
            group = connection.codec.name, watcher.wanted
            if group not in same:
                same[group] = self._frame(board, connection, _wanted(watched.fresh, watcher.wanted))
            frame = same[group]
            if frame is not None:
                self._send(board, connection, frame)

    def _tell_one(self, board: str, watched: Watched, connection: Connection, watcher: Watcher) -> None:
        """Keep for it what is newer than its history; send it when it is ready."""
        for key, value in watched.fresh.items():
            if watcher.wanted.lets(key):
                watcher.kept[key] = value
        if watcher.held or not connection.outbox.idle:
            return
        kept, watcher.kept = watcher.kept, {}
        news = {key: value for key, value in kept.items() if value[0] > watcher.told.get(key, -1)}
        # What another instance tells late may be in its history: that counts until something newer was seen.
        watcher.told = {key: t for key, t in watcher.told.items() if watched.newest.get(key, -1) < t}
        if (frame := self._frame(board, connection, news)) is not None:
            self._send(board, connection, frame)

    def _frame(self, board: str, connection: Connection, news: dict[Key, Value]) -> bytes | None:
        if not news:
            return None
        points = [LivePoint(device, metric, t, v) for (device, metric), (t, v) in news.items()]
        return connection.codec.frame(TelemetryNews(board=board, points=points))

    def _send(self, board: str, connection: Connection, frame: bytes) -> None:
        connection.traffic.sends(len(frame))
        connection.outbox.offer_latest(board, "telemetry", frame)
        self._hub.touch(connection)


def _put(watched: Watched, key: Key, value: Value) -> bool:
    """Whether it is newer than what was shown of the key."""
    newest = watched.newest.get(key)
    if newest is None and len(watched.newest) >= MOST_KEYS:
        return False
    if newest is not None and value[0] <= newest:
        return False
    watched.newest[key] = value[0]
    watched.fresh[key] = value
    return True


def _wanted(fresh: dict[Key, Value], wanted: Filter) -> dict[Key, Value]:
    return {key: value for key, value in fresh.items() if wanted.lets(key)}
