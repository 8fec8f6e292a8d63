"""One connection to Redis, watched. Everything that goes wrong with it comes out as `LinkDown`."""

import asyncio
import errno
import math
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import Connection
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError

from server.brokers import Failed
from server.brokers.redis.address import Address
from server.brokers.redis.names import Names
from server.brokers.redis.settings import Deadlines
from server.brokers.redis.silence import TICK_S, Silence, Verdict

AWAY, REFUSED, TLS = "away", "refused", "tls"


def packed(*words: bytes) -> bytes:
    """One command as it goes over the wire."""
    command: bytes = pack_command(words)  # type: ignore[arg-type]  # its stub means a tuple of one
    return command


class LinkDown(Failed):
    """`kind`: AWAY, REFUSED (user, password or a permission) or TLS. Only another kind is news to a log."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Link:
    """Opened again and again, one connection at a time. `silence` is of the connection that is open."""

    def __init__(self, address: Address, deadlines: Deadlines) -> None:
        self._address, self._deadlines = address, deadlines
        self._connection = address.connection(deadlines.connect_s)
        self._names = None if address.host is None else Names(address.host)
        self._attempts = 0
        self._transport: asyncio.WriteTransport | None = None
        self._verdict: LinkDown | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self.silence = self._new_silence()

    def _new_silence(self) -> Silence:
        limits = self._deadlines
        return Silence(ping_s=limits.ping_s, silence_s=limits.silence_s, answer_s=limits.answer_s)

    @asynccontextmanager
    async def opened(self, ping: Callable[[], None]) -> AsyncIterator[None]:
        """Connected and logged in. `ping` is called when it is time to send a PING. Raises `LinkDown`."""
        self._verdict = None
        try:
            await self._open()
            self.silence = self._new_silence()
            self._tick(ping)
            yield
        except (RedisError, OSError, TimeoutError) as error:
            raise self._explained(error) from error
        finally:
            await self._close()

    def _explained(self, error: BaseException) -> LinkDown:
        return self._verdict or explained(error, self._address, self._deadlines.connect_s)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(self._deadlines.connect_s):
                await self._connect()
        finally:
            # There is no public way to abort it, and closing would wait for what cannot be sent any more.
            writer = self._connection._writer
            self._transport = None if writer is None else writer.transport

    async def _connect(self) -> None:
        """To the first address that takes us; each attempt begins with another one."""
        if self._names is None or not isinstance(self._connection, Connection):
            await self._connection.connect()  # type: ignore[no-untyped-call]
            return
        found = await self._names.addresses()
        self._attempts += 1
        for number in range(len(found)):
            self._connection.host = found[(self._attempts - 1 + number) % len(found)]
            try:
                await self._connection.connect()  # type: ignore[no-untyped-call]
                return
            except (RedisError, OSError):
                if number == len(found) - 1:
                    raise

    async def _close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        with suppress(RedisError, OSError, TimeoutError):
            await self._connection.disconnect()

    def _tick(self, ping: Callable[[], None]) -> None:
        self._ticker = asyncio.get_running_loop().call_later(TICK_S, self._tick, ping)
        match self.silence.tick():
            case Verdict.PING:
                ping()
            case Verdict.SILENT:
                self.give_up("Redis does not answer")

    def give_up(self, reason: str) -> None:
        """Whoever reads or writes ends with `LinkDown`; what is buffered is not sent any more."""
        self._verdict = LinkDown(AWAY, reason)
        if self._ticker is not None:
            self._ticker.cancel()
        if self._transport is not None:
            self._transport.abort()

    def send(self, commands: Sequence[bytes]) -> Awaitable[None]:
        """Packed commands that want answers. Returns when the socket has taken them."""
        if not self._connection.is_connected:  # it would connect by itself
            raise ConnectionResetError("the connection is closed")
        self.silence.asked()
        return self._connection.send_packed_command(commands, check_health=False)

    def read(self) -> Awaitable[Any]:
        """The next answer or message. An error that Redis answers with is raised."""
        return self._connection.read_response(timeout=math.inf)


async def all_until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run them side by side. The first that ends, or fails, ends the others; its error is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def explained(error: BaseException, address: Address, connect_s: float) -> LinkDown:
    """For an operator, without the driver's wrapping."""
    for cause in _causes(error):
        match cause:
            case AuthenticationError() | AuthorizationError() | NoPermissionError():
                return LinkDown(REFUSED, f"Redis refuses the login or a permission: {cause}")
            case ssl.SSLError():
                return LinkDown(TLS, f"TLS with Redis fails: {cause}")
            case TimeoutError():
                return LinkDown(AWAY, f"no connection within {connect_s:g} s")
            case OSError(errno=number) if address.tls_files and number in (errno.ENOENT, errno.EACCES):
                return LinkDown(TLS, f"{os.strerror(number)}: one of {', '.join(address.tls_files)}")
            case OSError(errno=int(number)) if number > 0:
                return LinkDown(AWAY, f"no connection: {os.strerror(number)}")
            case OSError():
                return LinkDown(AWAY, f"no connection: {cause}")
    return LinkDown(AWAY, str(error) or type(error).__name__)


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and those behind it: redis-py wraps the ones of a login over a Unix socket."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
