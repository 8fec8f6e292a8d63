"""Who is on a board at other instances, in any weather: whatever the broker, people and instances do.

In the end everybody sees exactly who is there. That the stories find what they are for is shown by bugs that
are put in.
"""

import os
import random
from collections.abc import Callable

import pytest

from server import announcer
from server.announcer import Announcer
from server.model.messages import Present
from server.presence import Delta, Rhythm
from server.roster import Peer, Roster
from server.wire import PeerAlive, PeerAll, PeerHere, PeerTold
from tests.neighbours import DEAD_S, SOON_S, Instance, Town, Weather

SEEDS = range(2000 if os.environ.get("BOARDCAST_CHAOS") else 120)
SETTLED_S = 2 + Rhythm().beacon_s + Rhythm().silent_s + SOON_S
"""What is late has come, a beacon and a silence have passed."""


class Story:
    """What people, instances and the broker do for a while, from a seed; then fine weather."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        rng = self.rng
        storm = Weather(rng.choice((0, 0.1, 0.4)), rng.choice((0, 0.2)), rng.choice((0, 0.2)), 0.02)
        self.town = Town(random.Random(rng.random()), storm)
        self.boards = ("b", "c")
        self.wrong: list[str] = []
        for number in range(rng.choice((2, 3, 5))):
            self.town.start(f"i{number}", *rng.sample(self.boards, rng.randrange(3)))

    def run(self) -> list[str]:
        try:
            for _ in range(self.rng.choice((30, 120))):
                self.town.pass_time(0.5 * self.rng.random())
                self.rng.choices(list(ACTS), list(ACTS.values()))[0](self)
                self._judge(final=False)
            self._clear()
            self._judge(final=True)
            self._ends_in_fine_weather()
        except AssertionError as wrong:
            self.wrong.append(str(wrong))
        return self.wrong

    def _clear(self) -> None:
        self.town.weather = Weather()
        self.town.pass_time(max(0.0, max((i.wakes - self.town.now for i in self.town.living), default=0.0)))
        for instance in self.town.living:
            if not instance.linked:
                instance.find_broker()
        self.town.pass_time(SETTLED_S)

    def _judge(self, *, final: bool) -> None:
        now = self.town.now
        dead = {
            session
            for instance in self.town.instances
            if instance.ended is not None and now > instance.ended + DEAD_S
            for board in self.boards
            for session in instance.here[board]
        }
        for instance in self.town.living:
            for board in sorted(instance.channels):
                seen = instance.sees(board)
                names = [entry.session for entry in seen]
                assert len(set(names)) == len(names), f"{instance.name} shows somebody twice"
                if now > instance.wakes + DEAD_S:
                    assert not dead.intersection(names), f"{instance.name} shows ghosts"
                if final:
                    assert seen == self.town.expected(board), f"{instance.name} does not see who is there"
                    told = sorted(instance.shows[board].values(), key=lambda entry: entry.session)
                    assert told == seen, f"{instance.name} told its members something else"

    def _ends_in_fine_weather(self) -> None:
        living = self.town.living
        if len(living) > 1:
            living[0].stop()
            self.town.pass_time(SOON_S)
            self._judge(final=True)

    # what happens

    def one(self) -> Instance:
        """Somewhere where something can happen."""
        awake = [instance for instance in self.town.living if instance.wakes <= self.town.now]
        return self.rng.choice(awake) if awake else self.town.start("more", *self.boards)

    def joins(self) -> None:
        self.one().join(self.rng.choice(self.boards))

    def _somebody(self) -> tuple[Instance, str, str] | None:
        instance = self.one()
        those = [(board, session) for board in self.boards for session in instance.here[board]]
        return (instance, *self.rng.choice(those)) if those else None

    def looks(self) -> None:
        if somebody := self._somebody():
            instance, board, session = somebody
            instance.look(board, session, task=self.rng.choice(("t1", "t2")))

    def leaves(self) -> None:
        if somebody := self._somebody():
            instance, board, session = somebody
            instance.leave(board, session)

    def unloads(self) -> None:
        instance, board = self.one(), self.rng.choice(self.boards)
        if not instance.here[board]:
            instance.unload(board)

    def starts(self) -> None:
        if len(self.town.living) < 6:
            self.town.start(f"i{self.rng.randrange(5)}", *self.boards)

    def dies(self) -> None:
        self.one().die()

    def stops(self) -> None:
        self.one().stop()

    def loses(self) -> None:
        self.one().lose_broker()

    def is_held(self) -> None:
        self.one().hold(20 * self.rng.random())

    def finds(self) -> None:
        self.one().find_broker()

    def waits(self) -> None:
        self.town.pass_time(6 * self.rng.random())


ACTS: dict[Callable[[Story], None], float] = {
    Story.joins: 6,
    Story.looks: 6,
    Story.leaves: 5,
    Story.unloads: 2,
    Story.starts: 1,
    Story.dies: 0.5,
    Story.stops: 0.5,
    Story.loses: 0.5,
    Story.finds: 1,
    Story.is_held: 0.3,
    Story.waits: 2,
}


@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_end_everybody_sees_exactly_who_is_there(seed: int) -> None:
    assert Story(seed).run() == []


# --- the stories find what they are for


def takes_late_news(patch: pytest.MonkeyPatch) -> None:
    heard = Roster.heard

    def gullible(self: Roster, told: PeerTold, now: float) -> None:
        peer = self._peers.get(told.run)
        if isinstance(told, PeerHere) and peer is not None and told.number <= peer.number:
            number = peer.number
            self._change(peer, told)
            peer.number = number
        heard(self, told, now)

    patch.setattr(Roster, "heard", gullible)


def overlooks_gaps(patch: pytest.MonkeyPatch) -> None:
    heard = Roster.heard

    def careless(self: Roster, told: PeerTold, now: float) -> None:
        peer = self._peers.get(told.run)
        if isinstance(told, PeerHere) and peer is not None and told.number > peer.number:
            told = PeerHere(told.run, told.number, peer.number or told.after, told.here, told.left)
        heard(self, told, now)

    patch.setattr(Roster, "heard", careless)


def never_asks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Roster, "questions", lambda self, now: [])


def never_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Announcer, "asked", lambda self, of, others, now: None)


def keeps_the_silent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Roster, "expire", lambda self, now: [])


def says_no_goodbye(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Announcer, "farewell", lambda self: [])


def beacons_without_news(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(announcer, "PeerAlive", lambda run, number: PeerAlive(run=run, number=1))


def sends_no_beacons(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Announcer, "due", property(lambda self: self._answer_at))


def lives_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Town, "mint", lambda self, name: name)


def counts_each_board_anew(patch: pytest.MonkeyPatch) -> None:
    tell = Announcer._tell_of

    def from_one(self: Announcer, people: list[Present], left: list[str]) -> PeerTold:
        self._next_number = lambda: self._number + 1
        return tell(self, people, left)

    patch.setattr(Announcer, "_tell_of", from_one)


def forgets_who_left(patch: pytest.MonkeyPatch) -> None:
    replace_all = Roster._replace

    def keeping(self: Roster, peer: Peer, told: PeerHere | PeerAll, people: list[Present]) -> None:
        replace_all(self, peer, told, [*peer.people.values(), *people])

    patch.setattr(Roster, "_replace", keeping)


def tells_members_half(patch: pytest.MonkeyPatch) -> None:
    take = Roster.take_delta

    def half(self: Roster) -> Delta | None:
        delta = take(self)
        return delta and delta._replace(updated=[])

    patch.setattr(Roster, "take_delta", half)


BUGS = (
    takes_late_news,
    overlooks_gaps,
    never_asks,
    never_answers,
    keeps_the_silent,
    says_no_goodbye,
    beacons_without_news,
    sends_no_beacons,
    lives_twice,
    counts_each_board_anew,
    forgets_who_left,
    tells_members_half,
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_that_is_put_in_is_found(
    bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    assert any(Story(seed).run() for seed in SEEDS), "no story finds it"
