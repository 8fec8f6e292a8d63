"""What instances say to each other about a board, over the broker, in msgpack."""

import msgspec
from msgspec import Struct

from server.errors import BadRequest
from server.model.records import Change
from server.wire.parsing import MALFORMED
from server.wire.refusals import short


class PeerChanges(Struct, frozen=True, tag="changes"):
    """Changes of a board, durable, in order; whoever has their predecessor, in that epoch, may advance."""

    epoch: str
    changes: list[Change]


class PeerWant(Struct, frozen=True, tag="want"):
    """The sender lost a race for the board's next number: leave it one round trip."""


PeerMessage = PeerChanges | PeerWant

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[PeerMessage] = msgspec.msgpack.Decoder(PeerMessage)


def encode_peer(message: PeerMessage) -> bytes:
    return _encode(message)


def decode_peer(data: bytes) -> PeerMessage:
    """What another instance sent. Raises `BadRequest` when it is nothing that this version knows."""
    try:
        return _decoder.decode(data)
    except MALFORMED as error:
        raise BadRequest("peer message", short(str(error))) from None
