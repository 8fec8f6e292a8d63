"""RFC 6455, sections 5 to 8, as far as reading a client's frames goes."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.framing import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameReader, Message
from tests.sockets import masked_frame

MOST = 65_536


def read(data: bytes, step: int = 0) -> tuple[list[Message], int | None]:
    """The messages and the code of the violation, fed at once or `step` bytes at a time."""
    reader = FrameReader(MOST)
    found: list[Message] = []
    for at in range(0, len(data), step or max(len(data), 1)):
        found += reader.feed(data[at : at + (step or len(data))])
    return found, None if reader.violation is None else reader.violation.code


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_frames_of_every_length_form_are_read(size: int, opcode: int) -> None:
    assert read(masked_frame(b"x" * size, opcode)) == ([(opcode, b"x" * size)], None)


@given(
    st.lists(st.tuples(st.sampled_from([BINARY, PING, PONG]), st.binary(max_size=125)), max_size=8),
    st.integers(1, 40),
)
def test_it_does_not_matter_how_the_bytes_are_divided(frames: list[tuple[int, bytes]], step: int) -> None:
    data = b"".join(masked_frame(payload, opcode) for opcode, payload in frames)
    assert read(data, step) == (frames, None) == read(data)


def test_control_frames_come_between_the_fragments_of_a_message() -> None:
    data = (
        masked_frame("grü".encode()[:3], TEXT, fin=False)
        + masked_frame(b"?", PING)
        + masked_frame(b"", CONTINUATION, fin=False)
        + masked_frame("grü".encode()[3:], CONTINUATION)
        + masked_frame(b"\x03\xe8", CLOSE)
    )
    expected = [(PING, b"?"), (TEXT, "grü".encode()), (CLOSE, b"\x03\xe8")]
    assert read(data) == (expected, None) == read(data, 1)


def with_head(first: int, second: int, rest: bytes = b"\0\0\0\0") -> bytes:
    return bytes([first, second]) + rest


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (with_head(0x81, 0x00), 1002),
        (with_head(0xC1, 0x80), 1002),
        (with_head(0xA1, 0x80), 1002),
        (with_head(0x91, 0x80), 1002),
        (with_head(0x83, 0x80), 1002),
        (with_head(0x8B, 0x80), 1002),
        (with_head(0x09, 0x80), 1002),
        (with_head(0x89, 0xFE), 1002),
        (masked_frame(b"x", CONTINUATION), 1002),
        (masked_frame(b"x", TEXT, fin=False) + masked_frame(b"y", TEXT), 1002),
        (masked_frame(b"\xff", TEXT), 1007),
        (masked_frame(b"\xed\xa0\x80", TEXT), 1007),
        (masked_frame(b"x" * (MOST + 1), TEXT), 1009),
        (with_head(0x82, 0xFF, struct.pack("!Q", 2**63)) + b"\0\0\0\0", 1009),
        (masked_frame(b"x" * MOST, BINARY, fin=False) + masked_frame(b"y", CONTINUATION), 1009),
    ],
    ids=[
        "unmasked", "rsv1", "rsv2", "rsv3", "reserved data opcode", "reserved control opcode",
        "fragmented ping", "long ping", "continuation of nothing", "a message inside another",
        "text that is no UTF-8", "half of a surrogate pair", "too big", "huge", "too big in pieces",
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_named_by_its_code_and_ends_the_reading(data: bytes, code: int) -> None:
    good = masked_frame(b"before", BINARY)
    messages, violation = read(good + data + masked_frame(b"after", BINARY))
    assert violation == code
    assert messages[0] == (BINARY, b"before")
    assert (BINARY, b"after") not in messages
    assert read(good + data, 1)[1] == code


def test_a_flood_of_empty_fragments_holds_no_memory() -> None:
    reader = FrameReader(MOST)
    reader.feed(masked_frame(b"", BINARY, fin=False))
    for _ in range(1000):
        assert reader.feed(masked_frame(b"", CONTINUATION, fin=False) * 100) == []
    assert reader.feed(masked_frame(b"end", CONTINUATION)) == [(BINARY, b"end")]


@pytest.mark.parametrize("seed", range(50))
def test_no_bytes_at_all_can_make_it_fail(seed: int) -> None:
    rng = random.Random(seed)
    reader = FrameReader(1000)
    while reader.violation is None:
        reader.feed(rng.randbytes(rng.randrange(1, 50)))
