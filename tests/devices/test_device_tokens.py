"""Tokens of devices: shown once, one at a time, and gone within seconds wherever they are in use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.devices.tokens import DEVICE, TOKEN, Holder, Tokens, Watch, hash_of
from server.errors import Unauthenticated, Unavailable
from server.stores import Failed
from server.stores.sqlite import SqliteStore
from tests.devices.tokens import Device, enrol
from tests.support import Closed, Refused, ServerProcess, on_loop


@asynccontextmanager
async def store_at(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path / "boardcast.db", exclusive=False)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


@on_loop
async def test_a_token_is_whose_it_was_issued_for_until_the_next_one_is(tmp_path: Path) -> None:
    async with store_at(tmp_path) as store:
        tokens = Tokens(store)
        first, other = await tokens.issue("b", "d1"), await tokens.issue("b", "d2")
        assert first.startswith("bcd_") and len(first) == 4 + 43
        assert await tokens.authenticate(first) == Holder("b", "d1")
        before = await tokens.changes()
        second = await tokens.issue("b", "d1")
        assert await tokens.changes() != before
        assert await tokens.authenticate(second) == Holder("b", "d1")
        assert await tokens.authenticate(other) == Holder("b", "d2")
        for wrong in (first, "", "bcd_", "bcd_" + "x" * 43, second[4:], second + "x"):
            with pytest.raises(Unauthenticated):
                await tokens.authenticate(wrong)
        await tokens.revoke("b", "d1")
        await tokens.revoke("b", "d1")
        with pytest.raises(Unauthenticated):
            await tokens.authenticate(second)
        kept = [*await store.entries(TOKEN), *await store.entries(DEVICE)]
        assert all(token.encode() not in entry.value for entry in kept for token in (first, second, other))
        assert len(kept) == 2, "nothing is left of what was replaced or revoked"


@on_loop
async def test_many_that_issue_at_once_leave_one_that_counts(tmp_path: Path) -> None:
    async with store_at(tmp_path) as one, store_at(tmp_path) as two:
        made = await asyncio.gather(
            *(Tokens(store).issue("b", "d") for store in (one, two) for _ in range(8))
        )
        names = [await Tokens(one).holder(hash_of(token)) for token in made]
        assert sum(name is not None for name in names) == 1


@on_loop
async def test_what_dies_between_its_writes_lets_nobody_in_twice(tmp_path: Path) -> None:
    async with store_at(tmp_path) as store:
        old = await Tokens(store).issue("b", "d")

        class Dying(SqliteStore):
            """Dies when it should take the old token's entry away."""

            async def drop_entry(self, kind: str, key: str, *, version: int | None = None) -> None:
                raise Failed("gone")

        dying = Dying(tmp_path / "boardcast.db", exclusive=False)
        await dying.start()
        with pytest.raises(Unavailable):
            await Tokens(dying).issue("b", "d")
        await dying.close()
        with pytest.raises(Unauthenticated):
            await Tokens(store).authenticate(old)
        new = await Tokens(store).issue("b", "d")
        assert await Tokens(store).authenticate(new) == Holder("b", "d")


@on_loop
async def test_who_has_a_socket_hears_that_its_token_was_replaced_elsewhere(tmp_path: Path) -> None:
    async with store_at(tmp_path) as here, store_at(tmp_path) as elsewhere:
        ended: asyncio.Queue[str] = asyncio.Queue()
        watch = Watch(Tokens(here), ended.put_nowait)
        token, other = await Tokens(elsewhere).issue("b", "d"), await Tokens(elsewhere).issue("b", "e")
        watch.start()
        for one in (token, other):
            await watch.holder(one)
            watch.follow(hash_of(one))
        await Tokens(elsewhere).issue("b", "d")
        async with asyncio.timeout(30):
            assert await ended.get() == hash_of(token)
        watch.unfollow(hash_of(token))  # its socket is closed
        with pytest.raises(Unauthenticated):
            await watch.holder(token)
        assert await watch.holder(other) == Holder("b", "e")
        await Tokens(elsewhere).revoke("b", "e")
        async with asyncio.timeout(30):
            assert await ended.get() == hash_of(other)
        await watch.stop()


@on_loop
async def test_a_socket_whose_token_is_replaced_is_closed_with_4501(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        (token,) = await enrol(server, "d1")
        device = await Device.open(server, token)
        assert (await device.tell({"values": {"temp": 1}}))["seq"] == 1
        async with store_at(tmp_path) as store:
            new = await Tokens(store).issue("demo", "d1")
        end = await device.closed()
        assert isinstance(end, Closed) and end.code == 4501
        with pytest.raises(Refused) as refused:
            await Device.open(server, token)
        assert refused.value.status == 401
        await (await Device.open(server, new)).close()
