"""A cluster on this machine: instances as processes, Redis, a MongoDB, and a proxy before each of them."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.instance import SERVER, Instance
from tests.cluster.player import Service, Ways
from tests.services.mongo import GivenServer, MongoServer
from tests.services.redis import RedisServer

SETTINGS = {
    "STORE__DEADLINE_S": "2",
    "BOARDS__SEED_DEMO": "false",
    "LOG__FORMAT": "console",
}


@dataclass(frozen=True)
class Cluster:
    """`ways[n]` are those of `instances[n]`; there are none when one instance is alone on SQLite."""

    instances: Sequence[Instance]
    ways: Sequence[Ways]
    services: Mapping[str, Service]


@asynccontextmanager
async def alone(folder: Path, *, program: tuple[str, ...] = SERVER) -> AsyncIterator[Cluster]:
    """One instance on SQLite, with nothing beside it."""
    instance = Instance("instance-0", folder, program, **SETTINGS)
    await instance.start()
    try:
        yield Cluster([instance], [], {})
    finally:
        await instance.close()


@asynccontextmanager
async def together(
    folder: Path,
    mongo: MongoServer | GivenServer,
    *,
    count: int = 3,
    program: tuple[str, ...] = SERVER,
    proxied: bool = True,
    **settings: str,
) -> AsyncIterator[Cluster]:
    """`count` instances on a Redis of their own and a database of their own on `mongo`.

    Without `proxied` they talk to both directly, and no way there can fail.
    """
    rng = random.Random(count)
    async with AsyncExitStack() as stack:
        redis = await asyncio.to_thread(stack.enter_context, RedisServer(folder / "redis"))
        database = f"cluster_{rng.randrange(10**9)}_{folder.name}"[:60].replace("-", "_")
        ways = [Ways(("127.0.0.1", redis.port), ("127.0.0.1", mongo.port), rng) for _ in range(count)]
        for way in ways:
            await stack.enter_async_context(way.redis)
            await stack.enter_async_context(way.store)
        instances = [
            Instance(
                f"instance-{number}",
                folder,
                program,
                BROKER__URL=f"redis://127.0.0.1:{way.redis.port if proxied else redis.port}",
                STORE__URL=f"mongodb://127.0.0.1:{way.store.port if proxied else mongo.port}/{database}",
                **(SETTINGS | settings),
            )
            for number, way in enumerate(ways)
        ]
        for instance in instances:
            stack.push_async_callback(instance.close)
        await asyncio.gather(*(instance.start() for instance in instances))
        own: Mapping[str, Service] = {"store": mongo} if isinstance(mongo, MongoServer) else {}
        yield Cluster(instances, ways, {"redis": redis, **own})
