"""Who is on a board at other instances: told at once, no ghosts, and at what cost. In fine weather."""

from itertools import pairwise

import pytest
from msgspec import UNSET

from server import roster
from server.announcer import MOST_AT_ONCE
from server.presence import TYPING_S, Rhythm
from server.wire import PeerAlive, PeerAll, PeerHere
from tests.neighbours import DEAD_S, SOON_S, TICK_S, Instance, Town

BEACON_S, SILENT_S = Rhythm().beacon_s, Rhythm().silent_s


def town(*names: str) -> tuple[Town, list[Instance]]:
    made = Town()
    instances = [made.start(name, "b") for name in names]
    made.pass_time(SOON_S)
    return made, instances


def agreed(made: Town, board: str = "b") -> bool:
    return all(instance.sees(board) == made.expected(board) for instance in made.living)


# --- a life in fine weather


def test_everybody_sees_who_comes_looks_and_goes_at_once() -> None:
    made, (one, two, three) = town("one", "two", "three")
    ada, bob = one.join("b"), two.join("b", "Bob")
    made.pass_time(SOON_S)
    assert [entry.session for entry in three.sees("b")] == [ada, bob]
    one.look("b", ada, task="t1", field="title", typing=True)
    made.pass_time(SOON_S)
    assert agreed(made) and three.sees("b")[0].typing
    two.leave("b", bob)
    made.pass_time(SOON_S)
    assert agreed(made) and len(three.sees("b")) == 1


def test_boards_do_not_mix() -> None:
    made, (one, two) = town("one", "two")
    one.join("b")
    one.join("other")
    two.listen("other")
    made.pass_time(SOON_S)
    assert agreed(made, "b") and agreed(made, "other")


def test_a_newcomer_asks_and_the_others_answer() -> None:
    made, (one, two) = town("one", "two")
    for instance in (one, one, two):
        instance.join("b")
    made.pass_time(60)
    late = made.start("late", "b")
    made.pass_time(SOON_S)
    assert late.sees("b") == made.expected("b") != []


def test_fifty_newcomers_at_once_are_no_storm() -> None:
    made, them = town(*(f"i{number}" for number in range(50)))
    for instance in them:
        instance.join("b")
    made.pass_time(5)
    made.sent.clear()
    for number in range(50):
        made.start(f"new{number}", "b")
    made.pass_time(5)
    assert agreed(made)
    answers = [at for at, _, message in made.sent if isinstance(message, PeerAll)]
    assert len(answers) <= 2 * 50, "each answer serves all who ask meanwhile"
    assert max(answers) - min(answers) > 0.5, "they are spread"


def test_an_instance_that_stops_takes_its_people_with_it_at_once() -> None:
    made, (one, two) = town("one", "two")
    one.join("b")
    made.pass_time(SOON_S)
    assert len(two.sees("b")) == 1
    one.stop()
    made.pass_time(SOON_S)
    assert two.sees("b") == []


def test_an_instance_that_dies_takes_its_people_with_it(caplog: pytest.LogCaptureFixture) -> None:
    made, (one, two) = town("one", "two")
    one.join("b")
    made.pass_time(100)
    assert len(two.sees("b")) == 1
    one.die()
    made.pass_time(SILENT_S - BEACON_S - 1)
    assert len(two.sees("b")) == 1, "a lost beacon or two are no death"
    made.pass_time(DEAD_S - (SILENT_S - BEACON_S - 1))
    assert two.sees("b") == []
    assert one.people.run in caplog.text


def test_an_instance_of_the_same_name_inherits_nobody() -> None:
    made, (one, two) = town("one", "two")
    ada = one.join("b")
    made.pass_time(SOON_S)
    one.die()
    again = made.start("one", "b")
    bob = again.join("b")
    made.pass_time(SOON_S)
    assert {entry.session for entry in two.sees("b")} == {ada, bob}
    made.pass_time(DEAD_S)
    assert [entry.session for entry in two.sees("b")] == [bob]


def test_while_the_broker_is_away_the_others_vanish_and_then_they_are_back() -> None:
    made, (one, two) = town("one", "two")
    one.join("b")
    two.join("b")
    made.pass_time(SOON_S)
    two.lose_broker()
    made.pass_time(DEAD_S)
    assert len(one.sees("b")) == len(two.sees("b")) == 1
    one.join("b")
    two.find_broker()
    made.pass_time(SOON_S)
    assert two.sees("b") == made.expected("b")
    made.pass_time(BEACON_S + SOON_S)
    assert agreed(made)


def test_a_goodbye_that_was_lost_is_made_good_by_the_beacon() -> None:
    made, (one, two) = town("one", "two")
    ada = one.join("b")
    made.pass_time(SOON_S)
    made.weather.drop = 1.0
    one.leave("b", ada)
    made.pass_time(SOON_S)
    made.weather.drop = 0.0
    made.pass_time(BEACON_S + SOON_S)
    assert two.sees("b") == []


def test_a_board_that_is_unloaded_and_loaded_again_goes_on() -> None:
    made, (one, two) = town("one", "two")
    two.join("b")
    ada = one.join("b")
    made.pass_time(SOON_S)
    one.leave("b", ada)
    one.unload("b")
    made.pass_time(SOON_S)
    assert len(two.sees("b")) == 1
    one.join("b")
    made.pass_time(SOON_S)
    assert agreed(made) and len(two.sees("b")) == 2


# --- what it costs


def test_alone_an_instance_says_little_and_without_people_nothing() -> None:
    made, (one,) = town("one")
    ada = one.join("b")
    made.pass_time(SOON_S)
    made.sent.clear()
    made.pass_time(60)
    assert {type(message) for _, _, message in made.sent} == {PeerAlive}
    assert len(made.sent) <= 60 / (0.75 * BEACON_S)
    assert all(later - at <= BEACON_S + 2 * TICK_S for (at, *_), (later, *_) in pairwise(made.sent))
    one.leave("b", ada)
    made.pass_time(SILENT_S + SOON_S)
    made.sent.clear()
    made.pass_time(60)
    assert made.sent == []


def test_what_happens_in_one_tick_is_told_in_one_message() -> None:
    made, (one, two) = town("one", "two")
    made.sent.clear()
    for _ in range(100):
        one.join("b")
    made.pass_time(SOON_S)
    assert len(made.sent) == 1 and agreed(made) and len(two.sees("b")) == 100


def test_thousands_are_told_in_parts_and_a_lost_part_is_asked_for() -> None:
    made, (one, two) = town("one", "two")
    sessions = [one.join("b") for _ in range(3000)]
    made.pass_time(SOON_S)
    late = made.start("late", "b")
    made.weather.drop = 0.3
    made.pass_time(SOON_S)
    made.weather.drop = 0.0
    made.pass_time(2 * BEACON_S)
    assert agreed(made) and len(late.sees("b")) == 3000
    for session in sessions[:1000]:
        one.leave("b", session)
    made.pass_time(SOON_S)
    assert agreed(made) and len(two.sees("b")) == 2000
    told = [message for _, _, message in made.sent if isinstance(message, PeerHere | PeerAll)]
    assert max(len(message.here) for message in told) <= MOST_AT_ONCE


def test_a_crowd_is_said_once_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(roster, "MOST_PEOPLE", 2)
    made, (one, two) = town("one", "two")
    for _ in range(5):
        one.join("b")
        made.pass_time(SOON_S)
    assert len(two.sees("b")) == 2
    assert caplog.text.count("board b: too many people") == 1


def test_a_board_is_answered_for_at_most_so_often_however_often_it_is_asked() -> None:
    made, (one, two) = town("one", "two")
    one.join("b")
    made.pass_time(SOON_S)
    made.sent.clear()
    for _ in range(100):
        two.people.listening("b")
        made.pass_time(0.1)
    answers = [message for _, sender, message in made.sent if isinstance(message, PeerAll)]
    assert 5 <= len(answers) <= 11


# --- typing


def test_typing_is_shown_as_long_as_somebody_types() -> None:
    made, (one, two) = town("one", "two")
    ada = one.join("b")
    for _ in range(20):
        one.look("b", ada, task="t", typing=True)
        made.pass_time(3)
        assert [entry.typing for entry in two.sees("b")] == [True]
    made.pass_time(TYPING_S + SOON_S)
    assert [entry.typing for entry in two.sees("b")] == [UNSET]


def test_typing_goes_out_by_itself_when_its_instance_falls_silent_and_comes_back_with_it() -> None:
    made, (one, two) = town("one", "two")
    ada = one.join("b")
    one.look("b", ada, task="t", typing=True)
    made.pass_time(SOON_S)
    two.lose_broker()
    for _ in range(3):
        one.look("b", ada, task="t", typing=True)
        made.pass_time(3)
    assert [(entry.task, entry.typing) for entry in two.sees("b")] == [("t", UNSET)]
    two.find_broker()
    made.pass_time(SOON_S)
    assert [entry.typing for entry in two.sees("b")] == [True]
