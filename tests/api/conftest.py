"""The whole server on pytest-tornado's loop and port, with an empty store beside it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tornado.ioloop import IOLoop
from tornado.web import Application

from handlers.routes import application
from server.app import App
from server.config import Config
from tests.api.client import Client


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """The loop of pytest-tornado. Tornado puts the one before back: there is one, and it gets closed."""
    outer = asyncio.new_event_loop()
    asyncio.set_event_loop(outer)
    loop = IOLoop()
    yield loop
    loop.close(all_fds=True)
    asyncio.set_event_loop(None)
    outer.close()


@pytest.fixture
def instance(io_loop: IOLoop, tmp_path: Path) -> Iterator[App]:
    """A started app with the demo board; stopped in the end, with nothing left open."""
    config = Config.load(None, {}, {"data": str(tmp_path)})

    async def make() -> App:
        made = App(config)
        await made.start()
        return made

    async def end() -> None:
        await made.drain()
        await made.stop()

    made = io_loop.run_sync(make)
    yield made
    io_loop.run_sync(end)


@pytest.fixture
def app(instance: App) -> Application:
    """What pytest-tornado serves."""
    return application(instance)


@pytest.fixture
def client(http_client: object, base_url: str) -> Client:
    return Client(http_client, base_url)


@pytest.fixture
def address(base_url: str) -> SimpleNamespace:
    """Where people connect to with a socket: what `tests.support.Client` asks of a server."""
    return SimpleNamespace(url=base_url)
