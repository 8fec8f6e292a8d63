"""WebSocket frames from a client, many at a time: bytes in, messages out. Pure; RFC 6455, section 5.

Tornado reads each frame in three awaited steps. Under load a read brings dozens of frames, and taking them
apart at once is what lets one process answer twice as many mutations.
"""

import struct
from typing import NamedTuple

from tornado.util import _websocket_mask as unmask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PROTOCOL_ERROR, NOT_UTF8, TOO_BIG = 1002, 1007, 1009
_SHORT, _LONG = 126, 127
_CONTROL_BYTES = 125
_CLOSES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}
"""What an endpoint may close with, beside 3000-4999. 1005, 1006 and 1015 never stand in a frame."""


Message = tuple[int, bytes]
"""The opcode and the payload of a whole message, or of a control frame. Unmasked; text is not decoded yet."""
_WHOLE_BINARY = 0x80 | BINARY
_WHOLE = (0x80 | TEXT, _WHOLE_BINARY)
"""The first byte of a message in one frame: nearly all there are."""


class Violation(NamedTuple):
    """What the client did wrong. The connection is to be closed with `code`; nothing more can be read."""

    code: int
    reason: str


class FrameReader:
    """Holds what of a frame, or of a fragmented message, has come so far: at most `most` bytes of payload."""

    def __init__(self, most: int) -> None:
        self.violation: Violation | None = None
        self.others = 0  # frames that were no messages: fragments and control frames; whoever asks counts on
        self._most = most
        self._rest = b""
        self._opcode = CONTINUATION  # of the fragmented message that is coming in
        self._partial = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, in order. After a violation there are no more."""
        data = self._rest + data if self._rest else data
        messages: list[Message] = []
        at = 0
        while self.violation is None:
            end = self._frame(data, at, messages)
            if end == at:
                break
            at = end
        self._rest = data[at:]
        return messages

    def _frame(self, data: bytes, at: int, messages: list[Message]) -> int:
        """Take the frame that starts at `at`; where it ends, or `at` when it is not all there (or wrong)."""
        if len(data) - at < 2:
            return at
        first, second = data[at], data[at + 1]
        size = second & 0x7F
        start = at + 6  # behind two bytes and the mask
        if size == _SHORT:
            start += 2
        elif size == _LONG:
            start += 8
        usual = first in _WHOLE
        if (not usual or second < 0x80 or self._opcode) and self._wrong(first, second):
            return at
        if len(data) < start:
            return at
        if size == _SHORT:
            (size,) = struct.unpack_from("!H", data, at + 2)
        elif size == _LONG:
            (size,) = struct.unpack_from("!Q", data, at + 2)
        if len(self._partial) + size > self._most and first & 0x0F < CLOSE:
            return self._fail(at, TOO_BIG, f"a message may have {self._most} bytes")
        end = start + size
        if len(data) < end:
            return at
        payload = unmask(data[start - 4 : start], data[start:end])
        if usual and (first == _WHOLE_BINARY or payload.isascii()):
            messages.append((first & 0x0F, payload))
        else:
            self._take(first, payload, messages)
        return end

    def _wrong(self, first: int, second: int) -> bool:
        """Whether the first two bytes already break a rule."""
        opcode = first & 0x0F
        if first & 0x70:
            self._fail(0, PROTOCOL_ERROR, "a reserved bit is set, and no extension was agreed on")
        elif not second & 0x80:
            self._fail(0, PROTOCOL_ERROR, "a client masks its frames")
        elif opcode >= CLOSE:
            if opcode > PONG:
                self._fail(0, PROTOCOL_ERROR, f"opcode {opcode} is reserved")
            elif not first & 0x80 or second & 0x7F > _CONTROL_BYTES:
                self._fail(0, PROTOCOL_ERROR, "a control frame is whole and short")
        elif opcode > BINARY:
            self._fail(0, PROTOCOL_ERROR, f"opcode {opcode} is reserved")
        elif (opcode == CONTINUATION) != (self._opcode != CONTINUATION):
            self._fail(0, PROTOCOL_ERROR, "a continuation continues a message, and nothing else does")
        return self.violation is not None

    def _take(self, first: int, payload: bytes, messages: list[Message]) -> None:
        opcode, final = first & 0x0F, first & 0x80
        if opcode >= CLOSE or not final:
            self.others += 1
        if opcode == CLOSE and (wrong := _wrong_close(payload)) is not None:
            self.violation = wrong
        elif opcode >= CLOSE:
            messages.append((opcode, payload))
        elif final and opcode != CONTINUATION:
            self._finish(opcode, payload, messages)
        else:
            self._opcode = self._opcode or opcode
            self._partial += payload
            if final:
                whole, opcode = bytes(self._partial), self._opcode
                self._partial, self._opcode = bytearray(), CONTINUATION
                self._finish(opcode, whole, messages)

    def _finish(self, opcode: int, payload: bytes, messages: list[Message]) -> None:
        if opcode == TEXT and not payload.isascii() and not _is_utf8(payload):
            self._fail(0, NOT_UTF8, "text must be UTF-8")
        else:
            messages.append((opcode, payload))

    def _fail(self, at: int, code: int, reason: str) -> int:
        self.violation = Violation(code, reason)
        return at


def _wrong_close(payload: bytes) -> Violation | None:
    """What is wrong with the payload of a Close frame: sections 5.5.1 and 7.4."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or not (code in _CLOSES or 3000 <= code < 5000):
        return Violation(PROTOCOL_ERROR, "no such close code")
    return None if _is_utf8(payload[2:]) else Violation(NOT_UTF8, "a reason must be UTF-8")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
