"""The shared store's connection: its URL, its bounds, and a server or a network that fails."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymongo
import pytest
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure, WTimeoutError

from server.stores import Failed, Refused, Store, Unusable
from server.stores.mongo import MongoStore, shelves
from server.stores.mongo.failures import Duplicate, translated
from server.stores.mongo.link import MOST_WAITING, Lane, Link
from server.stores.mongo.names import Known
from tests.services.mongo import MongoServer, free_port
from tests.services.proxy import REPLIES, REQUESTS, Proxy
from tests.stores.places import MongoPlace, opened
from tests.stores.samples import board_record, created, named, task_record, update, updates

DEADLINE_S = 2.0
"""Of stores whose calls are to fail by it."""
PATIENT_S = 20.0


@pytest.fixture
def place(tmp_path: Path) -> MongoPlace:
    return MongoPlace(tmp_path)


@asynccontextmanager
async def behind_a_proxy(
    place: MongoPlace, deadline_s: float = DEADLINE_S, board: str = "b1"
) -> AsyncIterator[tuple[MongoStore, Proxy]]:
    """A store that has a board of one change, and the network between it and its server."""
    uri = pymongo.uri_parser.parse_uri(place.url)
    async with Proxy(uri["nodelist"][0]) as proxy:
        store = MongoStore(
            f"mongodb://127.0.0.1:{proxy.port}/{uri['database']}?directConnection=true", deadline_s=deadline_s
        )
        await store.start()
        try:
            await store.append(board, 1, [created()])
            yield store, proxy
        finally:
            proxy.heal()
            await store.close()


async def until_it_answers(store: Store) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                return await store.ping()
            except Failed:
                continue


async def append_next(store: Store, board: str, mutation: str) -> None:
    """As a live board does it: what failed before may still land, and this may fail, too."""
    async with asyncio.timeout(30):
        while True:
            try:
                if await store.names(board, [named(mutation)]):
                    return
                head = (await store.heads([board]))[board].seq
                await store.append(board, head + 1, [update(head + 1, mutation)])
            except (Refused, Failed):
                continue


async def ends_in_failed(call: Coroutine[Any, Any, object]) -> None:
    """Within a few deadlines."""
    async with asyncio.timeout(30):
        with pytest.raises(Failed):
            await call


# the network


async def test_a_reply_that_is_cut_leaves_an_append_whose_name_tells(place: MongoPlace) -> None:
    """It is there, once: the store neither denies it nor writes it again."""
    async with behind_a_proxy(place, PATIENT_S) as (store, proxy):
        failed = 0
        for seq in range(2, 7):
            proxy.cut_in_reply()
            try:
                await store.append("b1", seq, [update(seq)])
            except Failed:
                failed += 1
            proxy.heal()
            await append_next(store, "b1", f"m{seq}")
            with pytest.raises(Refused):
                await store.append("b1", seq, [update(seq)])
        assert failed, "no reply was cut"
        assert await store.read("b1", 1, 100) == updates(2, 6)


async def test_connections_that_are_cut_under_appends_lose_none_of_them(place: MongoPlace) -> None:
    async with behind_a_proxy(place, PATIENT_S) as (store, proxy), opened(place) as other:
        for seq in range(2, 7):
            appending = asyncio.ensure_future(store.append("b1", seq, [update(seq)]))
            await asyncio.sleep(0)
            proxy.cut()
            if await asyncio.gather(appending, return_exceptions=True) == [None]:
                assert await other.names("b1", [named(f"m{seq}")]) == {named(f"m{seq}"): seq}
            await append_next(store, "b1", f"m{seq}")
        assert await other.read("b1", 1, 100) == updates(2, 6)


@pytest.mark.parametrize("lost", [REQUESTS, REPLIES])
async def test_a_network_that_swallows_everything_fails_every_call_in_time(
    place: MongoPlace, lost: str
) -> None:
    async with behind_a_proxy(place) as (store, proxy), opened(place) as other:
        proxy.lose(lost)
        calls = (store.append("b1", 2, [update(2)]), store.load("b1", 1), store.heads(["b1"]), store.ping())
        await asyncio.gather(*(ends_in_failed(call) for call in calls))
        proxy.heal()
        await append_next(store, "b1", "after")
        log = [change.mutation for change in await other.read("b1", 1, 10)]
        assert log == (["after"] if lost == REQUESTS else ["m2", "after"])


async def test_a_slow_network_is_no_failure(place: MongoPlace) -> None:
    async with behind_a_proxy(place, PATIENT_S) as (store, proxy):
        proxy.delay(0.05)
        await asyncio.gather(*(store.append(f"c{n}", 1, [created()]) for n in range(10)))
        assert len(await store.boards()) == 11


# the server


async def test_a_large_board_is_loaded_as_long_as_the_server_answers(
    place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer comes in time, all of them together do not."""
    monkeypatch.setattr(shelves, "PAGE", 10)
    async with opened(place) as store:
        await store.append("b1", 1, [created(), update(2)])
        await store.materialise("b1", 2, [board_record(1), *(task_record(2, f"t{n}") for n in range(80))])
    async with behind_a_proxy(place, board="b2") as (store, proxy):
        proxy.delay(0.12)  # each way
        begun = asyncio.get_running_loop().time()
        loaded = await store.load("b1", 10)
        assert asyncio.get_running_loop().time() - begun > DEADLINE_S, "or it shows nothing"
        assert loaded is not None and len(loaded.tasks) == 80


async def test_who_waits_for_others_to_be_loaded_asks_the_server_for_nothing(place: MongoPlace) -> None:
    async with behind_a_proxy(place) as (store, _):
        assert store._loading is not None and store._link is not None
        store._loading._free = asyncio.Semaphore(0)
        store._link.deadline_s = 0.1
        with pytest.raises(Failed, match="busy with loading other boards"):
            await store.load("b1", 10)
        store._link.deadline_s = DEADLINE_S
        store._loading._free.release()
        assert await store.load("b1", 10) is not None
        assert await store.load("b1", 10) is not None, "the turn was given back"


async def test_a_server_that_hangs_holds_nobody_past_the_deadline(tmp_path: Path) -> None:
    """Far more calls than there are threads; afterwards the appends that landed are whole, and it goes on."""
    with MongoServer(tmp_path) as server:
        async with opened_at(server) as store:
            boards = [f"b{n}" for n in range(100)]
            for board in boards[:10]:
                await store.append(board, 1, [created()])
            server.hold()
            try:
                calls = [store.append(board, 1, [created(), update(2)]) for board in boards[10:]]
                calls += [store.append(board, 2, [update(2)]) for board in boards[:10]]
                calls += [store.ping() for _ in range(20)]
                await asyncio.gather(*(ends_in_failed(call) for call in calls))
            finally:
                server.go_on()
            for board in boards[:10]:
                await append_next(store, board, "after")
        async with opened_at(server, PATIENT_S) as store:
            for board in boards[:10]:
                log = [change.mutation for change in await store.read(board, 0, 10)]
                assert log in (["create", "after"], ["create", "m2", "after"])
            assert {head.seq for head in (await store.heads(boards[10:])).values()} <= {2}


async def test_a_server_that_is_killed_and_comes_back_has_what_it_acknowledged(tmp_path: Path) -> None:
    with MongoServer(tmp_path) as server:
        async with opened_at(server, PATIENT_S) as store:
            await store.append("b1", 1, [created(), *updates(2, 50)])
            server.kill()
            await ends_in_failed(store.append("b1", 51, [update(51)]))
            server.start()
            await until_it_answers(store)
            assert await store.read("b1", 1, 100) == updates(2, 50)
            await store.append("b1", 51, [update(51)])


async def test_a_close_beside_a_server_that_hangs_comes_to_its_end(tmp_path: Path) -> None:
    with MongoServer(tmp_path) as server:
        store = MongoStore(server.url(), deadline_s=DEADLINE_S)
        await store.start()
        server.hold()
        under_way = asyncio.ensure_future(ends_in_failed(store.append("b1", 1, [created()])))
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await store.close()
            await under_way
        assert store.writes_waiting == 0


@asynccontextmanager
async def opened_at(server: MongoServer, deadline_s: float = DEADLINE_S) -> AsyncIterator[MongoStore]:
    store = MongoStore(server.url(), deadline_s=deadline_s)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def test_a_good_bye_that_hangs_does_not_hold_up_the_end_of_the_process(place: MongoPlace) -> None:
    store = MongoStore(place.url)
    await store.start()
    link, answered = store._link, threading.Event()
    assert link is not None
    link.deadline_s = 0.05
    really, link._client = link._client, SimpleNamespace(close=answered.wait)
    await store.close()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert not answered.is_set()
    answered.set()
    really.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    store = MongoStore(f"mongodb://me:secret@127.0.0.1:{free_port()}/x", deadline_s=PATIENT_S)
    with pytest.raises(Failed, match=r"MongoDB at 127.0.0.1:\d+ cannot be reached: .*refused") as failed:
        await store.start()
    assert "secret" not in str(failed.value)


# what is set, whatever the URL says


async def test_what_decides_about_safety_does_not_hang_on_the_url(place: MongoPlace) -> None:
    link = Link(place.url + "?retryWrites=true&w=0&journal=false&readPreference=secondary", 2.0)
    log = link.collection("log")
    assert log.write_concern.document == {"w": "majority", "j": True, "wtimeout": 1600}
    assert log.read_concern.document == {"level": "majority"}
    assert log.read_preference.mode == 0
    assert not log.database.client.options.retry_writes
    await link.close()


async def test_a_url_without_a_database_means_boardcast() -> None:
    for url, name in (
        ("mongodb://h", "boardcast"),
        ("mongodb://h/?w=1", "boardcast"),
        ("mongodb://h/x", "x"),
    ):
        link = Link(url, 1.0)
        assert link.collection("log").database.name == name
        await link.close()


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://",
        "mongodb://me:sec/ret@host/x",
        "mongodb://me:secret@host:port/x",
        "mongodb://me:secret@host/a.b",
        "mongodb://me:secret@host/x?tls=perhaps",
        "mongodb://me:secret@host/x?retryWrite=true",
        "mongodb://me:p@sec/ret@host/x",
        "mongodb://me:p@sec?ret@host/x",
        "mongodb://me:p@sec@host/x",
        "mongodb://me:secret@host:0/x",
        "mongodb://me:secret@host,other:65536/x",
        "mongodb://me:secret@host/a%2Eb",
        "mongodb+srv://me:secret@db.example.com:27017/x",
        "mongodb+srv://me:secret@db.example.com/x?retryWrite=true",
    ],
)
async def test_a_url_that_cannot_be_used_is_told_without_the_password(url: str) -> None:
    with pytest.raises(Unusable, match=r"^store\.url: ") as refused:
        await MongoStore(url).start()
    assert "sec" not in str(refused.value).replace("user:password", "")


# bounds, and what the driver says


async def test_a_probe_does_not_stand_behind_what_others_look_up(place: MongoPlace) -> None:
    async with opened(place) as store:
        assert isinstance(store, MongoStore) and store._link is not None
        lane = store._link.lookups
        for _ in range(lane.width):
            await lane.enter()
        looking = asyncio.ensure_future(store.board_ids())
        await store.ping()
        assert not looking.done()
        for _ in range(lane.width):
            lane.leave()
        assert await looking == []


async def test_ids_of_boards_are_asked_for_in_as_many_exchanges_whether_few_or_many(
    place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    real = Link.call

    async def counted(link: Link, lane: Lane, send: Any) -> Any:
        nonlocal calls
        calls += 1
        return await real(link, lane, send)

    async with opened(place) as store:
        for number in range(30):
            await store.append(f"b{number:02d}", 1, [created()])
        monkeypatch.setattr(Link, "call", counted)
        assert await store.board_ids() == [f"b{number:02d}" for number in range(30)]
    assert calls == 1


async def test_a_lane_is_bounded() -> None:
    lane = Lane(1)
    await lane.enter()
    waiting = [asyncio.ensure_future(lane.enter()) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Failed, match="wait for the database"):
        await lane.enter()
    for _ in waiting:
        lane.leave()
    await asyncio.gather(*waiting)
    assert (lane.waiting, lane.under_way) == (0, 1)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationFailure("bad auth", 18), "user or the password"),
        (OperationFailure("not authorized on x to execute", 13), "lacks a right"),
        (OperationFailure("not primary", 10107), "not the primary"),
        (OperationFailure("existing index differs", 86), "drop it"),
        (WTimeoutError("waiting for replication timed out", 64), "majority"),
        (BulkWriteError({"writeErrors": [{"code": 11000}, {"code": 50, "errmsg": "x"}]}), "did not take"),
        (KeyError("nModified"), "not understood"),
    ],
)
def test_what_the_driver_raises_is_told_in_our_words(error: Exception, said: str) -> None:
    with pytest.raises(Failed, match=said), translated("MongoDB at h"):
        raise error


def test_what_the_driver_fails_at_in_the_background_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    driver = logging.getLogger("pymongo.client")
    for error in (AutoReconnect("127.0.0.1:1: connection closed"), ValueError("a defect")):
        try:
            raise error
        except Exception:
            driver.exception("MongoClient background task encountered an error:")
    away, defect = caplog.records
    assert (away.levelname, away.exc_info) == ("WARNING", None)
    assert "connection closed" in away.getMessage()
    assert (defect.levelname, bool(defect.exc_info)) == ("ERROR", True)


def test_only_duplicate_keys_are_a_duplicate() -> None:
    with pytest.raises(Duplicate), translated("MongoDB at h"):
        raise BulkWriteError({"writeErrors": [{"code": 11000}], "writeConcernErrors": []})
    with pytest.raises(Failed), translated("MongoDB at h"):
        raise BulkWriteError({"writeErrors": [{"code": 11000}], "writeConcernErrors": [{"code": 64}]})


def test_names_are_remembered_without_a_gap_and_up_to_a_bound() -> None:
    known = Known(most=6)
    known.add("b1", 1, ["a", "b"])
    known.add("b1", 4, ["d"])
    known.add("b1", 3, ["c"])
    assert known.reach("b1") == 3
    assert known.suspects("b1", ["a", "c", "d"]) == ["a", "c"]
    known.add("b2", 1, ["a", "b", "c", "d"])
    assert (known.reach("b1"), known.reach("b2")) == (0, 4)
    assert known.suspects("b1", ["a"]) == []
