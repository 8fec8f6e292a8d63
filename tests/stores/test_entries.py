"""What `server/stores/entries.py` promises, sentence by sentence, on every store."""

import asyncio
from pathlib import Path

import pytest

from server.stores import Refused, Store
from server.stores.entries import Entry
from tests.stores.places import DURABLE, PLACES, Place, opened


async def keys(store: Store, kind: str = "k", **wanted: object) -> list[str]:
    return [entry.key for entry in await store.entries(kind, **wanted)]  # type: ignore[arg-type]


async def test_an_entry_is_read_back_as_it_was(place: Place) -> None:
    async with opened(place) as store:
        value = bytes(range(256)) + b"\x00" * 70_000
        version = await store.put_entry("k", "a/b:c-1", value, version=0, expires_at=1_800_000_000_000)
        assert version > 0
        assert await store.entry("k", "a/b:c-1") == Entry("a/b:c-1", value, version, 1_800_000_000_000)
        await store.put_entry("k", "empty", b"", version=0)
        empty = await store.entry("k", "empty")
        assert empty is not None
        assert (empty.value, empty.expires_at) == (b"", None)


async def test_kinds_are_apart_and_nothing_is_none(place: Place) -> None:
    async with opened(place) as store:
        await store.put_entry("k", "a", b"1", version=0)
        assert await store.entry("j", "a") is None
        assert await store.entry("k", "b") is None
        assert await store.entries("j") == []
        await store.put_entry("j", "a", b"2", version=0)
        assert [entry.value for entry in await store.entries("k")] == [b"1"]


async def test_a_write_replaces_the_version_that_it_names_and_no_other(place: Place) -> None:
    async with opened(place) as store:
        first = await store.put_entry("k", "a", b"1", version=0, expires_at=5)
        for wrong in (0, first + 1, first - 1 or 7):
            with pytest.raises(Refused):
                await store.put_entry("k", "a", b"no", version=wrong)
        second = await store.put_entry("k", "a", b"2", version=first)
        assert second > first
        with pytest.raises(Refused):
            await store.put_entry("k", "a", b"no", version=first)
        with pytest.raises(Refused):
            await store.put_entry("k", "nowhere", b"no", version=first)
        assert await store.entry("k", "a") == Entry("a", b"2", second, None), "the expiry is replaced, too"
        assert await store.entry("k", "nowhere") is None


@pytest.mark.parametrize("known", [False, True], ids=["a new entry", "an entry that is there"])
async def test_of_writers_that_expect_the_same_version_one_wins(place: Place, known: bool) -> None:
    async with opened(place) as here, opened(place) as there:
        version = await here.put_entry("k", "a", b"0", version=0) if known else 0
        rivals = [(here, there)[n % 2].put_entry("k", "a", b"%d" % n, version=version) for n in range(16)]
        results = await asyncio.gather(*rivals, return_exceptions=True)
        winners = [n for n, result in enumerate(results) if not isinstance(result, Refused)]
        assert len(winners) == 1
        (winner,) = winners
        assert await there.entry("k", "a") == Entry("a", b"%d" % winner, results[winner])  # type: ignore[arg-type]


async def test_a_dropped_entry_is_gone_and_its_versions_do_not_come_back(place: Place) -> None:
    async with opened(place) as store:
        old = await store.put_entry("k", "a", b"1", version=0)
        await store.drop_entry("k", "a")
        await store.drop_entry("k", "a")
        assert await store.entry("k", "a") is None
        await store.put_entry("k", "a", b"2", version=0)
        with pytest.raises(Refused):
            await store.put_entry("k", "a", b"no", version=old)
        with pytest.raises(Refused):
            await store.drop_entry("k", "a", version=old)


async def test_a_version_is_dropped_once(place: Place) -> None:
    """What is worth one use is used by one."""
    async with opened(place) as here, opened(place) as there:
        version = await here.put_entry("k", "a", b"1", version=0)
        rivals = [(here, there)[n % 2].drop_entry("k", "a", version=version) for n in range(8)]
        results = await asyncio.gather(*rivals, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["NoneType"] + ["Refused"] * 7
        assert await here.entry("k", "a") is None


async def test_entries_are_listed_in_order_of_key_by_prefix_and_page(place: Place) -> None:
    async with opened(place) as store:
        for key in ("b/2", "a", "b/10", "b", "b/1", "b0", "B/1", "b/1/x", "b~", "b/~"):
            await store.put_entry("k", key, key.encode(), version=0)
        assert await keys(store) == ["B/1", "a", "b", "b/1", "b/1/x", "b/10", "b/2", "b/~", "b0", "b~"]
        assert await keys(store, prefix="b/") == ["b/1", "b/1/x", "b/10", "b/2", "b/~"]
        assert await keys(store, prefix="b/", limit=2) == ["b/1", "b/1/x"]
        assert await keys(store, prefix="b/", after="b/1/x", limit=2) == ["b/10", "b/2"]
        assert await keys(store, after="b/10") == ["b/2", "b/~", "b0", "b~"]
        assert await keys(store, prefix="b/", after="B") == ["b/1", "b/1/x", "b/10", "b/2", "b/~"]
        assert await keys(store, prefix="b/", after="c") == []
        assert await keys(store, prefix="b/", skip=2, limit=2) == ["b/10", "b/2"]
        assert await keys(store, prefix="b/", after="b/1", skip=3) == ["b/~"]
        assert await keys(store, prefix="b/", skip=5) == []
        assert [await store.count_entries("k", prefix=prefix) for prefix in ("", "b/", "c")] == [10, 5, 0]
        assert await store.count_entries("j") == 0
        assert await keys(store, prefix="%") == []


async def test_what_has_expired_is_there_until_it_is_taken_away(place: Place) -> None:
    async with opened(place) as store:
        for key, expires_at in (("never", None), ("later", 2001), ("now", 2000), ("before", 1)):
            await store.put_entry("k", key, b"", version=0, expires_at=expires_at)
        await store.put_entry("j", "now", b"", version=0, expires_at=2000)
        assert await keys(store) == ["before", "later", "never", "now"]
        await store.drop_expired(2000)
        assert await keys(store) == ["later", "never"]
        assert await keys(store, "j") == []


@pytest.mark.parametrize("key", ["", "a b", "a\n", "é", "x" * 257, "\x7f"])
async def test_a_key_that_some_store_could_not_keep_is_a_defect(place: Place, key: str) -> None:
    async with opened(place) as store:
        for attempt in (
            store.entry("k", key),
            store.put_entry("k", key, b"", version=0),
            store.drop_entry("k", key),
        ):
            with pytest.raises(ValueError, match="no key"):
                await attempt
        assert await store.entries("k") == []


@pytest.mark.parametrize("name", DURABLE)
async def test_entries_are_there_after_a_restart(name: str, tmp_path: Path) -> None:
    place = PLACES[name](tmp_path)
    async with opened(place) as store:
        version = await store.put_entry("k", "a", b"1", version=0)
    async with opened(place) as store:
        assert await store.entry("k", "a") == Entry("a", b"1", version)


async def test_a_refused_entry_leaves_other_writes_of_its_moment_alone(place: Place) -> None:
    async with opened(place) as store:
        await store.put_entry("k", "taken", b"1", version=0)
        attempts = [store.put_entry("k", key, b"2", version=0) for key in ("a", "taken", "b")]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        assert [isinstance(result, Refused) for result in results] == [False, True, False]
        assert await keys(store) == ["a", "b", "taken"]
