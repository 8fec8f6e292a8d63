"""Invitations, sign-up, and the record of what was done about access."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.accounts.audit import Audit
from server.accounts.codes import Invitations
from server.accounts.notices import SKEW_MS, Notices
from server.model.accounts import AuditEntry, Invitation
from server.model.messages import User
from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.store import SimStore
from tests.support import on_loop

ADA = User("u_ada", "Ada")
DAY = 86_400_000


def account(login: str, invitation: str = "", **more: str) -> dict[str, str]:
    return {"login": login, "name": login.title(), "password": PASSWORD, "invitation": invitation, **more}


async def invite(town: Town, path: str = "/api/invitations", **wanted: Any) -> str:
    made = await town.ada.ok("POST", path, wanted)
    return str(made["path"].partition("#")[2])


@on_loop
async def test_an_invitation_is_worth_as_many_uses_as_it_says(
    tmp_path: Path,
) -> None:
    async with instance(tmp_path) as town:
        text = await invite(town, uses=2)
        visitors = [Visitor(town.url) for _ in range(5)]
        replies = await asyncio.gather(
            *(one.post("/api/sign-up", account(f"bob{n}", text)) for n, one in enumerate(visitors))
        )
        assert sorted(reply.status for reply in replies) == [201, 201, 404, 404, 404]
        assert (await Visitor(town.url).post("/api/welcome", {"invitation": text})).status == 404


@on_loop
async def test_a_name_that_is_taken_does_not_use_the_invitation_up(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        text, bob = await invite(town), Visitor(town.url)
        assert (await bob.post("/api/sign-up", account("ada", text))).code == "conflict"
        assert (await bob.post("/api/sign-up", account("bob", text, password="short"))).code == "bad_request"
        assert (
            await bob.post("/api/sign-up", account("bobobobobo", text, password="BobObObobo"))
        ).status == 400
        await bob.ok("POST", "/api/sign-up", account("bob", text))


@on_loop
async def test_a_board_s_invitation_gives_its_role_and_lowers_none(
    tmp_path: Path,
) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "b")
        text = await invite(town, "/api/boards/b/invitations", role="commenter", uses=3)
        assert (await bob.ok("POST", "/api/welcome", {"invitation": text})) == {
            "board": "b",
            "role": "commenter",
        }
        await bob.ok("POST", "/api/invitations/accept", {"invitation": text})
        assert (await bob.joined("b")) is not None
        await town.ada.ok("POST", "/api/invitations/accept", {"invitation": text})
        members = (await town.ada.ok("GET", "/api/boards/b/members"))["items"]
        assert {(one["name"], one["role"]) for one in members} == {("Ada", "owner"), ("Bob", "commenter")}
        assert (await bob.get("/api/boards/b/invitations")).code == "forbidden"
        listed = (await town.ada.ok("GET", "/api/boards/b/invitations"))["items"]
        assert [one["uses"] for one in listed] == [2], "who has a higher role has spent nothing"
        assert text not in repr(listed)
        await town.ada.ok("DELETE", f"/api/boards/b/invitations/{listed[0]['id']}")
        assert (await Visitor(town.url).post("/api/sign-up", account("eve", text))).status == 404


@on_loop
async def test_an_invitation_ends_with_its_days() -> None:
    store = SimStore(SimDisk(), Faults())
    invitations = Invitations(store)
    wanted = Invitation(id="", created_by="u", created_at=0, expires_at=5 * DAY, uses=3)
    text, _ = await invitations.issue(wanted, 0)
    assert await invitations.use(text, 5 * DAY - 1) is not None
    assert await invitations.use(text, 5 * DAY) is None
    assert await invitations.of(None, 5 * DAY) == []


@pytest.mark.parametrize(
    ("sign_up", "plain", "invited"), [("off", 403, 403), ("invitation", 403, 201), ("open", 201, 201)]
)
@on_loop
async def test_who_may_sign_up_is_a_setting(sign_up: str, plain: int, invited: int, tmp_path: Path) -> None:
    async with instance(tmp_path, AUTH__SIGN_UP=sign_up) as town:
        text, visitor = await invite(town), Visitor(town.url)
        assert (await visitor.post("/api/sign-up", account("bob"))).status == plain
        assert (await Visitor(town.url).post("/api/sign-up", account("eve", text))).status == invited
        entrance = await Visitor(town.url).ok("GET", "/api/entrance")
        assert entrance == {"mode": "accounts", "setup": False, "sign_up": sign_up}


@on_loop
async def test_the_record_tells_owners_and_administrators_what_was_done(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        bob = await town.person("bob")
        await town.board(town.ada, "b", editor=bob)
        await town.ada.ok("PATCH", "/api/boards/b", {"visibility": "link"})
        await town.ada.ok("DELETE", f"/api/boards/b/members/{bob.id}")
        await town.ada.ok("POST", "/api/boards/b/devices", {"id": "d", "name": "D"})
        await town.ada.ok("POST", "/api/boards/b/devices/d/token")
        await town.ada.ok("DELETE", "/api/boards/b/devices/d")
        await Visitor(town.url).post("/api/session", {"login": "bob", "password": "wrong"})
        await town.token(bob)
        await town.ada.ok("DELETE", "/api/boards/b")
        assert town.app.doors is not None
        await town.app.doors.noted()
        of_board = (await town.ada.ok("GET", "/api/boards/b/audit"))["items"]
        assert [(one["what"], one.get("about", "")) for one in of_board] == [
            ("board.archive", ""),
            ("device.delete", "d"),
            ("device token made", "d"),
            ("device.create", "d"),
            ("member.remove", f"{bob.id}: removed"),
            ("board.update", "visibility: link"),
            ("member.set", f"{bob.id}: editor"),
            ("board.create", f"{town.ada.id}: owner"),
        ]
        assert {one["who"]["name"] for one in of_board} == {"Ada"}
        of_server = (await town.ada.ok("GET", "/api/audit"))["items"]
        assert [one["what"] for one in of_server] == [
            *("token made", "sign-in refused", "sign-in", "account", "invitation made", "sign-in", "account"),
        ]
        assert of_server[1]["address"] == "127.0.0.1"
        for skip in (0, 3, 6, 9):
            page = await town.ada.ok("GET", f"/api/audit?limit=3&skip={skip}")
            assert page == {"items": of_server[skip : skip + 3], "total": 7, "skip": skip, "limit": 3}
        assert (await bob.get("/api/audit")).code == "forbidden"


@on_loop
async def test_of_what_several_instances_tell_the_record_has_one_entry() -> None:
    store = SimStore(SimDisk(), Faults())
    for audit in (Audit(store, 10), Audit(store, 10)):
        await audit.write(AuditEntry(at=5, who=ADA, what="member.set", board="b"), "7")
    assert len((await Audit(store, 10).read("b"))[0]) == 1
    await store.drop_expired(5 + 10 * DAY)
    assert (await Audit(store, 10).read("b"))[0] == []


@on_loop
async def test_a_notice_is_read_once_also_when_clocks_differ() -> None:
    store, now = SimStore(SimDisk(), Faults()), 1_800_000_000_000
    behind = Notices(store, lambda: now - SKEW_MS // 2)
    ahead = Notices(store, lambda: now + SKEW_MS // 2 - 1)
    await behind.post("u_ada")
    assert await ahead.news() == {"u_ada"}
    assert await ahead.news() == set()
    await ahead.post("u_bob")
    assert await behind.news() == {"u_ada", "u_bob"}
    assert await behind.news() == set()


def test_no_secret_is_kept_or_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = [PASSWORD]

    @on_loop
    async def live() -> None:
        async with instance(tmp_path, LOG__LEVEL="debug") as town:
            program = await town.token(town.ada)
            await program.joined("demo")
            secrets.extend([town.ada.cookie, program.token, await invite(town)])

    live()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    said = "".join(capsys.readouterr())
    for secret in secrets:
        assert len(secret) > 10 and secret.encode() not in kept and secret not in said
        assert secret[-43:].encode() not in kept
