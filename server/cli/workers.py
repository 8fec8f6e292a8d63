"""`serve --workers N`: several processes on one port, and a supervisor that keeps them running.

The workers are fresh interpreters with the command line of their supervisor and a number. They share the
port (SO_REUSEPORT, the kernel divides the connections) and nothing else; what joins them is the store and the
broker. Between the supervisor and a worker are two pipes:

- the worker's standard output: its line `listening on …` says that it serves; the address for the first
  account is passed on, that of the worker that is first;
- its standard input. One line comes first: the configuration that is in force, as JSON. A worker that is
  started again reads no file, which may have been changed since: all work with the same one, and no other
  process sees its passwords. After that the input stays empty: when it is closed the worker stops gracefully.
  The kernel closes it when the supervisor is killed, so that no worker outlives it.

States of the whole: *starting* (until every worker has served once; a worker that fails ends the whole, with
its exit code) → *serving* (a worker that ends is started again, after a pause that grows while it ends soon;
exit code 78, a configuration that cannot work, ends the whole) → *stopping* (SIGTERM or SIGINT: all workers
take their leave at once; after a second signal, or too long a time, they are killed).
"""

import asyncio
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from typing import BinaryIO

import click
import msgspec
import structlog
from msgspec import structs

from server.cli.group import CONFIGURATION, FAILED
from server.cli.instance import FIRST_ACCOUNT, STOP_S
from server.config import Config
from server.errors import in_words

log = structlog.stdlib.get_logger("workers")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
STEADY_S = 30.0
"""A worker that ran for so long is started again after the first pause."""


class Backoff:
    """Pauses before a worker is started again: they double, with jitter in the upper half. Pure."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pause_s(self, ended_soon: int) -> float:
        """After a worker that ended soon so many times in a row; 0: the last time it did not."""
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(max(0, ended_soon - 1), 10))
        return longest * (1 + self._rng.random()) / 2


def supervise(config: Config) -> tuple[int, str]:
    """Serve with several processes until told to stop; the exit code, and why it is not 0."""
    from handlers.listening import address_of, reserve

    server = config.server
    try:
        held = reserve(server.host, server.port)
    except OSError as error:
        return FAILED, f"cannot serve: {in_words(error)}"
    port = held[0].getsockname()[1]
    command = [sys.executable, *sys.orig_argv[1:]]
    patience_s = server.lame_duck_s + server.drain_s + 2 * STOP_S
    given = hand_over(structs.replace(config, server=structs.replace(server, port=port)))
    supervisor = Supervisor(command, config.worker_count, patience_s, Backoff(random.Random()), given)
    tls = bool(config.tls.certificate)
    shown = address_of(server.host, port, tls=tls)
    try:
        return asyncio.run(supervisor.run(lambda: click.echo(f"listening on {shown}"), renews=tls))
    finally:
        for holder in held:
            holder.close()


def hand_over(config: Config) -> bytes:
    """What a worker is told in the beginning: one line."""
    return msgspec.json.encode(config) + b"\n"


def handed_over(lines: BinaryIO) -> Config:
    """The configuration of the supervisor. Raises EOFError when it is gone before it has told it."""
    line = lines.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the supervisor is gone")
    return msgspec.json.decode(line, type=Config)


class Supervisor:
    """Runs `count` processes of `command`, each with `--worker <number>` behind it.

    `patience_s`: what a worker that is to stop is given before it is killed. `given`: what comes first on the
    standard input of each.
    """

    def __init__(
        self, command: Sequence[str], count: int, patience_s: float, backoff: Backoff, given: bytes
    ) -> None:
        self._command, self._given = command, given
        self._first_account_told = False
        self._numbers = range(1, count + 1)
        self._patience_s = patience_s
        self._backoff = backoff
        self._asked, self._again, self._all_serve = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._starting = set(self._numbers)
        self._serving: set[Process] = set()
        self._code, self._reason = 0, ""

    async def run(self, all_serve: Callable[[], None], *, renews: bool = False) -> tuple[int, str]:
        """Until all have ended; the exit code, and why it is not 0. `all_serve`: called when all do, once.

        `renews`: SIGHUP is passed on to the workers, which then read their certificate again.
        """
        loop = asyncio.get_running_loop()
        if renews:
            loop.add_signal_handler(signal.SIGHUP, self._renew)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        log.info("starting workers", workers=len(self._numbers))
        announcing = asyncio.create_task(self._announce(all_serve))
        await asyncio.gather(*(self._keep(number) for number in self._numbers))
        announcing.cancel()
        log.info("all workers have ended")
        return self._code, self._reason

    def stop(self) -> None:
        """Ask for the end; the second time, insist on it."""
        (self._again if self._asked.is_set() else self._asked).set()

    def _renew(self) -> None:
        for process in self._serving:
            process.send_signal(signal.SIGHUP)

    async def _announce(self, all_serve: Callable[[], None]) -> None:
        await self._all_serve.wait()
        all_serve()

    # -- one worker

    async def _keep(self, number: int) -> None:
        """Have worker `number` running until all are to stop."""
        ended_soon = 0
        while not self._asked.is_set():
            begun = time.monotonic()
            code = await self._run_once(number)
            if self._asked.is_set():
                return
            if code == CONFIGURATION or number in self._starting:
                self._give_up(number, code)
                return
            ended_soon = 0 if time.monotonic() - begun >= STEADY_S else ended_soon + 1
            pause_s = self._backoff.pause_s(ended_soon)
            log.warning("a worker ended", worker=number, code=code, again_in_s=round(pause_s, 2))
            await _wait(self._asked, pause_s)

    def _give_up(self, number: int, code: int) -> None:
        """The worker has said why on standard error."""
        self._code = code if code in (FAILED, CONFIGURATION) else FAILED
        self._reason = f"worker {number} cannot serve, so none does (exit code {code})"
        self._asked.set()

    async def _run_once(self, number: int) -> int:
        """One life of a worker; its exit code, negative for a signal."""
        try:
            process = await self._spawn(number)
        except OSError as error:
            log.error("a worker cannot be started", worker=number, reason=error.strerror)
            return FAILED
        listening = asyncio.create_task(self._listen(number, process))
        stopping = asyncio.create_task(self._stop_when_asked(number, process))
        code = await process.wait()
        self._serving.discard(process)
        stopping.cancel()
        await listening
        self._let_go(process)
        if self._asked.is_set() and not self._again.is_set() and code and not self._code:
            self._code, self._reason = FAILED, f"worker {number} did not stop well (exit code {code})"
        return code

    async def _spawn(self, number: int) -> Process:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            "--worker",
            str(number),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the supervisor, which passes it on
        )
        assert process.stdin is not None
        process.stdin.write(self._given)
        return process

    async def _listen(self, number: int, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if line.startswith(FIRST_ACCOUNT.encode()) and not self._first_account_told:
                self._first_account_told = True  # each worker has one of its own; any of them does
                click.echo(line, nl=False)
            if line.startswith(b"listening on "):
                self._serving.add(process)
                self._starting.discard(number)
                if not self._starting:
                    self._all_serve.set()

    async def _stop_when_asked(self, number: int, process: Process) -> None:
        await self._asked.wait()
        self._let_go(process)
        await _wait(self._again, self._patience_s)
        if not self._again.is_set():
            log.error("a worker does not stop and is killed", worker=number, waited_s=self._patience_s)
        process.kill()

    def _let_go(self, process: Process) -> None:
        """Close its standard input, which asks it to stop."""
        assert process.stdin is not None
        process.stdin.close()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Until the event, at most so long."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
