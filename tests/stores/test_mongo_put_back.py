"""An older copy is put back under a shared store that runs: what it remembers of the log may be gone.

A server has been away for it, so that every connection is another one then.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.synchronous.database import Database

from server.stores import Failed, Refused
from server.stores.mongo import MongoStore
from server.stores.mongo.documents import Entry
from server.stores.mongo.log import Log
from server.stores.mongo.names import Known
from tests.services.proxy import Proxy
from tests.stores.places import MongoPlace, MultikeyPlace
from tests.stores.samples import created, update

PATIENT_S = 20.0

Data = Database[dict[str, Any]]


class Server:
    """The database behind a proxy, and what an operator does to it."""

    def __init__(self, data: Data, proxy: Proxy) -> None:
        self.data = data
        self.proxy = proxy

    def put_back(self, last: int) -> None:
        """The log ends with `last` again, and nobody is connected any more."""
        self.data["log"].delete_many({"board": "b1", "last": {"$gt": last}})
        self.proxy.cut()

    @property
    def log(self) -> list[int]:
        found = self.data["log"].find({"board": "b1"}).sort("first", 1)
        return [seq for entry in found for seq in range(entry["first"], entry["last"] + 1)]


@pytest.fixture(params=[MongoPlace, MultikeyPlace])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> MongoPlace:
    made: MongoPlace = request.param(tmp_path)
    return made


@pytest.fixture
def data(place: MongoPlace) -> Iterator[Data]:
    with pymongo.MongoClient[dict[str, Any]](place.url) as client:
        yield client.get_default_database()


@asynccontextmanager
async def running(place: MongoPlace, data: Data) -> AsyncIterator[tuple[MongoStore, Server]]:
    """A store that has a board of six changes, appended one by one."""
    host, port = data.client.address or ("", 0)
    async with Proxy((host, port)) as proxy:
        url = f"mongodb://127.0.0.1:{proxy.port}/{data.name}?directConnection=true"
        store = type(place.store())(url, deadline_s=PATIENT_S)
        await store.start()
        await store.append("b1", 1, [created()])
        for seq in range(2, 7):
            await store.append("b1", seq, [update(seq)])
        yield store, Server(data, proxy)
        await store.close()


async def append(store: MongoStore, seq: int, mutation: str = "") -> None:
    """What a lost connection fails is sent again, as often as there were connections."""
    for _ in range(20):
        try:
            return await store.append("b1", seq, [update(seq, mutation or f"m{seq}")])
        except Failed:
            continue
    raise AssertionError("the server does not come back")


async def test_no_gap_is_stored_behind_the_copy(place: MongoPlace, data: Data) -> None:
    async with running(place, data) as (store, server):
        server.put_back(3)
        with pytest.raises(Refused):
            await append(store, 7)
        assert server.log == [1, 2, 3]
        await append(store, 4, "other")
        assert server.log == [1, 2, 3, 4]


async def test_what_the_copy_does_not_hold_may_be_done_again_and_once(place: MongoPlace, data: Data) -> None:
    async with running(place, data) as (store, server):
        server.put_back(3)
        for seq, mutation in enumerate(("m6", "new-5", "new-6", "new-7", "new-8"), 4):
            await append(store, seq, mutation)
        for known in ("m2", "m6", "new-7"):
            with pytest.raises(Refused):
                await append(store, 9, known)
        assert server.log == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_copy_that_has_grown_past_what_was_lost_is_read_anew(place: MongoPlace, data: Data) -> None:
    """By another instance, which did not know the old log."""
    async with running(place, data) as (store, server):
        server.put_back(3)
        other = place.store()
        await other.start()
        await other.append("b1", 4, [update(seq, f"other-{seq}") for seq in (4, 5, 6)])
        await other.append("b1", 7, [update(7, "other-7")])
        await other.close()
        with pytest.raises(Refused):
            await append(store, 7)
        for known in ("other-4", "other-7"):
            with pytest.raises(Refused):
                await append(store, 8, known)
        await append(store, 8, "m5")
        assert server.log == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_what_lands_behind_a_gap_is_taken_back(
    place: MongoPlace, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is put back between the look at the log and the insertion."""
    async with running(place, data) as (store, server):
        real = Log._insert

        async def insert(log: Log, entry: Entry) -> None:
            monkeypatch.setattr(Log, "_insert", real)
            server.put_back(3)
            try:
                await real(log, entry)
            except Failed:
                await real(log, entry)

        monkeypatch.setattr(Log, "_insert", insert)
        with pytest.raises(Refused, match="older copy"):
            await store.append("b1", 7, [update(7)])
        assert server.log == [1, 2, 3]


def test_names_of_a_log_that_is_another_one_are_forgotten() -> None:
    known = Known()
    known.add("b1", 1, ["a", "b"])
    known.add("b1", 3, ["c"])
    assert known.ends_with("b1", 3, ["c"])
    assert not known.ends_with("b1", 3, ["d"]) and not known.ends_with("b1", 2, ["c"])
    known.drop("b1")
    assert (known.reach("b1"), known.suspects("b1", ["a"])) == (0, [])
    assert not known.ends_with("b1", 3, ["c"])
