"""`backup`: a whole copy beside a running server, or no file at all."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from server.boards.parts import BoardSettings
from server.data import copies
from server.stores import Head
from server.stores.sqlite import SqliteStore, archive
from server.stores.sqlite.archive import Archive
from tests.data.commands import (
    ROOT,
    content,
    database,
    folded,
    history,
    keep,
    kept,
    refusal,
    run,
    succeed,
    succeed_beside,
)
from tests.fold import Fold
from tests.support import Client, Message, ServerProcess, on_loop
from tests.test_kill9 import Writer


def changes_of(data: Path, board: str) -> list[Message]:
    lines = [json.loads(line) for line in succeed(data, "export", "--board", board).splitlines()]
    return lines[2:-1]


async def snapshot(server: ServerProcess, board: str) -> Fold:
    """What a fresh client is given."""
    client, fold = await Client.hello(server), Fold()
    fold.take(await client.ask("join", board=board))
    while not fold.complete:
        fold.take(await client.next())
    await client.close()
    return fold


@on_loop
async def test_a_backup_taken_under_load_is_the_board_at_one_moment(tmp_path: Path) -> None:
    data, elsewhere, file = tmp_path / "data", tmp_path / "elsewhere", tmp_path / "copy.db"
    writers = [Writer("busy", number) for number in range(4)]
    progress = asyncio.Semaphore(0)
    with ServerProcess(data) as server:
        maker = await Client.hello(server)
        await maker.mutate("busy", "board.create", name="Busy")
        writing = [asyncio.ensure_future(writer.write(server, progress)) for writer in writers]
        for _ in range(200):
            await progress.acquire()
        acked = max(seq for writer in writers for seq in writer.acked.values())
        await succeed_beside(data, "backup", file)
        server.kill()
        await asyncio.gather(*writing)
    await succeed_beside(elsewhere, "restore", file)
    copied, full = changes_of(elsewhere, "busy"), changes_of(data, "busy")
    assert copied == full[: len(copied)]
    assert acked <= len(copied) < len(full), (
        "what was acknowledged before is in it; the load went on after it"
    )
    by_hand = Fold()
    by_hand.complete, by_hand.head, by_hand.board = True, 0, {"id": "busy"}
    by_hand.take({"type": "changes", "changes": copied})
    with ServerProcess(elsewhere) as server:
        served = await snapshot(server, "busy")
    assert served.tasks == by_hand.tasks
    assert served.picture()["columns"] == by_hand.picture()["columns"]


def test_what_is_committed_while_a_backup_goes_on_neither_gets_into_it_nor_holds_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = keep(tmp_path / "data", b=history(300))
    monkeypatch.setattr(archive, "STEP_PAGES", 1)
    steps = 0

    def commit(_: int, __: int) -> None:
        nonlocal steps
        steps += 1
        assert steps < 1000, "it begins again and again"
        with sqlite3.connect(database(data)) as connection:
            connection.execute("update boards set epoch = epoch || '+'")
        connection.close()

    with Archive.open(database(data)) as source:
        heads = source.copy_to(tmp_path / "copy.db", commit)
    assert steps > 10
    with Archive.open(tmp_path / "copy.db", kept=True) as copy:
        assert copy.check() == heads == {"b": Head("e1", 300)}
    assert kept(data)["b"].head == Head("e1" + "+" * steps, 300)


def test_what_a_killed_server_left_in_its_write_ahead_log_is_in_the_backup(tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    keep(tmp_path / "data", b=history(10))
    with sqlite3.connect(database(tmp_path / "data")) as connection:
        connection.execute("pragma wal_autocheckpoint = 0")
        connection.execute("update boards set epoch = 'only-in-the-log'")
        connection.commit()
        shutil.copytree(tmp_path / "data", killed)
    connection.close()
    succeed(killed, "backup", tmp_path / "copy.db")
    succeed(tmp_path / "fresh", "restore", tmp_path / "copy.db")
    assert [change["seq"] for change in kept(tmp_path / "fresh")["b"].log] == list(range(1, 11))
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        assert connection.execute("select epoch from boards").fetchall() == [("only-in-the-log",)]
    connection.close()


def test_a_backup_is_one_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    log = history()
    keep(tmp_path / "data", b=log, other=log[:3])
    out = succeed(tmp_path / "data", "backup", tmp_path / "copies.db")
    assert "2 boards, 33 changes" in out and "b: 30 changes" in out
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copies.db"]
    assert (tmp_path / "copies.db").stat().st_mode & 0o077 == 0
    succeed(tmp_path / "new", "restore", tmp_path / "copies.db")
    assert content(kept(tmp_path / "new")["b"].state) == folded("b", log)


async def keep_entry(data: Path) -> None:
    store = SqliteStore(database(data))
    await store.start()
    await store.put_entry("user", "u_ada", b"ada", version=0)
    await store.close()


async def kept_entries(data: Path) -> list[bytes]:
    store = SqliteStore(database(data))
    await store.start()
    found = await store.entries("user")
    await store.close()
    return [entry.value for entry in found]


def test_entries_are_in_a_backup_and_not_in_an_export(tmp_path: Path) -> None:
    data, restored, imported = keep(tmp_path / "data", b=history(5)), tmp_path / "r", tmp_path / "i"
    asyncio.run(keep_entry(data))
    succeed(data, "backup", tmp_path / "copy.db")
    succeed(restored, "restore", tmp_path / "copy.db")
    assert asyncio.run(kept_entries(restored)) == [b"ada"]
    exported = succeed(data, "export")
    succeed(imported, "import", "-", stdin=exported.encode())
    assert asyncio.run(kept_entries(imported)) == []
    assert kept(imported)["b"].head.seq == 5


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(tmp_path: Path) -> None:
    data, file = keep(tmp_path / "data", b=history(5)), tmp_path / "copy.db"
    file.write_text("precious", encoding="utf-8")
    assert "--force" in refusal(data, "backup", file)
    assert file.read_text(encoding="utf-8") == "precious"
    succeed(data, "backup", file, "--force")
    assert file.read_bytes().startswith(b"SQLite format 3")


def test_the_data_itself_is_never_overwritten(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(5))
    for name in ("boardcast.db", "boardcast.db-wal", "boardcast.db.restoring", "boardcast.lock"):
        for command in ("backup", "export"):
            assert "belongs to the running data" in refusal(data, command, data / name, "--force")
    os.link(database(data), tmp_path / "other-name.db")
    assert "data itself" in refusal(data, "restore", database(data))
    assert kept(data)["b"].head.seq == 5


def test_a_backup_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(40))
    with sqlite3.connect(database(data)) as connection:
        connection.execute("delete from changes where seq = 7")
    connection.close()
    assert "the changes of board b are not all there" in refusal(data, "backup", tmp_path / "copy.db")
    assert "there is no database" in refusal(tmp_path / "none", "backup", tmp_path / "copy.db")
    assert "no directory" in refusal(data, "backup", tmp_path / "nowhere" / "copy.db")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_what_a_server_could_not_read_is_no_backup(tmp_path: Path) -> None:
    """A change that is kept in records already is read with its board all the same: clients resume by it."""
    assert BoardSettings().resume_changes <= copies.RECENT
    data = keep(tmp_path / "data", b=history(40))
    with sqlite3.connect(database(data)) as connection:
        connection.execute("update changes set body = '{broken' where seq = 7")
    connection.close()
    assert "board b holds something unreadable" in refusal(data, "backup", tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_data_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(5))
    succeed(data, "backup", tmp_path / "copy.db")
    for path in (database(data), tmp_path / "copy.db"):
        with sqlite3.connect(path) as connection:
            connection.execute("update meta set value = 99 where key = 'schema_version'")
        connection.close()
    for command, *file in (["backup", tmp_path / "x.db"], ["export"], ["restore", tmp_path / "copy.db"]):
        ended = run(data, command, *file)
        assert ended.code == 78 and "schema version 99" in ended.err, ended


def test_progress_is_shown_on_a_terminal_and_nowhere_else(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(40))
    assert run(data, "backup", tmp_path / "silent.db").err == ""
    terminal, theirs = os.openpty()
    try:
        command = [sys.executable, "-m", "server", "backup", str(tmp_path / "told.db"), "--data", str(data)]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
        shown = os.read(terminal, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(theirs)
    assert shown.startswith("\rcopying 100 %\rchecking …") and "checking boards 100 %" in shown
    assert shown.endswith("\r"), "the line is taken away at the end"
