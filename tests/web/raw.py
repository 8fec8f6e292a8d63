"""HTTP as bytes: what is sent is what the test says, and what comes back is read as far as it goes."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.sockets import Socket
from tests.support import PATIENCE_S


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def head(line: str, *fields: str, host: str = "127.0.0.1") -> bytes:
    """A request without a body."""
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode("latin-1")


async def connect(port: int) -> Socket:
    """A connection on which nothing was said; it is dropped at the end of the test."""
    return Socket(*await asyncio.open_connection("127.0.0.1", port), None)


async def exchange(port: int, data: bytes | Sequence[bytes]) -> Answer | None:
    """The answer to the bytes, sent piece by piece; None: the server hung up without one."""
    link = await connect(port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            for piece in [data] if isinstance(data, bytes) else data:
                link.writer.write(piece)
                await link.writer.drain()
            return await read_answer(link.reader)
    except (asyncio.IncompleteReadError, OSError):
        return None
    finally:
        link.cut()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Raises `IncompleteReadError` when the connection ends before."""
    top = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in top[1:] if line)
    }
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return Answer(int(top[0].split(" ")[1]), fields, body)
