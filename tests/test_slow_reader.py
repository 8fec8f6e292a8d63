"""A reader that never reads is bounded and told so; the others notice nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fold import Fold
from tests.support import CODECS, Client, Closed, Message, ServerProcess, Socket, on_loop

TEXT = "x" * 16_000
CHANGES = 1_200
"""Times 32 kB (`set` and `was`): more than the kernel's buffers and all of the server's bounds."""
QUEUED_AT_MOST = 16 * 2**20
"""Bytes that may wait for one reader: up to 6 MiB in the kernel, 4 MiB in the server, and to spare."""
GROWTH_MIB = 100
"""What the server may grow by meanwhile; the newest changes, which it keeps for resuming, are 32 MiB."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """One for each test: what an earlier one has freed would hide how much memory this one takes."""
    with ServerProcess(tmp_path) as server:
        yield server
    assert "Traceback" not in server.output()


async def connect_slowly(server: ServerProcess, codec: str) -> Client:
    """Somebody with a small receive buffer, who reads only when asked to."""
    socket = await Socket.open(server.url + "/ws", protocols=[f"boardcast.v1.{codec}"], receive_buffer=16_384)
    client = Client(socket, codec)
    await client.ask("hello", client=f"never-reads-{codec}")
    return client


async def write_much(writer: Client, board: str) -> None:
    """Sends `CHANGES` big changes, at most 16 of them unanswered."""
    window = asyncio.Semaphore(16)

    async def hear() -> None:
        for _ in range(CHANGES):
            ack = await writer.next()
            assert ack["type"] == "ack", ack
            window.release()

    hearing = asyncio.ensure_future(hear())
    for number in range(CHANGES):
        await window.acquire()
        await writer.send(update(board, number))
    await hearing


def update(board: str, number: int) -> Message:
    args = {"task": "t", "description": f"{number} {TEXT}"}
    body = {"board": board, "mutation": f"m-{number}", "op": "task.update", "args": args}
    return {"type": "mutate", "id": number, **body}


async def read_rest(client: Client) -> AsyncIterator[Message]:
    """All that waits for somebody who did not read, up to a `resync` or to 4008: one of them must come."""
    try:
        while (message := await client.next())["type"] != "resync":
            yield message
    except Closed as end:
        assert end.code == 4008, end


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_who_never_reads_is_bounded_while_the_others_get_everything(
    server: ServerProcess, codec: str
) -> None:
    board = f"flood-{codec}"
    writer, reader = await Client.hello(server), await Client.hello(server, codec)
    await writer.mutate(board, "board.create", name="Flood")
    await writer.mutate(board, "task.create", task="t", title="T")
    slow = await connect_slowly(server, codec)
    for client in (reader, slow):
        await client.send({"type": "join", "id": "join", "board": board})
    stayed, behind = Fold(), Fold()
    stayed.take(await reader.next())
    before = server.rss_mib()
    writing = asyncio.ensure_future(write_much(writer, board))
    while stayed.head < CHANGES + 2:
        message = await reader.next()
        assert message["type"] == "changes"
        stayed.take(message)
    await writing
    assert server.rss_mib() - before < GROWTH_MIB
    async for message in read_rest(slow):
        behind.take(message)
    assert slow.socket.received_bytes < QUEUED_AT_MOST
    assert behind.head < stayed.head
    await come_back(server, slow, behind, board)
    assert behind.picture() == stayed.picture()


async def come_back(server: ServerProcess, slow: Client, behind: Fold, board: str) -> None:
    """Joins again with what was read so far: on the same socket, or on a new one when it was closed."""
    if slow.socket.writer.is_closing():
        slow = await Client.hello(server, slow.codec)
    behind.take(await slow.ask("join", board=board, since=behind.since))


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_who_asks_and_never_reads_the_answers_is_bounded(server: ServerProcess, codec: str) -> None:
    board, asked = f"pages-{codec}", 300
    writer = await Client.hello(server)
    await writer.mutate(board, "board.create", name="Pages")
    await writer.mutate(board, "task.create", task="t", title="T")
    for number in range(50):
        await writer.mutate(board, "comment.add", task="t", comment=f"k-{number}", text="x" * 10_000)
    slow = await connect_slowly(server, codec)
    before = server.rss_mib()
    request = {"type": "comments", "id": "page", "board": board, "task": "t", "limit": 50}
    asking = asyncio.ensure_future(ask_many(slow, request, asked))
    for number in range(200):
        ack = await writer.mutate(board, "task.update", task="t", title=f"T {number}")
        assert ack["type"] == "ack"
    assert server.rss_mib() - before < 50, "150 MB of answers wait in the server"
    answers = 0
    try:
        while answers < asked:
            answers += (await slow.next())["type"] == "comments"
    except Closed as end:
        assert end.code == 4008, end
    asking.cancel()


async def ask_many(client: Client, request: Message, times: int) -> None:
    """Sends on as long as the server takes it."""
    for _ in range(times):
        await client.send(request)
