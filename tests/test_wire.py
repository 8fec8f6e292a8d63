"""Frames to messages and back, in both codecs; whatever a client sends, `decode` answers."""

import json
import math
import re
import struct
from typing import Any

import msgpack  # type: ignore[import-untyped]
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.errors import BadRequest, Conflict, Unavailable
from server.model.commands import OPERATIONS, TaskCreate
from server.model.messages import Changes, Join, Leave, Mutate, Ping, Present, User
from server.model.records import Actor, Change, Patch
from server.wire import (
    JSON,
    MSGPACK,
    Codec,
    Malformed,
    PeerAlive,
    PeerAll,
    PeerChanges,
    PeerGrown,
    PeerHere,
    PeerMark,
    PeerTurn,
    PeerWant,
    PeerWho,
    choose,
    command,
    decode_peer,
    encode_peer,
    frame,
    refusal,
)
from tests.connections import frames

CODECS = [JSON, MSGPACK]
both = pytest.mark.parametrize("codec", CODECS, ids=["json", "msgpack"])
MUTATE = {"type": "mutate", "id": 1, "board": "b", "mutation": "m", "op": "task.create", "args": {}}


def pack(value: object, codec: Codec) -> str | bytes:
    packed: str | bytes = msgpack.packb(value) if codec.binary else json.dumps(value)
    return packed


def refused(value: object, codec: Codec) -> Malformed:
    [item] = codec.decode(pack(value, codec))
    assert isinstance(item, Malformed)
    return item


def field(item: Malformed) -> object:
    return item.error.details["field"]


# --- decoding


@both
def test_a_frame_is_one_message(codec: Codec) -> None:
    [message] = codec.decode(pack({"type": "join", "id": "x", "board": "b"}, codec))
    assert message == Join(id="x", board="b")


@both
def test_a_frame_may_be_an_array_whose_items_are_judged_one_by_one(codec: Codec) -> None:
    first, second, third = codec.decode(
        pack(
            [
                {"type": "ping", "id": 1},
                {"type": "leave", "id": 2, "board": "a/b"},
                {"type": "leave", "id": 3, "board": "b"},
            ],
            codec,
        )
    )
    assert (first, third) == (Ping(id=1), Leave(id=3, board="b"))
    assert isinstance(second, Malformed)
    assert (field(second), second.id, second.error.code) == ("board", 2, "bad_request")


@both
def test_an_empty_array_asks_for_nothing(codec: Codec) -> None:
    assert codec.decode(pack([], codec)) == []


@both
@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        ({"type": "nope"}, "type", "nope"),
        ({"type": 7}, "type", "expected str"),
        ({"type": ["x"]}, "type", "expected str"),
        ({"colour": 1}, "colour", "unknown field"),
        ({"board": "a/b"}, "board", "1-64 of A-Z a-z 0-9 _ -"),
        ({"board": 5}, "board", "expected str"),
        ({"base": "x"}, "base", "expected int"),
        ({"base": -1}, "base", ">= 0"),
        ({"base": 1.5}, "base", "expected int"),
        ({"base": True}, "base", "expected int"),
        ({"id": None}, "id", "expected int | str"),
        ({"id": "x" * 129}, "id", "length <= 128"),
        ({"args": []}, "args", "expected object"),
        ({"args": None}, "args", "expected object"),
        ({"args": {"title": math.nan}}, "args.title", "finite"),
        ({"args": {"a": [{"b": -math.inf}]}}, "args.a[0].b", "finite"),
    ],
)
def test_a_bad_field_is_named(codec: Codec, change: dict[str, Any], named: str, said: str) -> None:
    item = refused(MUTATE | change, codec)
    assert field(item) == named
    assert item.error.message.startswith(named)
    assert said in item.error.message


@both
@pytest.mark.parametrize("missing", ["type", "id", "board", "mutation", "op", "args"])
def test_a_missing_field_is_named(codec: Codec, missing: str) -> None:
    item = refused({key: value for key, value in MUTATE.items() if key != missing}, codec)
    assert item.error.message == f"{missing}: is missing"


@both
def test_a_nested_field_is_named_with_its_path(codec: Codec) -> None:
    wrong = {"type": "join", "id": 1, "board": "b", "since": {"epoch": "e", "seq": "3"}}
    assert field(refused(wrong, codec)) == "since.seq"
    more = {"type": "join", "id": 1, "board": "b", "since": {"epoch": "e", "seq": 3, "at": 1}}
    assert refused(more, codec).error.message == "since.at: unknown field"


@both
def test_a_refusal_is_addressed_as_far_as_the_address_can_be_read(codec: Codec) -> None:
    item = refused(MUTATE | {"base": "x", "mutation": "a/b"}, codec)
    assert (item.id, item.board, item.mutation) == (1, "b", msgspec.UNSET)
    reply = item.reply()
    assert (reply.id, reply.board, reply.code, reply.retry) == (1, "b", "bad_request", False)


@both
@pytest.mark.parametrize("value", [3, "x", None, [[]], [3]])
def test_what_is_no_map_is_no_message(codec: Codec, value: object) -> None:
    assert field(refused(value, codec)) == "message"


@both
def test_the_other_kind_of_frame_is_refused(codec: Codec) -> None:
    packed = pack({"type": "ping", "id": 1}, codec)
    other = packed.encode() if isinstance(packed, str) else packed.decode("latin-1")
    [item] = codec.decode(other)
    assert isinstance(item, Malformed)
    assert codec.subprotocol in item.error.message


@both
@pytest.mark.parametrize("depth", [40, 500, 20_000])
def test_nesting_is_bounded(codec: Codec, depth: int) -> None:
    if codec.binary:
        deep: str | bytes = msgpack.packb(MUTATE | {"args": {"x": 0}})[:-1] + b"\x91" * depth + b"\x90"
    else:
        deep = json.dumps(MUTATE | {"args": {"x": 0}})[:-3] + "[" * depth + "]" * depth + "}}"
    [item] = codec.decode(deep)
    assert isinstance(item, Malformed)
    assert "nested deeper than 32" in item.error.message


@both
def test_nesting_up_to_the_bound_is_read(codec: Codec) -> None:
    def nested(levels: int) -> list[Any]:
        return [nested(levels - 1)] if levels > 1 else []

    [message] = codec.decode(pack(MUTATE | {"args": {"x": nested(30)}}, codec))
    assert isinstance(message, Mutate)
    assert isinstance(refused(MUTATE | {"args": {"x": nested(31)}}, codec), Malformed)


def test_a_lone_surrogate_is_refused_by_field_and_the_rest_of_the_frame_is_heard() -> None:
    text = '[{"type":"ping","id":1},' + json.dumps(MUTATE | {"args": {"title": "\ud800"}}) + "]"
    ping, item = JSON.decode(text)
    assert ping == Ping(id=1)
    assert isinstance(item, Malformed)
    assert (field(item), item.id) == ("args.title", 1)

    packed = msgpack.packb(MUTATE | {"args": {"title": "\ud800"}}, unicode_errors="surrogatepass")
    [item] = MSGPACK.decode(packed)
    assert isinstance(item, Malformed)
    assert (field(item), item.id) == ("args.title", 1)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"type": "ping", "id": "\udfff"}, "id"),
        ({"type": "ping", "id": 1, "\ud800": 1}, "message"),
        ({"type": "presence", "board": "b", "field": "\ud800"}, "field"),
    ],
)
def test_a_lone_surrogate_gets_in_nowhere(message: dict[str, Any], named: str) -> None:
    [text] = JSON.decode(json.dumps(message))
    [packed] = MSGPACK.decode(msgpack.packb(message, unicode_errors="surrogatepass"))
    for item in (text, packed):
        assert isinstance(item, Malformed)
        assert field(item) == named
        assert JSON.encode(item.reply())


def test_msgpack_has_no_extension_types_no_bytes_and_no_other_keys() -> None:
    for value, named in [
        (msgpack.ExtType(5, b"x"), "args.x"),
        (msgpack.Timestamp(1), "args.x"),
        (b"bytes", "args.x"),
        ([{b"k": 1}], "args.x[0]"),
    ]:
        item = refused(MUTATE | {"args": {"x": value}}, MSGPACK)
        assert (field(item), item.id) == (named, 1)
    assert isinstance(refused({1: 2}, MSGPACK), Malformed)
    assert field(refused({"type": "ping", b"id": 1}, MSGPACK)) == "message"


@pytest.mark.parametrize("size", [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"])
def test_a_msgpack_header_that_claims_gigabytes_is_refused(size: bytes) -> None:
    [item] = MSGPACK.decode(size)
    assert isinstance(item, Malformed)


@pytest.mark.parametrize(
    "text", ["", "{", "nope", '{"type":"ping","id":1}}', "\ufeff{}", "9" * 5000, "1e999"]
)
def test_what_is_not_json_is_refused(text: str) -> None:
    [item] = JSON.decode(text)
    assert isinstance(item, Malformed)
    assert item.error.code == "bad_request"


@both
def test_what_an_error_repeats_of_the_input_is_short(codec: Codec) -> None:
    item = refused(MUTATE | {"x" * 5000: 1}, codec)
    assert len(codec.encode(item.reply())) < 600


# --- decoding, whatever comes

keys = st.sampled_from(["type", "id", "board", "mutation", "op", "args", "base", "since", "client", "x", ""])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ping", "join", "leave", "mutate", "hello", "comments", "presence", "b", "client-1"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=20,
)
ids = st.text("abcXYZ019_-", min_size=1, max_size=64)
finite = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
valid = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("ping"), "id": st.integers(-(2**53), 2**53) | st.text(max_size=128)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("join"), "id": st.integers(0, 9), "board": ids},
        optional={
            "since": st.fixed_dictionaries({"epoch": st.text(max_size=64), "seq": st.integers(0, 2**53 - 1)})
        },
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("mutate"),
            "id": ids,
            "board": ids,
            "mutation": ids,
            "op": st.sampled_from(sorted(OPERATIONS)),
            "args": st.dictionaries(st.text(max_size=9), finite, max_size=4),
        },
        optional={"base": st.integers(0, 2**53 - 1)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("presence"), "board": ids},
        optional={
            "task": st.none() | ids,
            "field": st.none() | st.text(max_size=64),
            "typing": st.booleans(),
        },
    ),
)


def outcome(data: str | bytes, codec: Codec) -> list[object]:
    """What a client would learn of `data`; also proves that each answer can be encoded."""
    found: list[object] = []
    for item in codec.decode(data):
        if isinstance(item, Malformed):
            codec.encode(item.reply())
            found.append("malformed")
        else:
            if isinstance(item, Mutate):
                try_command(item)
            found.append(item)
    return found


def try_command(mutate: Mutate) -> None:
    try:
        command(mutate)
    except BadRequest as error:
        assert str(error.details["field"]).split(".")[0].split("[")[0] in ("op", "args")


@given(valid | st.lists(valid, max_size=4))
@settings(deadline=None)
def test_both_codecs_read_the_same_messages(value: Any) -> None:
    read = outcome(json.dumps(value), JSON)
    assert read == outcome(msgpack.packb(value), MSGPACK)
    assert "malformed" not in read


@given(values)
@settings(deadline=None)
def test_both_codecs_refuse_the_same_messages(value: Any) -> None:
    assert outcome(json.dumps(value), JSON) == outcome(msgpack.packb(value), MSGPACK)


@given(st.binary(max_size=200))
@settings(deadline=None)
@example(b"\x91" * 2000)
@example(b"\xc1")
def test_any_bytes_are_answered(data: bytes) -> None:
    outcome(data, MSGPACK)
    outcome(data, JSON)


@given(st.text(st.characters(), max_size=100) | st.text('{}[]":,\\ud80019e+-ntf ', max_size=60))
@settings(deadline=None)
@example("\ud800")
@example('{"a":"\ud800"}')
@example("[" * 50_000)
def test_any_text_is_answered(text: str) -> None:
    outcome(text, JSON)
    outcome(text, MSGPACK)


# --- commands


def mutate(op: str, args: dict[str, Any]) -> Mutate:
    return Mutate(id=1, board="b", mutation="m", op=op, args=args)


def test_args_become_the_command_that_op_names() -> None:
    made = command(mutate("task.create", {"task": "t", "title": "Milk", "labels": ["a", "b"]}))
    assert made == TaskCreate(task="t", title="Milk", labels=("a", "b"))


def test_an_unknown_operation_is_named() -> None:
    with pytest.raises(BadRequest, match=r"^op: there is no operation 'task\.explode'"):
        command(mutate("task.explode", {}))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"task": "t", "title": "x" * 201}, r"args\.title: expected str of length <= 200"),
        ({"task": "t", "title": "  "}, r"args\.title: expected some text that is not blank"),
        ({"task": "t"}, r"args\.title: is missing"),
        ({"task": "t", "title": "x", "colour": 1}, r"args\.colour: unknown field"),
        ({"task": "t", "title": "x", "labels": ["a", "b/c"]}, r"args\.labels\[1\]: expected 1-64 of"),
        ({"task": "t", "title": "x", "checklist": [{"id": "i"}]}, r"args\.checklist\[0\]\.text: is missing"),
        ({"task": "t", "title": "x", "priority": "asap"}, r"args\.priority: invalid enum value 'asap'"),
        ({"task": "t", "title": "x", "labels": None}, r"args\.labels: expected array"),
        ({"task": "t", "title": "x", "after": 3}, r"args\.after: expected str"),
    ],
)
def test_a_bad_argument_is_named(args: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        command(mutate("task.create", args))


@pytest.mark.parametrize(
    ("op", "args", "message"),
    [
        ("command.send", {"command": "c", "device": "d", "name": "a b"}, "args.name: expected 1-64 of"),
        (
            "rule.set",
            {"rule": {"id": "r", "device": "?", "metric": "m"}},
            "args.rule.device: expected a device, or *",
        ),
    ],
)
def test_what_is_expected_is_said_in_words_and_not_as_a_pattern(
    op: str, args: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequest, match=re.escape(message)):
        command(mutate(op, args))


# --- encoding

CHANGES = [
    Change(
        seq=seq,
        at=1,
        actor=Actor(id="u", name="Ada"),
        op="task.update",
        task="t",
        set=Patch(title="é" * seq, due_at=None),
        was=Patch(title="x"),
    )
    for seq in (1, 2, 3)
]


@both
def test_changes_encoded_beforehand_make_the_same_frame(codec: Codec) -> None:
    fresh = codec.changes("b", CHANGES)
    assert fresh == codec.changes("b", [codec.raw(change) for change in CHANGES])
    assert fresh == codec.frame(Changes(board="b", changes=CHANGES))


@both
def test_what_is_cleared_is_null_and_what_is_unchanged_is_absent(codec: Codec) -> None:
    [(_, payload)] = frames(codec.changes("b", CHANGES[:1]))
    decode = msgspec.msgpack.decode if codec.binary else msgspec.json.decode
    assert decode(payload)["changes"][0]["set"] == {"title": "é", "due_at": None}


@both
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_has_the_shortest_header_that_fits(codec: Codec, size: int) -> None:
    whole = frame(b"x" * size, codec.binary)
    assert frames(whole) == [(2 if codec.binary else 1, b"x" * size)]
    assert whole[0] & 0x80
    assert not whole[1] & 0x80
    assert len(whole) - size == (2 if size < 126 else 4 if size < 65_536 else 10)
    assert struct.unpack("!B", whole[:1])[0] & 0x70 == 0


@both
def test_an_error_message_has_what_the_error_knows(codec: Codec) -> None:
    told = codec.encode(
        refusal(Conflict("title", "was changed", current="New"), id=7, board="b", mutation="m")
    )
    decode = msgspec.msgpack.decode if codec.binary else msgspec.json.decode
    assert decode(told) == {
        "type": "error",
        "id": 7,
        "board": "b",
        "mutation": "m",
        "code": "conflict",
        "message": "title: was changed",
        "retry": False,
        "details": {"field": "title", "current": "New"},
    }
    assert refusal(Unavailable("the store is down")).retry is True


def test_the_first_known_subprotocol_is_taken() -> None:
    assert choose([]) is JSON
    assert choose(["chat", MSGPACK.subprotocol, JSON.subprotocol]) is MSGPACK
    assert choose([JSON.subprotocol, MSGPACK.subprotocol]) is JSON
    assert choose(["chat"]) is None


# --- between instances


def test_peers_understand_each_other() -> None:
    news = PeerChanges(epoch="e", changes=CHANGES)
    assert decode_peer(encode_peer(news)) == news
    assert decode_peer(encode_peer(PeerGrown("e", 7))) == PeerGrown("e", 7)
    assert decode_peer(encode_peer(PeerMark("e", 7))) == PeerMark("e", 7)
    turn = PeerTurn(back=True, to="a", line=["b"])
    assert decode_peer(encode_peer(turn)) == turn
    assert decode_peer(encode_peer(PeerWant(by="a"))) == PeerWant(by="a")
    ada = Present(session="s1", user=User("u_a", "Ada"), kind="user", task="t1", typing=True)
    for message in (
        PeerWho(),
        PeerWho(of="a-1"),
        PeerHere(run="a-1", number=7, after=3, here=[ada], left=["s2"]),
        PeerAll(run="a-1", number=7, here=[ada], part=1, parts=2),
        PeerAlive(run="a-1", number=7),
    ):
        assert decode_peer(encode_peer(message)) == message


def test_what_a_newer_peer_says_besides_is_passed_over() -> None:
    assert decode_peer(msgspec.msgpack.encode({"type": "future", "number": 0})) is None
    known = {"type": "alive", "run": "a-1", "number": 7, "weather": "fine"}
    assert decode_peer(msgspec.msgpack.encode(known)) == PeerAlive(run="a-1", number=7)


@pytest.mark.parametrize(
    "fields",
    [
        {"run": "r" * 129},
        {"number": 0},
        {"here": [{"session": "s" * 65, "user": {"id": "u", "name": "n"}, "kind": "user"}]},
        {"here": [{"session": "s", "user": {"id": "u", "name": "n" * 101}, "kind": "user"}]},
        {"left": ["s"] * 1001},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_no_peer_tells_more_than_fits(fields: dict[str, object]) -> None:
    message = {"type": "here", "run": "a-1", "number": 7, "after": 3}
    assert decode_peer(msgspec.msgpack.encode(message)) is not None
    with pytest.raises(BadRequest):
        decode_peer(msgspec.msgpack.encode(message | fields))


@given(st.binary(max_size=100))
@settings(deadline=None)
@example(msgspec.msgpack.encode({"type": "alive", "run": "r", "number": 0}))
@example(msgspec.msgpack.encode({"type": 1}))
@example(b"\x91" * 5000)
def test_what_is_no_message_of_a_peer_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        decode_peer(data)
