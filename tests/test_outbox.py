"""One connection's queue: order, bounds, verdicts, and what reaches a real socket."""

import random
from collections.abc import Collection, Iterator
from typing import NamedTuple

import pytest

from server.metrics import Metrics
from server.outbox import CHUNK, Outbox
from server.wire import frame
from tests.connections import PairTransport, frames, split

SMALL = 4096  # what the kernel is asked to hold; it holds a little more


class Bounds(NamedTuple):
    log_bytes: int = 100_000
    log_hard_bytes: int = 400_000
    ephemeral_bytes: int = 10_000


class Reader:
    """The owner of an outbox, who reads at the other end of its connection."""

    def __init__(self, transport: PairTransport, bounds: Bounds) -> None:
        self.transport = transport
        self.outbox = Outbox(transport, bounds, self, Metrics())
        self.losses = 0

    def resync_frame(self, board: str) -> bytes:
        return text(f"resync {board}")

    def presence_frame(self, board: str, left: Collection[str]) -> bytes | None:
        return None if board == "empty" else text(f"presence {board} left {sorted(left)}")

    def gone(self) -> None:
        self.losses += 1

    def reads(self) -> list[str]:
        """What has arrived once all has: a frame up to its first dot, a close as its code."""
        return [
            str(int.from_bytes(payload[:2])) if opcode == 8 else payload.decode().split(".")[0]
            for opcode, payload in frames(self.transport.read_all())
        ]

    def stall(self) -> None:
        """Fill the kernel's buffer, so that what follows has to wait."""
        self.outbox.offer_log(None, text("filler", CHUNK))
        self.outbox.flush()
        assert self.transport.writing()


def text(words: str, size: int = 0) -> bytes:
    """A frame of exactly `size` bytes, when it is more than the words need."""
    payload = words.encode()
    whole = frame(payload, False)
    if len(whole) < size:
        whole = frame(payload + b"." * (size - len(payload) - 10), False)
        whole = frame(payload + b"." * (size - len(payload) - 10 + size - len(whole)), False)
    return whole


@pytest.fixture
def readers() -> Iterator[list[Reader]]:
    made: list[Reader] = []
    yield made
    for reader in made:
        reader.transport.dispose()


@pytest.fixture
def reader(readers: list[Reader]) -> Reader:
    readers.append(Reader(PairTransport(), Bounds()))
    return readers[-1]


@pytest.fixture
def slow(readers: list[Reader]) -> Reader:
    """A reader whose connection is full."""
    readers.append(Reader(PairTransport(kernel_bytes=SMALL), Bounds()))
    readers[-1].stall()
    return readers[-1]


# --- the way out


def test_one_frame_goes_straight_to_an_idle_socket_without_a_copy(reader: Reader) -> None:
    shared = text("changes")
    reader.outbox.offer_log("b", shared)
    reader.outbox.flush()
    assert reader.transport.sends[0] is shared
    assert not reader.transport.written
    assert reader.reads() == ["changes"]


def test_what_a_turn_brought_goes_out_as_one_write_in_order(reader: Reader) -> None:
    for words, board in [("changes", "b"), ("ack 1", None), ("ack 2", None)]:
        reader.outbox.offer_log(board, text(words))
    reader.outbox.flush()
    assert len(reader.transport.sends) == 1
    assert reader.reads() == ["changes", "ack 1", "ack 2"]


def test_nothing_is_written_before_the_flush_and_nothing_twice(reader: Reader) -> None:
    reader.outbox.offer_log("b", text("changes"))
    assert reader.transport.received() == b""
    reader.outbox.flush()
    reader.outbox.flush()
    assert reader.reads() == ["changes"]


def test_a_send_that_takes_a_part_is_continued_through_the_stream(readers: list[Reader]) -> None:
    readers.append(Reader(PairTransport(kernel_bytes=SMALL), Bounds()))
    [reader] = readers
    reader.outbox.offer_log("b", text("big", 50_000))
    reader.outbox.flush()
    assert 0 < len(reader.transport.written[0]) < 50_000
    reader.outbox.offer_log("b", text("behind"))
    reader.outbox.flush()
    assert len(reader.transport.sends) == 1, "a direct send would have overtaken the buffer"
    assert reader.reads() == ["big", "behind"]


def test_a_full_socket_takes_nothing_and_loses_nothing(slow: Reader) -> None:
    slow.outbox.offer_log("b", text("changes"))
    slow.outbox.flush()
    assert slow.reads() == ["filler", "changes"]


def test_somebody_elses_bytes_in_the_stream_are_not_overtaken(reader: Reader) -> None:
    reader.transport.write(text("pong"), lambda: None)
    reader.outbox.offer_log("b", text("changes"))
    reader.outbox.flush()
    assert not reader.transport.sends
    assert reader.reads() == ["pong", "changes"]


def test_tls_goes_through_the_stream(readers: list[Reader]) -> None:
    readers.append(Reader(PairTransport(plain=False), Bounds()))
    [reader] = readers
    for words in ("one", "two"):
        reader.outbox.offer_log("b", text(words))
        reader.outbox.flush()
    assert len(reader.transport.written) == 1, "the second waits until the first has drained"
    assert reader.reads() == ["one", "two"]


def test_the_stream_is_given_no_more_than_about_a_chunk_at_a_time(readers: list[Reader]) -> None:
    bounds = Bounds(log_bytes=10 * CHUNK, log_hard_bytes=20 * CHUNK)
    readers.append(Reader(PairTransport(kernel_bytes=SMALL), bounds))
    [reader] = readers
    for number in range(60):
        reader.outbox.offer_log("b", text(f"{number}", CHUNK // 10))
    reader.outbox.flush()
    assert reader.transport.buffered <= CHUNK
    assert reader.reads() == [str(number) for number in range(60)]
    assert max(map(len, reader.transport.written)) <= CHUNK


def test_a_lost_connection_is_reported_once_and_nothing_is_kept(reader: Reader) -> None:
    reader.transport.peer.close()
    for _ in range(3):
        reader.outbox.offer_log("b", text("changes"))
        reader.outbox.flush()
    assert reader.losses == 1
    assert reader.transport.aborted
    assert reader.outbox.queued == 0


def test_a_connection_that_the_other_side_closes_gets_nothing_behind_the_close_frame(reader: Reader) -> None:
    reader.transport.close(1000, "")
    reader.outbox.offer_log("b", text("changes"))
    reader.outbox.flush()
    assert not reader.transport.sends
    assert reader.losses == 1


# --- closing


def test_what_is_queued_goes_out_before_the_close_frame_and_nothing_behind_it(slow: Reader) -> None:
    slow.outbox.offer_log(None, text("bye"))
    slow.outbox.close(1001, "going away")
    slow.outbox.offer_log(None, text("late"))
    slow.outbox.offer_snapshot("b", [text("late")])
    slow.outbox.offer_latest("b", "k", text("late"))
    slow.outbox.offer_ephemeral("b", text("late"))
    slow.outbox.flush()
    assert slow.reads() == ["filler", "bye", "1001"]


def test_too_much_to_say_goodbye_with_is_left_out(slow: Reader) -> None:
    slow.outbox.offer_snapshot("b", [text("joined"), text("tasks", 200_000)])
    slow.outbox.close(1001)
    assert slow.reads() == ["filler", "1001"]


def test_closing_twice_says_goodbye_once(reader: Reader) -> None:
    reader.outbox.close(4500, "too many")
    reader.outbox.close(1001, "going away")
    assert reader.reads() == ["4500"]


# --- the log's bound


def test_past_the_bound_the_changes_of_the_heaviest_board_become_one_resync(slow: Reader) -> None:
    for number in range(5):
        slow.outbox.offer_log("light", text(f"light {number}", 5_000))
        slow.outbox.offer_log("heavy", text(f"heavy {number}", 20_000))
        slow.outbox.offer_log(None, text(f"ack {number}"))
    assert slow.outbox.queued < 30_000
    assert slow.reads() == [
        "filler",
        "light 0",
        "resync heavy",
        "ack 0",
        *(line for number in range(1, 5) for line in (f"light {number}", f"ack {number}")),
    ]


def test_a_board_gets_no_changes_between_resync_and_joined(slow: Reader) -> None:
    slow.outbox.resync("b")
    slow.outbox.resync("b")
    slow.outbox.offer_log("b", text("unwanted"))
    slow.outbox.offer_log("c", text("other"))
    slow.outbox.offer_log(None, text("ack"))
    assert slow.reads() == ["filler", "resync b", "other", "ack"]
    slow.outbox.offer_resumed("b", text("joined"))
    slow.outbox.offer_log("b", text("wanted"))
    slow.outbox.flush()
    assert slow.reads() == ["joined", "wanted"]


def test_a_resync_never_stands_before_an_unsent_joined_which_would_seem_to_answer_it(slow: Reader) -> None:
    slow.outbox.offer_log("b", text("old"))
    slow.outbox.offer_resumed("b", text("joined"))
    slow.outbox.offer_log("b", text("new"))
    slow.outbox.offer_log(None, text("ack"))
    slow.outbox.resync("b")
    assert slow.reads() == ["filler", "joined", "resync b", "ack"]


def test_a_resync_comes_behind_all_parts_of_an_unsent_snapshot(slow: Reader) -> None:
    slow.outbox.offer_snapshot("b", [text("joined"), text("tasks 1"), text("tasks 2")])
    slow.outbox.resync("b")
    assert slow.reads() == ["filler", "joined", "tasks 1", "tasks 2", "resync b"]


def test_an_idle_connection_takes_more_than_the_bound(reader: Reader) -> None:
    reader.outbox.offer_log("b", text("huge", 300_000))
    assert reader.outbox.queued == 0
    reader.outbox.flush()
    assert reader.reads() == ["huge"]


def test_answers_alone_may_pass_the_bound_but_not_the_hard_one(slow: Reader) -> None:
    for number in range(19):
        slow.outbox.offer_log(None, text(f"ack {number}", 20_000))
    assert slow.losses == 0
    assert slow.outbox.queued == 380_000
    for number in range(19, 25):
        slow.outbox.offer_log(None, text(f"ack {number}", 20_000))
    assert slow.losses == 1
    assert slow.outbox.closing
    assert slow.outbox.queued == 0
    assert slow.reads() == ["filler", "4008"]


def test_changes_that_went_out_do_not_count_against_the_answers_behind_them(slow: Reader) -> None:
    for number in range(3):
        slow.outbox.offer_log("b", text(f"changes {number}"))
    slow.outbox.offer_snapshot("c", [text("joined", 2 * CHUNK), text("tasks")])
    data = b""
    while len(slow.transport.written) < 2:  # until the stream holds what remains of `joined`
        data += slow.transport.received()
        slow.transport.pump()
    for number in range(10):
        slow.outbox.offer_log(None, text(f"ack {number}", 20_000))
    assert slow.losses == 0
    assert len(frames(data + slow.transport.read_all())) == 16


def test_a_reader_that_never_reads_is_bounded_whatever_is_offered(slow: Reader) -> None:
    rng = random.Random(7)
    for number in range(3000):
        board = rng.choice("abc")
        offer = rng.randrange(6)
        if offer <= 2:
            slow.outbox.offer_log(board, text(f"{number}", rng.randrange(10, 30_000)))
        elif offer == 3:
            slow.outbox.offer_ephemeral(board, text(f"{number}", rng.randrange(10, 5_000)), [f"s{number}"])
        elif offer == 4:
            slow.outbox.offer_latest(board, str(number % 5), text(f"{number}"))
        else:
            slow.outbox.offer_snapshot(board, [text("joined", 2_000), text("tasks", 50_000)])
        slow.outbox.flush()
        assert slow.outbox.queued <= Bounds().log_hard_bytes
        assert slow.transport.buffered <= CHUNK
    assert slow.outbox.closing, "hundreds of unread answers to join are too much"


# --- joining


def test_a_snapshot_is_shared_and_does_not_count(slow: Reader) -> None:
    parts = [text("joined", 90_000), text("tasks 1", 90_000), text("tasks 2", 90_000)]
    slow.outbox.offer_snapshot("b", parts)
    slow.outbox.offer_log("b", text("changes"))
    assert slow.outbox.queued == len(text("changes"))
    assert slow.reads() == ["filler", "joined", "tasks 1", "tasks 2", "changes"]


def test_a_part_bigger_than_a_chunk_is_handed_over_without_a_copy(slow: Reader) -> None:
    part = text("tasks", 2 * CHUNK)
    slow.outbox.offer_snapshot("b", [text("joined"), part])
    assert slow.reads() == ["filler", "joined", "tasks"]
    assert any(data is part or getattr(data, "obj", None) is part for data in slow.transport.written)


def test_a_new_snapshot_replaces_what_is_unsent_but_every_join_is_answered(slow: Reader) -> None:
    slow.outbox.offer_snapshot("b", [text("joined 1"), text("tasks 1")])
    slow.outbox.offer_log("b", text("changes 1"))
    slow.outbox.offer_snapshot("c", [text("joined c"), text("tasks c")])
    slow.outbox.offer_snapshot("b", [text("joined 2"), text("tasks 2")])
    slow.outbox.offer_log("b", text("changes 2"))
    expected = ["joined 1", "joined c", "tasks c", "joined 2", "tasks 2", "changes 2"]
    assert slow.reads() == ["filler", *expected]


def test_a_resumed_board_still_needs_what_is_unsent(slow: Reader) -> None:
    slow.outbox.offer_snapshot("b", [text("joined 1"), text("tasks 1")])
    slow.outbox.offer_log("b", text("changes 1"))
    slow.outbox.offer_resumed("b", text("joined 2"))
    assert slow.reads() == ["filler", "joined 1", "tasks 1", "changes 1", "joined 2"]


def test_who_joins_and_joins_without_reading_is_closed_at_the_hard_bound(slow: Reader) -> None:
    for _ in range(10):
        slow.outbox.offer_snapshot("b", [text("joined", 50_000)])
    assert slow.losses == 1


def test_a_board_that_was_left_is_not_heard_of_again_but_its_answers_are(slow: Reader) -> None:
    slow.outbox.offer_snapshot("b", [text("joined"), text("tasks")])
    slow.outbox.offer_log("b", text("changes"))
    slow.outbox.offer_latest("b", "k", text("telemetry"))
    slow.outbox.offer_ephemeral("b", text("presence"))
    slow.outbox.forget("b")
    slow.outbox.offer_log(None, text("left"))
    assert slow.outbox.queued == len(text("joined")) + len(text("left")), "unsent answers count"
    assert slow.reads() == ["filler", "joined", "left"]


class Follower:
    """A client that holds the outbox to the protocol: no hole in a board, every answer, in order."""

    def __init__(self) -> None:
        self.heads: dict[str, int] = {}
        self.lost: set[str] = set()
        self.asked: set[str] = set()
        self.acks: list[int] = []

    def hear(self, line: str) -> None:
        kind, *rest = line.split()
        if kind == "joined":
            self.heads[rest[0]] = int(rest[1])
            self.lost.discard(rest[0])
            self.asked.discard(rest[0])
        elif kind == "change":
            assert rest[0] not in self.lost, "changes between resync and joined"
            assert int(rest[1]) <= self.heads[rest[0]] + 1, "a hole"
            self.heads[rest[0]] = max(self.heads[rest[0]], int(rest[1]))
        elif kind == "resync":
            self.lost.add(rest[0])
        elif kind == "ack":
            self.acks.append(int(rest[0]))


@pytest.mark.parametrize("seed", range(25))
def test_whatever_the_pace_of_the_reader_it_ends_up_with_everything(seed: int, readers: list[Reader]) -> None:
    rng = random.Random(seed)
    readers.append(Reader(PairTransport(kernel_bytes=SMALL), Bounds(log_hard_bytes=10_000_000)))
    [reader] = readers
    follower, heads, acks = Follower(), dict.fromkeys("abc", 0), 0
    unread = b""

    def join(board: str) -> None:
        tasks = [text("tasks", rng.randrange(20_000)) for _ in range(rng.randrange(4))]
        reader.outbox.offer_snapshot(board, [text(f"joined {board} {heads[board]}"), *tasks])

    for board in heads:
        join(board)
    for turn in range(400):
        for _ in range(rng.randrange(6)):
            board = rng.choice("aab")
            heads[board] += 1
            reader.outbox.offer_log(board, text(f"change {board} {heads[board]}", rng.randrange(8_000)))
            reader.outbox.offer_log(None, text(f"ack {acks}"))
            acks += 1
        reader.outbox.flush()
        reading = turn == 399 or rng.random() < 0.4
        if reading:
            unread += reader.transport.read_all() if rng.random() < 0.2 else reader.transport.received()
            reader.transport.pump()
        if turn == 399:
            unread += reader.transport.read_all()
        whole, unread = split(unread)
        for _, payload in frames(whole):
            follower.hear(payload.decode().split(".")[0])
        for board in sorted(follower.lost - follower.asked):
            follower.asked.add(board)
            join(board)
    reader.outbox.flush()
    for _, payload in frames(unread + reader.transport.read_all()):
        follower.hear(payload.decode().split(".")[0])
    assert follower.acks == list(range(acks))
    assert follower.heads == heads


# --- latest and ephemeral


def test_of_the_latest_only_the_newest_goes_out(slow: Reader) -> None:
    for value in range(100):
        slow.outbox.offer_latest("b", "freezer/temp", text(f"temp {value}"))
        slow.outbox.offer_latest("b", "freezer/door", text(f"door {value}"))
    assert slow.reads() == ["filler", "temp 99", "door 99"]


def test_presence_does_not_overtake_the_joined_that_it_continues(slow: Reader) -> None:
    slow.outbox.offer_snapshot("b", [text("joined"), text("tasks", 2 * CHUNK)])
    slow.outbox.offer_ephemeral("b", text("presence"))
    assert slow.reads() == ["filler", "joined", "tasks", "presence"]


def test_presence_is_dropped_first_and_refreshed_when_the_queue_has_drained(slow: Reader) -> None:
    slow.outbox.offer_ephemeral("b", text("dropped"), ["s1"])
    slow.outbox.offer_ephemeral("c", text("dropped"))
    slow.outbox.offer_log("b", text("changes", 15_000))
    slow.outbox.offer_ephemeral("b", text("dropped"), ["s2"])
    slow.outbox.offer_ephemeral("b", text("not even queued"), ["s3"])
    assert slow.reads() == [
        "filler",
        "changes",
        "presence b left ['s1', 's2', 's3']",
        "presence c left []",
    ]
    slow.outbox.offer_ephemeral("b", text("again"))
    slow.outbox.flush()
    assert slow.reads() == ["again"]


def test_there_is_no_refresh_of_a_board_that_is_not_joined_any_more(slow: Reader) -> None:
    slow.outbox.offer_ephemeral("empty", text("dropped", 20_000))
    assert slow.reads() == ["filler"]


def test_an_idle_connection_gets_a_great_deal_of_presence(reader: Reader) -> None:
    reader.outbox.offer_ephemeral("b", text("presence", 50_000))
    reader.outbox.flush()
    assert reader.reads() == ["presence"]


def test_a_joined_brings_presence_afresh(slow: Reader) -> None:
    slow.outbox.offer_ephemeral("b", text("old"))
    slow.outbox.offer_ephemeral("b", text("older", 20_000), ["s1"])
    slow.outbox.offer_resumed("b", text("joined"))
    assert slow.reads() == ["filler", "joined"]


def test_a_thousand_goodbyes_that_could_not_be_told_are_a_resync(slow: Reader) -> None:
    slow.outbox.offer_ephemeral("b", text("dropped", 20_000))
    for number in range(1100):
        slow.outbox.offer_ephemeral("b", text("dropped"), [f"s{number}"])
    assert slow.reads() == ["filler", "resync b"]
