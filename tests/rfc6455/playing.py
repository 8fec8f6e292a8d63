"""Plays a case against a server and says what came back."""

import asyncio
import contextlib
import struct

from tests.rfc6455.cases import BINARY, CLOSE, PING, PONG, TEXT, frame
from tests.sockets import Socket

END = b"are you there?"


async def play(link: Socket, data: bytes, step: int = 0) -> tuple[str, ...]:
    """What the server makes of it, in the words of `Case.wanted`, or `cut`: it hung up without a Close frame.

    `step`: so many bytes at a time; 0: all at once. A last ping asks whether the connection works on.
    """
    asking = asyncio.ensure_future(_send(link, data + frame(PING, END), step))
    heard: list[str] = []
    try:
        while True:
            opcode, payload = await _next(link.reader)
            if opcode == CLOSE:
                heard.append(str(struct.unpack("!H", payload[:2])[0]) if payload else "1005")
                await _until_hung_up(link)
                return tuple(heard)
            if opcode == PONG and payload == END:
                return (*heard, "open")
            heard.append(f"pong:{payload.decode('latin-1')}" if opcode == PONG else _named(opcode))
    except (asyncio.IncompleteReadError, OSError):
        return (*heard, "cut")
    finally:
        asking.cancel()
        await asyncio.wait([asking])
        link.cut()


def _named(opcode: int) -> str:
    return "message" if opcode in (TEXT, BINARY) else f"opcode {opcode}"


async def _send(link: Socket, data: bytes, step: int) -> None:
    with contextlib.suppress(OSError):  # the server has hung up: what it said before is what counts
        for at in range(0, len(data), step or len(data)):
            link.writer.write(data[at : at + (step or len(data))])
            await link.writer.drain()


async def _next(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    assert first & 0xF0 == 0x80 and not second & 0x80, "whole, without reserved bits, unmasked"
    size = second & 0x7F
    if size > 125:
        wide = {126: "!H", 127: "!Q"}[size]
        (size,) = struct.unpack(wide, await reader.readexactly(struct.calcsize(wide)))
    return first & 0x0F, await reader.readexactly(size)


async def _until_hung_up(link: Socket) -> None:
    """7.1.1: the server is the first to close the TCP connection, and sends no frame behind its Close."""
    rest = b""
    with contextlib.suppress(OSError):  # a reset: it hung up with something of ours unread
        link.writer.write(frame(CLOSE, struct.pack("!H", 1000)))
        rest = await link.reader.read()
    assert rest == b"", "something came behind the Close frame"
