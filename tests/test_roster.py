"""What is made of what other instances tell: what is not believed, when to ask, and the bounds."""

import random
from itertools import pairwise

import pytest

from server import roster
from server.model.messages import Present, User
from server.presence import Rhythm
from server.roster import Roster
from server.wire import PeerAlive, PeerAll, PeerHere, PeerTold, PeerWho


def present(session: str, **looks: object) -> Present:
    return Present(session=session, user=User("u", "Eve"), kind="user", **looks)  # type: ignore[arg-type]


def here(run: str, number: int, after: int, *sessions: str) -> PeerHere:
    return PeerHere(run=run, number=number, after=after, here=[present(session) for session in sessions])


def hear(*told: PeerTold, taken: str = "mine") -> Roster:
    made = Roster(taken.__eq__, Rhythm(), random.Random(1))
    for message in told:
        made.heard(message, 0.0)
    return made


def sessions(made: Roster) -> list[str]:
    return [entry.session for entry in made.entries()]


def test_nobody_is_shown_twice_whoever_claims_them() -> None:
    made = hear(here("a", 1, 0, "s1"), here("eve", 1, 0, "mine", "s1", "s2"))
    assert sessions(made) == ["s1", "s2"]
    assert made.refused == 2
    made.heard(PeerHere(run="eve", number=2, after=1, left=["s1"]), 0.0)
    assert sessions(made) == ["s1", "s2"], "nobody sends the people of others away"


def test_what_comes_late_or_twice_changes_nothing() -> None:
    first, second = here("a", 1, 0, "s1"), PeerHere(run="a", number=5, after=1, left=["s1"])
    made = hear(first, second, first, second, PeerAll(run="a", number=1, here=[present("s1")]))
    assert sessions(made) == []
    assert made.questions(100.0) == []


def test_who_has_missed_something_asks_ever_less_often_until_there_is_an_answer() -> None:
    made = hear(here("a", 1, 0, "s1"), here("a", 3, 2, "s3"))
    assert sessions(made) == ["s1"]
    asked = [now / 10 for now in range(1000) if made.questions(now / 10) == [PeerWho(of="a")]]
    pauses = [later - at for at, later in pairwise(asked)]
    assert asked[0] <= 0.2 and 0.3 < pauses[0] < 0.8 and 2 < pauses[-1] < 5.5
    made.heard(PeerAll(run="a", number=3, here=[present("s3")]), 100.0)
    assert sessions(made) == ["s3"]
    assert made.questions(200.0) == []


def test_what_another_instance_has_just_asked_is_not_asked_again() -> None:
    made = hear(PeerAlive(run="a", number=3))
    made.asked("a", 0.0)
    assert made.questions(0.4) == []
    assert made.questions(0.5) == [PeerWho(of="a")]


def test_a_crowd_of_instances_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "MOST_RUNS", 10)
    made = hear(*(here(f"r{number}", 1, 0, f"s{number}") for number in range(20)))
    assert (len(sessions(made)), made.others, made.refused) == (10, 10, 10)
    made.expire(Rhythm().silent_s)
    made.heard(here("new", 1, 0, "s"), Rhythm().silent_s)
    assert sessions(made) == ["s"]


def test_a_crowd_of_people_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "MOST_PEOPLE", 10)
    made = hear(here("a", 1, 0, *map(str, range(8))), here("b", 1, 0, *map(str, range(8, 16))))
    assert (len(sessions(made)), made.refused) == (10, 6)
    for part in range(3):
        people = [present(f"{part}-{number}") for number in range(4)]
        made.heard(PeerAll(run="c", number=9, here=people, part=part, parts=100), 0.0)
    assert sum(peer.collected for peer in made._peers.values()) <= 10


def test_parts_of_an_older_list_do_not_mix_with_those_of_a_newer_one() -> None:
    def part(number: int, place: int, session: str) -> PeerAll:
        return PeerAll(run="a", number=number, here=[present(session)], part=place, parts=2)

    made = hear(part(1, 0, "s1"), part(2, 1, "s3"), part(1, 1, "s9"))
    assert sessions(made) == []
    made.heard(part(2, 0, "s2"), 0.0)
    assert sorted(sessions(made)) == ["s2", "s3"]
