"""A server that is told to stop while programs write: what was answered is stored, and nobody gets a page."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError

from server.app import App
from tests.api.client import Client
from tests.support import PATIENCE_S, ServerProcess, on_loop
from tests.web.raw import head

WRITERS = 8


async def write_until_refused(server: ServerProcess, stored: list[str], enough: asyncio.Event) -> None:
    client = Client(AsyncHTTPClient(force_instance=True), server.url)
    while True:
        try:
            reply = await client.post("/api/tasks", {"title": "x"})
        except (OSError, HTTPClientError, HTTPStreamClosedError):
            return
        if reply.status != 201:
            assert (reply.status, reply.code) == (503, "unavailable"), reply
            return
        stored.append(reply.body["id"])
        if len(stored) > 10 * WRITERS:
            enough.set()


@on_loop
async def test_every_write_that_was_answered_is_there_after_the_stop(tmp_path: Path) -> None:
    stored: list[str] = []
    enough = asyncio.Event()
    with ServerProcess(tmp_path) as server:
        writers = [asyncio.ensure_future(write_until_refused(server, stored, enough)) for _ in range(WRITERS)]
        async with asyncio.timeout(PATIENCE_S):
            await enough.wait()
        server.terminate()
        await asyncio.gather(*writers)
        assert server.wait() == 0
        assert "Traceback" not in server.output()
    with ServerProcess(tmp_path) as server:
        assert set(stored) <= all_tasks(server)


def all_tasks(server: ServerProcess) -> set[str]:
    """The ids of all tasks of the default board, a page at a time."""
    found: set[str] = set()
    while True:
        page = json.loads(server.get(f"/api/tasks?skip={len(found)}&limit=500")[1])
        found |= {task["id"] for task in page["items"]}
        if len(found) == page["total"]:
            return found


def narrow(port: int) -> socket.socket:
    """A connection whose kernel takes little before it is read."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    link.connect(("127.0.0.1", port))
    link.setblocking(False)
    return link


@pytest.mark.gen_test
async def test_a_request_is_under_way_until_its_answer_has_left(
    client: Client, instance: App, http_port: int
) -> None:
    for part in range(10):
        args = [{"task": f"t-{part}-{n}", "title": "T", "description": "x" * 20_000} for n in range(45)]
        batch = [{"mutation": one["task"], "op": "task.create", "args": one} for one in args]
        assert (await client.post("/api/boards/demo/mutations", batch)).status == 200
    reader, writer = await asyncio.open_connection(sock=narrow(http_port))
    writer.write(head("GET /api/tasks?limit=500"))
    top = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert not instance.requests.none.is_set()
    body = await reader.readexactly(int(top.partition("content-length: ")[2].split("\r\n")[0]))
    assert len(body) > 9_000_000 and len(json.loads(body)["items"]) > 450
    await instance.requests.none.wait()
    writer.write(head("GET /api/tasks?limit=500"))
    await reader.readuntil(b"\r\n\r\n")
    writer.close()  # who hangs up holds nobody up
    await instance.requests.none.wait()
