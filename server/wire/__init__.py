"""Frames to messages and back: JSON and msgpack, sizes, depth; shared encoding. Dicts stop here.

A frame is encoded once per codec and the same bytes go to everybody. Whatever a client sends, `Codec.decode`
answers with messages or with `Malformed`; nothing is raised.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, cast, get_args

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from server.errors import BadRequest, BoardcastError
from server.model.commands import OPERATIONS, Command
from server.model.fields import Id, RequestId
from server.model.messages import ClientMessage, ErrorMessage, Mutate
from server.model.records import Change
from server.wire.bodies import parse_as
from server.wire.parsing import (
    MALFORMED,
    MAX_DEPTH,
    parse_json,
    parse_msgpack,
    reparse_json,
    reparse_msgpack,
    require_plain,
)
from server.wire.peers import (
    PeerAlive,
    PeerAll,
    PeerChanges,
    PeerGrown,
    PeerHere,
    PeerLog,
    PeerMark,
    PeerMessage,
    PeerPresence,
    PeerTelemetry,
    PeerTold,
    PeerTurn,
    PeerWant,
    PeerWho,
    decode_peer,
    encode_peer,
)
from server.wire.refusals import bad_field, explain, refusal, short

__all__ = [
    "JSON",
    "MAX_DEPTH",
    "MSGPACK",
    "Codec",
    "Malformed",
    "PeerAlive",
    "PeerAll",
    "PeerChanges",
    "PeerGrown",
    "PeerHere",
    "PeerLog",
    "PeerMark",
    "PeerMessage",
    "PeerPresence",
    "PeerTelemetry",
    "PeerTold",
    "PeerTurn",
    "PeerWant",
    "PeerWho",
    "choose",
    "command",
    "decode_peer",
    "encode_peer",
    "explain",
    "frame",
    "parse_as",
    "refusal",
]


_SHORT_HEADS = [[bytes((opcode, size)) for size in range(126)] for opcode in (0x81, 0x82)]
"""The beginnings of short frames, by whether they are binary."""
_KINDS = {kind.__struct_config__.tag: kind for kind in get_args(ClientMessage)}


MOST_MESSAGES = 1000
"""In one frame: what is in it is handled in one turn, while others wait."""


class Malformed(Struct, frozen=True, kw_only=True):
    """An item of a frame that is no message, with as much of its address as could be read."""

    error: BoardcastError
    id: RequestId | UnsetType = UNSET
    board: str | UnsetType = UNSET
    mutation: str | UnsetType = UNSET

    def reply(self) -> ErrorMessage:
        return refusal(self.error, id=self.id, board=self.board, mutation=self.mutation)


class _Changes(Struct, frozen=True, tag="changes"):
    """`messages.Changes` whose changes may be encoded already."""

    board: str
    changes: Sequence[Change | Raw]


class Codec:
    """One of the two encodings, `JSON` or `MSGPACK`. `binary`: its frames are binary ones."""

    def __init__(
        self,
        name: str,
        *,
        binary: bool,
        parse: Callable[[Any], object],
        reparse: Callable[[Any], object],
        encode: Callable[[object], bytes],
    ) -> None:
        self.name = name
        self.subprotocol = f"boardcast.v1.{name.lower()}"
        self.binary = binary
        self._parse = parse
        self._reparse = reparse
        self._encode = encode

    def __repr__(self) -> str:
        return f"<Codec {self.subprotocol}>"

    def decode(self, data: str | bytes) -> list[ClientMessage | Malformed]:
        """The messages of a client frame (one, or an array of them), in order. Never raises.

        Each item is judged on its own: a bad one becomes a `Malformed` and the others are not touched.
        """
        if isinstance(data, str) is self.binary:
            wanted = "binary" if self.binary else "text"
            error = BadRequest("frame", f"{self.subprotocol} takes {wanted} frames only")
            return [Malformed(error=error)]
        try:
            parsed = self._parse(data)
            plain = isinstance(data, str) and data.count("{") + data.count("[") <= MAX_DEPTH
            if plain and isinstance(parsed, Struct):  # one message, as nearly always
                return [cast(ClientMessage, parsed)]
            items = _items(parsed)
            if len(items) > MOST_MESSAGES:
                return [Malformed(error=bad_field("frame", f"holds more than {MOST_MESSAGES} messages"))]
            return [_judge(item, plain=plain) for item in items]  # plain: it parsed, and cannot be deep
        except MALFORMED as flaw:
            return self._diagnose(data, flaw)

    def encode(self, message: Struct) -> bytes:
        """The payload of a frame that holds `message`."""
        return self._encode(message)

    def raw(self, part: Struct) -> Raw:
        """`part` (a change, a snapshot) encoded once, to be put into any number of messages of this codec."""
        return Raw(self._encode(part))

    def frame(self, message: Struct) -> bytes:
        """The complete WebSocket frame that holds `message`."""
        return frame(self._encode(message), self.binary)

    def changes(self, board: str, changes: Sequence[Change | Raw]) -> bytes:
        """The complete frame of a `changes` message; a change may be given as `raw(change)`."""
        return frame(self._encode(_Changes(board, changes)), self.binary)

    def _diagnose(self, data: str | bytes, flaw: Exception) -> list[ClientMessage | Malformed]:
        """Answer a frame that the strict parser refused: item by item when the flaw can be located."""
        try:
            judged = [_judge(item, trusted=False) for item in _items(self._reparse(data))]
        except MALFORMED:
            judged = []
        if any(isinstance(item, Malformed) for item in judged):
            return judged
        if isinstance(flaw, RecursionError) or type(flaw).__name__ == "StackError":
            return [Malformed(error=bad_field("message", f"nested deeper than {MAX_DEPTH}"))]
        reason = f"cannot be read as {self.name}: {flaw}".removesuffix(": ")
        return [Malformed(error=BadRequest("frame", short(reason)))]


def size_of(frame: str | bytes) -> int:
    """In bytes: text in another script than Latin takes more of them than it has characters."""
    return len(frame.encode()) if isinstance(frame, str) and not frame.isascii() else len(frame)


def frame(payload: bytes, binary: bool) -> bytes:
    """A whole unmasked WebSocket frame, as a server sends it (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return _SHORT_HEADS[binary][size] + payload
    opcode = 0x82 if binary else 0x81
    if size < 1 << 16:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


def command(mutate: Mutate) -> Command:
    """The typed command that `op` and `args` state. Raises `BadRequest` naming `op` or `args.…`."""
    kind = OPERATIONS.get(mutate.op)
    if kind is None:
        raise BadRequest("op", f"there is no operation {mutate.op!r}")
    try:
        return msgspec.convert(mutate.args, kind)
    except msgspec.ValidationError as error:
        raise explain(error, "args") from None


def choose(offered: Sequence[str]) -> Codec | None:
    """The codec of the first subprotocol that is known; JSON when none is asked for; None: only unknown."""
    if not offered:
        return JSON
    known = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}
    return next((known[name] for name in offered if name in known), None)


def _items(parsed: object) -> list[object]:
    return parsed if isinstance(parsed, list) else [parsed]


def _judge(item: object, *, trusted: bool = True, plain: bool = False) -> ClientMessage | Malformed:
    try:
        if not trusted:
            require_plain(item)
        message = item if isinstance(item, Struct) else _typed(item)
        # `args` is the one place where anything fits, until its command is known.
        if not plain and isinstance(message, Mutate):
            require_plain(message.args, "args", 2)
        return cast(ClientMessage, message)
    except msgspec.ValidationError as error:
        return _addressed(item, explain(error))
    except BoardcastError as error:
        return _addressed(item, error)


def _typed(item: object) -> object:
    # msgspec keeps what it knows of one Struct, but works a union out afresh each time: 8 µs against 1
    tag = item.get("type") if isinstance(item, dict) else None
    return msgspec.convert(item, _KINDS.get(tag, ClientMessage) if isinstance(tag, str) else ClientMessage)


def _addressed(item: object, error: BoardcastError) -> Malformed:
    return Malformed(
        error=error,
        id=_read(item, "id", RequestId),
        board=_read(item, "board", Id),
        mutation=_read(item, "mutation", Id),
    )


def _read(item: object, key: str, kind: Any) -> Any:
    value = item.get(key, UNSET) if isinstance(item, dict) else getattr(item, key, UNSET)
    try:
        require_plain(value)
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, BoardcastError):
        return UNSET


JSON = Codec(
    "JSON", binary=False, parse=parse_json, reparse=reparse_json, encode=msgspec.json.Encoder().encode
)
MSGPACK = Codec(
    "msgpack",
    binary=True,
    parse=parse_msgpack,
    reparse=reparse_msgpack,
    encode=msgspec.msgpack.Encoder().encode,
)
