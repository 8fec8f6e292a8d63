"""Drive one case against one running server: `measure` answers with figures by name."""

import asyncio
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from tornado.websocket import websocket_connect

from . import tools
from .cases import BOARD, HELLO, MESSAGE, MUTATION, SIZE, TASKS, Case
from .servers import BOARDCAST, Running, pinned

Figures = dict[str, Any]
LARGE, BATCH = 5_000, 250
JOINS = 5
WARMUP_S = 4
"""Before anything counts, over sockets: a message takes two seconds through the slowest peer, saturated."""
LAST = '"last":true}'
"""How the message with the last tasks ends."""


class Broken(Exception):
    """A measurement that does not count: the generator failed, or was refused."""


def measure(case: Case, at: Running, seconds: float) -> Figures:
    """Raises `Broken`. What was lost, doubled or out of order is among the figures."""
    prepare(case, at)
    match case.kind:
        case "http":
            return _http(case, at, seconds)
        case "join":
            return asyncio.run(_join(at))
        case "idle":
            return _idle(case, at)
        case _:
            return _load(case, at, seconds)


# --- before


def prepare(case: Case, at: Running) -> None:
    """The board, or boards, that the case speaks of, and their tasks.

    Another board comes before what is measured of ours: it gives SQLite's write-ahead log the length that it
    has in a server that runs. A commit that makes a file longer costs 0.1 ms more than one that does not.
    """
    if case.kind == "http":
        for number in range(TASKS):
            _post(at, "/api/tasks", {"id": f"t{number}", "title": f"Task {number}"})
    elif at.server.name == BOARDCAST:
        _make_board(at, BOARD, LARGE if case.kind == "join" else TASKS)
        if case.kind in ("members", "answers"):
            _make_board(at, "before", LARGE)
        for number in range(50 if case.name == "idle-members" else 0):
            _make_board(at, f"idle{number}", 1)


def _make_board(at: Running, board: str, tasks: int) -> None:
    _post(at, "/api/boards", {"board": board, "name": "Benchmark"})
    for start in range(0, tasks, BATCH):
        numbers = range(start, min(tasks, start + BATCH))
        answer = _post(at, f"/api/boards/{board}/mutations", [_create(number) for number in numbers])
        if any("seq" not in result for result in answer["results"]):
            raise Broken(f"the board could not be filled: {answer['results'][0]}")


def _create(number: int) -> Figures:
    column = ("todo", "doing", "done")[number % 3]
    args = {"task": f"t{number}", "title": f"Task number {number} of this board", "column": column}
    return {"mutation": f"m{number}", "op": "task.create", "args": args}


def _post(at: Running, path: str, body: object) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(at.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


# --- the cases


def _load(case: Case, at: Running, seconds: float) -> Figures:
    joins = case.kind == "members"
    flags = [*case.flags, "--seconds", str(seconds), "--warmup", str(WARMUP_S), "--size", str(SIZE)]
    if at.server.name == BOARDCAST:
        flags += ["--template", MUTATION, *_greeting(BOARD if joins else None)]
    else:
        flags += ["--template", MESSAGE, "--path", "/ws" if joins else "/echo"]
    return generate(at, [*flags, "--settle", "1000"])


def _greeting(board: str | None) -> list[str]:
    """What a client of ours says first. In a room acknowledgements come beside the changes: not counted."""
    greeting = ["--hello", HELLO, "--refused", '"type":"error"']
    if board is None:
        return [*greeting, "--ready", '"type":"welcome"']
    join = json.dumps({"type": "join", "id": 2, "board": board}, separators=(",", ":"))
    return [*greeting, "--hello", join, "--ready", '"type":"joined"', "--ignore", '"type":"ack"']


def generate(at: Running, flags: list[str]) -> Figures:
    """One run of `wsload`. Raises `Broken`."""
    where = ["--port", str(at.port), "--pid", str(at.pid)]
    figures = _run([str(tools.build("wsload")), *where, *flags])
    if figures["failed"] or figures["refused"] or figures["broken"]:
        raise Broken(f"{at.server.name}: {figures}")
    return figures


def _idle(case: Case, at: Running) -> Figures:
    flags = [*case.flags, "--idle", "--settle", "2000"]
    if at.server.name == BOARDCAST:
        flags += _greeting("idle%G" if case.name == "idle-members" else None)
    figures = generate(at, flags)
    grown = figures["kib"] - figures["kib_before"]
    return figures | {"kib_per_connection": grown / figures["open"]}


def _http(case: Case, at: Running, seconds: float) -> Figures:
    command = [str(tools.build("httpload")), "127.0.0.1", str(at.port), "50", str(seconds), "1", *case.flags]
    before = _cpu_s(at.pid)
    figures = _run(command)
    if figures["refused"] or figures["broken"]:
        raise Broken(f"{at.server.name}: {figures}")
    spent = _cpu_s(at.pid) - before
    return figures | {"server_cpu": spent * figures["answered_per_s"] / figures["answered"]}


def _cpu_s(pid: int) -> float:
    """CPU seconds that the process has spent (proc(5), stat: utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _run(command: list[str]) -> Figures:
    done = subprocess.run([*pinned(1), *command], capture_output=True, text=True, check=False)
    if not done.stdout:
        raise Broken(done.stderr.strip()[-1000:])
    figures: Figures = json.loads(done.stdout)
    return figures | ({"said": done.stderr.strip()[-500:]} if done.stderr else {})


async def _join(at: Running) -> Figures:
    """`first_s`: nobody has joined since the last change. `again_s`: the median of those that follow."""
    took = [await _join_once(at, number) for number in range(JOINS)]
    return {"first_s": took[0][0], "again_s": median(seconds for seconds, _ in took[1:]), "bytes": took[0][1]}


async def _join_once(at: Running, number: int) -> tuple[float, int]:
    url = at.url.replace("http", "ws", 1) + "/ws"
    client = await websocket_connect(url, max_message_size=1 << 30)
    await client.write_message(HELLO.replace("%C", f"{number:04}"))
    await client.read_message()
    parts: list[str] = []
    begun = time.perf_counter()
    await client.write_message(json.dumps({"type": "join", "id": 2, "board": BOARD}))
    while not parts or not parts[-1].endswith(LAST):
        message = await client.read_message()
        if message is None:
            raise Broken("the server closed the connection of a join")
        parts.append(str(message))
    took = time.perf_counter() - begun
    client.close()
    if (tasks := sum(part.count('"priority":') for part in parts)) != LARGE:
        raise Broken(f"{tasks} tasks came with the join")
    return took, sum(map(len, parts))
