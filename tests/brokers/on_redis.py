"""Brokers on a real Redis that tests may mistreat."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.brokers.redis import RedisBroker
from server.metrics import Metrics
from tests.brokers.instance import Instance, instances
from tests.services.redis import RedisServer

NOTICED_S = 5
"""What is promised for a server that is stopped."""
UP, DOWN = "the broker is up", "the broker is down"


@asynccontextmanager
async def started(*brokers: RedisBroker) -> AsyncIterator[list[Instance]]:
    them = iter(brokers)
    async with instances(lambda: next(them), len(brokers)) as found:
        yield found


def broker(server: RedisServer, **options: object) -> RedisBroker:
    return RedisBroker(server.url, metrics=Metrics(), **options)  # type: ignore[arg-type]


async def hears_again(ann: Instance, bob: Instance) -> None:
    """Until a message of `ann` reaches `bob`, whatever was lost before."""
    ann.broker.offer("b1", b"again")
    await bob.until(lambda: ("b1", b"again") in bob.received)
