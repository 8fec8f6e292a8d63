"""Who is on a board, and what listeners are told of it."""

from msgspec import UNSET

from server.model.messages import Present, User
from server.presence import TYPING_S, Presence

ADA, BOB = User("u_a", "Ada"), User("u_b", "Bob")


def here(*sessions: str) -> Presence:
    presence = Presence()
    for session in sessions:
        presence.join(session, ADA)
    presence.take_delta()
    return presence


def test_nobody_is_here_at_first_and_there_is_nothing_to_tell() -> None:
    assert Presence().entries() == []
    assert Presence().take_delta() is None


def test_who_joins_is_told_once() -> None:
    presence = Presence()
    presence.join("s1", ADA)
    presence.join("s2", BOB, "device")
    assert presence.entries() == [
        Present(session="s1", user=ADA, kind="user"),
        Present(session="s2", user=BOB, kind="device"),
    ]
    assert presence.take_delta() == (presence.entries(), [], [])
    assert presence.take_delta() is None


def test_two_sessions_of_one_user_are_two_entries() -> None:
    presence = here("s1", "s2")
    presence.leave("s1")
    assert presence.take_delta() == ([], [], ["s1"])
    assert [entry.session for entry in presence.entries()] == ["s2"]


def test_an_update_holds_all_that_somebody_looks_at() -> None:
    presence = here("s1")
    presence.update("s1", task="t1", field="title", typing=True, now=0)
    presence.take_delta()
    presence.update("s1", task="t2", now=1)
    expected = Present(session="s1", user=ADA, kind="user", task="t2", field=UNSET, typing=UNSET)
    assert presence.take_delta() == ([], [expected], [])


def test_an_update_that_changes_nothing_is_not_told() -> None:
    presence = here("s1")
    presence.update("s1", task="t1", now=0)
    presence.update("s1", now=0)
    assert presence.take_delta() is None


def test_who_came_and_went_between_two_ticks_was_never_here() -> None:
    presence = here("s1")
    presence.join("s2", BOB)
    presence.update("s2", task="t1", now=0)
    presence.leave("s2")
    assert presence.take_delta() is None


def test_who_went_and_came_back_between_two_ticks_was_never_gone() -> None:
    presence = here("s1")
    presence.leave("s1")
    presence.join("s1", ADA)
    assert presence.take_delta() is None


def test_who_joins_and_looks_at_something_in_one_tick_is_only_joined() -> None:
    presence = Presence()
    presence.join("s1", ADA)
    presence.update("s1", task="t1", now=0)
    assert presence.take_delta() == ([Present(session="s1", user=ADA, kind="user", task="t1")], [], [])


def test_joining_again_keeps_what_somebody_looks_at_but_takes_a_new_name() -> None:
    presence = here("s1")
    presence.update("s1", task="t1", now=0)
    presence.take_delta()
    presence.join("s1", ADA)
    assert presence.take_delta() is None
    presence.join("s1", BOB)
    assert presence.take_delta() == ([], [Present(session="s1", user=BOB, kind="user")], [])


def test_typing_goes_out_by_itself_eight_seconds_after_the_last_update() -> None:
    presence = here("s1")
    presence.update("s1", task="t1", field="title", typing=True, now=100)
    presence.update("s1", task="t1", field="title", typing=True, now=105)
    presence.take_delta()
    presence.expire(105 + TYPING_S - 0.1)
    assert presence.take_delta() is None
    presence.expire(105 + TYPING_S)
    quiet = Present(session="s1", user=ADA, kind="user", task="t1", field="title")
    assert presence.take_delta() == ([], [quiet], [])
    presence.expire(1000)
    assert presence.take_delta() is None


def test_the_typing_of_who_left_does_not_come_back() -> None:
    presence = here("s1")
    presence.update("s1", typing=True, now=0)
    presence.leave("s1")
    presence.expire(100)
    assert presence.entries() == []
    assert presence.take_delta() == ([], [], ["s1"])


def test_updates_and_goodbyes_of_strangers_are_ignored() -> None:
    presence = here("s1")
    presence.update("s9", task="t1", now=0)
    presence.leave("s9")
    assert presence.take_delta() is None
    assert "s9" not in presence
    assert len(presence) == 1


def test_whom_somebody_else_shows_is_told_and_does_not_expire_by_itself() -> None:
    presence = here("s1")
    bob = Present(session="s2", user=BOB, kind="user", task="t1", typing=True)
    presence.show(bob)
    presence.show(bob)
    presence.expire(1000)
    assert presence.take_delta() == ([bob], [], [])
    presence.show(bob)
    assert presence.take_delta() is None


def test_the_next_typing_flag_that_goes_out_is_known() -> None:
    presence = here("s1", "s2")
    assert presence.due == float("inf")
    presence.update("s1", typing=True, now=100)
    presence.update("s2", typing=True, now=101)
    assert presence.due == 100 + TYPING_S
    presence.leave("s1")
    assert presence.due == 101 + TYPING_S
