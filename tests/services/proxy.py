"""A TCP proxy of the tests: a network that delays, cuts, loses and throttles on demand.

It stands between one client (a server under test) and one service. Faults hold until `heal`; what was lost
meanwhile stays lost: a connection that lost bytes is silent from then on, as a half-open one is.
"""

import asyncio
import contextlib
from collections.abc import Callable

Change = Callable[[bytes], bytes]
"""What becomes of the bytes of one connection's replies, in order; it may keep some back."""
REQUESTS, REPLIES = "requests", "replies"
CHUNK = 64 * 1024
QUEUE_CHUNKS = 64
"""What is under way in one direction of one connection; then the sender has to wait."""


def unchanged(data: bytes) -> bytes:
    return data


class Proxy:
    """Listens on a free port of 127.0.0.1 and forwards to `target`: (host, port), or the path of a socket.

    `replies`: called for each connection, makes what its replies go through. Use it as
    `async with Proxy(target) as proxy`, or `start` and `close` it.
    """

    def __init__(
        self, target: tuple[str, int] | str, replies: Callable[[], Change] = lambda: unchanged
    ) -> None:
        self.target = target
        self.port = 0
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None
        self.lost: frozenset[str] = frozenset()
        self.refusing = False
        self.halves = 0
        self.halved = 0
        self.make_change = replies
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        """Refuse and drop everything, and wait until it is gone."""
        if self._server is not None:
            self._server.close()
        tasks = [connection.task for connection in self._connections]
        self.cut()
        if tasks:
            await asyncio.wait(tasks)

    async def __aenter__(self) -> "Proxy":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        except (OSError, asyncio.CancelledError):
            pass  # the service is not there, or the connection is cut
        finally:
            await connection.gone()
            self._connections.discard(connection)

    # -- faults

    @property
    def open(self) -> list["_Connection"]:
        return list(self._connections)

    @property
    def connections(self) -> int:
        return len(self._connections)

    def delay(self, seconds: float) -> None:
        """Everything arrives so much later, in both directions; the order is kept."""
        self.delay_s = seconds

    def throttle(self, bytes_per_s: float) -> None:
        self.bytes_per_s = bytes_per_s

    def lose(self, *directions: str) -> None:
        """A black hole: what goes in these directions vanishes, and ends of connections with it."""
        self.lost = frozenset(directions or (REQUESTS, REPLIES))

    def refuse(self) -> None:
        """New connections are dropped at once."""
        self.refusing = True

    def cut(self) -> int:
        """Drop all connections now; returns how many."""
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        return len(connections)

    def cut_in_reply(self, times: int = 1) -> None:
        """Of the next `times` replies only the first half arrives, and then the connection is gone."""
        self.halves += times

    def heal(self) -> None:
        """No fault any more. Connections that lost bytes meanwhile stay silent."""
        self.delay_s, self.bytes_per_s, self.lost, self.refusing, self.halves = (
            0.0,
            None,
            frozenset(),
            False,
            0,
        )
        for connection in list(self._connections):
            if connection.ended:
                connection.abort()


class _Over(Exception):
    """The connection is at its end."""


Bytes = asyncio.Queue[tuple[float, bytes]]
"""When each piece is due, and the piece; an empty one is the end."""


class _Connection:
    """One client connection, and the one to the service that it stands for."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.ended = False  # an end is gone, and the other one was not told
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._writers = [writer]
        self.silent = False  # bytes were lost: nothing that follows them may arrive
        self._change = proxy.make_change()

    async def run(self) -> None:
        """Until an end is gone, or the reply that is to be cut has come. Raises OSError without a service."""
        target = self._proxy.target
        if isinstance(target, str):
            reader, writer = await asyncio.open_unix_connection(target)
        else:
            reader, writer = await asyncio.open_connection(*target)
        self._writers.append(writer)
        with contextlib.suppress(BaseExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for way, source, sink in (
                    (REQUESTS, self._reader, writer),
                    (REPLIES, reader, self._writer),
                ):
                    queue: Bytes = asyncio.Queue(QUEUE_CHUNKS)
                    group.create_task(self._receive(source, queue))
                    group.create_task(self._send(way, queue, sink))

    def abort(self) -> None:
        self.task.cancel()

    async def gone(self) -> None:
        """Let go of both ends, whatever is on its way."""
        for writer in self._writers:
            writer.transport.abort()
        for writer in self._writers:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # it may be cut twice
                await writer.wait_closed()

    async def _receive(self, source: asyncio.StreamReader, queue: Bytes) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while data := await source.read(CHUNK):
                await queue.put((loop.time() + self._proxy.delay_s, data))
        await queue.put((loop.time(), b""))

    async def _send(self, way: str, queue: Bytes, sink: asyncio.StreamWriter) -> None:
        loop, proxy = asyncio.get_running_loop(), self._proxy
        while True:
            due, data = await queue.get()
            if (left := due - loop.time()) > 0:
                await asyncio.sleep(left)
            if self.silent or way in proxy.lost:
                self.silent = True
                self.ended = self.ended or not data
                continue
            if not data:
                raise _Over
            if way == REPLIES:
                data = self._change(data)
                if proxy.halves and len(data) > 1:
                    await self._halve(data, sink)
            if proxy.bytes_per_s is not None:
                await asyncio.sleep(len(data) / proxy.bytes_per_s)
            sink.write(data)
            await sink.drain()

    async def _halve(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        self._proxy.halves -= 1
        self._proxy.halved += 1
        sink.write(data[: len(data) // 2])
        await sink.drain()
        raise _Over
