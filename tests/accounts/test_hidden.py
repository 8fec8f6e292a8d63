"""A private board does not betray that it exists: to a stranger it is like one that does not."""

from pathlib import Path
from typing import Any

from server.boards.access import Access, access_to
from server.model.commands import OPERATIONS
from server.model.records import Actor, Change, MemberPatch, Patch
from server.policy import RANK, ROUTES
from tests.accounts.samples import ARGS, BODIES, QUERIES
from tests.accounts.town import Visitor, instance
from tests.api.client import Reply
from tests.simulator.disk import SimDisk
from tests.simulator.faults import Faults
from tests.simulator.store import SimStore
from tests.support import on_loop

PRIVATE, NOWHERE = "private-board", "no-such-board"
OF_THE_MOMENT = ("Date", "Content-Length")


def alike(reply: Reply, board: str) -> Any:
    """What was answered, with the name of the board taken out."""
    headers = {name: value for name, value in reply.headers.get_all() if name not in OF_THE_MOMENT}
    return reply.status, repr(reply.body).replace(board, "?"), headers


@on_loop
async def test_every_route_answers_the_same_for_both(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        await town.board(town.ada, PRIVATE)
        eve = await town.person("eve")
        program = await town.token(eve, write=True)
        told = []
        for who in (eve, program, Visitor(town.url)):
            for route in ROUTES:
                method, path = route.split()
                if "{board}" not in path or "/api/" not in path:
                    continue
                body = BODIES.get(route)
                answers = [await asked(who, method, path, body, board) for board in (PRIVATE, NOWHERE)]
                if answers[0] != answers[1]:
                    told.append(f"{route}: {answers}")
        assert not told, "\n".join(told)


async def asked(who: Visitor, method: str, path: str, body: object, board: str) -> Any:
    if path.endswith("/mutations"):
        body = [
            {"mutation": f"m{n}", "op": op, "args": ARGS[op]}
            for n, op in enumerate(ARGS)
            if op != "board.create"
        ]
    names = dict.fromkeys(("task", "user", "invitation", "device", "command", "rule"), "nope")
    return alike(await who.send(method, path.format(board=board, **names), body), board)


@on_loop
async def test_a_stranger_does_not_make_the_server_load_the_board(tmp_path: Path) -> None:
    """What is not read takes no time either, as long as it may be."""
    async with instance(tmp_path) as town:
        await town.board(town.ada, PRIVATE)
        cookies = [(await town.person("eve")).cookie, town.ada.cookie, ""]
    async with instance(tmp_path, set_up=False) as town:
        eve, ada, nobody = (Visitor(town.url) for _ in cookies)
        eve.cookie, ada.cookie, _ = cookies
        for who in (eve, nobody):
            client = await who.socket()
            for message in ("join", "comments", "watch"):
                for board in (PRIVATE, NOWHERE):
                    fields = {"task": "nope"} if message == "comments" else {}
                    assert (await client.ask(message, board=board, **fields))["type"] == "error"
                    assert not town.app.boards.holds(board), message
            for route, need in ROUTES.items():
                method, path = route.split()
                if need in RANK and "{board}" in path:
                    for board in (PRIVATE, NOWHERE):
                        await asked(who, method, path + QUERIES.get(route, ""), BODIES.get(route), board)
                        assert not town.app.boards.holds(board), route
        assert (await ada.joined(PRIVATE)) and town.app.boards.holds(PRIVATE)


@on_loop
async def test_who_may_see_a_board_is_known_also_of_changes_that_only_the_log_has() -> None:
    store = SimStore(SimDisk(), Faults())
    by = Actor("u_ada", "Ada")
    owner, guest = {"u_ada": MemberPatch(role="owner")}, {"u_eve": MemberPatch(role="viewer")}
    patches = (
        Patch(name="B", created_at=1, created_by="u_ada", epoch="e", members={**owner}),
        Patch(members={**guest}),
        Patch(members={"u_eve": None}),
        Patch(visibility="members"),
    )
    ops = ("board.create", "member.set", "member.remove", "board.update")
    seen = []
    for seq, (op, patch) in enumerate(zip(ops, patches, strict=True), 1):
        await store.append("b", seq, [Change(seq=seq, at=seq, actor=by, op=op, set=patch)])
        access = await access_to(store, "b")
        seen.append((sorted(access.members), access.visibility))
    assert seen == [
        (["u_ada"], "private"),
        (["u_ada", "u_eve"], "private"),
        (["u_ada"], "private"),
        (["u_ada"], "members"),
    ]
    assert await access_to(store, "nowhere") == Access("nowhere", {}, "private")


@on_loop
async def test_every_message_answers_the_same_for_both(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        await town.board(town.ada, PRIVATE)
        eve = await town.person("eve")
        for who in (eve, Visitor(town.url)):
            client = await who.socket()
            for op in OPERATIONS:
                if op != "board.create":
                    answers = [await client.mutate(board, op, **ARGS[op]) for board in (PRIVATE, NOWHERE)]
                    assert plain(answers[0], PRIVATE) == plain(answers[1], NOWHERE)
            for message in ("join", "comments", "leave"):
                fields = {"task": "nope"} if message == "comments" else {}
                answers = [await client.ask(message, board=board, **fields) for board in (PRIVATE, NOWHERE)]
                assert plain(answers[0], PRIVATE) == plain(answers[1], NOWHERE)
            since = {"epoch": "x", "seq": 5}
            answers = [await client.ask("join", board=board, since=since) for board in (PRIVATE, NOWHERE)]
            assert plain(answers[0], PRIVATE) == plain(answers[1], NOWHERE)
        assert [board["board"] for board in (await eve.ok("GET", "/api/boards"))["items"]] == []


@on_loop
async def test_a_stranger_who_knows_the_epoch_moves_nobody(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        await town.board(town.ada, PRIVATE)
        member = await town.ada.socket()
        joined = await member.ask("join", board=PRIVATE)
        live = town.app.boards.get(PRIVATE)
        since = {"epoch": joined["epoch"], "seq": joined["seq"] + 5}
        eve = await town.person("eve")
        for who in (eve, Visitor(town.url)):
            stranger = await who.socket()
            answer = await stranger.ask("join", board=PRIVATE, since=since)
            assert answer["type"] == "error"
            assert live.epoch == joined["epoch"]
        again = await member.ask("join", board=PRIVATE, since=since)
        assert (again["mode"], again["epoch"] == joined["epoch"]) == ("snapshot", False)


def plain(reply: dict[str, Any], board: str) -> str:
    return repr({name: value for name, value in reply.items() if name not in ("id", "mutation")}).replace(
        board, "?"
    )


@on_loop
async def test_a_token_bound_to_a_board_counts_no_board_that_its_owner_may_not_see(tmp_path: Path) -> None:
    async with instance(tmp_path, BOARDS__SEED_DEMO="false") as town:
        await town.board(town.ada, PRIVATE)
        eve = await town.person("eve")
        bound = [await town.token(eve, boards=[board]) for board in (PRIVATE, NOWHERE)]
        lists = [await program.ok("GET", "/api/boards") for program in bound]
        assert lists[0] == lists[1] and lists[0]["total"] == 0
        await town.board(eve, "mine")
        program = await town.token(eve, boards=["mine", PRIVATE])
        listed = await program.ok("GET", "/api/boards")
        assert ([one["board"] for one in listed["items"]], listed["total"]) == (["mine"], 1)
