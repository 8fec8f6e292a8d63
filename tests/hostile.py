"""Bad input, by the name of what is wrong with it. All of it is about the board `quiet`."""

import struct
from typing import Any

import msgpack

from tests.support import Message

BOARD = "quiet"
SURROGATE = "\ud800"


def mutate(op: str, **args: Any) -> Message:
    return {"type": "mutate", "id": "bad", "board": BOARD, "mutation": "m", "op": op, "args": args}


def without(key: str, message: Message) -> Message:
    return {name: value for name, value in message.items() if name != key}


def nested(levels: int) -> Any:
    value: Any = "core"
    for _ in range(levels):
        value = [value]
    return value


CREATE: Message = {"task": "new", "title": "T"}
NOT_MESSAGES = {
    "a number": 42,
    "null": None,
    "a string": "hello",
    "an array in an array": [[{"type": "ping", "id": 1}]],
    "no type": {"id": "bad"},
    "a type that is a number": {"type": 7, "id": "bad"},
}
BAD_FIELDS: dict[str, tuple[Message, str]] = {
    "unknown type": ({"type": "dance", "id": "bad"}, "type"),
    "missing field": ({"type": "join", "id": "bad"}, "board"),
    "extra field": ({"type": "ping", "id": "bad", "colour": 1}, "colour"),
    "extra argument": (mutate("task.create", **CREATE, colour=1), "colour"),
    "missing argument": (mutate("task.create", task="new"), "title"),
    "no args": (without("args", mutate("task.create")), "args"),
    "args as a list": (mutate("task.create") | {"args": []}, "args"),
    "unknown operation": (mutate("task.explode", task="t"), "op"),
    "board as a number": ({"type": "join", "id": "bad", "board": 5}, "board"),
    "title as a number": (mutate("task.create", task="new", title=5), "title"),
    "completed as text": (mutate("task.update", task="t", completed="yes"), "completed"),
    "title too long": (mutate("task.create", task="new", title="x" * 201), "title"),
    "title empty": (mutate("task.create", task="new", title=""), "title"),
    "title null": (mutate("task.update", task="t", title=None), "title"),
    "description too long": (mutate("task.update", task="t", description="x" * 20_001), "description"),
    "labels null": (mutate("task.update", task="t", labels_add=None), "labels_add"),
    "labels of numbers": (mutate("task.update", task="t", labels_add=[1]), "labels_add"),
    "unknown priority": (mutate("task.update", task="t", priority="nuclear"), "priority"),
    "due before 1970": (mutate("task.update", task="t", due_at=-1), "due_at"),
    "due at half a millisecond": (mutate("task.update", task="t", due_at=1.5), "due_at"),
    "due in 2^63": (mutate("task.update", task="t", due_at=2**63), "due_at"),
    "due at a truth": (mutate("task.update", task="t", due_at=True), "due_at"),
    "id with a slash": (mutate("task.create", task="a/b", title="T"), "task"),
    "id empty": (mutate("task.create", task="", title="T"), "task"),
    "id of 65": (mutate("task.create", task="x" * 65, title="T"), "task"),
    "id with a line end": (mutate("task.create", task="x\n", title="T"), "task"),
    "id of another alphabet": (mutate("task.create", task="ж", title="T"), "task"),
    "board with a slash": ({"type": "join", "id": "bad", "board": "../etc"}, "board"),
    "mutation with a slash": (mutate("task.delete", task="t") | {"mutation": "a/b"}, "mutation"),
    "mutation missing": (
        {k: v for k, v in mutate("task.delete", task="t").items() if k != "mutation"},
        "mut",
    ),
    "anchor as a number": (mutate("task.move", task="t", column="todo", after=5), "after"),
    "position with a space": (mutate("task.move", task="t", column="todo", position="a b"), "position"),
    "base below zero": (mutate("task.update", task="t", title="X") | {"base": -1}, "base"),
    "base as text": (mutate("task.update", task="t", title="X") | {"base": "2"}, "base"),
    "since without a seq": ({"type": "join", "id": "bad", "board": BOARD, "since": {"epoch": "e"}}, "seq"),
    "colour that is none": (mutate("label.create", label="l", name="L", color="red"), "color"),
    "limit of zero": ({"type": "comments", "id": "bad", "board": BOARD, "task": "t", "limit": 0}, "limit"),
    "nested too deep": (mutate("task.create", **CREATE, checklist=nested(40)), ""),
    "second hello": ({"type": "hello", "id": "bad", "client": "somebody-else"}, "hello"),
}
REFUSED: dict[str, tuple[Message, str, str]] = {
    "column gone": (mutate("task.move", task="t", column="gone"), "not_found", "gone"),
    "column never there": (mutate("task.create", **CREATE, column="attic"), "not_found", "attic"),
    "label never there": (mutate("task.update", task="t", labels_add=["x1"]), "not_found", "x1"),
    "deleted task": (mutate("task.update", task="dead", title="X"), "not_found", "dead"),
    "task never there": (mutate("task.delete", task="nil"), "not_found", "nil"),
    "comment never there": (mutate("comment.edit", task="t", comment="nil", text="X"), "not_found", "nil"),
    "id taken": (mutate("task.create", task="t", title="T"), "conflict", "task"),
}
_MUTATE = '{"type":"mutate","id":"bad","board":"quiet","mutation":"m",'
TITLE = _MUTATE + '"op":"task.create","args":{"task":"n","title":'
UPDATE = _MUTATE + '"op":"task.update","args":{"task":"t",'
RAW_JSON = {
    "nothing": "",
    "a brace": "{",
    "two messages": '{"type":"ping","id":1}{"type":"ping","id":2}',
    "single quotes": "{'type':'ping','id':1}",
    "not a number": UPDATE + '"due_at":NaN}}',
    "infinity": UPDATE + '"due_at":Infinity}}',
    "beyond a double": UPDATE + '"due_at":1e999}}',
    "five hundred digits": UPDATE + '"due_at":' + "9" * 500 + "}}",
    "a lone surrogate": TITLE + '"\\ud800"}}',
    "a broken escape": TITLE + '"\\u12"}}',
    "a raw line end": TITLE + '"\n"}}',
    "brackets without end": "[" * 60_000,
    "brackets in args": UPDATE + '"title":' + "[" * 20_000 + "]" * 20_000 + "}}",
}
_AT_SIGN = msgpack.packb(mutate("task.create", task="n", title="@"))
RAW_MSGPACK = {
    "nothing": b"",
    "a byte that is never used": b"\xc1",
    "half a message": msgpack.packb({"type": "ping", "id": 1})[:-1],
    "two messages": msgpack.packb({"type": "ping", "id": 1}) * 2,
    "not a number": msgpack.packb(mutate("task.update", task="t", due_at=float("nan"))),
    "infinity": msgpack.packb(mutate("task.update", task="t", due_at=float("inf"))),
    "2^64 - 1": msgpack.packb(mutate("task.update", task="t", due_at=2**64 - 1)),
    "a lone surrogate": msgpack.packb(
        mutate("task.create", task="n", title=SURROGATE), unicode_errors="surrogatepass"
    ),
    "bytes that are no text": msgpack.packb(mutate("task.create", task="n", title="@")).replace(
        b"@", b"\xff"
    ),
    "binary in place of text": msgpack.packb(mutate("task.create", task="n", title=b"T")),
    "keys that are numbers": msgpack.packb({1: 2, "type": "ping", "id": 1}),
    "keys that are lists": b"\x81\x91\x01\x02",
    "an extension": msgpack.packb(mutate("task.create", task="n", title=msgpack.ExtType(5, b"x"))),
    "a timestamp": msgpack.packb(mutate("task.update", task="t", due_at=msgpack.Timestamp(1))),
    "an array that claims 4 G": b"\xdd" + struct.pack("!I", 2**32 - 1),
    "a map that claims 4 G": b"\xdf" + struct.pack("!I", 2**32 - 1),
    "a string that claims 4 G": b"\xdb" + struct.pack("!I", 2**32 - 1) + b"x",
    "lists without end": b"\x91" * 60_000,
    "an array of a thousand nothings in args": msgpack.packb(
        mutate("task.create", **CREATE, labels=[None] * 1000)
    ),
}
