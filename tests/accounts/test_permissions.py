"""Every route, message and operation, with every role and with none, against the table of `server.policy`."""

import re
from pathlib import Path
from typing import Any

import pytest

from handlers.api import ENDPOINTS
from handlers.routes import application
from server.model import messages as m
from server.model.commands import OPERATIONS
from server.policy import LEAST, MESSAGES, RANK, ROUTES, Need
from tests.accounts.samples import ARGS, BODIES, QUERIES
from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.support import Client, on_loop

ROLES = ("viewer", "commenter", "editor", "owner")
WHO = ("nobody", "stranger", *ROLES, "admin", "reading token", "token of another board", "past session")
"""Everybody who may come along. A reading token is an owner's."""
BOARD = "b"


VISIBILITIES = ("private", "members", "link")


def expected(need: Need, who: str, visibility: str = "private") -> str:
    """The code that the table gives; empty: it is allowed."""
    known = who not in ("nobody", "past session")
    if need == "anyone":
        return ""
    if who == "nobody" and visibility == "link" and need in (*RANK, "member"):
        return "" if need == "viewer" else "forbidden"
    if not known:
        return "unauthenticated"
    if need == "own":
        return "forbidden" if "token" in who else ""
    if need == "admin":
        return "" if who == "admin" else "forbidden"
    if need in ("account", "operation"):
        return ""
    if need == "device":
        return "unauthenticated"  # none of them comes with a device's token
    if need == "founder":
        return "forbidden" if "token" in who else ""
    shown = "stranger" if visibility == "private" else "viewer"
    role = {"admin": "owner", "reading token": "viewer", "stranger": shown}.get(who, who)
    if need == "member":
        need = "owner"  # the path names nobody of them; what is about oneself: test_leaving
    if role not in RANK:
        return "not_found"
    return "" if RANK[role] >= RANK[need] else "forbidden"  # type: ignore[index]


async def everybody(town: Town, visibility: str = "private") -> dict[str, Visitor]:
    owner = await town.person("owner")
    people = {role: await town.person(role) for role in ROLES[:-1]}
    await town.board(owner, BOARD, **people)
    if visibility != "private":
        await owner.ok("PATCH", f"/api/boards/{BOARD}", {"visibility": visibility})
    past = await town.again("viewer")
    stale = past.cookie
    await past.ok("DELETE", "/api/session")
    past.cookie = stale
    return {
        "nobody": Visitor(town.url),
        "stranger": await town.person("stranger"),
        **people,
        "owner": owner,
        "admin": town.ada,
        "reading token": await town.token(owner),
        "token of another board": await town.token(owner, boards=["other"], write=True),
        "past session": past,
    }


def refused(reply: Any) -> str:
    """The code when permission is what was lacking. That a task, say, does not exist is no lack of it."""
    if reply.status < 400 or not isinstance(reply.body, dict):
        return ""
    error = reply.body["error"]
    hidden = error["code"] == "not_found" and error["details"].get("field") == "board"
    return str(error["code"]) if hidden or error["code"] in ("unauthenticated", "forbidden") else ""


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    served = {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS}
    listed = {route for route in ROUTES if " /api/" in route}
    assert served == listed
    assert {e for e in served if e.split()[0] in ("POST", "PATCH")} == set(BODIES)


@on_loop
async def test_every_other_route_has_a_row_and_every_row_a_route(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        rules = application(town.app).wildcard_router.rules
    patterns = {rule.matcher.regex.pattern for rule in rules}
    plain = {pattern for pattern in patterns if not pattern.startswith("/api")}
    rows = {route.split()[1] for route in ROUTES if " /api/" not in route}
    samples = {row: re.sub(r"{\w+}", "x", row) for row in rows}
    for pattern in plain:
        assert any(re.fullmatch(pattern, sample) for sample in samples.values()), f"{pattern} has no row"
    for row, sample in samples.items():
        assert any(re.fullmatch(pattern, sample) for pattern in plain), f"{row} is no route"


def test_every_message_and_operation_has_a_row() -> None:
    tags = {kind.__struct_config__.tag for kind in m.ClientMessage.__args__}
    assert set(MESSAGES) == tags
    assert set(LEAST) == set(OPERATIONS)


@pytest.mark.parametrize("visibility", VISIBILITIES)
@on_loop
async def test_every_route_asks_of_everybody_what_the_table_says(visibility: str, tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__DEFAULT_BOARD=BOARD, BOARDS__SEED_DEMO="false") as town:
        people = await everybody(town, visibility)
        last = ["DELETE /api/session", "POST /api/session"]
        wrong = []
        for route in sorted(ROUTES, key=lambda route: route in last):
            if " /api/" not in route:
                continue
            method, path = route.split()
            for who, visitor in people.items():
                names = {"board": BOARD, "user": "u_nope"}
                names |= dict.fromkeys(("task", "session", "device", "token", "invitation"), "nope")
                sent = path.format(**names) + QUERIES.get(route, "")
                reply = await visitor.send(method, sent, BODIES.get(route))
                wanted = expected(ROUTES[route], who, visibility)
                if refused(reply) != wanted and not _of_its_own(route, reply):
                    wrong.append(f"{route} as {who}: wanted {wanted or 'leave'}, got {reply}")
        assert not wrong, "\n".join(wrong)


def _of_its_own(route: str, reply: Any) -> bool:
    """Codes and passwords that are wrong are refused with the same words, whoever comes with them."""
    return route in ("POST /api/session", "POST /api/reset", "POST /api/setup") and reply.status in (
        401,
        409,
        429,
    )


@pytest.mark.parametrize("visibility", VISIBILITIES)
@on_loop
async def test_every_operation_asks_of_everybody_what_the_table_says(visibility: str, tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await everybody(town, visibility)
        del people["past session"]  # gets no further than hello: below
        wrong = []
        for who, visitor in people.items():
            client = await visitor.socket()
            # Last what takes the board away from its own members.
            for op in sorted(OPERATIONS, key=lambda op: op.startswith(("board.archive", "member"))):
                reply = await client.mutate(BOARD, op, **ARGS[op])
                wanted = expected("founder" if op == "board.create" else LEAST[op], who, visibility)
                if _denied(reply) != wanted:
                    wrong.append(f"{op} as {who}: wanted {wanted or 'leave'}, got {reply}")
            await client.close()
        assert not wrong, "\n".join(wrong)


def _denied(reply: dict[str, Any]) -> str:
    if reply["type"] != "error":
        return ""
    hidden = reply["code"] == "not_found" and reply.get("details", {}).get("field") == "board"
    return str(reply["code"]) if hidden or reply["code"] in ("unauthenticated", "forbidden") else ""


@pytest.mark.parametrize("visibility", VISIBILITIES)
@on_loop
async def test_every_message_asks_of_everybody_what_the_table_says(visibility: str, tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await everybody(town, visibility)
        wrong = []
        for who, visitor in people.items():
            if who == "past session":
                continue
            client = await visitor.socket()
            for message, fields in MESSAGE_FIELDS.items():
                reply = await client.ask(message, **fields)
                wanted = expected(MESSAGES[message], who, visibility)
                if _denied(reply) != wanted:
                    wrong.append(f"{message} as {who}: wanted {wanted or 'leave'}, got {reply}")
            await client.close()
        assert not wrong, "\n".join(wrong)


MESSAGE_FIELDS: dict[str, dict[str, Any]] = {
    "ping": {},
    "join": {"board": BOARD},
    "comments": {"board": BOARD, "task": "nope"},
    "watch": {"board": BOARD},
    "unwatch": {"board": BOARD},
    "leave": {"board": BOARD},
}
"""`hello`, `mutate` and `presence` have tests of their own."""


def test_every_message_is_tried() -> None:
    assert {*MESSAGE_FIELDS, "hello", "mutate", "presence"} == set(MESSAGES)


@on_loop
async def test_a_session_that_has_ended_is_told_what_to_do_and_the_socket_closed(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        stale = town.ada.cookie
        await town.ada.ok("DELETE", "/api/session")
        for visitor, text in (
            (_with(town, cookie=stale), "sign in again"),
            (_with(town, token="bcs_x"), "token"),
        ):
            client = await visitor.socket()
            assert client.welcome["code"] == "unauthenticated" and text in client.welcome["message"]
            assert (await client.closed()).code == 4501
        assert (await town.again("ada", PASSWORD)).id == town.ada.id


def _with(town: Town, *, cookie: str = "", token: str = "") -> Visitor:
    visitor = Visitor(town.url, token)
    visitor.cookie = cookie
    return visitor


@on_loop
async def test_presence_is_seen_from_those_who_may_join_and_from_nobody_else(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        people = await everybody(town)
        watcher = await people["owner"].joined(BOARD)
        clients: list[Client] = []
        for who in ("nobody", "stranger", "token of another board", "viewer"):
            client = await people[who].socket()
            await client.ask("join", board=BOARD)
            await client.send({"type": "presence", "board": BOARD, "task": f"of-{who[:5]}", "typing": True})
            await client.ask("ping")
            clients.append(client)
        seen: list[dict[str, Any]] = []
        while not any(entry.get("task") == "of-viewe" for entry in seen):
            delta = await watcher.next(ephemeral=True)
            seen += [*delta["joined"], *delta["updated"]]
        assert {entry["user"]["id"] for entry in seen} <= {people["viewer"].id, people["owner"].id}


@pytest.mark.parametrize("op", sorted(OPERATIONS))
def test_arguments_to_try_every_operation_with_are_there(op: str) -> None:
    assert op in ARGS, f"add arguments for {op} to tests/accounts/samples.py"
