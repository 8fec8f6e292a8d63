"""`export` and `import`: a board leaves one installation and arrives in another, once."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from server.data.intake import take_in
from server.stores import Head
from server.stores.sqlite.intake import Intake
from tests.data.commands import ROOT, content, database, folded, history, keep, kept, refusal, run, succeed
from tests.support import Client, ServerProcess, on_loop

LOG = history(40)


def export(data: Path, *options: str) -> list[str]:
    return succeed(data, "export", *options).splitlines()


def without_epochs(lines: list[str]) -> list[object]:
    """An export, but for what an import must change: the epochs, and with them the checksum."""
    found = [json.loads(line) for line in lines]
    for line in found:
        if "type" in line:
            line.pop("epoch", None)
            line.pop("sha256", None)
    return found


def test_what_is_exported_imported_and_exported_again_is_the_same(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=LOG, other=LOG[:7])
    first = export(data)
    out = succeed(tmp_path / "new", "import", "-", stdin="\n".join([*first, ""]).encode())
    assert out.splitlines() == ["b: imported, 40 changes", "other: imported, 7 changes"]
    second = export(tmp_path / "new")
    assert without_epochs(second) == without_epochs(first)
    assert second[2:42] == first[2:42], "the changes to the byte"


def test_an_imported_board_has_its_records_and_an_epoch_of_its_own(tmp_path: Path) -> None:
    keep(tmp_path / "data", b=LOG)
    succeed(tmp_path / "data", "export", tmp_path / "b.jsonl")
    succeed(tmp_path / "new", "import", tmp_path / "b.jsonl")
    board = kept(tmp_path / "new")["b"]
    assert board.mark == board.head.seq == len(LOG)
    assert board.head.epoch not in ("", "e1")
    assert content(board.state) == folded("b", LOG)
    with sqlite3.connect(database(tmp_path / "new")) as connection:
        titles = connection.execute("select title from tasks where id = 'a'").fetchall()
    connection.close()
    assert titles == [("A\nlonger “title”",)]


def test_an_import_that_is_interrupted_leaves_nothing_of_the_board(tmp_path: Path) -> None:
    keep(tmp_path / "data", a=LOG[:3], b=history(2000))
    succeed(tmp_path / "data", "export", tmp_path / "all.jsonl")
    new = keep(tmp_path / "new", b=LOG)

    def interrupt(what: str, done: int, total: int) -> None:
        if what == "importing" and done > total / 2:
            raise KeyboardInterrupt

    with (tmp_path / "all.jsonl").open("rb") as stream, pytest.raises(KeyboardInterrupt):
        list(take_in(Intake.open(database(new)), stream, rename=None, mint=lambda: "e2", progress=interrupt))
    boards = kept(new)
    assert {board: there.head for board, there in boards.items()} == {"b": Head("e1", 40), "a": Head("e2", 3)}
    assert content(boards["b"].state) == folded("b", LOG)


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    keep(tmp_path / "data", b=LOG)
    succeed(tmp_path / "data", "export", tmp_path / "b.jsonl")
    succeed(tmp_path / "new", "import", tmp_path / "b.jsonl")
    before = export(tmp_path / "new")
    out = succeed(tmp_path / "new", "import", tmp_path / "b.jsonl")
    assert out == "b: skipped, all 40 changes are here already\n"
    assert export(tmp_path / "new") == before


def test_a_board_whose_log_is_the_beginning_is_continued(tmp_path: Path) -> None:
    keep(tmp_path / "data", b=LOG)
    succeed(tmp_path / "data", "export", tmp_path / "b.jsonl")
    new = keep(tmp_path / "new", b=LOG[:9], untouched=LOG[:3])
    assert succeed(new, "import", tmp_path / "b.jsonl") == "b: continued from change 9 to 40\n"
    boards = kept(new)
    assert content(boards["b"].state) == folded("b", LOG) and boards["b"].mark == 40
    assert boards["b"].head.epoch != "e1" and boards["untouched"].head.epoch == "e1"


def test_a_board_that_has_gone_on_is_left_as_it_is(tmp_path: Path) -> None:
    keep(tmp_path / "data", b=LOG[:9])
    succeed(tmp_path / "data", "export", tmp_path / "b.jsonl")
    new = keep(tmp_path / "new", b=LOG)
    assert (
        succeed(new, "import", tmp_path / "b.jsonl")
        == "b: skipped, here it has gone on from change 9 to 40\n"
    )
    assert kept(new)["b"].head.epoch == "e1"


def test_another_board_of_the_same_id_is_refused_or_taken_in_under_another_id(tmp_path: Path) -> None:
    keep(tmp_path / "data", b=LOG, c=LOG[:5])
    succeed(tmp_path / "data", "export", tmp_path / "both.jsonl")
    succeed(tmp_path / "data", "export", "--board", "b", tmp_path / "b.jsonl")
    others = [structs.replace(change, at=change.at + 500) for change in LOG[20:23]]
    new = keep(tmp_path / "new", b=[*LOG[:20], *others])
    before = export(new)
    ended = run(new, "import", tmp_path / "both.jsonl")
    assert ended.code == 1
    assert ended.err.startswith(
        "b: refused, the board of that id here is another one from change 21 on; --as"
    )
    assert ended.out == "c: imported, 5 changes\n", "the others are not held up"
    assert export(new, "--board", "b")[1:-1] == before[1:-1]
    assert succeed(new, "import", "--as", "b2", tmp_path / "b.jsonl") == "b2: imported, 40 changes\n"
    board = kept(new)["b2"]
    assert content(board.state) == folded("b2", LOG)
    assert board.state.info is not None and board.state.info.value.id == "b2"
    assert "only a single one" in refusal(new, "import", "--as", "b3", tmp_path / "both.jsonl")
    assert run(new, "import", "--as", "b/3", tmp_path / "b.jsonl").code == 2


@on_loop
async def test_a_board_moves_from_one_running_server_to_the_next(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        client = await Client.hello(server)
        await client.mutate("b", "board.create", name="Moving")
        await client.mutate("b", "task.create", task="t", title="T")
        joined = await client.ask("join", board="b")
        succeed(tmp_path / "data", "export", "--board", "b", tmp_path / "b.jsonl")
    with ServerProcess(tmp_path / "new") as server:
        server.stop()
        succeed(tmp_path / "new", "import", tmp_path / "b.jsonl")
        server.start()
        client = await Client.hello(server)
        since = {"epoch": joined["epoch"], "seq": joined["seq"]}
        moved = await client.ask("join", board="b", since=since)
        assert moved["mode"] == "snapshot" and moved["epoch"] != joined["epoch"]
        assert moved["snapshot"]["tasks"] == joined["snapshot"]["tasks"]
        assert (await client.mutate("b", "task.move", task="t", column="done"))["seq"] == 3


def test_a_board_that_retention_has_trimmed_travels_with_its_records(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=LOG)
    succeed(data, "export", tmp_path / "whole.jsonl")
    succeed(tmp_path / "there", "import", tmp_path / "whole.jsonl")  # has records
    with sqlite3.connect(database(tmp_path / "there")) as connection:
        connection.execute(
            "update changes set body = json_remove(body, '$.set', '$.was', '$.also') where seq <= 30"
        )
    connection.close()
    succeed(tmp_path / "there", "export", tmp_path / "trimmed.jsonl")
    out = succeed(tmp_path / "new", "import", "--as", "b2", tmp_path / "trimmed.jsonl")
    assert out == "b2: imported, 40 changes\n"
    board = kept(tmp_path / "new")["b2"]
    assert content(board.state) == folded("b2", LOG)
    assert "set" not in board.log[29] and "set" in board.log[30]
    # It is the same board, wherever the content has stayed.
    assert "skipped" in succeed(data, "import", tmp_path / "trimmed.jsonl")
    assert "skipped" in succeed(tmp_path / "there", "import", tmp_path / "whole.jsonl")
    keep(tmp_path / "shorter", b=LOG[:12])
    assert "continued" in succeed(tmp_path / "shorter", "import", tmp_path / "trimmed.jsonl")
    assert content(kept(tmp_path / "shorter")["b"].state) == folded("b", LOG)


def test_only_boards_that_exist_are_exported(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=LOG, c=LOG[:3], d=LOG[:4])
    assert re.findall(r'"board":"(\w+)"', "\n".join(export(data, "--board", "d", "--board", "b"))) == [
        "d",
        "b",
    ]
    assert refusal(data, "export", "--board", "nope") == "cannot export: there is no board nope"
    assert "there is no database" in refusal(tmp_path / "none", "export")
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_read_or_written_is_named_in_words(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=LOG)
    absent, folder, inside = tmp_path / "absent", tmp_path, Path("/proc/nothing.jsonl")
    assert refusal(data, "import", absent) == f"cannot import: {absent}: no such file or directory"
    assert refusal(data, "import", folder) == f"cannot import: {folder}: is a directory"
    assert refusal(data, "restore", folder) == f"cannot restore: {folder} is not a file"
    told = refusal(data, "export", inside)
    assert told == f"cannot export: {inside} cannot be written: no such file or directory"


def test_a_reader_that_goes_away_ends_the_export_quietly(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(3000))
    command = f"{sys.executable} -m server export --data {data} | head -c 10"
    gone = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert (gone.stdout, gone.stderr) == ('{"type":"b', "")


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=LOG)
    command = f"{sys.executable} -m server export --data {data} >/dev/full"
    full = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert full.returncode == 1
    assert full.stderr == "cannot export: no space left on device\n"


def test_copies_of_one_board_on_two_servers_do_not_share_an_epoch(tmp_path: Path) -> None:
    """Both go on from the same number: a client of one that turns to the other must notice."""
    keep(tmp_path / "data", b=LOG)
    succeed(tmp_path / "data", "export", tmp_path / "b.jsonl")
    for name in ("one", "two"):
        succeed(tmp_path / name, "import", tmp_path / "b.jsonl")
    shutil.copytree(tmp_path / "data", tmp_path / "three")
    epochs = {kept(tmp_path / name)["b"].head.epoch for name in ("one", "two", "three")}
    assert len(epochs) == 3
