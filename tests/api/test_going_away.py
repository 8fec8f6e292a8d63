"""A server that is told to stop while programs write: what was answered is stored, and nobody gets a page."""

import asyncio
import json
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError

from tests.api.client import Client
from tests.support import PATIENCE_S, ServerProcess, on_loop

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
