"""Where stores keep their data. The contract suite runs on each of `PLACES`: one more, one line."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from server.stores import Store
from server.stores.sqlite import SqliteStore


class Place(Protocol):
    """One set of data. Every `store` opens that same set, also while another one has it open."""

    def store(self) -> Store:
        """A store that is not started yet."""


class SqlitePlace:
    def __init__(self, directory: Path) -> None:
        self.path = directory / "boards.db"

    def store(self) -> Store:
        return SqliteStore(self.path, exclusive=False)


PLACES: dict[str, Callable[[Path], Place]] = {
    "sqlite": SqlitePlace,
}


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Store]:
    store = place.store()
    await store.start()
    try:
        yield store
    finally:
        await store.close()
