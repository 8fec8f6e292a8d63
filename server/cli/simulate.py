"""`simulate`: devices with believable signals, or a file of readings, over real device sockets."""

import asyncio
import math
import random
import re
import secrets
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from msgspec import Struct

from server.cli.group import FAILED, fail
from server.cli.progress import Line as Progress
from server.cli.simulated.enrolment import Newcomer, NotEnrolled, Office
from server.cli.simulated.fleet import Fleet, Member, now_ms
from server.cli.simulated.line import Line
from server.cli.simulated.speech import SPEECHES
from server.errors import in_words
from server.simulation.backlog import Backlog
from server.simulation.device import Device, Values, kind_of
from server.simulation.replay import ReplayError, Row, read, shifted
from server.simulation.schedule import readings
from server.simulation.signals import KINDS
from server.simulation.tally import Tally

MOST_POINTS = 100_000
"""Values that one device holds while the server is away; then the oldest are dropped, and counted."""
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for on the command line; the fields are the options."""

    url: str
    board: str
    devices: int
    kind: str
    rate: float
    faults: float
    for_s: float | None
    past_s: float
    seed: int
    replay: Path | None
    speed: float
    metric: str | None
    codec: str
    batch: int
    prefix: str
    token: str
    tokens: Path | None


class Number(click.FloatRange):
    """A number in a range, which NaN is not: `FloatRange` lets it pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


class Duration(click.ParamType[float]):
    """`90`, `30s`, `5m`, `2h`, `1d` → seconds, between those two lengths, which are written the same way."""

    name = "duration"

    def __init__(self, least: str = "0s", most: str = "3650d") -> None:
        self._least, self._most = least, most

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration: wanted is 30s, 5m, 2h or 1d", param, ctx)
        seconds = float(found[1]) * UNITS[found[2]]
        if not _seconds(self._least) <= seconds <= _seconds(self._most):
            self.fail(f"{value!r} is not between {self._least} and {self._most}", param, ctx)
        return seconds


def _seconds(length: str) -> float:
    return float(length[:-1]) * UNITS[length[-1]]


def _url(_: click.Context, __: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or "@" in parts.netloc:
        raise click.BadParameter("wanted is http://<host>:<port>")
    return value.rstrip("/")


@click.command()
@click.option("--url", default="http://127.0.0.1:8888", show_default=True, callback=_url, help="The server.")
@click.option("--board", default="demo", show_default=True, metavar="ID", help="The board they belong to.")
@click.option("--devices", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many.")
@click.option(
    "--kind", type=click.Choice(["mixed", *KINDS]), default="mixed", show_default=True, help="What they are."
)
@click.option(
    "--rate",
    type=Number(0.0001, 1000),
    default=1.0,
    show_default=True,
    help="Readings a second of each device; a reading has all of its metrics.",
)
@click.option(
    "--faults",
    type=Number(0, 1),
    default=0.0,
    show_default=True,
    help="Share of its time that a device is unwell: climbing, stuck, spiking or silent.",
)
@click.option(
    "--for", "for_s", type=Duration("0.1s"), help="How long, as 30s, 5m, 2h. [default: until Ctrl-C]"
)
@click.option(
    "--past",
    "past_s",
    type=Duration(most="7d"),
    default="0s",
    help="Begin with readings of so long before now, at most 7d: what is older is not taken.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same signals.")
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file of timestamp,value rows to be sent instead, as if it happened from now on.",
)
@click.option(
    "--speed",
    type=Number(0, 1e9, min_open=True),
    default=1.0,
    show_default=True,
    help="How many times as fast --replay goes.",
)
@click.option("--metric", help="The metric's name for --replay. [default: the column's]")
@click.option("--codec", type=click.Choice(list(SPEECHES)), default="json", show_default=True)
@click.option(
    "--batch", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most points in a batch."
)
@click.option("--prefix", default="sim", show_default=True, help="Ids of the devices begin with it.")
@click.option(
    "--token", default="", envvar="BOARDCAST_TOKEN", help="Whose devices they are, where people sign in."
)
@click.option(
    "--tokens",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of device tokens, one a line: no devices are made, --devices counts for nothing.",
)
def simulate(**options: object) -> None:
    """Send believable telemetry of devices that are not there, over real sockets.

    They are made on the board first; one of the same id that is there gets a new token. Ctrl-C ends it: what
    was read is still settled, a second one ends at once. Exit code 1 when anything was not stored.
    """
    plan = Plan(**options)  # type: ignore[arg-type]
    progress = Progress()
    try:
        code = asyncio.run(_simulate(plan, progress))
    except (NotEnrolled, ReplayError, OSError, UnicodeDecodeError) as error:
        progress.clear()
        where = f"{plan.replay}: " if isinstance(error, (ReplayError, UnicodeDecodeError)) else ""
        fail(FAILED, f"cannot simulate: {where}{in_words(error)}")
    except KeyboardInterrupt:
        code = FAILED
    sys.exit(code)


async def _simulate(plan: Plan, progress: Progress) -> int:
    from handlers.listening import make_room

    rows = [] if plan.replay is None else read(_lines(plan.replay), metric=plan.metric)
    progress.show("making devices …")
    tokens = await _tokens(plan)
    make_room(len(tokens))
    tally = Tally()
    fleet = Fleet(
        [_member(plan, rows, number, token, tally) for number, token in enumerate(tokens)],
        tally,
        progress.show,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _asked_to_stop, fleet)
    took_s = await fleet.run(plan.for_s)
    progress.clear()
    for line in tally.lines(len(tokens), took_s):
        click.echo(line)
    for refusal in fleet.refusals[:5]:
        click.echo(f"refused: {refusal}", err=True)
    return 0 if tally.complete() and not fleet.refusals else FAILED


def _asked_to_stop(fleet: Fleet) -> None:
    """The first time gracefully; then as if nobody listened."""
    fleet.stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.default_int_handler)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from file


async def _tokens(plan: Plan) -> list[str]:
    if plan.tokens is not None:
        found = [line.strip() for line in _lines(plan.tokens)]
        if not any(found):
            raise NotEnrolled(f"{plan.tokens}: there is no token in it")
        return [token for token in found if token]
    return await Office(plan.url, plan.board, plan.token).enrol(
        [
            Newcomer(
                f"{plan.prefix}-{number + 1}",
                f"{_kind(plan, number).capitalize()} {number + 1}",
                ["simulated"],
                {"kind": _kind(plan, number)},
            )
            for number in range(plan.devices)
        ]
    )


def _kind(plan: Plan, number: int) -> str:
    if plan.replay is not None:
        return "replay"
    return kind_of(number) if plan.kind == "mixed" else plan.kind


def _member(plan: Plan, rows: Sequence[Row], number: int, token: str, tally: Tally) -> Member:
    address = "ws" + plan.url.removeprefix("http") + "/ws/device"
    backlog = Backlog(f"sim-{secrets.token_hex(8)}", batch_points=plan.batch, most_points=MOST_POINTS)
    line = Line((address, token), SPEECHES[plan.codec], backlog, tally)
    name = f"device {number + 1}"
    if rows:
        return Member(name, line, shifted(rows, now_ms(), plan.speed))
    device = Device(_kind(plan, number), number, seed=plan.seed, faulty=plan.faults)
    line.obey = lambda command: device.obey(command, now_ms())
    return Member(name, line, _readings(plan, device), device)


def _readings(plan: Plan, device: Device) -> Iterator[tuple[int, Values]]:
    """Not all devices read in the same moment."""
    period_ms = 1000 / plan.rate
    start = now_ms() + round(random.uniform(0, min(period_ms, 60_000)))
    return readings(device, start, period_ms, past_ms=round(plan.past_s * 1000))
