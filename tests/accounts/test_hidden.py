"""A private board does not betray that it exists: to a stranger it is like one that does not."""

from pathlib import Path
from typing import Any

from server.model.commands import OPERATIONS
from server.policy import ROUTES
from tests.accounts.samples import ARGS, BODIES
from tests.accounts.town import Visitor, instance
from tests.api.client import Reply
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
