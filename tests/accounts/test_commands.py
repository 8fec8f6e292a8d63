"""`user` and `token` as whoever runs the server types them, beside the running server."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.data.commands import ROOT, Ended
from tests.support import ServerProcess, on_loop


def run(data: Path, *arguments: str, mode: str = "accounts") -> Ended:
    """`python -m server <arguments> --data <data>`, to its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "server", *arguments, "--data", str(data)],
        cwd=ROOT,
        env=inherited | {"BOARDCAST_AUTH__MODE": mode, "BOARDCAST_AUTH__ADDRESS": "https://board.example"},
        capture_output=True,
        text=True,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


async def beside(town: Town, data: Path, *arguments: str) -> str:
    ended = await asyncio.to_thread(run, data, *arguments)
    assert ended.code == 0 and ended.err == "", ended
    return ended.out


@on_loop
async def test_a_password_is_reset_by_a_one_time_address_and_all_sessions_end(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        socket = await town.ada.socket()
        out = await beside(town, tmp_path, "user", "reset", "ada")
        address = out.splitlines()[-1]
        assert address.startswith("https://board.example/account/reset#")
        code, visitor = address.partition("#")[2], Visitor(town.url)
        wanted = {"code": code, "password": "a new pass phrase"}
        assert (await visitor.post("/api/reset", {**wanted, "code": "guessed"})).status == 401
        assert (await visitor.ok("POST", "/api/reset", wanted))["login"] == "ada"
        assert (await socket.closed()).code == 4501
        assert (await town.ada.get("/api/me")).status == 401
        assert (await Visitor(town.url).post("/api/reset", wanted)).status == 401, "once"
        refused = await Visitor(town.url).post("/api/session", {"login": "ada", "password": PASSWORD})
        assert refused.status == 401
        await town.again("ada", "a new pass phrase")


@on_loop
async def test_a_reset_ends_tokens_and_earlier_addresses_too(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        program = await town.token(town.ada)
        codes = [
            (await beside(town, tmp_path, "user", "reset", "ada")).strip().rpartition("#")[2]
            for _ in range(2)
        ]
        statuses = [
            (
                await Visitor(town.url).post("/api/reset", {"code": code, "password": "a new pass phrase"})
            ).status
            for code in (codes[0], codes[1], codes[1])
        ]
        assert statuses == [401, 200, 401]
        assert (await program.get("/api/me")).status == 401
        mislaid = (await beside(town, tmp_path, "user", "reset", "ada")).strip().rpartition("#")[2]
        ada = await town.again("ada", "a new pass phrase")
        change = {"current": "a new pass phrase", "password": PASSWORD}
        await ada.ok("POST", "/api/me/password", change)
        late = await Visitor(town.url).post("/api/reset", {"code": mislaid, "password": "of a thief now"})
        assert late.status == 401


@on_loop
async def test_a_name_steers_no_terminal_and_forges_no_line(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        before = len((await beside(town, tmp_path, "user", "list")).splitlines())
        eve = await town.person("eve")
        await eve.ok("PATCH", "/api/me", {"name": "Eve\x1b[31m\nroot   Root   u_0000000000000000  admin"})
        await town.token(eve, name="a\nb")
        listed = await beside(town, tmp_path, "user", "list")
        assert len(listed.splitlines()) == before + 1 and "\x1b" not in listed
        assert len((await beside(town, tmp_path, "token", "list", "eve")).splitlines()) == 1


@on_loop
async def test_accounts_are_made_disabled_and_promoted_beside_the_server(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        out = await beside(town, tmp_path, "user", "add", "Bob", "--name", "Bob B.")
        bob = Visitor(town.url)
        reset = {"code": out.strip().rpartition("#")[2], "password": PASSWORD}
        bob.id = (await bob.ok("POST", "/api/reset", reset))["id"]
        program = await town.token(bob)
        assert (await bob.ok("GET", "/api/me"))["name"] == "Bob B."
        assert (await bob.get("/api/people")).status == 403
        socket = await bob.socket()
        assert (await socket.ask("join", board="demo"))["code"] == "not_found"
        await beside(town, tmp_path, "user", "promote", "bob")
        await town.app.doors.looked()  # type: ignore[union-attr]
        assert (await socket.ask("join", board="demo"))["role"] == "owner"
        assert (await bob.get("/api/people")).status == 200
        await beside(town, tmp_path, "user", "demote", "bob")
        assert (await socket.next())["reason"] == "forbidden"
        await beside(town, tmp_path, "user", "disable", "bob")
        assert (await socket.closed()).code == 4501
        assert (await bob.post("/api/session", {"login": "bob", "password": PASSWORD})).status == 401
        listed = await beside(town, tmp_path, "user", "list")
        assert [line.split()[0] for line in listed.splitlines()] == ["ada", "bob"]
        assert listed.splitlines()[1].endswith("disabled")
        await beside(town, tmp_path, "user", "enable", "bob")
        assert [(await one.get("/api/me")).status for one in (bob, program)] == [401, 401], "ended is ended"
        await town.again("bob")


@on_loop
async def test_a_token_is_made_listed_and_revoked(tmp_path: Path) -> None:
    async with instance(tmp_path) as town:
        made = await beside(town, tmp_path, "token", "make", "ada", "--board", "demo", "--days", "3")
        program = Visitor(town.url, made.strip())
        socket = await program.joined("demo")
        assert (await socket.mutate("demo", "task.create", task="t", title="T"))["code"] == "forbidden"
        assert (await program.get("/api/boards/demo")).status == 200
        assert (await program.get("/api/boards/other")).status == 404
        listed = await beside(town, tmp_path, "token", "list", "ada")
        assert "reads demo, until" in listed and made.strip() not in listed
        await beside(town, tmp_path, "token", "revoke", "ada", listed.split()[0])
        assert (await socket.closed()).code == 4501
        assert (await program.get("/api/boards/demo")).status == 401


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path) -> None:
    cases = {
        ("user", "reset", "nobody"): (1, "there is no account 'nobody'"),
        ("user", "add", "No Spaces"): (2, "LOGIN is 1-64 of"),
        ("user", "link", "nobody", "x"): (1, "there is no account"),
        ("token", "list", "nobody"): (1, "there is no account"),
    }
    assert run(tmp_path, "user", "list").err.startswith("there is no data in "), "and none is made"
    assert run(tmp_path, "user", "list").code == 1
    assert run(tmp_path, "user", "add", "ben").code == 0
    for arguments, (code, line) in cases.items():
        ended = run(tmp_path, *arguments)
        assert (ended.code, ended.err.count("\n")) == (code, 1) and ended.err.startswith(line), ended
    ended = run(tmp_path, "user", "list", mode="open")
    assert ended.code == 78 and "auth.mode is open" in ended.err
    assert run(tmp_path, "user", "add", "ada").code == 0
    taken = run(tmp_path, "user", "add", "ada")
    assert taken.code == 1 and "'ada' is taken" in taken.err


def test_the_first_start_prints_an_address_for_the_first_account_and_later_ones_none(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, AUTH__MODE="accounts", SERVER__HOST="127.0.0.1") as server:
        (line,) = [line for line in server.output().splitlines() if "first account" in line]
        assert line.startswith(f"make the first account: {server.url.rpartition(':')[0]}:")
        code = line.partition("#")[2]
        first = {"code": code, "login": "ada", "name": "Ada", "password": PASSWORD}

        async def set_up() -> None:
            assert (await Visitor(server.url).post("/api/setup", {**first, "code": "guessed"})).status == 401
            assert (await Visitor(server.url).post("/api/setup", first)).status == 201
            assert (await Visitor(server.url).post("/api/setup", first)).status == 409

        asyncio.run(set_up())
        server.stop()
        server.start()
        assert server.output().count("first account") == 1


@on_loop
async def test_an_export_is_in_the_record_of_its_board(tmp_path: Path) -> None:
    async with instance(tmp_path / "data") as town:
        ended = await asyncio.to_thread(run, tmp_path / "data", "export", str(tmp_path / "boards.jsonl"))
        assert ended.code == 0 and "demo" in (tmp_path / "boards.jsonl").read_text(encoding="utf-8")
        (first, *_) = (await town.ada.ok("GET", "/api/boards/demo/audit"))["items"]
        assert (first["what"], first["who"]["name"]) == ("export", "command line")
        assert first["about"].endswith("boards.jsonl")
