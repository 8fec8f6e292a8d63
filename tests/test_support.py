"""The measuring instruments are measured first: placeholders, and the tests' own fold."""

import pytest
import yaml

from tests.fold import Fold
from tests.placeholders import Mismatch, fill, match, matches
from tests.sockets import BINARY, TEXT, masked_frame
from tests.support import decode, encode

JOINED = yaml.safe_load("""
type: joined
mode: snapshot
epoch: e1
seq: 4
snapshot:
  board: {id: b, name: B}
  columns: [{id: todo, title: To do, position: a0}]
  labels: []
  members: [{user: u_1, role: owner}]
  devices: []
  rules: []
  commands: []
  tasks: [{id: t1, title: One, labels: [], comments: 0, seq: 3}]
  more: false
""")


def change(seq: int, **fields: object) -> dict[str, object]:
    body = {"seq": seq, "at": 1_000 + seq, "actor": {"id": "u_2"}, "set": {}, "was": {}, **fields}
    return {"type": "changes", "changes": [body]}


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("<any>", None),
        ("<seq>", 1),
        ("<time>", 1_790_000_000_000),
        ("<id>", "u_1-a"),
        ("<text>", "x"),
        ("<text about args.title>", "args.title: too long"),
        ({"a": 1, "...": True}, {"a": 1, "b": 2}),
        ({"a": 1, "b": "<absent>"}, {"a": 1}),
        ([{"a": 2}, "..."], [{"a": 1}, {"a": 2}]),
        ([], []),
    ],
)
def test_a_placeholder_stands_for_its_kind(wanted: object, got: object) -> None:
    match(wanted, got, {})


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("<seq>", 0),
        ("<seq>", True),
        ("<int>", 1.0),
        ("<time>", 12),
        ("<id>", "a/b"),
        ("<text>", ""),
        ("<text about title>", "column: gone"),
        ("<text about title>", None),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2, "...": True}, {"a": 1}),
        ({"b": "<absent>", "...": True}, {"b": None}),
        ([1], [1, 2]),
        ([3, "..."], [1, 2]),
        (1, True),
        (1, 1.0),
        (False, 0),
        ({}, []),
    ],
)
def test_what_is_not_of_the_kind_is_a_mismatch(wanted: object, got: object) -> None:
    with pytest.raises(Mismatch):
        match(wanted, got, {})


def test_a_name_stands_for_one_value_from_its_first_match_on() -> None:
    names: dict[str, object] = {}
    match({"user": "<id:alice>"}, {"user": "u_1"}, names)
    match({"by": "<id:alice>"}, {"by": "u_1"}, names)
    with pytest.raises(Mismatch, match="by: wanted"):
        match({"by": "<id:alice>"}, {"by": "u_2"}, names)
    assert fill({"args": {"users": ["<id:alice>", "bob"]}}, names) == {"args": {"users": ["u_1", "bob"]}}


def test_a_failed_attempt_remembers_nothing() -> None:
    names: dict[str, object] = {}
    assert not matches({"a": "<id:x>", "b": 1}, {"a": "q", "b": 2}, names)
    assert names == {}


def test_the_fold_of_a_snapshot_and_changes() -> None:
    fold = Fold()
    fold.take(JOINED)
    fold.take(change(5, task="t1", set={"title": "Two", "comments": 1, "comment": {"id": "k"}}))
    fold.take(change(6, set={"name": "C", "columns": {"todo": {"title": "Now"}, "new": {"title": "N"}}}))
    fold.take(change(7, set={"columns": {"new": None}}, also={"t1": {"set": {"column": "todo"}, "was": {}}}))
    assert fold.tasks == {
        "t1": {
            "id": "t1",
            "title": "Two",
            "labels": [],
            "comments": 1,
            "column": "todo",
            "updated_at": 1_007,
            "updated_by": "u_2",
            "seq": 7,
        }
    }
    assert fold.board == {"id": "b", "name": "C"}
    assert fold.parts["columns"] == {"todo": {"id": "todo", "title": "Now", "position": "a0"}}
    assert fold.since == {"epoch": "e1", "seq": 7}


def test_a_deleted_task_is_gone_until_it_is_restored() -> None:
    fold = Fold()
    fold.take(JOINED)
    fold.take(change(5, task="t1", set={"deleted": True}))
    assert fold.tasks == {}
    fold.take(change(6, task="t1", set={"title": "One", "deleted": False}))
    assert fold.tasks["t1"]["title"] == "One"


def test_the_fold_refuses_a_hole_and_a_change_within_the_parts_of_a_snapshot() -> None:
    fold = Fold()
    fold.take(JOINED)
    with pytest.raises(AssertionError, match="6 after 4"):
        fold.take(change(6))
    fold.take(JOINED | {"snapshot": JOINED["snapshot"] | {"more": True}})
    assert fold.since is None
    with pytest.raises(AssertionError, match="whole snapshot"):
        fold.take(change(5))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_masked_frame_unmasks_to_its_payload(size: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    frame = masked_frame(payload, BINARY)
    head = len(frame) - size
    mask = frame[head - 4 : head]
    assert bytes(byte ^ mask[index % 4] for index, byte in enumerate(frame[head:])) == payload
    assert frame[0] == 0x82
    assert frame[1] & 0x80


def test_both_codecs_carry_the_same_message() -> None:
    message = {"type": "ping", "id": 1, "text": "é"}
    for codec, opcode in (("json", TEXT), ("msgpack", BINARY)):
        payload, sent = encode(codec, message)
        assert sent == opcode
        assert decode(codec, opcode, payload) == message
