"""The connection to the server: its options, whose turn it is, and how long anything may take."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import motor.frameworks.asyncio as pool
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern, monitoring
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from server.stores import Failed
from server.stores.mongo.address import Address, no_warnings
from server.stores.mongo.failures import Duplicate, translated

T = TypeVar("T")
Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]

MOST_WAITING = 4096
"""Calls that wait for a thread, per lane. Past it they fail at once."""
MOST_SELECTING_MS = 5000
"""How long a thread waits for a server that can be written to."""
DATABASE = "boardcast"
"""Where the URL names none."""


class Lane:
    """`width` exchanges at once; the others wait in line."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._free = asyncio.Semaphore(width)
        self.waiting = 0
        self.under_way = 0

    async def enter(self) -> None:
        """Raises `Failed` when too many wait already."""
        if self.waiting >= MOST_WAITING:
            raise Failed(f"{MOST_WAITING} calls wait for the database already")
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        self.under_way += 1

    def leave(self, _: object = None) -> None:
        self.under_way -= 1
        self._free.release()


class _Arrivals(monitoring.ConnectionPoolListener):
    """Tells, on the thread that made it, of each connection before anything is asked through it."""

    def __init__(self, arrived: Callable[[], None]) -> None:
        self._arrived = arrived

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        self._arrived()

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None: ...
    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None: ...
    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None: ...
    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None: ...
    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None: ...
    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None: ...
    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None: ...
    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None: ...
    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None: ...
    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None: ...


class Link:
    """A client and its database. Made on the running loop; raises as `Address`, and `Failed`.

    `era`: changes with each new connection and each call that fails. What was seen in another one may be
    gone: a server that has been away may have come back with an older copy of the data.

    `appends`, `lookups`, `loads`, `probes`: the lanes, which share the threads of Motor's pool; a probe
    stands behind nobody's call.

    `majority`: collections read what a majority has; turned off for a server that does not know the option.
    """

    def __init__(self, url: str, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        address = Address(url)
        self.server = f"MongoDB at {address.hosts}"
        threads = max(pool.max_workers, 4)
        self.lookups = Lane(threads // 4)
        self.loads = Lane(threads // 4)
        self.probes = Lane(1)
        self.appends = Lane(threads - 2 * (threads // 4) - 1)
        self.era = 0
        self._client, self._database = self._connect(address, threads)
        self.majority = True
        self._open = True
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def _connect(
        self, address: Address, threads: int
    ) -> tuple[AsyncIOMotorClient[Document], AsyncIOMotorDatabase[Document]]:
        milliseconds = int(self.deadline_s * 1000)
        try:
            client = _client(address.url, milliseconds, threads, self._next_era)
            name = client.get_default_database(DATABASE).name
        except (UserWarning, PyMongoError, ValueError, TypeError, OSError) as error:
            # What is wrong with the URL itself is known before: here a name server had no answer.
            raise Failed(f"{self.server} is not to be found: {address.without_login(error)}") from None
        return client, client.get_database(
            name,
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern(w="majority", j=True, wtimeout=milliseconds * 4 // 5),
        )

    def _next_era(self) -> None:
        self.era += 1

    def collection(self, name: str) -> Collection:
        concern = ReadConcern("majority") if self.majority else ReadConcern()
        return self._database.get_collection(name, read_concern=concern)

    async def uuid_of(self, collection: str) -> str:
        """What the server tells it from others of that name by; empty for a server that does not."""
        asked = {"name": collection}
        reply = await self.call(self.lookups, lambda: self._database.command("listCollections", filter=asked))
        found = [one["info"].get("uuid", b"") for one in reply["cursor"]["firstBatch"] if "info" in one]
        return "".join(uuid.hex() if isinstance(uuid, bytes) else str(uuid) for uuid in found)

    @property
    def writes_waiting(self) -> int:
        return self.appends.waiting + self.appends.under_way

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """The block is one call of the store's: it ends within the deadline, with `Failed` at the latest."""
        if not self._open:
            raise Failed("the store is not open")
        self._calls += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(self.deadline_s):
                yield
        except TimeoutError:
            raise Failed(f"no answer from {self.server} within {self.deadline_s} s") from None
        except Duplicate as error:
            raise Failed(
                f"{self.server} knows a key already that should be new: {error.__cause__}"
            ) from error
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._idle.set()

    async def call(self, lane: Lane, send: Callable[[], Awaitable[T]]) -> T:
        """One exchange with the server. Raises `Failed`, `Duplicate`.

        It keeps its place in the lane until its thread is free again, also when nobody waits for it any more.
        """
        await lane.enter()
        exchange = asyncio.ensure_future(_sent(send))
        exchange.add_done_callback(partial(_ended, lane))
        try:
            with translated(self.server):
                return await asyncio.shield(exchange)
        except (Failed, asyncio.CancelledError):
            self._next_era()
            raise

    async def close(self) -> None:
        """Let the calls under way end, then let go of the server. Takes `deadline_s` twice at most."""
        self._open = False
        try:
            async with asyncio.timeout(self.deadline_s):
                await self._idle.wait()
        except TimeoutError:
            pass
        await self._say_good_bye()

    async def _say_good_bye(self) -> None:
        """The server may hang. The thread is one that nobody waits for when the process ends."""
        loop = asyncio.get_running_loop()
        said = asyncio.Event()

        def say() -> None:
            self._client.close()
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(said.set)

        threading.Thread(target=say, name="good-bye to MongoDB", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.deadline_s):
                await said.wait()


def _client(
    url: str, milliseconds: int, threads: int, connected: Callable[[], None]
) -> AsyncIOMotorClient[Document]:
    """Raises UserWarning for an option that the driver would pass over."""
    with no_warnings():
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            url,
            io_loop=asyncio.get_running_loop(),
            appname="boardcast",
            maxPoolSize=threads,
            event_listeners=[_Arrivals(connected)],
            # What was sent once is not sent again behind our back: a duplicate key then proves that nothing
            # was written. Those who call try again, with a pause.
            retryWrites=False,
            retryReads=False,
            connectTimeoutMS=milliseconds // 2,
            serverSelectionTimeoutMS=min(milliseconds // 2, MOST_SELECTING_MS),
            socketTimeoutMS=milliseconds,
            waitQueueTimeoutMS=milliseconds,
        )
    return client


async def _sent(send: Callable[[], Awaitable[T]]) -> T:
    return await send()


def _ended(lane: Lane, exchange: "asyncio.Future[Any]") -> None:
    lane.leave()
    if not exchange.cancelled():
        exchange.exception()  # retrieved: its caller may have gone
