"""What is special about the shared store: its documents, its bounds, and a server that many write to."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.synchronous.database import Database

from server.model.records import Change, Patch
from server.stores import Failed, Head, Refused, TooNew
from server.stores.mongo import documents
from server.stores.mongo.names import Known
from tests.stores.places import MongoPlace, opened
from tests.stores.samples import (
    ANN,
    board_record,
    comment_record,
    created,
    named,
    nameless,
    task_record,
    update,
    updates,
)

Data = Database[dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path) -> MongoPlace:
    return MongoPlace(tmp_path)


@pytest.fixture
def data(place: MongoPlace) -> Iterator[Data]:
    """The database as others see it."""
    with pymongo.MongoClient[dict[str, Any]](place.url) as client:
        yield client.get_default_database()


# documents


async def test_an_append_is_one_document_that_people_can_read(place: MongoPlace, data: Data) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        await store.append("b1", 2, [update(2), nameless(3)])
    first, second = data["log"].find({"board": "b1"}).sort("first")
    assert first["epoch"] == "epoch-1"
    assert (second["_id"], second["first"], second["last"]) == ("b1/0000000000000002", 2, 3)
    assert second["names"] == [named("m2"), "/3"]
    assert second["tasks"] == ["t1"]
    assert second["changes"][0] == {
        "seq": 2,
        "at": 1002,
        "actor": {"id": "u_ann", "name": "Ann", "kind": "user"},
        "client": "client-1",
        "mutation": "m2",
        "op": "task.update",
        "task": "t1",
        "set": {"title": "Milk", "due_at": None},
        "was": {"title": "Bread"},
    }


async def test_records_are_documents_that_people_can_query(place: MongoPlace, data: Data) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created(), *updates(2, 4)])
        await store.materialise("b1", 4, [board_record(4), task_record(4), comment_record(3)])
    (task,) = data["tasks"].find({"board": "b1", "value.column": "todo"})
    assert (task["_id"], task["id"], task["seq"], task["value"]["title"]) == ("b1/t1", "t1", 4, "Milk")
    (comment,) = data["comments"].find({"board": "b1"})
    assert comment["value"]["text"] == "Skimmed?"
    (board,) = data["boards"].find({"board": "b1"})
    assert (board["_id"], board["epoch"], board["mark"], board["seq"]) == ("b1", "epoch-1", 4, 4)
    assert board["record"]["info"]["value"]["name"] == "Kitchen"


async def test_unique_indexes_begin_with_the_board(place: MongoPlace, data: Data) -> None:
    async with opened(place):
        pass
    unique = {
        (name, *(field for field, _ in index["key"]))
        for name in ("log", "parts", "boards", "tasks", "comments")
        for index in data[name].index_information().values()
        if index.get("unique")
    }
    assert unique >= {
        ("log", "board", "first"),
        ("log", "board", "last"),
        ("parts", "board", "append", "part"),
        ("boards", "board"),
        ("tasks", "board", "id"),
        ("comments", "board", "id"),
    }
    assert {fields[1] for fields in unique} == {"board"}


# appends


async def test_an_append_that_begins_inside_another_one_is_refused(place: MongoPlace) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        await store.append("b1", 2, updates(2, 6))
    async with opened(place) as store:
        assert [change.seq for change in await store.read("b1", 0, 4)] == [1, 2, 3, 4]
        with pytest.raises(Refused):
            await store.append("b1", 5, [update(5, "between")])
        await store.append("b1", 7, [update(7)])


def described(seq: int, text: str) -> Change:
    return Change(
        seq=seq,
        at=1000,
        actor=ANN,
        op="task.update",
        client="client-1",
        mutation=f"m{seq}",
        task=f"t{seq % 2}",
        set=Patch(description=text),
    )


async def test_an_append_too_large_for_a_document_is_taken_whole(place: MongoPlace, data: Data) -> None:
    changes = [described(seq, "☃" * 300_000) for seq in range(2, 22)]
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        await store.append("b1", 2, changes)
        assert await store.read("b1", 1, 1000) == changes
        assert data["log"].count_documents({"board": "b1"}) == 2
        assert data["parts"].count_documents({"board": "b1"}) == 2


async def test_changes_in_parts_are_read_like_others(
    place: MongoPlace, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 2000)
    changes = [described(seq, "☃" * 100) for seq in range(2, 62)]
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        await store.append("b1", 2, changes)
        assert data["parts"].count_documents({"board": "b1"}) > 9
        assert await store.read("b1", 5, 3) == changes[4:7]
        touching = await store.history("b1", since=None, before=10, task="t1", limit=2)
        assert [change.seq for change in touching] == [9, 7]
        assert await store.count("b1", since=2, before=10, task="t1") == 4
        loaded = await store.load("b1", 3)
        assert loaded is not None
        assert [*loaded.tail] == [created(), *changes]
        assert await store.names("b1", [named("m4")]) == {named("m4"): 4}
        with pytest.raises(Refused):
            await store.append("b1", 3, [update(3, "again")])


async def test_parts_of_an_append_that_failed_mean_nothing(
    place: MongoPlace, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 1000)
    async with opened(place) as here, opened(place) as there:
        await here.append("b1", 1, [created()])
        await there.heads(["b1"])
        await here.append("b1", 2, updates(2, 40))
        with pytest.raises(Refused):
            await there.append("b1", 2, [update(seq, f"late{seq}") for seq in range(2, 41)])
        assert await there.read("b1", 1, 100) == updates(2, 40)
        (kept,) = data["log"].distinct("append")
        assert data["parts"].distinct("append") == [kept], "what was refused is taken back"


async def test_parts_that_are_not_all_there_are_taken_back(
    place: MongoPlace, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 1000)
    made = documents._parts
    monkeypatch.setattr(documents, "_parts", lambda *given: [*(parts := made(*given)), parts[0]])
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        with pytest.raises(Failed):  # the last part is the first one again
            await store.append("b1", 2, updates(2, 40))
        assert data["parts"].count_documents({}) == 0
        assert (await store.heads(["b1"]))["b1"].seq == 1


async def test_what_no_document_can_hold_is_a_defect(place: MongoPlace) -> None:
    async with opened(place) as store:
        with pytest.raises(ValueError, match="BSON"):
            await store.append("b1", 1, [created(epoch="\udc00")])
        assert await store.boards() == {}


async def test_writers_that_race_on_a_board_leave_no_hole_and_lose_nothing(place: MongoPlace) -> None:
    """Four instances with batches; each reads on in small steps, so that its head may lie inside a batch."""
    stores = [place.store() for _ in range(4)]
    await asyncio.gather(*(store.start() for store in stores))
    await stores[0].append("b1", 1, [created()])
    acknowledged: set[str] = set()

    async def write(number: int) -> None:
        store, rng, head, done = stores[number], random.Random(number), 1, 0
        while done < 12:
            size = rng.randint(1, 5)
            changes = [update(head + 1 + n, f"w{number}-{done}-{n}") for n in range(size)]
            try:
                await store.append("b1", head + 1, changes)
            except Refused:
                head += len(await store.read("b1", head, 2))
                continue
            acknowledged.update(change.name or "" for change in changes)
            head += size
            done += 1

    await asyncio.gather(*(write(number) for number in range(4)))
    log = await stores[1].read("b1", 0, 10_000)
    assert [change.seq for change in log] == list(range(1, len(log) + 1))
    assert sorted(change.name or "" for change in log[1:]) == sorted(acknowledged)
    await asyncio.gather(*(store.close() for store in stores))


# records


async def test_instances_that_write_a_record_at_the_same_moment_keep_the_newest(place: MongoPlace) -> None:
    async with opened(place) as here, opened(place) as there:
        await here.append("b1", 1, [created(), *updates(2, 30)])
        tasks = [f"t{n}" for n in range(40)]

        async def write(store: Any, seqs: range) -> None:
            for seq in seqs:
                await store.materialise("b1", seq, [task_record(seq, task) for task in tasks])

        await asyncio.gather(write(here, range(1, 30, 4)), write(there, range(2, 31, 4)))
        loaded = await here.load("b1", 0)
        assert loaded is not None
        assert {task.seq for task in loaded.tasks} == {30}
        assert loaded.mark == 30


# what a crash or a hand leaves


async def test_a_board_that_was_left_half_made_is_whole(place: MongoPlace, data: Data) -> None:
    """Whoever created it died before it could note the epoch, or somebody removed the document."""
    async with opened(place) as store:
        for board in ("b1", "b2"):
            await store.append(board, 1, [created("of " + board), update(2)])
        data["boards"].update_one({"_id": "b1"}, {"$unset": {"epoch": ""}})
        assert await store.board_ids() == ["b1", "b2"]
        data["boards"].delete_one({"_id": "b2"})
        assert await store.heads(["b1", "b2"]) == {"b1": Head("of b1", 2), "b2": Head("of b2", 2)}
        for board in ("b1", "b2"):
            loaded = await store.load(board, 10)
            assert loaded is not None
            assert (loaded.epoch, len(loaded.tail)) == ("of " + board, 2)
            await store.mint_epoch(board, "new")
        assert (await store.boards()).keys() == {"b1", "b2"}
        assert await store.heads(["b1", "b2"]) == {"b1": Head("new", 2), "b2": Head("new", 2)}


async def test_a_place_among_the_boards_is_no_board(place: MongoPlace, data: Data) -> None:
    async with opened(place) as store:
        data["boards"].insert_one({"_id": "b1", "board": "b1", "number": 1, "mark": 0, "seq": 0})
        assert await store.load("b1", 10) is None
        assert await store.boards() == {}
        assert await store.board_ids() == []
        await store.append("b1", 1, [created()])
        assert await store.boards() == {"b1": Head("epoch-1", 1)}
        assert await store.board_ids() == ["b1"]


@pytest.mark.parametrize("gone", [2, 3])
async def test_a_log_with_a_hole_is_not_shown(place: MongoPlace, data: Data, gone: int) -> None:
    async with opened(place) as store:
        for seq in range(1, 6):
            await store.append("b1", seq, [created() if seq == 1 else update(seq)])
        data["log"].delete_one({"board": "b1", "first": gone})
        for read in (store.load("b1", 10), store.read("b1", 0, 10)):
            with pytest.raises(Failed, match="damaged"):
                await read


async def test_a_log_that_ends_before_its_mark_is_not_shown(place: MongoPlace, data: Data) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        await store.append("b1", 2, [update(2)])
        await store.materialise("b1", 2, [task_record(2)])
        data["log"].delete_one({"board": "b1", "first": 2})
        with pytest.raises(Failed, match="ends before 2"):
            await store.load("b1", 10)


async def test_a_document_that_is_not_understood_is_told(place: MongoPlace, data: Data) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created()])
        data["log"].update_one({"board": "b1"}, {"$set": {"changes": [{"seq": "one"}]}})
        with pytest.raises(Failed, match="board b1 holds something unreadable"):
            await store.read("b1", 0, 10)


async def test_data_of_a_newer_program_is_left_alone(place: MongoPlace, data: Data) -> None:
    async with opened(place):
        pass
    data["meta"].update_one({"_id": "schema"}, {"$set": {"version": 99}})
    with pytest.raises(TooNew, match="version 99"):
        await place.store().start()


async def test_a_store_that_is_closed_says_so(place: MongoPlace) -> None:
    store = place.store()
    with pytest.raises(Failed, match="not open"):
        await store.ping()
    await store.start()
    await store.close()
    await store.close()
    with pytest.raises(Failed, match="not open"):
        await store.read("b1", 0, 1)


async def test_names_are_refused_when_too_many_to_be_remembered(
    place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.stores.mongo.names.MOST_NAMES", 4)
    monkeypatch.setattr(Known.__init__, "__defaults__", (4,))
    async with opened(place) as store:
        await store.append("b1", 1, [created(), update(2)])
        for seq in range(3, 9):
            await store.append("b1", seq, [update(seq)])
            with pytest.raises(Refused):
                await store.append("b1", seq + 1, [update(seq + 1, f"m{seq - 1}")])


async def test_a_server_that_groups_is_asked_for_many_heads_at_once(
    place: MongoPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on MongoDB itself. Whether the server of the test can is found out as in use."""

    async def looks(_: object) -> bool:
        return True

    monkeypatch.setattr("server.stores.mongo.schema._looks_into_arrays", looks)
    async with opened(place) as store:
        for board, head in (("b2", 3), ("b1", 1), ("b3", 2)):
            await store.append(board, 1, [created(f"of {board}"), *updates(2, head)])
            await store.append(board, head + 1, [update(head + 1)])
        assert await store.heads(["b1", "nowhere", "b2"]) == {"b1": Head("of b1", 2), "b2": Head("of b2", 4)}
        assert list((await store.boards()).items()) == [
            ("b2", Head("of b2", 4)),
            ("b1", Head("of b1", 2)),
            ("b3", Head("of b3", 3)),
        ]


async def test_a_board_that_is_created_while_the_store_closes_is_acknowledged(place: MongoPlace) -> None:
    """What comes after the commit may fail; the append has not."""
    store = place.store()
    await store.start()
    accepted = asyncio.ensure_future(store.append("b1", 1, [created()]))
    await asyncio.sleep(0)
    await store.close()
    await accepted
    async with opened(place) as store:
        assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 1)}


async def test_who_shares_a_database_has_one_name_and_a_copy_of_it_another(
    place: MongoPlace, data: Data, tmp_path: Path
) -> None:
    copy = MongoPlace(tmp_path / "copy")
    async with opened(place) as ann, opened(place) as bob:
        name = await ann.installation()
        assert name and await bob.installation() == name
        with pymongo.MongoClient[dict[str, Any]](copy.url) as client:
            client.get_default_database()["meta"].insert_many(data["meta"].find())
    async with opened(place) as ann, opened(copy) as other:
        assert await ann.installation() == name
        assert await other.installation() not in (name, "")
