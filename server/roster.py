"""Pure: who is on one board at the other instances, made up from what those tell.

Each life of an instance (`run`) numbers what it tells. Seen from here it is

* *unknown*: nothing was heard of it, or nothing for `silent_s`. It has nobody here.
* *known*: what was told last is taken in. What comes late or twice has an older number and changes nothing.
* *behind*: a number was seen whose predecessor was not: it is asked (soon, then with doubled pauses, and not
  while somebody else has just asked) until it answers with everybody. Until then its people stay as they are.

A typing flag is believed while its instance is known to have told nothing else: each sign of life renews it,
`TYPING_S` after the last one it goes out.

Bounds: `MOST_RUNS`, and `MOST_PEOPLE` of all together, each in the bounds of `wire.peers`; as many again in
lists whose parts are not all there. Past them nobody is taken in, and `refused` counts it.
"""

import random
from collections.abc import Callable, Iterable
from math import inf

from msgspec import UNSET
from msgspec.structs import replace

from server.model.messages import Present
from server.presence import TYPING_S, Delta, Presence, Rhythm
from server.wire import PeerAlive, PeerAll, PeerHere, PeerTold, PeerWho

MOST_RUNS = 256
MOST_PEOPLE = 20_000


class Peer:
    """What is known of one run."""

    def __init__(self, pause: float) -> None:
        self.number = 0  # of what was taken in last
        self.wanted = 0  # the largest that was seen
        self.people: dict[str, Present] = {}
        self.parts: dict[int, list[Present]] = {}  # of a list that is not all there
        self.parts_of = 0
        self.heard_at = -inf
        self.sure_until = -inf  # so long its typing flags are believed
        self.ask_at = inf
        self.pause = pause

    @property
    def behind(self) -> bool:
        return self.number < self.wanted

    @property
    def collected(self) -> int:
        return sum(map(len, self.parts.values()))


class Roster:
    """Of one board. `taken`: sessions that are here, and nowhere else. Times are monotonic seconds."""

    def __init__(self, taken: Callable[[str], bool], rhythm: Rhythm, rng: random.Random) -> None:
        self.refused = 0
        self._taken = taken
        self._rhythm = rhythm
        self._rng = rng
        self._peers: dict[str, Peer] = {}
        self._owners: dict[str, str] = {}  # session → the run that told of it
        self._shown = Presence()
        self._ask_all = False

    @property
    def others(self) -> int:
        """How many instances have been heard of."""
        return len(self._peers)

    def entries(self) -> list[Present]:
        return self._shown.entries()

    def owner(self, session: str) -> str:
        """The run that told of it."""
        return self._owners.get(session, "")

    def take_delta(self) -> Delta | None:
        return self._shown.take_delta()

    @property
    def due(self) -> float:
        """When `expire` or `questions` have something to do even if nothing is heard."""
        silent_s = self._rhythm.silent_s
        times = (t for p in self._peers.values() for t in (p.heard_at + silent_s, p.ask_at, p.sure_until))
        return -inf if self._ask_all else min((t for t in times if t > -inf), default=inf)

    # -- what is heard

    def missed(self) -> None:
        """Anything may have been missed: everybody is asked."""
        self._ask_all = True

    def asked(self, of: str, now: float) -> None:
        """Another instance has asked `of`; its answer will be heard here, too."""
        peer = self._peers.get(of)
        if peer is not None and peer.behind:
            peer.ask_at = max(peer.ask_at, now + self._rhythm.ask_s)

    def heard(self, told: PeerTold, now: float) -> None:
        """Take in what another instance tells of its people."""
        peer = self._peers.get(told.run)
        if peer is None:
            if len(self._peers) >= MOST_RUNS:
                self.refused += 1
                return
            peer = self._peers[told.run] = Peer(self._rhythm.ask_s)
        peer.heard_at = now
        peer.wanted = max(peer.wanted, told.number)
        if told.number > peer.number:
            match told:
                case PeerHere(after=0):
                    self._replace(peer, told, told.here)
                case PeerHere(after=peer.number):
                    self._change(peer, told)
                case PeerAll():
                    self._collect(peer, told)
                case PeerHere() | PeerAlive():
                    pass  # something was missed before
        self._conclude(told.run, peer, now)

    def _change(self, peer: Peer, told: PeerHere) -> None:
        for session in told.left:
            self._drop(told.run, peer, session)
        for entry in told.here:
            self._put(told.run, peer, entry)
        peer.number = told.number

    def _collect(self, peer: Peer, told: PeerAll) -> None:
        if told.number < peer.parts_of:
            return
        if told.number > peer.parts_of:
            peer.parts, peer.parts_of = {}, told.number
        if told.parts > 1 and sum(p.collected for p in self._peers.values()) + len(told.here) > MOST_PEOPLE:
            peer.parts = {}
            self.refused += 1
            return
        peer.parts[told.part] = told.here
        if len(peer.parts) >= told.parts:
            self._replace(peer, told, [entry for part in peer.parts.values() for entry in part])

    def _replace(self, peer: Peer, told: PeerHere | PeerAll, people: Iterable[Present]) -> None:
        fresh = {entry.session: entry for entry in people}
        for session in peer.people.keys() - fresh.keys():
            self._drop(told.run, peer, session)
        for entry in fresh.values():
            self._put(told.run, peer, entry)
        peer.parts, peer.parts_of, peer.number = {}, 0, told.number

    def _conclude(self, run: str, peer: Peer, now: float) -> None:
        """Known or behind? What is known is believed, what is behind is asked."""
        if peer.behind:
            if peer.ask_at == inf:
                peer.ask_at = now + 0.2 * self._rhythm.ask_s * self._rng.random()
            return
        peer.ask_at, peer.pause = inf, self._rhythm.ask_s
        doubted, peer.sure_until = peer.sure_until == -inf, now + TYPING_S
        if doubted:
            self._show_typing(peer)

    # -- time

    def expire(self, now: float) -> list[str]:
        """Forget the runs that are silent and the typing flags of those that may be. The runs with people
        that are gone so.
        """
        gone = []
        for run, peer in list(self._peers.items()):
            if now >= peer.heard_at + self._rhythm.silent_s:
                if peer.people:
                    gone.append(run)
                for session in list(peer.people):
                    self._drop(run, peer, session)
                del self._peers[run]
            elif -inf < peer.sure_until <= now:
                peer.sure_until = -inf
                self._show_typing(peer)
        return gone

    def questions(self, now: float) -> list[PeerWho]:
        """What to ask now."""
        asks = self._ask_all
        behind = [(run, p) for run, p in self._peers.items() if p.behind and (asks or p.ask_at <= now)]
        for _, peer in behind:
            peer.ask_at = now + peer.pause * (0.75 + 0.5 * self._rng.random())
            peer.pause = min(2 * peer.pause, self._rhythm.beacon_s)
        self._ask_all = False
        return [PeerWho()] if asks else [PeerWho(of=run) for run, _ in behind]

    # -- the people

    def _put(self, run: str, peer: Peer, entry: Present) -> None:
        owner = self._owners.get(entry.session)
        crowded = len(self._owners) >= MOST_PEOPLE or self._taken(entry.session)
        if owner != run and (owner is not None or crowded):
            self.refused += 1
            return
        self._owners[entry.session] = run
        peer.people[entry.session] = entry
        self._show(peer, entry)

    def _drop(self, run: str, peer: Peer, session: str) -> None:
        if peer.people.pop(session, None) is not None:
            del self._owners[session]
            self._shown.leave(session)

    def _show_typing(self, peer: Peer) -> None:
        for entry in peer.people.values():
            if entry.typing:
                self._show(peer, entry)

    def _show(self, peer: Peer, entry: Present) -> None:
        believed = peer.sure_until > -inf or entry.typing is UNSET
        self._shown.show(entry if believed else replace(entry, typing=UNSET))
