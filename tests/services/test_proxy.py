"""The proxy does what it is told to; without that no test behind it proves anything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.services.proxy import REPLIES, REQUESTS, Proxy
from tests.support import on_loop

PATIENCE_S = 10
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Upper:
    """A service that answers each line in upper case, and remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.tasks: set[asyncio.Task[None] | None] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line.upper())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            await hang_up((reader, writer))


async def hang_up(*connections: Ends) -> None:
    for _, writer in connections:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def proxied() -> AsyncIterator[tuple[Proxy, Upper]]:
    service = Upper()
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    async with asyncio.timeout(PATIENCE_S), server:
        async with Proxy(server.sockets[0].getsockname()[:2]) as proxy:
            yield proxy, service
        await asyncio.gather(*(task for task in service.tasks if task is not None))


async def open_ends(proxy: Proxy) -> Ends:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def ask(ends: Ends, line: bytes) -> bytes:
    ends[1].write(line)
    return await ends[0].readline()


async def end_of(ends: Ends) -> bytes:
    """All that comes until the connection is gone."""
    try:
        return await ends[0].read()
    except ConnectionError:
        return b""
    finally:
        await hang_up(ends)


@on_loop
async def test_it_passes_everything_on_and_ends_with_either_end() -> None:
    async with proxied() as (proxy, _):
        ends = await open_ends(proxy)
        assert await ask(ends, b"one\n") == b"ONE\n"
        assert await ask(ends, b"x" * 60_000 + b"\n") == b"X" * 60_000 + b"\n"
        await hang_up(ends)
        while proxy.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)


@on_loop
async def test_a_cut_ends_what_is_open_and_only_that() -> None:
    async with proxied() as (proxy, _):
        ends = await open_ends(proxy)
        assert await ask(ends, b"one\n") == b"ONE\n"
        assert proxy.cut() == 1
        assert await end_of(ends) == b""
        again = await open_ends(proxy)
        assert await ask(again, b"two\n") == b"TWO\n"
        await hang_up(again)


@on_loop
async def test_a_reply_is_cut_in_its_middle_and_the_service_heard_the_request() -> None:
    async with proxied() as (proxy, service):
        proxy.cut_in_reply()
        ends = await open_ends(proxy)
        ends[1].write(b"abcdefg\n")
        assert await end_of(ends) == b"ABCD"
        assert service.heard == [b"abcdefg\n"]
        again = await open_ends(proxy)
        assert await ask(again, b"two\n") == b"TWO\n"
        await hang_up(again)


@pytest.mark.parametrize(("way", "heard"), [(REPLIES, [b"one\n"]), (REQUESTS, [])])
@on_loop
async def test_what_is_lost_stays_lost_when_the_network_is_back(way: str, heard: list[bytes]) -> None:
    async with proxied() as (proxy, service):
        ends = await open_ends(proxy)
        proxy.lose(way)
        ends[1].write(b"one\n")
        while not any(connection.silent for connection in proxy.open):  # noqa: ASYNC110
            await asyncio.sleep(0)
        proxy.heal()
        ends[1].write(b"two\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ends[0].readline()
        assert service.heard == heard
        fresh = await open_ends(proxy)
        assert await ask(fresh, b"three\n") == b"THREE\n"
        await hang_up(ends, fresh)


@on_loop
async def test_an_end_that_nobody_was_told_of_is_gone_when_the_network_is_back() -> None:
    async with proxied() as (proxy, _):
        ends = await open_ends(proxy)
        assert await ask(ends, b"one\n") == b"ONE\n"
        proxy.lose()
        await hang_up(ends)
        while not any(connection.ended for connection in proxy.open):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert proxy.connections == 1
        proxy.heal()
        while proxy.connections:  # noqa: ASYNC110
            await asyncio.sleep(0)


@on_loop
async def test_delayed_bytes_arrive_in_order_and_not_before() -> None:
    async with proxied() as (proxy, _):
        proxy.delay(0.05)
        ends, loop = await open_ends(proxy), asyncio.get_running_loop()
        before = loop.time()
        ends[1].write(b"one\n")
        ends[1].write(b"two\n")
        assert [await ends[0].readline(), await ends[0].readline()] == [b"ONE\n", b"TWO\n"]
        assert loop.time() - before >= 0.1
        proxy.heal()
        await hang_up(ends)


@on_loop
async def test_a_throttled_line_is_slow() -> None:
    async with proxied() as (proxy, _):
        proxy.throttle(100_000)
        ends, loop = await open_ends(proxy), asyncio.get_running_loop()
        before = loop.time()
        assert len(await ask(ends, b"x" * 9_999 + b"\n")) == 10_000
        assert loop.time() - before >= 0.2
        await hang_up(ends)


@on_loop
async def test_refused_connections_and_a_service_that_is_away() -> None:
    async with proxied() as (proxy, _):
        proxy.refuse()
        assert await end_of(await open_ends(proxy)) == b""
        proxy.heal()
        proxy.target = "/nowhere/at/all.sock"
        assert await end_of(await open_ends(proxy)) == b""
