"""A board of 5,000 tasks, made by batches over the socket and joined over a warm server."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.fold import Fold
from tests.support import CODECS, Client, Message, ServerProcess, on_loop

TASKS = 5_000
BATCH = 250
BOARD = "large"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("large")) as server:
        asyncio.run(fill(server))
        yield server
    assert "Traceback" not in server.output()


async def fill(server: ServerProcess) -> None:
    """Makes the board; two batches are on their way at a time."""
    writer = await Client.hello(server, client="filler-of-boards")
    await writer.mutate(BOARD, "board.create", name="Large")
    for start in range(0, TASKS, BATCH):
        await writer.send(*(create(number) for number in range(start, start + BATCH)))
        if start:
            await writer.reply(start - 1)
    await writer.reply(TASKS - 1)
    assert all(message["type"] == "ack" for message in writer.log)
    await writer.close()


def create(number: int) -> Message:
    column = ("todo", "doing", "done")[number % 3]
    args = {"task": f"t-{number}", "title": f"Task number {number}", "column": column}
    body = {"board": BOARD, "mutation": f"m-{number}", "op": "task.create", "args": args}
    return {"type": "mutate", "id": number, **body}


async def join(client: Client) -> tuple[Fold, list[Message]]:
    """Joins, and returns the folded state and the messages that brought it."""
    await client.send({"type": "join", "id": "join", "board": BOARD})
    fold, parts = Fold(), []
    while not fold.complete:
        parts.append(await client.next())
        fold.take(parts[-1])
    return fold, parts


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_all_tasks_come_once_and_in_order_in_small_parts(server: ServerProcess, codec: str) -> None:
    client = await Client.hello(server, codec)
    await join(client)
    start = time.perf_counter()
    fold, parts = await join(client)
    seconds = time.perf_counter() - start
    print(f"\n{TASKS} tasks joined over a warm server, {codec}: {seconds:.3f} s to the last task")
    assert [part["type"] for part in parts] == ["joined"] + ["tasks"] * (len(parts) - 1)
    assert parts[0]["snapshot"]["tasks"] == [], "of a large board `joined` holds none: its parts are shared"
    chunks = [part["tasks"] for part in parts[1:]]
    assert all(0 < len(chunk) <= 500 for chunk in chunks)
    assert [part["last"] for part in parts[1:]] == [False] * (len(parts) - 2) + [True]
    assert fold.tasks.keys() == {f"t-{number}" for number in range(TASKS)}
    columns = [column["id"] for column in parts[0]["snapshot"]["columns"]]
    places = [
        (columns.index(task["column"]), task["position"], task["id"]) for chunk in chunks for task in chunk
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_changes_wait_for_the_last_part(server: ServerProcess, codec: str) -> None:
    writer, client = await Client.hello(server), await Client.hello(server, codec)
    await client.send({"type": "join", "id": "join", "board": BOARD})
    for number in range(20):
        await writer.mutate(BOARD, "task.update", task=f"t-{number}", title=f"{codec} {number}")
    fold = Fold()
    while not fold.complete:
        fold.take(await client.next())
    fresh, _ = await join(writer)
    while fold.head < fresh.head:
        fold.take(await client.next())
    assert fold.picture() == fresh.picture()
