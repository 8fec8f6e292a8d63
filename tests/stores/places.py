"""Where stores keep their data. The contract suite runs on each of `PLACES`: one more, one line."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pymongo.errors import DuplicateKeyError

from server.stores import Store
from server.stores.mongo import MongoStore
from server.stores.mongo.loading import Loading
from server.stores.mongo.log import Log
from server.stores.mongo.schema import Abilities
from server.stores.sqlite import SqliteStore
from tests.services.mongo import database_url
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.store import SimStore


class Place(Protocol):
    """One set of data. Every `store` opens that same set, also while another one has it open."""

    def store(self) -> Store:
        """A store that is not started yet."""


class SqlitePlace:
    def __init__(self, directory: Path) -> None:
        self.path = directory / "boards.db"

    def store(self) -> Store:
        return SqliteStore(self.path, exclusive=False)


class MongoPlace:
    """A database of its own on the server that all tests share."""

    def __init__(self, directory: Path) -> None:
        self.url = database_url(str(directory))

    def store(self) -> MongoStore:
        return MongoStore(self.url, deadline_s=10.0)


class Multikey:
    """A log whose unique index looks into the arrays of names, as MongoDB's does and nx-27017's does not."""

    def __init__(self, entries: Any) -> None:
        self._entries = entries

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entries, name)

    async def insert_one(self, document: Mapping[str, Any]) -> None:
        which = {"board": document["board"], "names": {"$in": list(document["names"])}}
        if await self._entries.find_one(which):
            raise DuplicateKeyError("E11000 duplicate key error")
        await self._entries.insert_one(document)


class MultikeyStore(MongoStore):
    """Goes the ways that it goes on MongoDB itself: it asks for no names, and for all heads in one query."""

    async def start(self) -> None:
        await super().start()
        link, _, shelves = self._parts()
        self._log = Log(link, Abilities(unique_names=True, grouped=True))
        self._log._entries = Multikey(self._log._entries)
        self._loading = Loading(link, self._log, shelves)


class MultikeyPlace(MongoPlace):
    def store(self) -> MongoStore:
        return MultikeyStore(self.url, deadline_s=10.0)


class SimPlace:
    """The store of the simulator, in fine weather."""

    disks: ClassVar[dict[Path, SimDisk]] = {}

    def __init__(self, directory: Path) -> None:
        self.disk = self.disks.setdefault(directory, SimDisk())

    def store(self) -> Store:
        return SimStore(self.disk, Faults())


PLACES: dict[str, Callable[[Path], Place]] = {
    "sqlite": SqlitePlace,
    "mongodb": MongoPlace,
    "simulated": SimPlace,
}
OF_LOGS: dict[str, Callable[[Path], Place]] = {**PLACES, "multikey": MultikeyPlace}
"""Those that differ in what they do with logs."""
DURABLE = ("sqlite", "mongodb")
"""Those that outlive the process."""


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Store]:
    store = place.store()
    await store.start()
    try:
        yield store
    finally:
        await store.close()
