"""Names in SQLite: none is stored twice, and all are found, whether the index has them yet or not."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.stores import Failed, Refused
from server.stores.sqlite import SqliteStore
from tests.stores.samples import created, named, nameless, update, updates
from tests.stores.test_sqlite import disk_full, recovered

MOST = 8


@pytest.fixture(autouse=True)
def few_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.stores.sqlite.naming.MOST", MOST)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "boards.db"


async def started(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    await store.start()
    return store


def indexed(path: Path) -> dict[str, tuple[int, int]]:
    """By board: up to which change the index has the names, and how many those are."""
    query = """select board, named, (select count(*) from names n where n.board = b.board) from boards b"""
    with closing(sqlite3.connect(path)) as connection:
        return {board: (reached, count) for board, reached, count in connection.execute(query)}


async def test_names_wait_for_the_index_until_they_are_enough(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created(), *updates(2, 4)])
    await store.append("b2", 1, [created()])
    assert indexed(path) == {"b1": (0, 0), "b2": (0, 0)}
    everything = [named(f"m{seq}") for seq in range(1, 10)]
    assert await store.names("b1", everything) == {named(f"m{seq}"): seq for seq in range(2, 5)}
    for known in ("m2", "m4", "create"):
        with pytest.raises(Refused, match="known already"):
            await store.append("b1", 5, [update(5), update(6, known)])
    await store.append("b1", 5, updates(5, 7))
    assert indexed(path) == {"b1": (7, 7), "b2": (1, 1)}
    await store.append("b1", 8, [update(8)])
    assert indexed(path) == {"b1": (7, 7), "b2": (1, 1)}
    assert await store.names("b1", everything) == {named(f"m{seq}"): seq for seq in range(2, 9)}
    for known in ("m2", "m7", "m8"):
        with pytest.raises(Refused, match="known already"):
            await store.append("b1", 9, [update(9, known)])
    with pytest.raises(Refused, match="known already"):
        await store.append("b1", 9, [update(9), update(10, "m9")])
    await store.append("b2", 2, [update(2, "m9")])
    await store.close()


async def test_changes_without_a_name_wait_too_so_that_no_reader_has_many_to_look_through(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created(), *map(nameless, range(2, MOST + 1))])
    assert indexed(path) == {"b1": (MOST, 1)}
    await store.append("b1", MOST + 1, [nameless(MOST + 1)])
    assert indexed(path) == {"b1": (MOST, 1)}
    await store.close()


async def test_what_waited_when_the_process_died_is_known_to_the_next(path: Path) -> None:
    store = await started(path)
    for board in ("b1", "b2"):
        await store.append(board, 1, [created(), *updates(2, 3)])
    copy = path.parent.parent / "copy" / path.name
    shutil.copytree(path.parent, copy.parent)  # as a kill leaves it
    await store.close()
    assert indexed(copy) == {"b1": (0, 0), "b2": (0, 0)}
    again = await started(copy)
    assert indexed(copy) == {"b1": (3, 3), "b2": (3, 3)}
    with pytest.raises(Refused, match="known already"):
        await again.append("b2", 4, [update(4, "m3")])
    assert await again.names("b2", [named("m3")]) == {named("m3"): 3}
    await again.close()


async def test_what_waited_when_a_write_failed_stays_known(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created(), *updates(2, 3)])
    with disk_full(path):
        with pytest.raises(Failed):
            await store.append("b1", 4, updates(4, 600))
        assert await store.names("b1", [named("m3"), named("m4")]) == {named("m3"): 3}
    await recovered(store)
    with pytest.raises(Refused, match="known already"):
        await store.append("b1", 4, [update(4, "m3")])
    await store.append("b1", 4, updates(4, 6))
    with pytest.raises(Refused, match="known already"):
        await store.append("b1", 7, [update(7, "m6")])
    await store.close()


async def test_who_shares_the_file_leaves_nothing_to_wait(path: Path) -> None:
    """Another process could not know what this one remembers."""
    store, other = (SqliteStore(path, exclusive=False) for _ in range(2))
    await store.start()
    await other.start()
    await store.append("b1", 1, [created(), *updates(2, 3)])
    with pytest.raises(Refused, match="known already"):
        await other.append("b1", 4, [update(4, "m3")])
    await other.append("b1", 4, [update(4)])
    with pytest.raises(Refused, match="known already"):
        await store.append("b1", 5, [update(5, "m4")])
    assert indexed(path) == {"b1": (4, 4)}
    await store.close()
    await other.close()


async def test_a_disk_that_is_full_at_the_start_does_not_keep_anybody_from_reading(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created(), *updates(2, 3)])
    copy = path.parent.parent / "copy" / path.name
    shutil.copytree(path.parent, copy.parent)
    await store.close()
    with disk_full(copy):
        again = await started(copy)
        assert await again.names("b1", [named("m3")]) == {named("m3"): 3}
        assert len(await again.read("b1", 0, 10)) == 3
        with pytest.raises(Failed):
            await again.append("b1", 4, [update(4)])
    await recovered(again)
    with pytest.raises(Refused, match="known already"):
        await again.append("b1", 4, [update(4, "m3")])
    await again.append("b1", 4, [update(4)])
    await again.close()
