"""The contract suite runs on each of `EXCHANGES`: one more broker, one more line."""

import asyncio
import inspect
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.brokers import Broker
from server.brokers.local import LocalBroker, LocalExchange
from server.brokers.redis import RedisBroker
from server.metrics import Metrics
from tests.brokers.lines import Lines, lines_logged
from tests.services.redis import RedisServer
from tests.simulator.broker import SimBroker, SimExchange
from tests.simulator.faults import Faults

MakeBroker = Callable[[], Broker]
"""A broker that is not started; those of one maker reach each other."""


def local(_: pytest.FixtureRequest) -> MakeBroker:
    exchange = LocalExchange()
    return lambda: LocalBroker(exchange)


def simulated(_: pytest.FixtureRequest) -> MakeBroker:
    """The broker of the simulator, in fine weather."""
    exchange = SimExchange(Faults())
    return lambda: SimBroker(exchange)


def on_redis(request: pytest.FixtureRequest) -> MakeBroker:
    """Brokers with channels of their own on one real server."""
    server: RedisServer = request.getfixturevalue("shared_redis")
    prefix = "t" + secrets.token_hex(4)
    return lambda: RedisBroker(server.url, metrics=Metrics(), prefix=prefix)


EXCHANGES: dict[str, Callable[[pytest.FixtureRequest], MakeBroker]] = {
    "local": local,
    "simulated": simulated,
    "redis": on_redis,
}


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests of this directory, each in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.fixture(params=EXCHANGES)
def make_broker(request: pytest.FixtureRequest) -> MakeBroker:
    return EXCHANGES[request.param](request)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that do no harm to it."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """One server for a test that mistreats it."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def lines() -> Iterator[Lines]:
    with lines_logged() as lines:
        yield lines
