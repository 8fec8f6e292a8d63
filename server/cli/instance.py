"""One process that serves: from its configuration to its exit code."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable

import click
import structlog
from msgspec import structs
from tornado.httpserver import HTTPServer

from server import brokers
from server.app import App
from server.cli.group import CONFIGURATION, FAILED
from server.config import Config, ConfigError
from server.errors import in_words
from server.stores import Failed, TooNew, Unusable

log = structlog.stdlib.get_logger("app")
COLLECTOR_THRESHOLDS = (2_000, 20, 10)
"""Python's own are (700, 10, 10). Messages make many objects and few cycles, so that a twentieth of the time
went into looking for some; connections that come and go make many, and portions of 50,000 took 80 ms at once.
Connections that have lasted end in the oldest generation: it is looked at now and then, too."""
FIRST_ACCOUNT = "make the first account: "
"""So begins the line with the one-time address for it."""
STOP_S = 5.0
"""How long the data may take to be let go of. Nothing is lost by not waiting: what was acknowledged stays."""


def run(config: Config, worker: int | None = None) -> tuple[int, str]:
    """Serve until told to stop; the exit code, and why it is not 0.

    `worker`: the number of this process when it is one of several. Then it stops when its standard input is
    closed: its supervisor asks for it that way, however it comes to its own end.
    """
    if worker is not None:
        structlog.contextvars.bind_contextvars(worker=worker)
        config = _as_worker(config, worker)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(config, supervised=worker is not None))
    except TooNew as error:
        return CONFIGURATION, f"data: {error}"
    except ConfigError as error:
        return CONFIGURATION, f"configuration: {error}"
    except (Unusable, brokers.Failed) as error:  # a URL: that a broker is away is no failure
        return CONFIGURATION, f"configuration: {error}"
    except (Failed, OSError) as error:
        return FAILED, f"cannot serve: {in_words(error)}"
    return 0, ""


def _as_worker(config: Config, worker: int) -> Config:
    """What differs from worker to worker."""
    server = config.server
    name = f"{server.instance}-{worker}" if server.instance else ""
    port = server.ops_port + worker - 1 if server.ops_port else 0
    return structs.replace(config, server=structs.replace(server, instance=name, ops_port=port))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop when it is installed (the extra `uvloop`), else asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


class Stopping:
    """What the process is told: `asked` to stop, and asked `again`, not to wait any longer.

    A manager of services may signal each process of a group by itself: the supervisor's word does not count
    as a second one.
    """

    def __init__(self) -> None:
        self.asked, self.again = asyncio.Event(), asyncio.Event()
        self._signals = 0
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        self._signals += 1
        (self.asked if self._signals == 1 else self.again).set()

    def heed_the_supervisor(self, patience_s: float) -> None:
        """Its end of our standard input closes. A thread of its own notices, even while the loop hangs."""

        def watch() -> None:
            while os.read(sys.stdin.fileno(), 1024):
                pass
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are stopping already
                self._loop.call_soon_threadsafe(self.asked.set)
            threading.Event().wait(patience_s)
            os._exit(FAILED)

        threading.Thread(target=watch, name="supervised", daemon=True).start()


async def _run(config: Config, *, supervised: bool) -> None:
    stopping = Stopping()
    if supervised:
        stopping.heed_the_supervisor(config.server.lame_duck_s + config.server.drain_s + 2 * STOP_S)
    living = asyncio.ensure_future(_live(config, stopping, shared=supervised))
    again = asyncio.ensure_future(stopping.again.wait())
    await asyncio.wait([living, again], return_when=asyncio.FIRST_COMPLETED)
    if not living.done():
        log.warning("told to stop a second time: stopping at once")
        _exit_at_once()
    again.cancel()
    await living


async def _live(config: Config, stopping: Stopping, *, shared: bool) -> None:
    # The one arrow up: the command line is where both sides meet.
    from handlers.assets import assets
    from handlers.listening import address_of, bind, make_room
    from handlers.routes import application, operations, serve
    from handlers.tls import Certificate

    certificate = Certificate.of(config)
    if certificate is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, certificate.reload)
    make_room(config.limits.connections + config.limits.waiting_connections)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    if config.in_the_clear:
        log.warning(config.in_the_clear)
    host, ops_port = config.server.host, config.server.ops_port
    sockets = [] if shared else bind(host, config.server.port)
    ops_host = config.server.ops_host or host
    ops = bind(ops_host, ops_port, settings="server.ops_host and server.ops_port") if ops_port else []
    app = App(config)
    assets()  # read before anybody waits for them, and before anything is copied over them
    if not await _start(app, stopping):
        return
    try:
        # The supervisor holds a shared port. The kernel would give us connections before we can serve them.
        sockets = sockets or bind(host, config.server.port, shared=True)
        serve(operations(app), ops, app)
        server = serve(application(app), sockets, app, certificate.context if certificate else None)
        address = address_of(host, sockets[0].getsockname()[1], tls=certificate is not None)
        if app.setup_code is not None:
            click.echo(f"{FIRST_ACCOUNT}{config.auth.address or address}/account/setup#{app.setup_code}")
        click.echo(f"listening on {address}")
        gc.freeze()  # what is there by now stays: no need to look at it again and again
        await stopping.asked.wait()
    except BaseException:
        await app.stop()
        raise
    await _end(app, server)


async def _start(app: App, stopping: Stopping) -> bool:
    """Whether it started; False when it was told to stop meanwhile. Raises as `App.start`."""
    starting = asyncio.ensure_future(app.start())
    asked = asyncio.ensure_future(stopping.asked.wait())
    await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
        return False
    await starting
    return True


async def _end(app: App, server: HTTPServer) -> None:
    """The graceful stop."""
    await app.leave()
    for _ in range(2):  # let in who has been waiting for it: they would be reset
        await asyncio.sleep(0)
    server.stop()
    try:
        async with asyncio.timeout(app.config.server.drain_s):
            await app.drain()
    except TimeoutError:
        log.warning(
            "server.drain_s is over; what was not answered will be sent again by its clients",
            connections=len(app.hub.connections),
        )
        app.hang_up()
    try:
        async with asyncio.timeout(STOP_S):
            await app.stop()
    except TimeoutError:
        log.warning("the store does not let go", waited_s=STOP_S)
        _exit_at_once()


def _exit_at_once() -> None:
    """Without the clean-up that could hang. The data is as safe as after `kill -9`."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
