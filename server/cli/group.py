"""What the commands share: the group they are in, the flags of the configuration, how they fail."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from server import __version__
from server.config import Config, ConfigError

FAILED, CONFIGURATION = 1, 78

Command = Callable[..., None]

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="YAML file. [default: config.yaml, if there]"
)
_DATA = click.option("--data", metavar="DIR", help="Directory for everything that is kept.")
_STORE = click.option("--store", metavar="URL", help="Where changes are made durable.")
_NETWORK = (
    click.option("--host", help="Address to listen on."),
    click.option("--port", type=int, help="Port to listen on; 0 picks a free one."),
)
_WORKERS = click.option("--workers", metavar="N", help="Processes that serve the port together, or auto.")
_BROKER = click.option("--broker", metavar="URL", help="How instances hear of each other.")


def server_options(command: Command) -> Command:
    """The flags of `serve`."""
    return _with(command, _CONFIG, *_NETWORK, _DATA, _STORE, _BROKER, _WORKERS)


def data_options(command: Command) -> Command:
    """The flags that say where the data is."""
    return _with(command, _CONFIG, _DATA, _STORE)


def _with(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def fail(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


def load(config: Path | None, flags: dict[str, object]) -> Config:
    try:
        return Config.load(config, os.environ, flags)
    except ConfigError as error:
        fail(CONFIGURATION, f"configuration: {error}")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="boardcast")
def main() -> None:
    """Boardcast: live task boards for people and devices."""
