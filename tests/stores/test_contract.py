"""What `server/stores/__init__.py` promises, sentence by sentence, on every store."""

import asyncio
from pathlib import Path

import pytest
from msgspec import structs

from server.model.records import Also, Change, Patch, Record
from server.stores import Brief, Failed, Head, Refused, Store
from tests.stores.places import OF_LOGS, Place, opened
from tests.stores.samples import (
    ANN,
    board_record,
    comment_record,
    created,
    named,
    nameless,
    stripped,
    task_record,
    update,
    updates,
)


@pytest.fixture(params=OF_LOGS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return OF_LOGS[request.param](tmp_path)


async def made(store: Store, board: str = "b1", head: int = 1) -> None:
    await store.append(board, 1, [created(), *updates(2, head)])


async def seqs(store: Store, board: str = "b1") -> list[int]:
    return [change.seq for change in await store.read(board, 0, 1000)]


# append


async def test_an_append_is_read_back_as_it_was(place: Place) -> None:
    async with opened(place) as store:
        changes = [created(), update(2, title="Crème brûlée ☃ \u0000 𝄞"), nameless(3), stripped(4)]
        await store.append("b1", 1, changes)
        assert await store.read("b1", 0, 10) == changes


async def test_appends_continue_each_other(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        await store.append("b1", 2, updates(2, 4))
        await store.append("b1", 5, [update(5)])
        assert await seqs(store) == [1, 2, 3, 4, 5]


async def test_an_append_of_nothing_does_nothing(place: Place) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [])
        assert await store.boards() == {}


@pytest.mark.parametrize("first", [1, 2, 3])
async def test_a_number_that_is_taken_is_refused(place: Place, first: int) -> None:
    async with opened(place) as store:
        await made(store, head=3)
        rest = [update(seq, f"again{seq}") for seq in range(max(first, 2), 6)]
        with pytest.raises(Refused):
            await store.append("b1", first, [created("epoch-2", "again"), *rest] if first == 1 else rest)
        assert await store.read("b1", 0, 10) == [created(), *updates(2, 3)]
        assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 3)}


async def test_a_number_that_leaves_a_gap_is_refused(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=3)
        with pytest.raises(Refused):
            await store.append("b1", 5, [update(5)])
        assert await seqs(store) == [1, 2, 3]


async def test_a_board_that_does_not_exist_starts_at_one(place: Place) -> None:
    async with opened(place) as store:
        with pytest.raises(Refused):
            await store.append("b1", 2, [update(2)])
        assert await store.boards() == {}


async def test_a_name_that_is_known_refuses_the_whole_append(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=3)
        with pytest.raises(Refused):
            await store.append("b1", 4, [update(4), update(5, "m2"), update(6)])
        assert await seqs(store) == [1, 2, 3]
        assert await store.names("b1", [named("m4"), named("m6")]) == {}
        await store.append("b1", 4, [update(4)])


async def test_a_name_twice_in_one_append_is_refused(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        with pytest.raises(Refused):
            await store.append("b1", 2, [update(2, "same"), update(3, "same")])
        assert await seqs(store) == [1]


async def test_a_name_of_an_old_change_without_content_is_still_known(place: Place) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created(), stripped(2)])
        with pytest.raises(Refused):
            await store.append("b1", 3, [update(3, "m2")])


async def test_the_same_name_on_another_board_is_another_name(place: Place) -> None:
    async with opened(place) as store:
        for board in ("b1", "b2"):
            await store.append(board, 1, [created(), update(2, "same")])
        assert await store.names("b2", [named("same")]) == {named("same"): 2}


async def test_changes_without_a_name_do_not_collide(place: Place) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created(), nameless(2), nameless(3)])
        assert await seqs(store) == [1, 2, 3]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([created(), update(3)], id="a hole"),
        pytest.param([created(), update(2), update(2, "other")], id="a number twice"),
        pytest.param([update(1)], id="no board.create"),
        pytest.param([update(2)], id="another first"),
    ],
)
async def test_an_append_that_could_never_be_right_is_a_defect(place: Place, changes: list[Change]) -> None:
    async with opened(place) as store:
        with pytest.raises(ValueError, match=r"change"):
            await store.append("b1", 1, changes)
        assert await store.boards() == {}


async def test_a_large_append_is_taken_whole(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=5000)
        assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 5000)}
        with pytest.raises(Refused):
            await store.append("b1", 5001, [*updates(5001, 8999), update(9000, "m17")])
        assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 5000)}


# many at once


async def test_boards_append_at_once_and_refusals_hit_only_their_own(place: Place) -> None:
    async with opened(place) as store:
        await asyncio.gather(*(made(store, f"b{n}") for n in range(40)))

        async def append(n: int) -> None:
            wrong = {0: [update(2), update(3, "create")], 1: [update(7)]}
            changes = wrong.get(n % 4, updates(2, 4))
            await store.append(f"b{n}", changes[0].seq, changes)

        results = await asyncio.gather(*(append(n) for n in range(40)), return_exceptions=True)
        assert [type(result) for result in results] == [Refused, Refused, type(None), type(None)] * 10
        heads = await store.heads([f"b{n}" for n in range(40)])
        assert [heads[f"b{n}"].seq for n in range(40)] == [1, 1, 4, 4] * 10


async def test_of_appends_with_one_number_exactly_one_is_taken(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        rivals = [store.append("b1", 2, [update(2, f"rival{n}")]) for n in range(20)]
        results = await asyncio.gather(*rivals, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["NoneType"] + ["Refused"] * 19
        (winner,) = [n for n, result in enumerate(results) if result is None]
        assert await store.names("b1", [named(f"rival{n}") for n in range(20)]) == {
            named(f"rival{winner}"): 2
        }


async def test_two_stores_on_the_same_data_share_one_log(place: Place) -> None:
    """Each number is won by exactly one; who loses reads the tail and goes on."""
    async with opened(place) as here, opened(place) as there:
        await made(here)

        async def write(store: Store, who: str) -> list[tuple[int, str]]:
            won: list[tuple[int, str]] = []
            while len(won) < 15:
                head = (await store.heads(["b1"]))["b1"].seq
                name = f"{who}{len(won)}"
                try:
                    await store.append("b1", head + 1, [update(head + 1, name)])
                except Refused:
                    continue
                won.append((head + 1, name))
            return won

        won = sorted(
            [pair for pairs in await asyncio.gather(write(here, "h"), write(there, "t")) for pair in pairs]
        )
        log = [(change.seq, change.mutation) for change in await there.read("b1", 1, 100)]
        assert log == won
        assert [seq for seq, _ in won] == list(range(2, 32))


async def test_what_one_store_has_appended_another_one_reads(place: Place) -> None:
    async with opened(place) as here, opened(place) as there:
        for head in range(1, 30):
            await here.append("b1", head, [created() if head == 1 else update(head)])
            assert (await there.heads(["b1"]))["b1"].seq == head


async def test_a_caller_who_gives_up_harms_nobody_else(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        await made(store, "b2")
        impatient = asyncio.ensure_future(store.append("b2", 2, [update(2)]))
        patient = asyncio.ensure_future(store.append("b1", 2, [update(2)]))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert await seqs(store) == [1, 2]
        assert (await store.heads(["b2"]))["b2"].seq in (1, 2)


# read, heads, names, boards, epochs


async def test_read_gives_what_comes_after_in_order_up_to_the_limit(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=1300)
        assert await store.read("b1", 1297, 10) == updates(1298, 1300)
        assert [change.seq for change in await store.read("b1", 100, 1100)] == list(range(101, 1201))
        assert await store.read("b1", 1300, 10) == []
        assert await store.read("b1", 9999, 10) == []
        assert await store.read("b1", 0, 0) == []
        assert await store.read("nowhere", 0, 10) == []


async def test_history_is_read_from_either_end_and_of_one_task(place: Place) -> None:
    async def found(limit: int = 50, *, since: int | None = None, before: int | None = None) -> list[int]:
        changes = await store.history("b1", since=since, before=before, task=task, limit=limit)
        for skip in (1, 2, 50):
            rest = await store.history("b1", since=since, before=before, task=task, limit=50, skip=skip)
            assert rest[: max(limit - skip, 0)] == changes[skip:]
        if task is not None and limit > len(changes):
            assert await store.count("b1", since=since, before=before, task=task) == len(changes)
        return [change.seq for change in changes]

    async with opened(place) as store:
        await store.append("b1", 1, [created(), *updates(2, 5)])
        touched = {"t1": Also(set=Patch(column="done"), was=Patch(column="todo"))}
        moved = Change(seq=6, at=1006, actor=ANN, op="column.delete", set=Patch(), also=touched)
        await store.append("b1", 6, [moved, structs.replace(update(7), task="t2")])
        task: str | None = None
        assert await found(3) == [7, 6, 5]
        assert await found(3, before=6) == [5, 4, 3]
        assert await found(3, since=2) == [3, 4, 5]
        assert await found(since=2, before=5) == [3, 4]
        assert [await found(since=7), await found(before=1), await found(since=5, before=3)] == [[], [], []]
        task = "t1"
        assert await found() == [6, 5, 4, 3, 2]
        assert await found(2, since=2) == [3, 4]
        assert await found(since=4) == [5, 6]
        assert await found(before=4) == [3, 2]
        assert await store.count("b1", since=None, before=None, task="t1") == 5
        assert await store.count("b2", since=None, before=None, task="t1") == 0


async def test_heads_are_of_the_log_and_only_of_boards_that_have_one(place: Place) -> None:
    async with opened(place) as store:
        await made(store, "b1", head=3)
        await store.append("b2", 1, [created("epoch-2")])
        await store.materialise("b1", 2, [task_record(9)])
        heads = await store.heads(["b2", "b1", "nowhere", "b1"])
        assert heads == {"b1": Head("epoch-1", 3), "b2": Head("epoch-2", 1)}
        assert await store.heads([]) == {}


async def test_names_are_looked_up_in_their_own_board(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=4)
        await made(store, "b2", head=1)
        wanted = [named("create"), named("m3"), named("m9"), "u_bob/client-1/m3"]
        assert await store.names("b1", wanted) == {named("create"): 1, named("m3"): 3}
        assert await store.names("b2", wanted) == {named("create"): 1}
        assert await store.names("nowhere", wanted) == {}
        assert await store.names("b1", []) == {}


async def test_boards_come_in_order_of_creation(place: Place) -> None:
    async with opened(place) as store:
        for board in ("zebra", "ant", "mole"):
            await made(store, board, head=2)
        await store.append("ant", 3, [update(3)])
        boards = await store.boards()
        assert list(boards) == await store.board_ids() == ["zebra", "ant", "mole"]
        assert boards["ant"] == Head("epoch-1", 3)


async def test_a_brief_holds_what_is_kept_of_the_board_itself(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=3)
        await made(store, "b2", head=2)
        assert await store.briefs(["b1", "nowhere"]) == {"b1": Brief(Head("epoch-1", 3), 0, None)}
        await store.materialise("b1", 2, [board_record(1), task_record(2), comment_record(2)])
        await store.mint_epoch("b1", "epoch-2")
        assert await store.briefs(["b1", "b2", "b1"]) == {
            "b1": Brief(Head("epoch-2", 3), 2, board_record(1)),
            "b2": Brief(Head("epoch-1", 2), 0, None),
        }
        await store.materialise("b1", 3, [board_record(3, "Cellar")])
        assert (await store.briefs(["b1"]))["b1"] == Brief(Head("epoch-2", 3), 3, board_record(3, "Cellar"))
        assert await store.briefs([]) == {}


async def test_a_new_epoch_replaces_the_old_one(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        await store.mint_epoch("b1", "epoch-2")
        loaded = await store.load("b1", 10)
        assert loaded is not None
        assert loaded.epoch == "epoch-2"
        assert await store.heads(["b1"]) == {"b1": Head("epoch-2", 1)}
        await store.append("b1", 2, [update(2)])


async def test_a_healthy_store_answers_a_ping(place: Place) -> None:
    async with opened(place) as store:
        await store.ping()
        await store.ping()
        assert await store.boards() == {}
        assert await store.board_ids() == []


# load and materialise


async def test_a_board_without_a_log_is_not_loaded(place: Place) -> None:
    async with opened(place) as store:
        assert await store.load("b1", 10) is None


async def test_a_board_that_was_never_materialised_is_all_tail(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=3)
        loaded = await store.load("b1", 2)
        assert loaded is not None
        assert (loaded.epoch, loaded.mark, loaded.board) == ("epoch-1", 0, None)
        assert (list(loaded.tasks), list(loaded.comments)) == ([], [])
        assert list(loaded.tail) == [created(), *updates(2, 3)]
        assert list(loaded.recent) == updates(2, 3)


async def test_a_board_is_loaded_as_records_and_the_tail_after_the_mark(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=6)
        records: list[Record] = [
            board_record(1),
            task_record(3),
            task_record(4, "t2", deleted=True),
            comment_record(2),
        ]
        await store.materialise("b1", 4, records)
        loaded = await store.load("b1", 100)
        assert loaded is not None
        assert loaded.mark == 4
        assert loaded.board == board_record(1)
        assert sorted(loaded.tasks, key=lambda kept: kept.value.id) == records[1:3]
        assert list(loaded.comments) == [comment_record(2)]
        assert list(loaded.tail) == updates(5, 6)
        assert list(loaded.recent) == [created(), *updates(2, 6)]


async def test_a_record_is_replaced_only_by_a_newer_one(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=6)
        newer: list[Record] = [
            board_record(5, "New"),
            task_record(5, title="New"),
            comment_record(5, text="New"),
        ]
        older: list[Record] = [
            board_record(4, "Old"),
            task_record(4, title="Old"),
            comment_record(4, text="Old"),
        ]
        await store.materialise("b1", 3, older)
        await store.materialise("b1", 5, newer)
        await store.materialise("b1", 5, older)
        loaded = await store.load("b1", 0)
        assert loaded is not None
        assert [loaded.board, *loaded.tasks, *loaded.comments] == newer


async def test_the_newest_of_a_record_given_twice_is_kept(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=6)
        await store.materialise("b1", 6, [task_record(5), task_record(6, title="New"), task_record(4)])
        loaded = await store.load("b1", 0)
        assert loaded is not None
        assert list(loaded.tasks) == [task_record(6, title="New")]


async def test_the_mark_is_only_ever_raised(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=6)
        await store.materialise("b1", 5, [])
        await store.materialise("b1", 3, [task_record(3)])
        loaded = await store.load("b1", 0)
        assert loaded is not None
        assert loaded.mark == 5
        assert list(loaded.tail) == [update(6)]


async def test_records_ahead_of_the_log_are_of_another_log_and_not_taken(place: Place) -> None:
    """An older copy was put back under the instance that made them."""
    async with opened(place) as store:
        await made(store, head=3)
        with pytest.raises(Failed):
            await store.materialise("b1", 5, [task_record(5)])
        loaded = await store.load("b1", 0)
        assert loaded is not None
        assert (loaded.mark, list(loaded.tasks)) == (0, [])


async def test_records_may_be_newer_than_the_mark(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=4)
        await store.materialise("b1", 2, [task_record(4)])
        loaded = await store.load("b1", 0)
        assert loaded is not None
        assert list(loaded.tasks) == [task_record(4)]
        assert list(loaded.tail) == updates(3, 4)


async def test_records_of_boards_do_not_mix(place: Place) -> None:
    async with opened(place) as store:
        for board in ("b1", "b2"):
            await made(store, board)
            await store.materialise(board, 1, [task_record(1, title=f"of {board}")])
        loaded = await store.load("b2", 0)
        assert loaded is not None
        assert list(loaded.tasks) == [task_record(1, title="of b2")]


async def test_thousands_of_records_are_all_loaded(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        records = [task_record(1, f"t{n}") for n in range(2100)]
        await store.materialise("b1", 1, records)
        loaded = await store.load("b1", 0)
        assert loaded is not None
        assert sorted(kept.value.id for kept in loaded.tasks) == sorted(kept.value.id for kept in records)


@pytest.mark.parametrize("wanted", [0, 1, 3, 1000])
async def test_recent_ends_at_the_head_and_is_as_long_as_asked(place: Place, wanted: int) -> None:
    async with opened(place) as store:
        await made(store, head=700)
        await store.materialise("b1", 700, [])
        loaded = await store.load("b1", wanted)
        assert loaded is not None
        assert list(loaded.tail) == []
        assert [change.seq for change in loaded.recent] == list(range(1, 701))[max(700 - wanted, 0) :]


async def test_recent_reaches_back_only_as_far_as_there_is_content(place: Place) -> None:
    async with opened(place) as store:
        await store.append("b1", 1, [created(), update(2), stripped(3), update(4), update(5)])
        await store.materialise("b1", 5, [])
        loaded = await store.load("b1", 10)
        assert loaded is not None
        assert list(loaded.recent) == updates(4, 5)


async def test_a_load_beside_appends_is_of_one_moment(place: Place) -> None:
    async with opened(place) as store:
        await made(store)

        async def write() -> None:
            for seq in range(2, 80):
                await store.append("b1", seq, [update(seq)])
                await store.materialise("b1", seq, [task_record(seq)])

        writing = asyncio.ensure_future(write())
        while not writing.done():
            loaded = await store.load("b1", 1000)
            assert loaded is not None
            head = len(loaded.recent)
            assert [change.seq for change in loaded.recent] == list(range(1, head + 1))
            assert [change.seq for change in loaded.tail] == list(range(loaded.mark + 1, head + 1))
            assert all(loaded.mark <= task.seq <= head for task in loaded.tasks)
        await writing


# reopening


async def test_everything_is_there_after_a_reopening(place: Place) -> None:
    async with opened(place) as store:
        await made(store, head=6)
        await store.materialise("b1", 4, [board_record(4), task_record(4), comment_record(4)])
        await store.mint_epoch("b1", "epoch-2")
        before = await store.load("b1", 10)
    async with opened(place) as store:
        assert await store.load("b1", 10) == before
        assert await store.names("b1", [named("m5")]) == {named("m5"): 5}
        with pytest.raises(Refused):
            await store.append("b1", 6, [update(6, "new")])
        await store.append("b1", 7, [update(7)])


async def test_a_close_finishes_what_was_accepted(place: Place) -> None:
    async with opened(place) as store:
        await made(store)
        accepted = asyncio.ensure_future(store.append("b1", 2, updates(2, 500)))
        await asyncio.sleep(0)
    await accepted
    async with opened(place) as store:
        assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 500)}
