"""Instances that tell each other of their people by a broker that drops, doubles and delays. Virtual time."""

import heapq
import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field
from math import inf

from server.model.messages import PresenceUpdate, Present, User
from server.people import People
from server.presence import Delta
from server.wire import PeerChanges, PeerMessage, PeerWant, decode_peer

TICK_S = 0.1
SOON_S = 0.5
"""Some ticks and a message between them."""
DEAD_S = 15.0
"""The promise: an instance that dies takes its people with it within this time."""


@dataclass
class Weather:
    """How likely what happens to a message on its way to one instance."""

    drop: float = 0.0
    double: float = 0.0
    late: float = 0.0  # by up to 2 s
    usual_s: float = 0.001


class Instance:
    """One life of a process. `shows`: what its members were told, board by board, put together."""

    def __init__(self, town: "Town", name: str) -> None:
        self.name = name
        self.town = town
        self.people = People(town.mint(name), self._offer, rng=random.Random(town.rng.random()))
        self.channels: set[str] = set()
        self.linked = True  # to the broker
        self.ended: float | None = None
        self.wakes = -inf  # until then it is held: nothing is done, what comes waits
        self.here: dict[str, dict[str, Present]] = defaultdict(dict)
        self.shows: dict[str, dict[str, Present]] = defaultdict(dict)

    # -- its people

    def join(self, board: str, name: str = "Ada") -> str:
        session = self.town.next_session()
        user = User(f"u_{name}", name)
        self.listen(board)
        self.people.join(board, session, user)
        self.here[board][session] = Present(session=session, user=user, kind="user")
        return session

    def look(self, board: str, session: str, **looks: object) -> None:
        update = PresenceUpdate(board=board, **looks)  # type: ignore[arg-type]
        self.people.look(session, update, self.town.now)
        user = self.here[board][session].user
        looks = {name: value for name, value in looks.items() if value}
        self.here[board][session] = Present(session=session, user=user, kind="user", **looks)  # type: ignore[arg-type]

    def leave(self, board: str, session: str) -> None:
        self.people.leave(board, session)
        del self.here[board][session]

    def sees(self, board: str) -> list[Present]:
        return sorted(self.people.entries(board), key=lambda entry: entry.session)

    # -- its life

    def listen(self, board: str) -> None:
        if board not in self.channels:
            self.channels.add(board)
            self.town.later(self.town.weather.usual_s, self._confirmed, board)

    def unload(self, board: str) -> None:
        self.channels.discard(board)
        self.people.forget(board, self.town.now)
        self.shows.pop(board, None)

    def lose_broker(self) -> None:
        self.linked = False

    def find_broker(self) -> None:
        self.linked = True
        for board in sorted(self.channels):
            self.town.later(self.town.weather.usual_s, self._confirmed, board)

    def die(self) -> None:
        self.ended = self.town.now

    def hold(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        self.wakes = self.town.now + seconds

    def stop(self) -> None:
        self.people.farewell()
        self.ended = self.town.now

    def tick(self) -> None:
        if self.town.now < self.wakes:
            self.town.later(self.wakes - self.town.now, self.tick)
        elif self.ended is None:
            for board, delta in self.people.tick(self.town.now):
                self._tell(board, delta)
            self.town.later(TICK_S, self.tick)

    def receive(self, board: str, message: bytes) -> None:
        if self.town.now < self.wakes:
            self.town.later(self.wakes - self.town.now, self.receive, board, message)
        elif self.ended is None and self.linked and board in self.channels:
            decoded = decode_peer(message)
            assert decoded is not None and not isinstance(decoded, PeerChanges | PeerWant)
            self.people.heard(board, decoded, self.town.now)

    def _confirmed(self, board: str) -> None:
        if self.ended is None and self.linked and board in self.channels:
            self.people.listening(board)

    def _offer(self, board: str, message: bytes) -> None:
        if self.ended is None and self.linked:
            self.town.carry(self, board, message)

    def _tell(self, board: str, delta: Delta) -> None:
        shows = self.shows[board]
        come, changed, gone = ({e.session for e in part} for part in (delta.joined, delta.updated, ()))
        gone = set(delta.left)
        assert not (come & changed or come & gone or changed & gone), "somebody is in two parts of a delta"
        assert not come & shows.keys() and changed | gone <= shows.keys(), "a delta that does not follow"
        for entry in (*delta.joined, *delta.updated):
            shows[entry.session] = entry
        for session in gone:
            del shows[session]


@dataclass
class Town:
    """All instances and what is between them. `sent`: each message that was offered, and when."""

    rng: random.Random = field(default_factory=lambda: random.Random(1))
    weather: Weather = field(default_factory=Weather)
    now: float = 1000.0
    instances: list[Instance] = field(default_factory=list)
    sent: list[tuple[float, Instance, PeerMessage]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._agenda: list[tuple[float, int, object, tuple[object, ...]]] = []
        self._counter = itertools.count()
        self._sessions = itertools.count(1)

    def mint(self, name: str) -> str:
        return f"{name}-{self.rng.getrandbits(32):08x}"

    def next_session(self) -> str:
        return f"s{next(self._sessions)}"

    def start(self, name: str = "", *boards: str) -> Instance:
        instance = Instance(self, name or f"i{len(self.instances)}")
        self.instances.append(instance)
        for board in boards:
            instance.listen(board)
        self.later(TICK_S * self.rng.random(), instance.tick)
        return instance

    @property
    def living(self) -> list[Instance]:
        return [instance for instance in self.instances if instance.ended is None]

    def later(self, delay_s: float, call: object, *args: object) -> None:
        heapq.heappush(self._agenda, (self.now + delay_s, next(self._counter), call, args))

    def pass_time(self, seconds: float) -> None:
        """Whatever happens meanwhile happens."""
        end = self.now + seconds
        while self._agenda and self._agenda[0][0] <= end:
            self.now, _, call, args = heapq.heappop(self._agenda)
            call(*args)  # type: ignore[operator]
        self.now = end

    def carry(self, sender: Instance, board: str, message: bytes) -> None:
        decoded = decode_peer(message)
        assert decoded is not None
        self.sent.append((self.now, sender, decoded))
        for instance in self.instances:
            if instance is not sender:
                for _ in range(1 + (self.rng.random() < self.weather.double)):
                    if self.rng.random() >= self.weather.drop:
                        late = 2 * self.rng.random() if self.rng.random() < self.weather.late else 0.0
                        self.later(self.weather.usual_s + late, instance.receive, board, message)

    def expected(self, board: str) -> list[Present]:
        """Who is really there."""
        here = [entry for instance in self.living for entry in instance.here[board].values()]
        return sorted(here, key=lambda entry: entry.session)
