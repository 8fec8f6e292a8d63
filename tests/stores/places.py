"""Where stores keep their data. The contract suite runs on each of `PLACES`: one more, one line."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, Protocol

from server.stores import Store
from server.stores.mongo import MongoStore
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

    def store(self) -> Store:
        return MongoStore(self.url, deadline_s=10.0)


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
