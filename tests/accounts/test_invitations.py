"""An invitation is worth what its maker may give now, and is spent only when it has given something."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.support import on_loop

BOARD = "b"


async def link(maker: Visitor, path: str = f"/api/boards/{BOARD}/invitations", **wanted: Any) -> str:
    made = await maker.ok("POST", path, wanted)
    return str(made["path"].partition("#")[2])


def newcomer(login: str, invitation: str) -> dict[str, str]:
    return {"login": login, "name": login.title(), "password": PASSWORD, "invitation": invitation}


async def removed(town: Town, bob: Visitor) -> None:
    await town.ada.ok("DELETE", f"/api/boards/{BOARD}/members/{bob.id}")


async def lowered(town: Town, bob: Visitor) -> None:
    await town.ada.ok("PATCH", f"/api/boards/{BOARD}/members/{bob.id}", {"role": "editor"})


async def disabled(town: Town, bob: Visitor) -> None:
    assert town.app.accounts is not None
    await town.app.accounts.change_person("bob", disabled=True)


@pytest.mark.parametrize("ending", [removed, lowered, disabled])
@on_loop
async def test_an_invitation_ends_with_the_right_of_its_maker(
    ending: Callable[[Town, Visitor], Awaitable[None]], tmp_path: Path
) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(town.ada, BOARD, owner=bob)
        text = await link(bob, role="owner", uses=10)
        await ending(town, bob)
        before = (await town.ada.ok("GET", f"/api/boards/{BOARD}/members"))["items"]
        assert (await eve.post("/api/welcome", {"invitation": text})).code == "not_found"
        assert (await Visitor(town.url).post("/api/sign-up", newcomer("dan", text))).code == "not_found"
        for who in (eve, bob):
            reply = await who.post("/api/invitations/accept", {"invitation": text})
            assert reply.code in ("not_found", "unauthenticated")
        assert (await town.ada.ok("GET", f"/api/boards/{BOARD}/members"))["items"] == before


@pytest.mark.parametrize("ending", [removed, lowered, disabled])
@on_loop
async def test_what_ended_with_a_right_does_not_come_back_with_it(
    ending: Callable[[Town, Visitor], Awaitable[None]], tmp_path: Path
) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(town.ada, BOARD, owner=bob)
        text = await link(bob, role="owner", uses=10)
        own = await link(town.ada, role="viewer", uses=10)
        await ending(town, bob)
        await noted(town)
        await town.app.accounts.change_person("bob", disabled=False)  # type: ignore[union-attr]
        await town.ada.ok("POST", f"/api/boards/{BOARD}/members", {"login": "bob", "role": "owner"})
        listed = (await town.ada.ok("GET", f"/api/boards/{BOARD}/invitations"))["items"]
        assert [one["created_by"] for one in listed] == [town.ada.id]
        assert (await eve.post("/api/invitations/accept", {"invitation": text})).code == "not_found"
        assert (await eve.post("/api/invitations/accept", {"invitation": own})).status == 200


@on_loop
async def test_who_was_removed_does_not_come_back_by_a_link_from_before(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(town.ada, BOARD)
        text = await link(town.ada, role="editor", uses=10)
        for who in (bob, eve):
            await who.ok("POST", "/api/invitations/accept", {"invitation": text})
        await removed(town, bob)
        await town.ada.ok("PATCH", f"/api/boards/{BOARD}/members/{eve.id}", {"role": "viewer"})
        for who in (bob, eve):
            assert (await who.post("/api/invitations/accept", {"invitation": text})).code == "not_found"
        (listed,) = (await town.ada.ok("GET", f"/api/boards/{BOARD}/invitations"))["items"]
        assert listed["uses"] == 8, "nothing was spent on them"
        await bob.ok("POST", "/api/invitations/accept", {"invitation": await link(town.ada, role="viewer")})
        await bob.ok("DELETE", f"/api/boards/{BOARD}/members/{bob.id}")
        newer = await link(town.ada, role="viewer", uses=2)
        for _ in range(2):  # who left by themselves may come again
            await bob.ok("POST", "/api/invitations/accept", {"invitation": newer})
            await bob.ok("DELETE", f"/api/boards/{BOARD}/members/{bob.id}")


@on_loop
async def test_a_reset_ends_the_invitations_that_a_thief_may_have_made(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(bob, BOARD)
        text = await link(bob, role="owner", uses=10)
        assert town.app.accounts is not None
        person = await town.app.accounts.people.need(bob.id)
        code = await town.app.accounts.reset_code(person)
        await bob.ok("POST", "/api/reset", {"code": code, "password": "a new pass phrase"})
        assert (await eve.post("/api/invitations/accept", {"invitation": text})).code == "not_found"


@on_loop
async def test_a_full_board_gives_its_members_a_higher_role(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false", LIMITS__MEMBERS_PER_BOARD="2") as town:
        bob = await town.person("bob")
        await town.board(town.ada, BOARD, viewer=bob)
        await bob.ok("POST", "/api/invitations/accept", {"invitation": await link(town.ada, role="editor")})


async def noted(town: Town) -> None:
    assert town.app.doors is not None
    await town.app.doors.noted()


@on_loop
async def test_an_invitation_to_the_server_ends_with_the_administrator_who_made_it(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        await town.person("bob")
        assert town.app.accounts is not None
        await town.app.accounts.change_person("bob", admin=True)
        text = await link(await town.again("bob"), "/api/invitations", uses=10)
        await Visitor(town.url).ok("POST", "/api/sign-up", newcomer("dan", text))
        await town.app.accounts.change_person("bob", admin=False)
        assert (await Visitor(town.url).post("/api/sign-up", newcomer("eve", text))).code == "not_found"


@on_loop
async def test_an_invitation_made_with_a_token_ends_with_it(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(bob, BOARD)
        text = await link(await town.token(bob, write=True, boards=[BOARD]), uses=2)
        await eve.ok("POST", "/api/invitations/accept", {"invitation": text})
        (token,) = (await bob.ok("GET", "/api/me/tokens"))["items"]
        await bob.ok("DELETE", f"/api/me/tokens/{token['id']}")
        assert (await Visitor(town.url).post("/api/sign-up", newcomer("dan", text))).code == "not_found"


@on_loop
async def test_who_is_on_the_board_already_spends_nothing(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(town.ada, BOARD)
        text = await link(town.ada, role="commenter", uses=2)
        for _ in range(3):
            await eve.ok("POST", "/api/invitations/accept", {"invitation": text})
        await bob.ok("POST", "/api/invitations/accept", {"invitation": text})
        assert (await town.ada.ok("GET", f"/api/boards/{BOARD}/invitations"))["items"] == []


@on_loop
async def test_a_board_that_is_full_spends_nothing_and_makes_no_account(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false", LIMITS__MEMBERS_PER_BOARD="2") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(town.ada, BOARD, editor=bob)
        text, dan = await link(town.ada), Visitor(town.url)
        assert (await dan.post("/api/sign-up", newcomer("dan", text))).code == "limit_exceeded"
        assert (await eve.post("/api/invitations/accept", {"invitation": text})).code == "limit_exceeded"
        await town.ada.ok("DELETE", f"/api/boards/{BOARD}/members/{bob.id}")
        await dan.ok("POST", "/api/sign-up", newcomer("dan", text))
        assert (await dan.get(f"/api/boards/{BOARD}")).status == 200


@on_loop
async def test_the_board_s_record_tells_by_whose_invitation_somebody_came(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob, eve = await town.person("bob"), await town.person("eve")
        await town.board(town.ada, BOARD, owner=bob)
        await eve.ok("POST", "/api/invitations/accept", {"invitation": await link(bob, role="viewer")})
        assert town.app.doors is not None
        await town.app.doors.noted()
        (newest, *_) = (await town.ada.ok("GET", f"/api/boards/{BOARD}/audit"))["items"]
        assert (newest["who"]["name"], newest["what"], newest["about"]) == (
            "Bob",
            "member.set",
            f"{eve.id}: viewer",
        )
