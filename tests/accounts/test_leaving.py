"""Every member may leave a board, whatever their role; nobody else, and never its last owner."""

from pathlib import Path
from typing import Any

from server.model.commands import OPERATIONS
from server.policy import OF_ONESELF, ROUTES
from tests.accounts.town import Town, Visitor, instance
from tests.api.client import Reply
from tests.support import on_loop

BOARD = "b"
ROLES = ("viewer", "commenter", "editor")


async def furnished(town: Town) -> dict[str, Visitor]:
    people = {role: await town.person(role) for role in ("owner", *ROLES)}
    await town.board(people["owner"], BOARD, **{role: people[role] for role in ROLES})
    return people


async def leave(visitor: Visitor, board: str = BOARD, **headers: str) -> Reply:
    return await visitor.send("DELETE", f"/api/boards/{board}/members/{visitor.id}", **headers)


def code(reply: Reply) -> str:
    return "" if reply.status < 300 else str(reply.body["error"]["code"])


def test_what_somebody_may_do_to_themselves_is_in_the_table() -> None:
    assert OF_ONESELF == {"member.remove": "viewer"}
    assert set(OF_ONESELF) <= set(OPERATIONS)
    assert [route for route, need in ROUTES.items() if need == "member"] == [
        "DELETE /api/boards/{board}/members/{user}"
    ]


@on_loop
async def test_members_of_every_role_leave_by_a_request_and_are_gone(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await furnished(town)
        for role in ROLES:
            reply = await leave(people[role])
            assert (reply.status, reply.body) == (204, None), role
            assert (await people[role].get(f"/api/boards/{BOARD}")).status == 404
            assert (await people[role].ok("GET", "/api/boards"))["items"] == []
        left = (await people["owner"].ok("GET", f"/api/boards/{BOARD}/members"))["items"]
        assert [(one["user"], one["role"]) for one in left] == [(people["owner"].id, "owner")]
        assert town.app.doors is not None
        await town.app.doors.noted()
        record = (await people["owner"].ok("GET", f"/api/boards/{BOARD}/audit"))["items"]
        told = [(one["who"]["id"], one["about"]) for one in record if one["what"] == "member.remove"]
        assert told == [(people[role].id, f"{people[role].id}: removed") for role in reversed(ROLES)]


@on_loop
async def test_who_leaves_over_a_socket_gets_the_ack_and_sees_nothing_more(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await furnished(town)
        bob = people["viewer"]
        task = {"id": "t", "title": "T", "assignees": [bob.id]}
        await people["owner"].ok("POST", f"/api/boards/{BOARD}/tasks", task)
        watcher, client, other = [await who.joined(BOARD) for who in (people["owner"], bob, bob)]
        request = {"board": BOARD, "mutation": "away", "op": "member.remove", "args": {"user": bob.id}}
        ack = await client.ask("mutate", **request)
        assert ack["type"] == "ack"
        closed = {"type": "closed_board", "board": BOARD, "reason": "forbidden"}
        assert await client.next() == await other.next() == closed
        (change,) = (await watcher.next())["changes"]
        assert (change["op"], change["actor"]["id"], change["seq"]) == ("member.remove", bob.id, ack["seq"])
        assert change["also"] == {"t": {"set": {"assignees": []}, "was": {"assignees": [bob.id]}}}
        again = await client.ask("mutate", **request)
        assert (again["seq"], again["duplicate"]) == (ack["seq"], True)
        assert (await client.ask("join", board=BOARD))["code"] == "not_found"


@on_loop
async def test_the_last_owner_stays_and_with_another_one_may_leave(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await furnished(town)
        assert code(await leave(people["owner"])) == "conflict"
        role = {"role": "owner"}
        await people["owner"].ok("PATCH", f"/api/boards/{BOARD}/members/{people['editor'].id}", role)
        assert code(await leave(people["owner"])) == ""


@on_loop
async def test_a_request_to_leave_that_comes_twice_is_answered_twice_the_same(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        bob = (await furnished(town))["viewer"]
        key = {"Idempotency-Key": "leaving-1"}
        assert [(await leave(bob, **key)).status for _ in range(2)] == [204, 204]


@on_loop
async def test_nobody_leaves_for_another_and_no_program_that_only_reads(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await furnished(town)
        other = await people["editor"].send("DELETE", f"/api/boards/{BOARD}/members/{people['viewer'].id}")
        reading = await leave(await town.token(people["viewer"]))
        elsewhere = await leave(await town.token(people["viewer"], boards=["other"], write=True))
        assert [code(reply) for reply in (other, reading, elsewhere)] == [
            "forbidden",
            "forbidden",
            "not_found",
        ]
        writing = await town.token(people["viewer"], boards=[BOARD], write=True)
        assert code(await leave(writing)) == ""


@on_loop
async def test_leaving_a_private_board_as_a_stranger_is_like_leaving_none(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        await furnished(town)
        eve = await town.person("eve")
        for who in (eve, await town.token(eve, write=True)):
            answers: list[Any] = []
            for board in (BOARD, "nowhere"):
                reply = await leave(who, board)
                answers.append((reply.status, repr(reply.body).replace(f"'{board}'", "?")))
            assert answers[0] == answers[1]
        await town.ada.ok("POST", "/api/boards", {"board": "shown", "name": "S"})
        await town.ada.ok("PATCH", "/api/boards/shown", {"visibility": "members"})
        reply = await leave(eve, "shown")
        assert (reply.status, reply.body["error"]["details"]["field"]) == (404, "user")


@on_loop
async def test_a_list_of_members_is_not_kept_past_another_name(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await furnished(town)
        owner, path = people["owner"], f"/api/boards/{BOARD}/members"
        etag = (await owner.get(path)).headers["ETag"]
        assert (await owner.send("GET", path, **{"If-None-Match": etag})).status == 304
        await people["viewer"].ok("PATCH", "/api/me", {"name": "Another"})
        again = await owner.send("GET", path, **{"If-None-Match": etag})
        assert again.status == 200
        assert "Another" in [member["name"] for member in again.body["items"]]
