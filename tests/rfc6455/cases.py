"""The cases, by section of RFC 6455. A case is bytes from the client and the frames that must come back."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x12\x34\x56\x78"
MESSAGE = b'{"type":"ping","id":"a message"}'
"""What every server under test answers with one data frame."""


class Case(NamedTuple):
    """`wanted`: `message` for one data frame in answer, a Pong as `pong:<payload>`, and last `open` (the
    connection works on) or the code of the server's Close; `1005` is a Close without one."""

    section: str
    title: str
    data: bytes
    wanted: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.section} {self.title}"


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True, form: int = 0
) -> bytes:
    """One frame; `form`: 126 or 127 writes the length in more bytes than it needs."""
    size = len(payload)
    first = fin << 7 | rsv << 4 | opcode
    form = form or (size if size < 126 else 126 if size < 1 << 16 else 127)
    head = struct.pack("!BB", first, masked << 7 | form)
    head += struct.pack({126: "!H", 127: "!Q"}[form], size) if form > 125 else b""
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def text(content: bytes) -> bytes:
    """A message that is answered when its content is taken."""
    return b'{"type":"ping","id":"' + content + b'"}'


def framing() -> Iterator[Case]:
    yield Case("5.1", "a masked frame is taken", frame(TEXT, MESSAGE), ("message", "open"))
    yield Case("5.1", "an unmasked frame", frame(TEXT, MESSAGE, masked=False), ("1002",))
    yield Case("5.1", "an unmasked ping", frame(PING, b"x", masked=False), ("1002",))
    for rsv in range(1, 8):
        yield Case("5.2", f"reserved bits {rsv:03b}", frame(TEXT, MESSAGE, rsv=rsv), ("1002",))
    yield Case("5.2", "a reserved bit on a ping", frame(PING, rsv=4), ("1002",))
    for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF):
        yield Case("5.2", f"reserved opcode {opcode:X}", frame(opcode, b"x"), ("1002",))
    for size in (126, 127, 125 + len(MESSAGE), 65_500):
        padded = MESSAGE + b" " * (size - len(MESSAGE))
        yield Case("5.2", f"a payload of {size}", frame(TEXT, padded), ("message", "open"))
    yield Case(
        "5.2", "a length with its highest bit", b"\x82\xff" + struct.pack("!Q", 1 << 63) + MASK, ("1009",)
    )
    yield Case("5.2", "a length of 4 GiB", b"\x82\xff" + struct.pack("!Q", 1 << 32) + MASK, ("1009",))


def fragments() -> Iterator[Case]:
    first, last = frame(TEXT, MESSAGE[:9], fin=False), frame(CONTINUATION, MESSAGE[9:])
    yield Case("5.4", "two fragments", first + last, ("message", "open"))
    bytewise = [frame(CONTINUATION, MESSAGE[at : at + 1], fin=False) for at in range(len(MESSAGE))]
    pieces = frame(TEXT, fin=False) + b"".join(bytewise) + frame(CONTINUATION)
    yield Case("5.4", "fragments of a byte and of none", pieces, ("message", "open"))
    between = first + frame(PING, b"between") + last
    yield Case("5.4", "a ping between fragments", between, ("pong:between", "message", "open"))
    yield Case("5.4", "a close between fragments", first + close(1000), ("1000",))
    yield Case("5.4", "a continuation of nothing", frame(CONTINUATION, MESSAGE), ("1002",))
    yield Case(
        "5.4", "an unfinished continuation of nothing", frame(CONTINUATION, b"x", fin=False), ("1002",)
    )
    yield Case("5.4", "a message inside a message", first + frame(TEXT, MESSAGE), ("1002",))
    yield Case("5.4", "another continuation after the last", first + last + last, ("message", "1002"))
    growing = first + frame(CONTINUATION, b"x" * 60_000, fin=False) * 2
    yield Case("5.4", "fragments that never end and grow", growing, ("1009",))


def control() -> Iterator[Case]:
    yield Case("5.5", "a ping of 126 bytes", frame(PING, b"x" * 126), ("1002",))
    yield Case("5.5", "a close of 126 bytes", frame(CLOSE, struct.pack("!H", 1000) + b"x" * 124), ("1002",))
    yield Case("5.5", "a short ping in the long form", frame(PING, b"x", form=126), ("1002",))
    for opcode in (CLOSE, PING, PONG):
        yield Case("5.5", f"half a control frame {opcode:X}", frame(opcode, fin=False), ("1002",))
    for payload in (b"", b"x", b"\x00\xff\xfe", b"x" * 125):
        shown = payload.decode("latin-1")
        yield Case("5.5.2", f"a ping of {len(payload)}", frame(PING, payload), (f"pong:{shown}", "open"))
    yield Case("5.5.3", "a pong that nobody asked for", frame(PONG, b"hello"), ("open",))


def closing() -> Iterator[Case]:
    yield Case("5.5.1", "a close without a code", close(), ("1005",))
    yield Case("5.5.1", "a close with half a code", frame(CLOSE, b"\x03"), ("1002",))
    yield Case("5.5.1", "a close with a reason", close(1000, b"so long"), ("1000",))
    yield Case("5.5.1", "a reason of 123 bytes", close(1000, b"x" * 123), ("1000",))
    yield Case("5.5.1", "a reason that is no UTF-8", close(1000, b"\xff"), ("1007",))
    yield Case("5.5.1", "data behind the close", close(1000) + frame(TEXT, MESSAGE), ("1000",))
    yield Case("5.5.1", "a ping behind the close", close(1000) + frame(PING, b"x"), ("1000",))
    yield Case("5.5.1", "garbage behind the close", close(1000) + b"\xff" * 100, ("1000",))
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case("7.4", f"the code {code}", close(code), (str(code),))
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535):
        yield Case("7.4", f"the code {code} that must not be sent", close(code), ("1002",))


GOOD_TEXT = ("κόσμε", "𝄞", "\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010ffff", "\ufeff")
BAD_TEXT = (
    b"\xff", b"\xfe", b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xc3", b"\xe2\x82",
    b"\xf0\x9d\x84",
)  # fmt: skip


def utf8() -> Iterator[Case]:
    for content in GOOD_TEXT:
        whole = text(content.encode())
        yield Case("8.1", f"text with {content!a}", frame(TEXT, whole), ("message", "open"))
        halves = frame(TEXT, whole[:22], fin=False) + frame(CONTINUATION, whole[22:])
        yield Case("8.1", f"{content!a} cut in two", halves, ("message", "open"))
    for bad in BAD_TEXT:
        yield Case("8.1", f"text with {bad.hex()}", frame(TEXT, text(bad)), ("1007",))
    split = frame(TEXT, text(b"")[:20] + b"\xe2", fin=False) + frame(CONTINUATION, b"\x28\xa1")
    yield Case("8.1", "bad text over two fragments", split, ("1007",))


CASES = [*framing(), *fragments(), *control(), *closing(), *utf8()]
