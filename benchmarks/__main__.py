"""`make bench`, or `python -m benchmarks --help`."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from . import tools
from .cases import CASES, SIZE, Case
from .chart import chart
from .measure import Broken, measure
from .results import Measured, Results, number, report
from .servers import Server, all_servers, running

Named = TypeVar("Named", Server, Case)
RESULTS = tools.HERE / "results"
QUIET, ATTEMPTS = 0.05, 3
"""The share of a core that others may take from a measurement, and how often one is tried."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="How fast it is, beside others."
    )
    environment = os.environ.get
    parser.add_argument("--rounds", type=int, default=environment("BENCH_ROUNDS", 3))
    parser.add_argument("--seconds", type=float, default=environment("BENCH_SECONDS", 4), help="of each load")
    parser.add_argument(
        "--cases", default=environment("BENCH_CASES", ""), help=f"of {','.join(c.name for c in CASES)}"
    )
    parser.add_argument("--servers", default=environment("BENCH_SERVERS", ""), help="names, by comma")
    parser.add_argument("--from", dest="again", type=Path, help="a JSON of an earlier run: report it again")
    parser.add_argument("--chart", type=Path, help="where the chart goes, too")
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    try:
        run = json.loads(wanted.again.read_text()) if wanted.again else take(wanted)
    except tools.Missing as error:
        sys.exit(f"bench: {error}")
    about = {name: (title, persists) for name, (title, persists) in run["servers"].items()}
    results = Results(Measured(**one) for one in run["measured"])
    text, drawn = f"{machine_line(run['machine'])}\n\n{report(results, about)}", chart(results, about)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.md").write_text(text)
    for path in filter(None, (RESULTS / "latest.svg", wanted.chart)):
        path.write_text(drawn)
    print(f"\n{text}")


def take(wanted: argparse.Namespace) -> dict[str, Any]:
    """Measure, and keep what was measured after each case as `results/<when>.json`."""
    for name in ("wsload", "httpload"):
        tools.build(name)
    servers = chosen(all_servers(), wanted.servers)
    cases = chosen(CASES, wanted.cases)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    run: dict[str, Any] = {
        "machine": machine(),
        "settings": {"rounds": wanted.rounds, "seconds": wanted.seconds, "message_bytes": SIZE},
        "servers": {server.name: (server.title, server.persists) for server in servers},
    }
    measured: list[dict[str, Any]] = []
    for number_of_round in range(wanted.rounds):
        for case in cases:
            able = [server for server in servers if case.speaks in server.speaks]
            for server in turned(able, number_of_round):
                measured.append(asdict(one(number_of_round, case, server, wanted.seconds)))
                path.write_text(json.dumps(run | {"measured": measured}, indent=1))
    return run | {"measured": measured}


def chosen(there: Sequence[Named], names: str) -> list[Named]:
    """Those that are named, by comma; all of them when none is. Exits for one that is not known."""
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := wanted - {one.name for one in there}:
        known = ", ".join(one.name for one in there)
        sys.exit(f"benchmarks: there is no {', '.join(sorted(unknown))}; there are {known}")
    return [one for one in there if not wanted or one.name in wanted]


def turned(servers: Sequence[Server], by: int) -> list[Server]:
    """Another one goes first in each round."""
    by %= len(servers) or 1
    return [*servers[by:], *servers[:by]]


def one(number_of_round: int, case: Case, server: Server, seconds: float) -> Measured:
    """A fresh server for each measurement. One that fails is shown, and the run goes on.

    Where others took the generator's core meanwhile it is tried again; the least disturbed one counts.
    """
    tries: list[dict[str, Any]] = []
    while len(tries) < ATTEMPTS and not (tries and disturbance(tries[-1]) <= QUIET):
        try:
            with running(server, RESULTS) as at:
                tries.append(measure(case, at, seconds))
            said = f"{number(tries[-1][case.key])} {case.unit}"
        except (Broken, OSError) as error:
            tries.append({"error": str(error)})
            said = f"failed: {error}"
        taken = disturbance(tries[-1])
        noise = f"  (disturbed: others had {taken:.0%} of a core)" if taken > QUIET else ""
        print(f"round {number_of_round + 1}  {case.name:14} {server.name:11} {said}{noise}", flush=True)
    return Measured(number_of_round, case.name, server.name, min(tries, key=rank))


def rank(figures: dict[str, Any]) -> tuple[bool, float]:
    """What measured anything goes before what failed, the least disturbed first."""
    return "error" in figures, disturbance(figures)


def disturbance(figures: dict[str, Any]) -> float:
    """The share of the time for which the generator was ready and others had its core."""
    return float(figures.get("generator_waited", 0))


def machine() -> dict[str, Any]:
    """What the figures depend on: nothing that names the machine."""
    return {
        "python": platform.python_version(),
        "uvloop": bool(tools.with_uvloop() or find_spec("uvloop")),
        "cores": os.cpu_count(),
        "cpu": cpu(),
        "fdatasync_ms": fdatasync_ms(),
        "load_before": os.getloadavg()[0],
    }


def cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def fdatasync_ms() -> float:
    """The median of what 4 KiB cost to be on the disk: the floor under every durable figure."""
    took = []
    with tempfile.TemporaryFile(dir=RESULTS) as file:
        for _ in range(100):
            file.write(bytes(4096))
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begun) * 1000)
    return median(took)


def machine_line(about: dict[str, Any]) -> str:
    loop = "with uvloop" if about["uvloop"] else "asyncio's own loop"
    return (
        f"{about['cpu']}, {about['cores']} cores, Python {about['python']} ({loop}); fdatasync of 4 KiB "
        f"{about['fdatasync_ms']:.2g} ms; load before the run {about['load_before']:.1f}"
    )


if __name__ == "__main__":
    main()
