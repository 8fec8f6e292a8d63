"""Redis's replies on their way through the proxy, one by one: messages of pub/sub can be lost and doubled."""

from collections.abc import Callable

Copies = Callable[[], int]
"""How many times the next message arrives: 0 loses it."""
MESSAGE = (b">3\r\n$7\r\nmessage\r\n", b"*3\r\n$7\r\nmessage\r\n")
BULK, AGGREGATE, PAIRS = b"$=!", b"*~>", b"%|"


class Messages:
    """Passes whole replies (RESP2 and RESP3) on, each message as many times as `copies` says."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._buffer = b""

    def __call__(self, data: bytes) -> bytes:
        buffer, passed, at = self._buffer + data, [], 0
        while (end := end_of_reply(buffer, at)) >= 0:
            reply = buffer[at:end]
            passed.append(reply * self._copies() if reply.startswith(MESSAGE) else reply)
            at = end
        self._buffer = buffer[at:]
        return b"".join(passed)


def end_of_reply(buffer: bytes, at: int) -> int:
    """Where the reply that begins at `at` ends; -1 when it is not all there."""
    left = 1
    while left:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return -1
        kind, number = buffer[at : at + 1], buffer[at + 1 : line]
        at, left = line + 2, left - 1
        if kind in BULK and int(number) >= 0:
            at += int(number) + 2
        elif kind in AGGREGATE:
            left += max(0, int(number))
        elif kind in PAIRS:
            left += 2 * int(number) + (kind == b"|")  # an attribute stands before the reply that it is of
    return at if at <= len(buffer) else -1
