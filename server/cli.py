"""`python -m server …`. Exit codes: 0, 1 failed, 2 usage, 78 configuration (or data of a newer version)."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import structlog

from server import __version__
from server.app import App
from server.config import Config, ConfigError
from server.log import set_up
from server.stores import Failed
from server.stores.sqlite import SchemaTooNew

log = structlog.stdlib.get_logger("cli")
FAILED, CONFIGURATION = 1, 78


def _fail(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


def _load(config: Path | None, flags: dict[str, object]) -> Config:
    try:
        return Config.load(config, os.environ, flags)
    except ConfigError as error:
        _fail(CONFIGURATION, f"configuration: {error}")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--broker", metavar="URL", help="How instances hear of each other."),
        click.option("--store", metavar="URL", help="Where changes are made durable."),
        click.option("--data", metavar="DIR", help="Directory for everything that is kept."),
        click.option("--port", type=int, help="Port to listen on; 0 picks a free one."),
        click.option("--host", help="Address to listen on."),
        click.option(
            "--config", type=click.Path(path_type=Path), help="YAML file. [default: config.yaml, if there]"
        ),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="boardcast")
def main() -> None:
    """Boardcast: live task boards for people and devices."""


@main.command()
@_options
def check(config: Path | None, **flags: object) -> None:
    """Check the configuration and say where the server would listen and keep its data."""
    loaded = _load(config, flags)
    click.echo(f"configuration is good: http://{loaded.server.host}:{loaded.server.port}, {loaded.store_url}")


@main.command()
@_options
def serve(config: Path | None, **flags: object) -> None:
    """Run the server until SIGTERM or SIGINT; a second one stops it at once."""
    loaded = _load(config, flags)
    set_up(loaded.log.level, loaded.log.format)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(loaded))
    except SchemaTooNew as error:
        _fail(CONFIGURATION, f"data: {error}")
    except (Failed, OSError) as error:
        _fail(FAILED, f"cannot serve: {error}")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop when it is installed (the extra `uvloop`), else asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(config: Config) -> None:
    from handlers.routes import listen  # the one arrow up: the command line is where both sides meet

    app = App(config)
    await app.start()
    try:
        server, address = listen(app)
        stopping = _on_signals()
        click.echo(f"listening on {address}")
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
