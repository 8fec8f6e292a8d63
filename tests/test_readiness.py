"""`/readyz` of a real instance, on a real Redis and a MongoDB's protocol, while they are held and let go."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.mongo import MongoServer
from tests.services.redis import RedisServer
from tests.support import PATIENCE_S, Client, ServerProcess, on_loop


class Place:
    """An instance, and what it depends on."""

    def __init__(self, redis: RedisServer, mongo: MongoServer, server: ServerProcess) -> None:
        self.redis, self.mongo, self.server = redis, mongo, server

    async def readyz(self) -> tuple[int, dict[str, Any]]:
        status, body = await asyncio.to_thread(self.server.get, "/readyz")
        return status, json.loads(body)["parts"]

    async def until(self, part: str, *states: str) -> int:
        """Asks until the part is in one of the states; the status of that answer."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                status, parts = await self.readyz()
                if parts[part].partition(":")[0] in states:
                    return status


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    with RedisServer(folder / "redis") as redis, MongoServer(folder / "mongo") as mongo:
        urls = {"STORE__URL": mongo.url(), "BROKER__URL": redis.url, "STORE__DEADLINE_S": "2"}
        with ServerProcess(folder / "data", **urls) as server:
            yield Place(redis, mongo, server)
            assert "Traceback" not in server.output()


@on_loop
async def test_an_instance_without_its_broker_is_ready_and_says_so(place: Place) -> None:
    assert await place.until("broker", "up") == 200
    ann = await Client.hello(place.server)
    place.redis.hold()
    try:
        assert await place.until("broker", "down") == 200
        assert (await ann.mutate("demo", "task.create", task="alone", title="T"))["type"] == "ack"
    finally:
        place.redis.go_on()
    assert await place.until("broker", "up") == 200


@on_loop
async def test_an_instance_without_its_store_is_not_ready_until_it_is_back(place: Place) -> None:
    assert await place.until("store", "up") == 200
    ann = await Client.hello(place.server)
    await ann.ask("join", board="demo")
    place.mongo.hold()
    try:
        assert await place.until("store", "down") == 503
        refused = await ann.mutate("demo", "task.create", task="not-now", title="T")
        assert (refused["code"], refused["retry"]) == ("unavailable", True)
        _, text = await asyncio.to_thread(place.server.get, "/metrics")
        assert "boardcast_store_up 0.0" in text and "boardcast_broker_up 1.0" in text
    finally:
        place.mongo.go_on()
    assert await place.until("store", "degraded", "up") == 200
    assert await place.until("store", "up") == 200
