"""What one does while another ends the right to it."""

import asyncio
from pathlib import Path

import pytest

from server.accounts.desk import Accounts
from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.support import on_loop

NEW = "a new pass phrase"


async def reset(town: Town) -> None:
    accounts = desk(town)
    person = await accounts.people.named("bob")
    assert person is not None
    await accounts.reset(await accounts.reset_code(person), NEW, "")


def desk(town: Town) -> Accounts:
    assert town.app.accounts is not None
    return town.app.accounts


@pytest.mark.parametrize("dated", [False, True])
@on_loop
async def test_a_password_that_is_reset_while_it_is_looked_at_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dated: bool
) -> None:
    async with instance(tmp_path) as town:
        await town.person("bob")
        passwords, meanwhile = desk(town).passwords, [reset]
        real = passwords.matches

        async def matches(hash: str | None, password: str, home: str) -> bool:
            good = await real(hash, password, home)
            while meanwhile:
                await meanwhile.pop()(town)
            return good

        monkeypatch.setattr(passwords, "matches", matches)
        monkeypatch.setattr(passwords, "is_dated", lambda hash: dated)
        visitor = Visitor(town.url)
        assert (await visitor.post("/api/session", {"login": "bob", "password": PASSWORD})).status == 401
        assert (await visitor.get("/api/me")).status == 401
        assert (await visitor.post("/api/session", {"login": "bob", "password": PASSWORD})).status == 401
        await town.again("bob", NEW)


@on_loop
async def test_whoever_is_removed_while_they_wait_for_a_change_does_not_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "b", viewer=bob)
        live = town.app.boards.get("b")
        waits, real = asyncio.Event(), live.wait_for

        async def wait_for(seq: int, most_s: float) -> None:
            waits.set()
            await real(seq, most_s)

        monkeypatch.setattr(live, "wait_for", wait_for)
        waiting = asyncio.ensure_future(bob.get(f"/api/boards/b/tasks?seq={live.head + 1}"))
        await waits.wait()
        await town.ada.ok("DELETE", f"/api/boards/b/members/{bob.id}")
        assert (await waiting).code == "not_found"


@on_loop
async def test_a_stranger_who_signs_up_first_does_not_take_the_server(tmp_path: Path) -> None:
    async with instance(tmp_path, set_up=False, AUTH__SIGN_UP="open") as town:
        stranger = Visitor(town.url)
        wanted = {"login": "eve", "name": "Eve", "password": PASSWORD}
        assert (await stranger.ok("POST", "/api/sign-up", wanted))["login"] == "eve"
        await town.set_up()
        assert (await town.ada.get("/api/people")).status == 200
        assert (await stranger.get("/api/people")).status == 403


@on_loop
async def test_an_invitation_that_is_accepted_twice_at_once_is_spent_once(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "b")
        made = await town.ada.ok("POST", "/api/boards/b/invitations", {"role": "editor", "uses": 3})
        asked = {"invitation": made["path"].partition("#")[2]}
        await asyncio.gather(*(bob.post("/api/invitations/accept", asked) for _ in range(6)))
        (left,) = (await town.ada.ok("GET", "/api/boards/b/invitations"))["items"]
        assert left["uses"] == 2


@on_loop
async def test_a_use_is_not_given_back_to_an_invitation_that_was_revoked(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        invitations, now = desk(town).invitations, desk(town).clock()
        made = await town.ada.ok("POST", "/api/invitations", {"uses": 1})
        text = made["path"].partition("#")[2]
        used = await invitations.use(text, now)
        assert used is not None and await invitations.look(text, now) is None
        await invitations.give_back(used)
        assert await invitations.use(text, now) is not None
        await invitations.end(lambda one: one.id == used.id)
        await invitations.give_back(used)
        assert await invitations.look(text, now) is None


@on_loop
async def test_what_an_instance_did_not_live_to_note_is_noted_by_the_next_one(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "b")
        doors = town.app.doors
        assert doors is not None
        await doors.noted()
        await doors.stop()  # as one that was killed notes nothing more
        await town.ada.ok("POST", "/api/boards/b/members", {"login": "bob", "role": "viewer"})
        assert [one["what"] for one in (await town.ada.ok("GET", "/api/boards/b/audit"))["items"]] == [
            "board.create"
        ]
    async with instance(tmp_path, set_up=False) as town:
        doors, ada = town.app.doors, await town.again("ada")
        assert doors is not None
        doors.owed.grace_ms = 0
        await doors.settle()
        kept = (await ada.ok("GET", "/api/boards/b/audit"))["items"]
        assert [(one["what"], one["about"]) for one in kept] == [
            ("member.set", f"{bob.id}: viewer"),
            ("board.create", f"{ada.id}: owner"),
        ]
        boards = (await (await town.again("bob")).ok("GET", "/api/boards"))["items"]
        assert [board["board"] for board in boards] == ["b"]
        assert await doors.owed.left() == {}


@on_loop
async def test_what_is_noted_late_does_not_undo_what_came_after(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "b", viewer=bob)
        doors = town.app.doors
        assert doors is not None
        await doors.noted()
        (joined,) = [change for change in await town.app.store.read("b", 0, 9) if change.op == "member.set"]
        await town.ada.ok("DELETE", f"/api/boards/b/members/{bob.id}")
        await doors.noted()
        await doors.owed.before("b", [joined])  # as if it had been left
        doors.owed.grace_ms = 0
        await doors.settle()
        assert "b" not in await town.app.seats.boards_of(bob.id)
        assert await doors.owed.left() == {}
