"""One instance as a process of its own, which can be killed, stopped, continued and started again."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support import ROOT

SERVER = ("server",)
START_S = 300
"""Longer than several faults of its store: what cannot reach it ends, and is started again."""
LISTENING = re.compile(rb"listening on (http://127\.0\.0\.1:\d+)\s")


class Instance:
    """`python -m <program> serve`, on a free port at each start. `settings`: as in `ServerProcess`.

    `url` is empty while nobody can come in. `deaths`: of what it died that nobody meant.
    """

    def __init__(self, name: str, data: Path, program: tuple[str, ...] = SERVER, **settings: str) -> None:
        self.name = name
        self.url = ""
        self.starts = 0
        self.deaths: list[str] = []
        self.on_up: Callable[[], None] = lambda: None
        self.turn = asyncio.Lock()
        """Whoever kills, stops or starts it holds this meanwhile."""
        self._data = data
        self.program = program
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._told: asyncio.Task[None] | None = None

    @property
    def output(self) -> Path:
        """Everything that it wrote on standard error, of all its starts."""
        return self._data / f"{self.name}.log"

    async def start(self) -> None:
        """Returns when it listens. What ends before, because its store is away, is started again."""
        deadline = asyncio.get_running_loop().time() + START_S
        while not await self._try_to_start():
            assert asyncio.get_running_loop().time() < deadline, (
                f"{self.name} does not start:\n{self.output.read_text()[-2000:]}"
            )
        self.starts += 1
        self.on_up()

    async def _try_to_start(self) -> bool:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")}
        given = {f"BOARDCAST_{name}": value for name, value in self._settings.items()}
        with self.output.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self.program, "serve", "--port", "0"),
                *("--data", str(self._data / self.name)),
                cwd=ROOT,
                env=inherited | given | {"BOARDCAST_SERVER__INSTANCE": self.name},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        found = LISTENING.match(line)
        if found is None:
            await self._end(signal.SIGKILL)
            return False
        self.url = found[1].decode()
        self._told = asyncio.create_task(self._watch(self._process))
        return True

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """An end that nobody asked for."""
        code = await process.wait()
        self.url = ""
        self.deaths.append(f"{self.name} ended by itself with {code}")

    async def _end(self, sign: int) -> int:
        assert self._process is not None
        if self._told is not None:
            self._told.cancel()
        self.url = ""
        self._signal(sign)
        code = await self._process.wait()
        assert self._process.stdout is not None
        await self._process.stdout.read()
        return code

    async def kill(self) -> None:
        """`kill -9`."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """Asks for a graceful stop; the exit code."""
        return await self._end(signal.SIGTERM)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, sign: int) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, sign)  # the process object's own way may swallow the exit code

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()
