"""The servers that are measured, each as a process of its own on the first core."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import tools

PEERS = tools.HERE / "peers"


@dataclass(frozen=True)
class Server:
    """`persists`: what of an acknowledged change is on disk. `speaks`: the groups of cases that it can do."""

    name: str
    title: str
    persists: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    speaks: frozenset[str] = frozenset({"ws", "http"})


@dataclass(frozen=True)
class Running:
    server: Server
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


BOARDCAST = "boardcast"
OURS = Server(
    BOARDCAST,
    "Boardcast",
    "every change (SQLite, synchronous=FULL)",
    [sys.executable, "-m", "server", "serve", "--port", "0", "--data", "{data}"],
    # the HTTP case creates more tasks than a board may hold by default, and all of the load has one address
    {
        f"BOARDCAST_LIMITS__{name}": "1000000"
        for name in ("TASKS_PER_BOARD", "MESSAGES_PER_SECOND", "MUTATIONS_PER_SECOND")
    },
    frozenset({"ws", "http", "board"}),
)


def all_servers() -> list[Server]:
    """Ours first. Installs what the others need; Node's is left out when there is no Node."""
    nothing, python, loop = "nothing", str(tools.peers_python()), tools.with_uvloop()
    servers = [
        replace(OURS, environment={**OURS.environment, **loop}),
        Server(
            "tornado",
            "Tornado, `write_message` loop",
            nothing,
            [sys.executable, str(PEERS / "naive_tornado.py")],
            loop,
        ),
    ]
    if modules := tools.node_modules():
        command = ["node", str(PEERS / "node_ws.js")]
        servers.append(Server("node", "Node `ws`", nothing, command, {"NODE_PATH": str(modules)}))
    return [
        *servers,
        Server(
            "websockets",
            "`websockets`, `broadcast`",
            nothing,
            [python, str(PEERS / "websockets_server.py")],
            speaks=frozenset({"ws"}),
        ),
        Server("fastapi", "FastAPI, uvicorn", nothing, [python, str(PEERS / "fastapi_app.py")]),
    ]


def pinned(core: int) -> list[str]:
    """What goes before a command to keep it on `core`; nothing on a machine with a single one."""
    return ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []


@contextmanager
def running(server: Server, results: Path) -> Iterator[Running]:
    """Start `server` with fresh data below `results`: on the disk that a real installation would have."""
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=results, prefix="data-") as data:
        command = [part.replace("{data}", data) for part in server.command]
        said = results / f"{server.name}.log"
        with (
            said.open("w") as log,
            subprocess.Popen(
                [*pinned(0), *command],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=tools.ROOT,
                env=_environment() | dict(server.environment),
            ) as process,
        ):
            try:
                yield Running(server, process.pid, _port(process, said))
            finally:
                _stop(process)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")}


def _port(process: subprocess.Popen[str], said: Path) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("listening on "):
            return int(line.strip().rpartition(":")[2])
    raise tools.Missing(f"a server did not start: {said.read_text()[-1000:]}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
