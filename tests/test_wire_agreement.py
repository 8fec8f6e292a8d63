"""The two codecs agree: what one takes the other takes, as the same message, and both refuse alike."""

import json
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.model.messages import Mutate
from server.wire import JSON, MSGPACK, Malformed, command
from tests.hostile import BAD_FIELDS, NOT_MESSAGES, REFUSED

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
KEYS = TEXTS | st.sampled_from(
    ["type", "id", "board", "task", "title", "op", "args", "seq", "epoch", "since"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
TYPES = st.sampled_from(["hello", "join", "leave", "mutate", "comments", "presence", "ping", "dance"])
WORDS = st.sampled_from(
    ["demo", "t", "task.create", "task.update", "board.create", "client-1", 7, -1, 1.5, None]
)
FIELDS = ["id", "board", "mutation", "op", "args", "base", "since", "client", "name", "token", "task"]
MESSAGES = st.fixed_dictionaries({"type": TYPES}, optional=dict.fromkeys(FIELDS, WORDS | VALUES))
ALMOST_GOOD = st.sampled_from(
    [message for message, _ in BAD_FIELDS.values()] + [message for message, *_ in REFUSED.values()]
)


def taken(value: Any, *, binary: bool) -> list[Any]:
    """What `decode` makes of a value, in words that can be compared."""
    codec = MSGPACK if binary else JSON
    packed = msgpack.packb(value) if binary else json.dumps(value)
    return [_told(item) for item in codec.decode(packed)]


def _told(item: Any) -> Any:
    if isinstance(item, Malformed):
        return (item.error.code, item.error.details["field"], item.id, item.board, item.mutation)
    told: tuple[Any, ...] = (type(item).__name__, msgspec.to_builtins(item))
    if isinstance(item, Mutate):
        try:
            return (*told, msgspec.to_builtins(command(item)))
        except Exception as error:
            return (*told, type(error).__name__, str(error))
    return told


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES | ALMOST_GOOD | st.lists(MESSAGES | VALUES, max_size=4) | VALUES)
@example({"type": "ping", "id": 2**63 - 1})
@example({"type": "ping", "id": -0.0})
@example(
    {"type": "mutate", "id": 1, "board": "b", "mutation": "m", "op": "task.update", "args": {"due_at": 1.0}}
)
@example([{"type": "ping", "id": 1}, [{"type": "ping", "id": 2}]])
@example({"type": "ping", "id": "\x00"})
@example({})
@example([])
def test_both_codecs_make_the_same_of_the_same_value(value: Any) -> None:
    assert taken(value, binary=False) == taken(value, binary=True)


@pytest.mark.parametrize("what", NOT_MESSAGES)
def test_both_codecs_refuse_what_is_no_message_alike(what: str) -> None:
    value = NOT_MESSAGES[what]
    assert taken(value, binary=False) == taken(value, binary=True)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | MESSAGES.map(msgpack.packb).flatmap(lambda whole: _bent(whole)))
def test_any_bytes_are_answered_by_msgpack(data: bytes) -> None:
    for item in MSGPACK.decode(data):
        msgspec.json.encode(item.reply() if isinstance(item, Malformed) else item)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200) | MESSAGES.map(json.dumps).flatmap(lambda whole: _cut(whole)))
def test_any_text_is_answered_by_json(data: str) -> None:
    for item in JSON.decode(data):
        msgspec.json.encode(item.reply() if isinstance(item, Malformed) else item)


def _bent(whole: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with one of them changed."""
    places = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    return places.map(lambda place: whole[: place[0]] + bytes([place[1]]) + whole[place[0] + 1 :])


def _cut(whole: str) -> st.SearchStrategy[str]:
    """The text with a piece cut out."""
    places = st.tuples(st.integers(0, len(whole)), st.integers(0, 8))
    return places.map(lambda place: whole[: place[0]] + whole[place[0] + place[1] :])
