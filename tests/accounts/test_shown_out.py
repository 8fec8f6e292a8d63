"""What ended of somebody's rights reaches their open sockets, on every instance, also without a broker.

The two instances of these tests share a store, and each has a broker of its own that carries nothing.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path

import pytest

from server.brokers.local import LocalExchange
from server.stores import Failed
from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.services.mongo import database_url
from tests.support import Client, on_loop

BOARD = "b"


@asynccontextmanager
async def two_instances(data: Path) -> AsyncIterator[tuple[Town, Town]]:
    url = database_url(str(data))
    settings = {"STORE__URL": url, "BOARDS__SEED_DEMO": "false"}
    async with instance(data, **settings) as here, instance(data, set_up=False, **settings) as there:
        there.ada = at(there, here.ada)
        for town in (here, there):
            assert town.app.doors is not None
            town.app.doors.all_s = inf  # what is to arrive comes by a notice, or by the board, or not at all
        yield here, there


def at(town: Town, visitor: Visitor) -> Visitor:
    """The same browser or program at another instance."""
    same = Visitor(town.url, visitor.token)
    same.cookie, same.id = visitor.cookie, visitor.id
    return same


async def shown_out(client: Client) -> str:
    """Until the socket is closed for good; what was said."""
    ended = await client.closed()
    assert ended.code == 4501
    (said,) = [message for message in client.log if message["type"] == "error"]
    assert said["code"] == "unauthenticated"
    return str(said["message"])


async def member_op(owner: Visitor, op: str, **args: object) -> None:
    mutation = {"mutation": secrets.token_hex(4), "op": op, "args": args}
    body = await owner.ok("POST", f"/api/boards/{BOARD}/mutations", mutation)
    assert body["results"][0]["type"] == "ack", body


@on_loop
async def test_a_removed_member_is_shown_out_and_sees_nothing_more(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (here, there):
        bob = await here.person("bob")
        await here.board(here.ada, BOARD, editor=bob)
        sockets = [await visitor.joined(BOARD) for visitor in (bob, at(there, bob))]
        await member_op(here.ada, "member.remove", user=bob.id)
        await here.ada.ok("POST", f"/api/boards/{BOARD}/tasks", {"title": "secret"})
        for client in sockets:
            closed = await client.next()
            while closed["type"] == "changes":
                assert closed["changes"][0]["op"] != "task.create", "it was written after the removal"
                closed = await client.next()
            assert closed == {"type": "closed_board", "board": BOARD, "reason": "forbidden"}
            refused = await client.mutate(BOARD, "task.create", task="t", title="T")
            assert (refused["type"], refused["code"]) == ("error", "not_found")
            assert (await client.ask("join", board=BOARD))["code"] == "not_found"
            assert (await client.ask("join", board="nowhere"))["code"] == "not_found"
            await client.silent()


@on_loop
async def test_another_role_counts_from_the_next_message_on(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (here, there):
        bob = await here.person("bob")
        await here.board(here.ada, BOARD, editor=bob)
        client = await at(there, bob).joined(BOARD)
        assert (await client.mutate(BOARD, "task.create", task="t1", title="T"))["type"] == "ack"
        await member_op(here.ada, "member.set", user=bob.id, role="viewer")
        refused = await client.mutate(BOARD, "task.create", task="t2", title="T")
        assert (refused["type"], refused.get("code")) == ("error", "forbidden"), (
            "the log decides, not a cache"
        )
        await member_op(here.ada, "member.set", user=bob.id, role="commenter")
        assert (await client.mutate(BOARD, "comment.add", task="t1", comment="c", text="x"))["type"] == "ack"


async def sign_out(town: Town, bob: Visitor, program: Visitor) -> set[str]:
    await bob.ok("DELETE", "/api/session")
    return {"browser"}


async def end_elsewhere(town: Town, bob: Visitor, program: Visitor) -> set[str]:
    other = await town.again("bob")
    listed = (await other.ok("GET", "/api/me/sessions"))["items"]
    for one in listed:
        if not one["current"]:
            await other.ok("DELETE", f"/api/me/sessions/{one['id']}")
    return {"browser"}


async def change_password(town: Town, bob: Visitor, program: Visitor) -> set[str]:
    other = await town.again("bob")
    await other.ok("POST", "/api/me/password", {"current": PASSWORD, "password": PASSWORD + "2"})
    assert (await other.get("/api/me")).status == 200, "the session that changed it goes on"
    return {"browser"}


async def revoke_token(town: Town, bob: Visitor, program: Visitor) -> set[str]:
    (token,) = (await bob.ok("GET", "/api/me/tokens"))["items"]
    await bob.ok("DELETE", f"/api/me/tokens/{token['id']}")
    return {"program"}


async def disable(town: Town, bob: Visitor, program: Visitor) -> set[str]:
    assert town.app.accounts is not None
    await town.app.accounts.change_person("bob", disabled=True)
    return {"browser", "program"}


@pytest.mark.parametrize("ending", [sign_out, end_elsewhere, change_password, revoke_token, disable])
@on_loop
async def test_what_has_ended_is_over_on_every_instance(ending: object, tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (here, there):
        bob = await here.person("bob")
        await here.board(here.ada, BOARD, editor=bob)
        program = await here.token(bob, write=True)
        who = {"browser": bob, "program": program}
        sockets = {
            (name, town): await at(town, visitor).joined(BOARD)
            for name, visitor in who.items()
            for town in (here, there)
        }
        ended = await ending(here, bob, program)  # type: ignore[operator]
        for (name, town), client in sockets.items():
            if name in ended:
                assert "sign in again" in await shown_out(client)
                assert (await at(town, who[name]).get("/api/me")).status == 401
            else:
                assert (await client.mutate(BOARD, "board.restore"))["code"] == "forbidden", "it goes on"


@on_loop
async def test_what_no_notice_told_of_is_found_by_looking_at_everybody(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        client, stays = await bob.socket(), await town.ada.joined("demo")
        accounts, doors = town.app.accounts, town.app.doors
        assert accounts is not None and doors is not None
        doors.all_s = inf
        await accounts.sessions.revoke_all(bob.id)  # as by an instance that died before it could tell
        await doors.looked()
        assert (await client.ask("ping"))["type"] == "pong"
        doors.all_s = 0.0
        await shown_out(client)
        assert (await stays.ask("ping"))["type"] == "pong"


@on_loop
async def test_a_token_that_expires_ends_its_sockets(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        program = await town.token(town.ada, days=1)
        client = await program.joined("demo")
        assert town.app.accounts is not None
        now = town.app.accounts.clock
        town.app.accounts.clock = lambda: now() + 86_400_000
        await shown_out(client)
        assert (await program.get("/api/me")).status == 401


@on_loop
async def test_a_board_that_is_private_again_shows_its_guests_out(tmp_path: Path) -> None:
    async with two_instances(tmp_path) as (here, there):
        await here.board(here.ada, BOARD)
        guest = await Visitor(there.url).socket(name="Eve")
        assert (await guest.ask("join", board=BOARD))["code"] == "unauthenticated"
        await here.ada.ok("PATCH", f"/api/boards/{BOARD}", {"visibility": "link"})
        joined = await guest.ask("join", board=BOARD)
        assert (joined["type"], joined["role"]) == ("joined", "viewer")
        refused = await guest.mutate(BOARD, "comment.add", task="t", comment="c", text="x")
        assert refused["code"] == "forbidden"
        await here.ada.ok("PATCH", f"/api/boards/{BOARD}", {"visibility": "private"})
        closed = await guest.next()
        assert closed == {"type": "closed_board", "board": BOARD, "reason": "forbidden"}


@on_loop
async def test_a_board_for_everybody_with_an_account_is_found_by_them_and_by_no_guest(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob = await town.person("bob")
        await town.board(town.ada, BOARD)
        await town.board(town.ada, "own", viewer=bob)
        assert await found(bob, town) == ["own"]
        await town.ada.ok("PATCH", f"/api/boards/{BOARD}", {"visibility": "members"})
        assert await found(bob, town) == [BOARD, "own"]
        assert (await bob.get(f"/api/boards/{BOARD}")).body["visibility"] == "members"
        assert (await Visitor(town.url).get(f"/api/boards/{BOARD}")).status == 401
        await town.ada.ok("DELETE", f"/api/boards/own/members/{bob.id}")
        assert await found(bob, town) == [BOARD]
        assert await found(town.ada, town) == [BOARD, "own"], "an administrator finds all"


async def found(visitor: Visitor, town: Town) -> list[str]:
    """The boards that somebody's list has, once what was done is noted."""
    assert town.app.doors is not None
    await town.app.doors.noted()
    return [board["board"] for board in (await visitor.ok("GET", "/api/boards"))["items"]]


@on_loop
async def test_instances_wake_each_other_by_the_broker(tmp_path: Path) -> None:
    """The word arrives without waiting for the next look."""
    exchange, url = LocalExchange(), database_url(str(tmp_path))
    settings = {"STORE__URL": url, "BOARDS__SEED_DEMO": "false"}
    async with (
        instance(tmp_path, exchange=exchange, **settings) as here,
        instance(tmp_path, exchange=exchange, set_up=False, **settings) as there,
    ):
        assert there.app.doors is not None
        there.app.doors.look_s = 3600.0
        await there.app.doors.looked()
        client = await at(there, here.ada).socket()
        await here.ada.ok("DELETE", "/api/session")
        await shown_out(client)


@on_loop
async def test_while_the_store_is_away_nobody_is_told_that_they_are_signed_out(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        stays = await town.ada.joined("demo")
        entry = town.app.store.entry

        async def away(kind: str, key: str) -> None:
            raise Failed("the store is away")

        town.app.store.entry = away  # type: ignore[method-assign]
        town.app.accounts.identities.forget(town.ada.id)  # type: ignore[union-attr]
        client = await town.ada.socket()
        assert (client.welcome["code"], client.welcome["retry"]) == ("unavailable", True)
        assert (await client.closed()).code == 1011, "it is to come again by itself"
        assert (await town.ada.get("/api/me")).status == 503
        town.app.doors.doubt(town.ada.id)  # type: ignore[union-attr]
        await town.app.doors.looked()  # type: ignore[union-attr]
        assert (await stays.ask("ping"))["type"] == "pong", "who is in stays in"
        town.app.store.entry = entry  # type: ignore[method-assign]
        assert (await town.ada.get("/api/me")).status == 200
