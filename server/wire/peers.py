"""What instances say to each other about a board, over the broker, in msgpack.

A newer version may say more: unknown fields and unknown kinds are passed over.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from server.errors import BadRequest
from server.model.messages import Present
from server.model.records import Change
from server.wire.parsing import MALFORMED
from server.wire.refusals import short

Run = Annotated[str, Meta(min_length=1, max_length=128)]
"""One life of one instance: random at each start, so that a name used again inherits nobody."""
MaybeRun = Annotated[str, Meta(max_length=128)]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""Of what a run tells about its people on a board: each is larger than those before."""
People = Annotated[list[Present], Meta(max_length=1000)]


class PeerChanges(Struct, frozen=True, tag="changes"):
    """Changes of a board, durable, in order; whoever has their predecessor, in that epoch, may advance."""

    epoch: str
    changes: list[Change]


class PeerGrown(Struct, frozen=True, tag="grown"):
    """The board's log goes up to `seq`; what came is too large to be sent around: read it."""

    epoch: str
    seq: int


class PeerMark(Struct, frozen=True, tag="mark"):
    """The board's records reflect the log up to `mark`: the sender has written them."""

    epoch: str
    mark: int


class PeerWant(Struct, frozen=True, tag="want"):
    """The run `by` lost a race for the board's next number: leave it the board for a while."""

    by: MaybeRun = ""


class PeerTurn(Struct, frozen=True, tag="turn"):
    """The sender leaves the board to the run `to`; empty: to whoever wants it. `line`: the runs that want it
    after that one, in order. `back`: the sender has more to write.
    """

    back: bool = False
    to: MaybeRun = ""
    line: Annotated[list[MaybeRun], Meta(max_length=1000)] = []


class PeerWho(Struct, frozen=True, omit_defaults=True, tag="who"):
    """Who is on the board with you? `of`: only this run is asked; empty: everybody is."""

    of: MaybeRun = ""


class PeerHere(Struct, frozen=True, omit_defaults=True, tag="here"):
    """What changed among the people of `run`, for whoever has what it told as `after`.

    `after` 0: nobody was here before. `here`: who came or looks elsewhere; `left`: sessions.
    """

    run: Run
    number: Number
    after: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    here: People = []
    left: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=1000)] = []


class PeerAll(Struct, frozen=True, omit_defaults=True, tag="all"):
    """Everybody whom `run` has on the board as of `number`: part `part` of `parts`, from 0."""

    run: Run
    number: Number
    here: People = []
    part: Annotated[int, Meta(ge=0, lt=1000)] = 0
    parts: Annotated[int, Meta(ge=1, le=1000)] = 1


class PeerAlive(Struct, frozen=True, tag="alive"):
    """A sign of life: `number` is the last that `run` told about the board."""

    run: Run
    number: Number


class PeerTelemetry(Struct, frozen=True, tag="telemetry"):
    """Newest values that came in at the sender: device, metric, time, value. The latest time counts."""

    points: Annotated[list[tuple[str, str, int, float]], Meta(max_length=1000)]


PeerTold = PeerHere | PeerAll | PeerAlive
PeerPresence = PeerWho | PeerTold
PeerLog = PeerChanges | PeerGrown | PeerMark | PeerWant | PeerTurn
PeerMessage = PeerLog | PeerPresence | PeerTelemetry


class _Kind(Struct, frozen=True):
    type: str


_KINDS = {kind.__struct_config__.tag for kind in PeerMessage.__args__}
_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[PeerMessage] = msgspec.msgpack.Decoder(PeerMessage)
_kind: msgspec.msgpack.Decoder[_Kind] = msgspec.msgpack.Decoder(_Kind)


def encode_peer(message: PeerMessage) -> bytes:
    return _encode(message)


def decode_peer(data: bytes) -> PeerMessage | None:
    """What another instance sent; None: of a kind that only a newer version knows.

    Raises `BadRequest` when it is no message at all, or a broken one.
    """
    try:
        return _decoder.decode(data)
    except MALFORMED as error:
        if _is_newer(data):
            return None
        raise BadRequest("peer message", short(str(error))) from None


def _is_newer(data: bytes) -> bool:
    try:
        return _kind.decode(data).type not in _KINDS
    except MALFORMED:
        return False
