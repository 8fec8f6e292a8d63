"""A WebSocket client made by hand, so that a test may cut it, forge a frame, or never read.

It shares no code with the server: what it can read, a stranger's client can read.
"""

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CUT = 1006
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(Exception):
    """The other side is gone. `code`: of its Close frame; 1006 when there was none."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


class Refused(Exception):
    """The upgrade was answered with another status than 101."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


def masked_frame(payload: bytes, opcode: int, *, fin: bool = True) -> bytes:
    """One client frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", fin << 7 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", fin << 7 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", fin << 7 | opcode, 0x80 | 127, size)
    mask = os.urandom(4)
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    return head + mask + (int.from_bytes(payload) ^ key).to_bytes(size)


class Socket:
    """One raw WebSocket. Pings are answered while somebody receives, unless `answers_pings` is off."""

    opened: ClassVar[list["Socket"]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: str | None):
        self.opened.append(self)
        self.reader = reader
        self.writer = writer
        self.protocol = protocol
        self.answers_pings = True
        self.received_bytes = 0

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        protocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> "Socket":
        """Connects to `http://host:port/path` and upgrades. Raises `Refused`."""
        at = urlsplit(url)
        link = socket.socket()
        if receive_buffer is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        link.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(link, (at.hostname, at.port))
        except BaseException:
            link.close()
            raise
        reader, writer = await asyncio.open_connection(sock=link, limit=2**16)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {
            "Host": at.netloc,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
        }
        if protocols:
            fields["Sec-WebSocket-Protocol"] = ", ".join(protocols)
        fields.update(headers or {})
        lines = [f"GET {at.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            status, answer = await _read_head(reader)
        except BaseException:
            writer.transport.abort()
            raise
        if status != 101:
            body = await reader.readexactly(int(answer.get("content-length", "0")))
            writer.close()
            raise Refused(status, body.decode())
        digest = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
        assert answer["sec-websocket-accept"] == digest
        return cls(reader, writer, answer.get("sec-websocket-protocol"))

    async def send(self, payload: bytes, opcode: int, *, fin: bool = True) -> None:
        """Sends one frame; waits only while the kernel and a small buffer are full. Raises `Closed`."""
        try:
            self.writer.write(masked_frame(payload, opcode, fin=fin))
            await self.writer.drain()
        except OSError as error:
            raise Closed(CUT, str(error)) from error

    async def receive(self) -> tuple[int, bytes]:
        """The next data frame: opcode and payload. Raises `Closed`."""
        try:
            return await self._receive()
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Closed(CUT, str(error)) from error

    async def _receive(self) -> tuple[int, bytes]:
        while True:
            first, second = await self.reader.readexactly(2)
            assert first & 0x80, "server frames come whole"
            assert not first & 0x70, "nothing was negotiated that uses the reserved bits"
            assert not second & 0x80, "server frames are not masked"
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            payload = await self.reader.readexactly(size)
            self.received_bytes += size
            opcode = first & 0x0F
            if opcode in (TEXT, BINARY):
                return opcode, payload
            await self._control(opcode, payload)

    async def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            self.writer.write(masked_frame(payload[:2], CLOSE))
            code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            self.writer.close()
            raise Closed(code, payload[2:].decode())
        if opcode == PING and self.answers_pings:
            await self.send(payload, PONG)

    def cut(self) -> None:
        """Drops the connection without a Close frame, whatever is on its way."""
        self.writer.transport.abort()

    async def close(self, code: int = 1000) -> None:
        """Says goodbye and waits for the other side's Close."""
        try:
            await self.send(struct.pack("!H", code), CLOSE)
            while True:
                await self.receive()
        except Closed:
            self.writer.close()


async def cut_all() -> None:
    """Drops every connection that is still open, so that no test leaves one behind."""
    while Socket.opened:
        link = Socket.opened.pop()
        link.cut()
        with contextlib.suppress(OSError):
            await link.writer.wait_closed()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in head[1:] if line)
    return int(head[0].split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}
