"""Fan-out on one instance: who gets what, encoded how often, and that nobody stays behind."""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from server.errors import Unauthenticated
from server.hub import Connection, Hub
from server.metrics import Metrics
from server.model.messages import Ack, PresenceUpdate, Present, User
from server.model.records import Actor, Change
from server.people import People
from server.wire import JSON, MSGPACK, Codec, PeerAll, PeerHere, decode_peer
from tests.connections import PairTransport, messages


class Bounds(NamedTuple):
    log_bytes: int = 20_000
    log_hard_bytes: int = 60_000
    ephemeral_bytes: int = 5_000


class Member(Connection):
    """A connection whose other end can be read."""

    def __init__(self, hub: Hub, session: str, codec: Codec = JSON, kernel_bytes: int | None = None) -> None:
        self.transport = PairTransport(kernel_bytes=kernel_bytes)
        super().__init__(hub, session, codec, self.transport, Bounds())
        self.user = User(f"u_{session}", session.title())

    def reads(self) -> list[Any]:
        return messages(self.transport.read_all(), self.codec)

    def reads_changes(self) -> list[int]:
        return [change["seq"] for message in self.reads() for change in message.get("changes", [])]


class House:
    """A hub, the members made for it, and what it said of its boards."""

    def __init__(self) -> None:
        self.hub = Hub(Metrics())
        self.said: list[str] = []
        self.hub.occupied = lambda board: self.said.append(f"{board} occupied")
        self.hub.vacated = lambda board: self.said.append(f"{board} vacated")
        self.made: list[Member] = []

    def member(self, session: str, *boards: str, codec: Codec = JSON, full: bool = False) -> Member:
        made = Member(self.hub, session, codec, kernel_bytes=4096 if full else None)
        self.made.append(made)
        self.hub.add(made)
        for board in boards:
            self.hub.join(made, board, "editor")
        if full:
            made.outbox.offer_snapshot("", [JSON.frame(Ack(id=0, board="b", mutation="x" * 500_000, seq=0))])
            made.outbox.flush()
            assert made.transport.writing()
        return made


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    for member in house.made:
        member.transport.dispose()


def changes(*seqs: int, size: int = 0) -> list[Change]:
    actor = Actor(id="u", name="Ada")
    return [Change(seq=seq, at=1, actor=actor, op="x" * size or "board.archive") for seq in seqs]


# --- changes


def test_members_get_the_changes_of_their_boards_and_nobody_else_does(house: House) -> None:
    ada, bob, eve = house.member("ada", "b"), house.member("bob", "b", "c"), house.member("eve", "c")
    house.hub.deliver("b", changes(1, 2))
    house.hub.deliver("nobody", changes(1))
    house.hub.flush()
    assert [ada.reads_changes(), bob.reads_changes(), eve.reads_changes()] == [[1, 2], [1, 2], []]


def test_nothing_is_written_before_the_end_of_the_turn_and_then_once(house: House) -> None:
    ada = house.member("ada", "b")
    house.hub.deliver("b", changes(1))
    ada.send(Ack(id=1, board="b", mutation="m", seq=1))
    house.hub.deliver("b", changes(2))
    assert ada.transport.received() == b""
    house.hub.flush()
    assert len(ada.transport.sends) == 1
    assert [message["type"] for message in ada.reads()] == ["changes", "ack", "changes"]


def test_everybody_who_speaks_the_same_codec_gets_the_same_bytes(house: House) -> None:
    members = [house.member(f"m{n}", "b", codec=MSGPACK if n % 3 else JSON) for n in range(300)]
    house.hub.deliver("b", changes(1))
    house.hub.flush()
    for codec in (JSON, MSGPACK):
        sent = {id(member.transport.sends[0]) for member in members if member.codec is codec}
        assert len(sent) == 1, "encoded more than once, or copied"
    assert all(member.reads_changes() == [1] for member in members)


def test_who_joins_hears_what_comes_from_then_on(house: House) -> None:
    ada = house.member("ada", "b")
    house.hub.deliver("b", changes(1))
    bob = house.member("bob", "b")
    house.hub.deliver("b", changes(2))
    house.hub.flush()
    assert (ada.reads_changes(), bob.reads_changes()) == ([1, 2], [2])


def test_who_leaves_hears_no_more_of_the_board(house: House) -> None:
    ada = house.member("ada", "b", "c")
    house.hub.deliver("b", changes(1))
    house.hub.leave(ada, "b")
    house.hub.leave(ada, "b")
    house.hub.deliver("b", changes(2))
    house.hub.deliver("c", changes(7))
    house.hub.flush()
    assert ada.reads_changes() == [7]


def test_joining_again_changes_the_role_and_nothing_else(house: House) -> None:
    ada = house.member("ada", "b")
    house.hub.join(ada, "b", "viewer")
    assert ada.boards == {"b": "viewer"}
    assert house.hub.members("b") == (ada,)
    house.hub.deliver("b", changes(1))
    house.hub.flush()
    assert ada.reads_changes() == [1]


def test_a_new_epoch_makes_every_member_join_again(house: House) -> None:
    ada, bob = house.member("ada", "b"), house.member("bob", "b", codec=MSGPACK)
    house.hub.deliver("b", changes(5))
    house.hub.resync("b")
    house.hub.deliver("b", changes(6))
    house.hub.flush()
    for member in (ada, bob):
        assert member.reads() == [{"type": "resync", "board": "b"}]


def test_a_slow_member_is_told_to_resync_and_the_others_notice_nothing(house: House) -> None:
    slow, quick = house.member("slow", "b", full=True), house.member("quick", "b")
    for seq in range(1, 101):
        house.hub.deliver("b", changes(seq, size=500))
        house.hub.flush()
        assert slow.outbox.queued <= Bounds().log_bytes
    assert quick.reads_changes() == list(range(1, 101))
    assert [message["type"] for message in slow.reads()] == ["ack", "resync"]


def test_a_member_that_never_reads_its_answers_is_closed_and_is_nowhere_any_more(house: House) -> None:
    slow, quick = house.member("slow", "b", full=True), house.member("quick", "b")
    for seq in range(1, 200):
        slow.send(Ack(id=seq, board="b", mutation="m" * 500, seq=seq))
        house.hub.deliver("b", changes(seq))
        house.hub.flush()
    assert slow.transport.closed_with == (4008, "too slow")
    assert house.hub.members("b") == (quick,)
    assert house.hub.connections == (quick,)
    assert quick.reads_changes() == list(range(1, 200))
    assert slow.reads()[-1] == {"type": "close", "code": 4008}


# --- coming and going


def test_nobody_joins_who_has_not_said_who_they_are(house: House) -> None:
    stranger = house.member("stranger")
    stranger.user = None
    with pytest.raises(Unauthenticated):
        house.hub.join(stranger, "b", "viewer")
    assert house.said == []


def test_a_socket_that_is_gone_is_nowhere_any_more(house: House) -> None:
    ada, bob = house.member("ada", "b", "c"), house.member("bob", "b")
    house.hub.deliver("b", changes(1))
    house.hub.remove(ada)
    house.hub.remove(ada)
    assert ada.boards == {}
    assert house.hub.members("b") == (bob,)
    assert house.hub.members("c") == ()
    assert house.hub.connections == (bob,)
    assert [entry.session for entry in house.hub.presence_of("b")] == ["bob"]
    house.hub.flush()
    assert ada.reads() == []


def test_a_socket_that_went_while_its_board_was_loading_joins_nothing(house: House) -> None:
    ada = house.member("ada")
    house.hub.remove(ada)
    house.hub.join(ada, "b", "owner")
    assert house.hub.members("b") == ()
    assert house.said == []


def test_the_hub_says_when_the_last_connection_has_gone(house: House) -> None:
    assert house.hub.empty.is_set()
    ada, bob = house.member("ada", "b"), house.member("bob")
    house.hub.remove(ada)
    assert not house.hub.empty.is_set()
    house.hub.remove(bob)
    assert house.hub.empty.is_set()


def test_boards_are_occupied_by_the_first_and_vacated_by_the_last(house: House) -> None:
    ada, bob = house.member("ada", "b"), house.member("bob", "b")
    house.hub.join(ada, "b", "viewer")
    house.hub.leave(ada, "b")
    house.hub.remove(bob)
    house.hub.join(ada, "b", "editor")
    assert house.said == ["b occupied", "b vacated", "b occupied"]


def test_a_dead_socket_is_found_out_by_the_flush_and_removed(house: House) -> None:
    dead, ada = house.member("dead", "b"), house.member("ada", "b")
    dead.transport.peer.close()
    house.hub.deliver("b", changes(1))
    house.hub.flush()
    assert house.hub.members("b") == (ada,)
    assert ada.reads_changes() == [1]


@pytest.mark.parametrize("method", ["offer_log", "flush", "offer_ephemeral", "resync"])
def test_a_defect_met_with_one_member_does_not_reach_the_others(
    house: House, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, broken, last = (house.member(name, "b") for name in ("first", "broken", "last"))

    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(broken.outbox, method, fail)
    with caplog.at_level(logging.ERROR):
        house.hub.deliver("b", changes(1))
        house.hub.flush()
        house.hub.tick(0)
        house.hub.resync("b")
        house.hub.flush()
    assert house.hub.members("b") == (first, last)
    assert broken.transport.aborted
    assert "broken" in caplog.text
    for member in (first, last):
        assert [message["type"] for message in member.reads()] == ["changes", "presence", "resync"]


def test_who_is_put_out_of_a_board_is_told_why(house: House) -> None:
    ada = house.member("ada", "b")
    house.hub.deliver("b", changes(1))
    house.hub.evict(ada, "b", "forbidden")
    house.hub.evict(ada, "b", "forbidden")
    house.hub.flush()
    assert ada.reads() == [{"type": "closed_board", "board": "b", "reason": "forbidden"}]
    assert house.hub.members("b") == ()


# --- presence


def test_members_see_who_comes_looks_and_goes(house: House) -> None:
    ada = house.member("ada", "b")
    bob = house.member("bob", "b", codec=MSGPACK)
    house.hub.tick(0)
    [joined] = ada.reads()
    assert [entry["session"] for entry in joined["joined"]] == ["ada", "bob"]
    assert bob.reads() == [joined]

    house.hub.look(ada, PresenceUpdate(board="b", task="t", field="title", typing=True), now=1)
    house.hub.tick(1)
    looks = {"task": "t", "field": "title", "typing": True}
    expected = {"session": "ada", "user": {"id": "u_ada", "name": "Ada"}, "kind": "user"} | looks
    [seen] = bob.reads()
    assert seen == {"type": "presence", "board": "b", "joined": [], "updated": [expected], "left": []}

    house.hub.tick(9)
    [quiet] = bob.reads()
    assert "typing" not in quiet["updated"][0]

    house.hub.remove(ada)
    house.hub.tick(10)
    [gone] = bob.reads()
    assert gone["left"] == ["ada"]


def test_where_nothing_changed_nothing_is_told(house: House) -> None:
    ada = house.member("ada", "b")
    house.hub.tick(0)
    ada.reads()
    house.hub.tick(1)
    assert ada.reads() == []


def test_what_strangers_look_at_is_ignored(house: House) -> None:
    ada, eve = house.member("ada", "b"), house.member("eve")
    house.hub.look(eve, PresenceUpdate(board="b", task="t"), now=0)
    assert [entry.session for entry in house.hub.presence_of("b")] == ["ada"]
    assert ada in house.hub.members("b")


def test_members_see_the_people_of_other_instances_and_these_hear_of_them(house: House) -> None:
    told: list[tuple[str, object]] = []
    house.hub.people = People("one-1", lambda board, message: told.append((board, decode_peer(message))))
    ada = house.member("ada", "b")
    eve = Present(session="eve", user=User("u_eve", "Eve"), kind="user")
    house.hub.people.heard("b", PeerHere(run="two-1", number=1, after=0, here=[eve]), 0.0)
    assert [entry.session for entry in house.hub.presence_of("b")] == ["ada", "eve"]
    house.hub.tick(0)
    [seen] = ada.reads()
    assert [entry["session"] for entry in seen["joined"]] == ["ada", "eve"]
    here = Present(session="ada", user=User("u_ada", "Ada"), kind="user")
    assert told == [("b", PeerHere(run="one-1", number=1, after=0, here=[here]))]
    house.hub.people.heard("b", PeerAll(run="two-1", number=2), 0.1)
    house.hub.tick(0.1)
    [seen] = ada.reads()
    assert seen["left"] == ["eve"]


def test_presence_that_was_dropped_is_told_afresh_when_the_reader_is_back(house: House) -> None:
    slow, ada, bob = house.member("slow", "b", full=True), house.member("ada", "b"), house.member("bob", "b")
    house.hub.tick(0)
    slow.outbox.offer_log(None, JSON.frame(Ack(id=1, board="b", mutation="m" * 6_000, seq=1)))
    house.hub.look(ada, PresenceUpdate(board="b", task="t"), now=1)
    house.hub.tick(1)
    house.hub.remove(bob)
    house.hub.tick(2)
    *answers, presence = slow.reads()
    assert [message["type"] for message in answers] == ["ack", "ack"]
    assert presence["left"] == ["bob"]
    assert {entry["session"]: entry.get("task") for entry in presence["updated"]} == {
        "slow": None,
        "ada": "t",
    }
