"""The outbox on real streams: Tornado's IOStream, and a WebSocket of a Tornado server."""

import asyncio
import base64
import os
import socket
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from handlers.transport import StreamTransport
from server.metrics import Metrics
from server.outbox import CHUNK, Outbox
from server.wire import frame
from tests.connections import frames, split


class Bounds(NamedTuple):
    log_bytes: int = 4 << 20
    log_hard_bytes: int = 8 << 20
    ephemeral_bytes: int = 10_000


class Owner:
    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def resync_frame(self, board: str) -> bytes:
        return frame(b"resync", False)

    def presence_frame(self, board: str, left: Collection[str]) -> bytes | None:
        return None

    def gone(self) -> None:
        self.lost.set()


class Pair:
    """An outbox on an IOStream, and the other end of its socket."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.peer.setblocking(False)
        self.stream = IOStream(ours)
        self.owner = Owner()
        transport = StreamTransport(self.stream, self.stream.closed, lambda code, reason: None)
        self.outbox = Outbox(transport, Bounds(), self.owner, Metrics())

    async def read(self, size: int) -> bytes:
        loop, data = asyncio.get_running_loop(), b""
        while len(data) < size:
            data += await loop.sock_recv(self.peer, size - len(data))
        return data

    def dispose(self) -> None:
        self.stream.close()
        self.peer.close()


def on_a_pair(story: Callable[[Pair], Awaitable[None]]) -> None:
    async def run() -> None:
        pair = Pair()
        try:
            await asyncio.wait_for(story(pair), 30)
        finally:
            pair.dispose()

    asyncio.run(run())


def test_a_stream_that_fills_up_is_continued_in_order_as_the_reader_reads() -> None:
    async def story(pair: Pair) -> None:
        sent = [frame(b"%d" % number * 3000, True) for number in range(300)]
        for one in sent:
            pair.outbox.offer_log("b", one)
            pair.outbox.flush()
        assert pair.stream.writing()
        assert pair.outbox.queued > 0
        assert await pair.read(sum(map(len, sent))) == b"".join(sent)
        assert pair.outbox.queued == 0

    on_a_pair(story)


def test_the_direct_way_is_taken_again_when_the_stream_has_drained() -> None:
    async def story(pair: Pair) -> None:
        big, small = frame(b"x" * CHUNK, True), frame(b"y", True)
        for _ in range(3):
            pair.outbox.offer_log("b", big)
            pair.outbox.flush()
            assert await pair.read(len(big)) == big
            await pair.stream.write(b"")  # done when all before it is
            assert not pair.stream.writing()
            pair.outbox.offer_log("b", small)
            pair.outbox.flush()
            assert await pair.read(len(small)) == small

    on_a_pair(story)


def test_a_reader_that_goes_away_in_the_middle_is_noticed() -> None:
    async def story(pair: Pair) -> None:
        pair.outbox.offer_log("b", frame(b"x" * CHUNK, True))
        pair.outbox.flush()
        closed = asyncio.Event()
        pair.stream.set_close_callback(closed.set)
        pair.peer.close()
        await closed.wait()
        pair.outbox.offer_log("b", frame(b"y", True))
        pair.outbox.flush()
        await pair.owner.lost.wait()
        assert pair.outbox.queued == 0

    on_a_pair(story)


# --- a WebSocket of Tornado's


class Socket(WebSocketHandler):
    """Says each message back through an outbox, with a ping of Tornado's own in between."""

    opened: "asyncio.Queue[Socket]"

    def initialize(self, opened: "asyncio.Queue[Socket]") -> None:
        self.opened = opened

    def open(self) -> None:
        self.owner = Owner()
        self.outbox = Outbox(StreamTransport.of(self), Bounds(), self.owner, Metrics())
        self.ended = asyncio.Event()
        self.opened.put_nowait(self)

    def on_message(self, message: str | bytes) -> None:
        self.ping(b"!")
        self.outbox.offer_log("b", frame(message.encode() if isinstance(message, str) else message, False))
        self.outbox.flush()

    def on_close(self) -> None:
        self.ended.set()


class Client:
    """A WebSocket client that shows the bytes themselves."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, opcode: int, payload: bytes) -> None:
        assert len(payload) < 126
        self._writer.write(bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    async def hear_the_close(self) -> list[tuple[int, bytes]]:
        """What comes up to a Close frame, which is answered, and behind it."""
        data = b""
        heard: list[tuple[int, bytes]] = []
        while not heard or heard[-1][0] != 8:
            part = await self._reader.read(1 << 20)
            assert part, "the connection ended without a Close frame"
            whole, data = split(data + part)
            heard += frames(whole)
        self.say(8, heard[-1][1][:2])
        return heard + frames(data + await self._reader.read(-1))

    async def hear_all(self) -> list[tuple[int, bytes]]:
        return frames(await self._reader.read(-1))

    async def hear(self, size: int) -> list[tuple[int, bytes]]:
        return frames(await self._reader.readexactly(size))


def on_a_socket(story: Callable[[Socket, Client], Awaitable[None]]) -> None:
    async def run() -> None:
        opened: asyncio.Queue[Socket] = asyncio.Queue()
        server = HTTPServer(Application([("/ws", Socket, {"opened": opened})]))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        reader, writer = await asyncio.open_connection(*sockets[0].getsockname())
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        handler = await opened.get()
        try:
            await asyncio.wait_for(story(handler, Client(reader, writer)), 30)
        finally:
            server.stop()
            writer.close()
            await asyncio.wait_for(handler.ended.wait(), 30)
            await server.close_all_connections()

    asyncio.run(run())


def test_direct_sends_and_tornados_own_frames_keep_their_order() -> None:
    async def story(handler: Socket, client: Client) -> None:
        for number in range(50):
            client.say(1, b"%02d" % number)
        heard = await client.hear(50 * 7)
        assert heard == [pair for n in range(50) for pair in ((9, b"!"), (1, b"%02d" % n))]

    on_a_socket(story)


def test_the_close_frame_comes_last_behind_what_a_slow_reader_had_not_read() -> None:
    async def story(handler: Socket, client: Client) -> None:
        for number in range(40):
            handler.outbox.offer_log("b", frame(b"%02d" % number * 50_000, True))
        handler.outbox.flush()
        handler.outbox.close(1001, "going away")
        handler.outbox.offer_log("b", frame(b"late", True))
        handler.outbox.flush()
        heard = await client.hear_the_close()
        assert [payload[:2] for _, payload in heard[:-1]] == [b"%02d" % number for number in range(40)]
        assert heard[-1] == (8, b"\x03\xe9going away")

    on_a_socket(story)


def test_nothing_follows_the_answer_to_a_clients_close() -> None:
    async def story(handler: Socket, client: Client) -> None:
        client.say(8, b"\x03\xe8")
        await handler.ended.wait()
        handler.outbox.offer_log("b", frame(b"late", True))
        handler.outbox.flush()
        assert handler.owner.lost.is_set()
        heard = await client.hear_all()
        assert [opcode for opcode, _ in heard] == [8]

    on_a_socket(story)


def test_an_abort_ends_the_connection_at_once() -> None:
    async def story(handler: Socket, client: Client) -> None:
        handler.outbox.abort()
        assert await client.hear_all() == []
        await handler.ended.wait()

    on_a_socket(story)
