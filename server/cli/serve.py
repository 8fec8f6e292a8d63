"""`serve` and `check`."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable
from pathlib import Path

import click

from server.app import App
from server.cli.group import CONFIGURATION, FAILED, fail, load, server_options
from server.config import Config
from server.log import set_up
from server.stores import Failed
from server.stores.sqlite import SchemaTooNew

COLLECTOR_THRESHOLDS = (50_000, 20, 100)
"""Messages make many objects and few cycles: with Python's own (700, 10, 10) a twentieth of the time goes
into looking for cycles."""


@click.command()
@server_options
def check(config: Path | None, **flags: object) -> None:
    """Check the configuration and say where the server would listen and keep its data."""
    loaded = load(config, flags)
    from handlers.listening import address_of

    address = address_of(loaded.server.host, loaded.server.port)
    click.echo(f"configuration is good: {address}, {loaded.store_url}")


@click.command()
@server_options
def serve(config: Path | None, **flags: object) -> None:
    """Run the server until SIGTERM or SIGINT; a second one stops it at once."""
    loaded = load(config, flags)
    set_up(loaded.log.level, loaded.log.format)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(loaded))
    except SchemaTooNew as error:
        fail(CONFIGURATION, f"data: {error}")
    except (Failed, OSError) as error:
        fail(FAILED, f"cannot serve: {error}")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop when it is installed (the extra `uvloop`), else asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(config: Config) -> None:
    # The one arrow up: the command line is where both sides meet.
    from handlers.listening import address_of, bind, make_room
    from handlers.routes import serve as answer

    make_room(config.limits.connections)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    sockets = bind(config.server.host, config.server.port)
    app = App(config)
    await app.start()
    try:
        server = answer(app, sockets)
        stopping = _on_signals()
        click.echo(f"listening on {address_of(config.server.host, sockets[0].getsockname()[1])}")
        await stopping.get()
        server.stop()
        draining = asyncio.ensure_future(app.drain())
        again = asyncio.ensure_future(stopping.get())
        await asyncio.wait(
            [draining, again], timeout=config.server.drain_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (draining, again):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await draining
    finally:
        await app.stop()


def _on_signals() -> "asyncio.Queue[int]":
    """A queue that gets each SIGTERM and SIGINT from now on."""
    received: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received.put_nowait, number)
    return received
