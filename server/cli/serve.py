"""`serve` and `check`."""

import sys
from pathlib import Path

import click

from server.backends import check_urls
from server.cli.group import CONFIGURATION, FAILED, fail, load, server_options
from server.cli.instance import run
from server.cli.workers import handed_over, supervise
from server.config import Config, ConfigError, masked
from server.errors import in_words
from server.log import set_up
from server.mqtt_settings import mqtt_settings


@click.command()
@server_options
def check(config: Path | None, **flags: object) -> None:
    """Check the configuration and say where the server would listen and keep its data."""
    loaded = load(config, flags)
    from handlers.listening import address_of
    from handlers.tls import Certificate

    try:
        certificate = Certificate.of(loaded)
        mqtt_settings(loaded)
        check_urls(loaded)
    except ConfigError as error:
        fail(CONFIGURATION, f"configuration: {error}")
    except OSError as error:
        fail(FAILED, in_words(error))
    address = address_of(loaded.server.host, loaded.server.port, tls=certificate is not None)
    data = f"{masked(loaded.store_url)}, {masked(loaded.broker.url)}"
    click.echo(f"configuration is good: {address}, {data}")
    if loaded.in_the_clear:
        click.echo(f"warning: {loaded.in_the_clear}", err=True)


@click.command()
@server_options
@click.option("--worker", type=int, hidden=True, help="Which one of several this process is.")
def serve(config: Path | None, worker: int | None, **flags: object) -> None:
    """Run the server until SIGTERM or SIGINT; a second one stops it at once."""
    loaded = _load_checked(config, flags) if worker is None else _from_supervisor()
    set_up(loaded.log.level, loaded.log.format)
    if worker is None and loaded.worker_count > 1:
        code, reason = supervise(loaded)
    else:
        code, reason = run(loaded, worker)
    if code:
        fail(code, reason)


def _load_checked(config: Path | None, flags: dict[str, object]) -> Config:
    loaded = load(config, flags)
    try:
        check_urls(loaded)
    except ConfigError as error:
        fail(CONFIGURATION, f"configuration: {error}")
    return loaded


def _from_supervisor() -> Config:
    try:
        return handed_over(sys.stdin.buffer)
    except EOFError as error:
        fail(FAILED, f"cannot serve: {error}")
