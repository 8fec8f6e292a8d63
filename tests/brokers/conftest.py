"""The contract suite runs on each of `EXCHANGES`: one more broker, one more line."""

import asyncio
import inspect
from collections.abc import Callable

import pytest

from server.brokers import Broker
from server.brokers.local import LocalBroker, LocalExchange
from tests.simulator.broker import SimBroker, SimExchange
from tests.simulator.faults import Faults

MakeBroker = Callable[[], Broker]
"""A broker that is not started; those of one maker reach each other."""


def local() -> MakeBroker:
    exchange = LocalExchange()
    return lambda: LocalBroker(exchange)


def simulated() -> MakeBroker:
    """The broker of the simulator, in fine weather."""
    exchange = SimExchange(Faults())
    return lambda: SimBroker(exchange)


EXCHANGES: dict[str, Callable[[], MakeBroker]] = {
    "local": local,
    "simulated": simulated,
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
    return EXCHANGES[request.param]()
