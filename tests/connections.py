"""A connection inside one process: an outbox's way out on one end of a socket pair, a reader on the other."""

import socket
import struct
from collections.abc import Callable
from typing import Any

import msgspec

from server.outbox import Buffer
from server.wire import Codec

PLENTY = 1 << 20


class PairTransport:
    """What an IOStream does for an outbox, but a test says when: `pump` drains the buffer."""

    def __init__(self, *, kernel_bytes: int | None = None, plain: bool = True) -> None:
        ours, self.peer = socket.socketpair()
        for end in (ours, self.peer):
            end.setblocking(False)
        if kernel_bytes is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes)
        self._socket = ours
        self._buffer = bytearray()
        self._drained: list[Callable[[], None]] = []
        self.written: list[Buffer] = []
        self.sends: list[Buffer] = []
        self.closed_with: tuple[int, str] | None = None
        self.aborted = False
        self.send: Callable[[Buffer], int] | None = self._send if plain else None

    def _send(self, data: Buffer) -> int:
        self.sends.append(data)
        return self._socket.send(data)

    def writing(self) -> bool:
        return bool(self._buffer)

    def closing(self) -> bool:
        return self.aborted or self.closed_with is not None

    def write(self, data: Buffer, drained: Callable[[], None]) -> None:
        self.written.append(data)
        self._buffer += data
        self._drained.append(drained)

    def close(self, code: int, reason: str) -> None:
        self.closed_with = (code, reason)
        payload = struct.pack("!H", code) + reason.encode()
        self._buffer += struct.pack("!BB", 0x88, len(payload)) + payload

    def abort(self) -> None:
        self.aborted = True
        self._socket.close()

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    def pump(self) -> None:
        """Hand the kernel what it takes of the buffer; all of it taken: say so."""
        if self._buffer and not self.aborted:
            try:
                del self._buffer[: self._socket.send(self._buffer)]
            except BlockingIOError:
                return
        if not self._buffer:
            waiting, self._drained = self._drained, []
            for drained in waiting:
                drained()

    def received(self) -> bytes:
        """What has arrived at the other end so far."""
        parts = []
        try:
            while part := self.peer.recv(PLENTY):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts)

    def read_all(self) -> bytes:
        """Read and pump until nothing comes any more."""
        data = self.received()
        while True:
            self.pump()
            more = self.received()
            if not more:
                return data
            data += more

    def dispose(self) -> None:
        self._socket.close()
        self.peer.close()


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """(opcode, payload) of each frame in `data`, which must end with the end of one."""
    found = []
    while data:
        start, end = _extent(data)
        assert len(data) >= end > 0, "the bytes end inside a frame"
        found.append((data[0] & 0x0F, data[start:end]))
        data = data[end:]
    return found


def split(data: bytes) -> tuple[bytes, bytes]:
    """The whole frames at the beginning of `data`, and what remains."""
    at = 0
    while 0 < (end := _extent(data[at : at + 10])[1]) <= len(data) - at:
        at += end
    return data[:at], data[at:]


def _extent(data: bytes) -> tuple[int, int]:
    """Where the payload of the first frame starts and ends; (0, 0) when even its header is not all there."""
    size = data[1] if len(data) > 1 else 127
    start = {126: 4, 127: 10}.get(size, 2)
    if len(data) < start:
        return 0, 0
    if start > 2:
        size = int.from_bytes(data[2:start])
    return start, start + size


def messages(data: bytes, codec: Codec) -> list[Any]:
    """The messages in `data`; a Close frame is shown as `{"type": "close", "code": …}`."""
    decode = msgspec.msgpack.decode if codec.binary else msgspec.json.decode
    return [
        {"type": "close", "code": struct.unpack_from("!H", payload)[0]} if opcode == 8 else decode(payload)
        for opcode, payload in frames(data)
    ]
