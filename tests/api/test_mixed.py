"""Programs over HTTP and people on sockets work on one board: the same order and the same state for all."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from tornado.httpclient import AsyncHTTPClient

from tests.api.client import Client, Reply
from tests.fold import Fold
from tests.support import CODECS, Message, ServerProcess, on_loop
from tests.support import Client as Person

BOARD = "mixed"
URL = f"/api/boards/{BOARD}"
TASKS = [f"t{number}" for number in range(6)]
WRITES = 40
"""Of each writer."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("mixed")) as process:
        yield process
        assert "Traceback" not in process.output()


def program(server: ServerProcess, codec: str) -> Client:
    client = Client(AsyncHTTPClient(force_instance=True), server.url)
    return client.in_msgpack() if codec == "msgpack" else client


async def write_over_http(client: Client, rng: random.Random) -> list[int]:
    """The seqs of what was accepted, as the answers tell them, in the order of the answers."""
    seqs = []
    for number in range(WRITES):
        reply = await one_request(client, rng, f"h{number}-{rng.randrange(10**9)}")
        assert reply.status in (200, 201, 204, 404), reply
        if reply.status != 404:
            seqs.append(int(reply.headers["ETag"].strip('"').partition(":")[2]))
        results = reply.body.get("results", ()) if reply.body else ()
        assert all(one["type"] == "ack" or one["code"] == "not_found" for one in results), results
    return seqs


async def one_request(client: Client, rng: random.Random, name: str) -> Reply:
    task = f"{URL}/tasks/{rng.choice(TASKS)}"
    match rng.randrange(5):
        case 0:
            return await client.post(f"{URL}/tasks", {"title": name, "after": None}, Idempotency_Key=name)
        case 1:
            return await client.patch(task, {"title": name, "column": rng.choice(["todo", "done"])})
        case 2:
            return await client.post(task + "/comments", {"text": name})
        case 3:
            mutations = [
                {"mutation": f"{name}-{op[5:]}", "op": op, "args": {"task": rng.choice(TASKS)}}
                for op in ("task.delete", "task.restore")
            ]
            return await client.post(f"{URL}/mutations", mutations)
        case _:
            return await client.delete(task)


async def write_over_socket(person: Person, rng: random.Random) -> list[int]:
    """As `write_over_http`; the person reads along and folds nothing."""
    seqs = []
    for number in range(WRITES):
        task = rng.choice(TASKS)
        op, args = rng.choice(
            [
                ("task.update", {"task": task, "title": f"s{number}"}),
                ("task.move", {"task": task, "column": "doing", "after": rng.choice(TASKS)}),
                ("task.restore", {"task": task}),
                ("checklist.set", {"task": task, "item": "i", "text": f"s{number}"}),
                ("task.create", {"task": f"s{rng.randrange(10**12)}", "title": f"s{number}"}),
            ]
        )
        reply = await person.mutate(BOARD, op, **args)
        assert reply["type"] == "ack" or reply["code"] == "not_found", reply
        if reply["type"] == "ack":
            seqs.append(reply["seq"])
    return seqs


async def settled(person: Person, joined: Message, head: int) -> tuple[Fold, list[Message]]:
    """What a member who was there from the start has become, and all changes in the order of arrival."""
    fold, changes = Fold(), []
    fold.take(joined)
    while fold.head < head:
        message = await person.next()
        fold.take(message)
        if message["type"] == "changes":
            changes += message["changes"]
    return fold, changes


async def history(client: Client) -> list[Message]:
    """The whole log, a few pages of it at a time."""
    changes: list[Message] = []
    while True:
        since = changes[-1]["seq"] if changes else 0
        page = (await client.get(f"{URL}/changes?since={since}&limit=70")).body
        changes += page["items"]
        if len(page["items"]) == page["total"]:
            return changes


async def all_tasks(client: Client, seq: int) -> list[Message]:
    tasks: list[Message] = []
    while True:
        page = (await client.get(f"{URL}/tasks?skip={len(tasks)}&limit=50&seq={seq}")).body
        tasks += page["items"]
        if len(tasks) == page["total"]:
            return tasks


@on_loop
async def test_http_and_sockets_see_one_order_and_one_state(server: ServerProcess) -> None:
    rng = random.Random(7)
    programs = [program(server, codec) for codec in CODECS]
    assert (await programs[0].post("/api/boards", {"board": BOARD, "name": "Mixed"})).status == 201
    watchers = [await Person.hello(server, codec) for codec in CODECS]
    joins = [await watcher.ask("join", board=BOARD) for watcher in watchers]
    writers = [await Person.hello(server, codec) for codec in CODECS]
    for task in TASKS:
        await programs[0].post(f"{URL}/tasks", {"id": task, "title": task})

    seqs = await asyncio.gather(
        *(write_over_http(one, random.Random(rng.random())) for one in programs),
        *(write_over_socket(one, random.Random(rng.random())) for one in writers),
    )
    head = int((await programs[0].get(URL)).body["seq"])

    log = await history(programs[0])
    assert [change["seq"] for change in log] == list(range(1, head + 1))
    assert {change["client"] for change in log} > {"http"}
    for own in seqs:
        assert own == sorted(own) and own[-1] <= head
    newcomer = await Person.hello(server)
    fresh = Fold()
    fresh.take(await newcomer.ask("join", board=BOARD))
    for watcher, joined in zip(watchers, joins, strict=True):
        fold, changes = await settled(watcher, joined, head)
        assert changes == log[1:]
        assert fold.picture() == fresh.picture()
    for client in programs:
        tasks = await all_tasks(client, head)
        assert {task["id"]: task for task in tasks} == fresh.tasks
