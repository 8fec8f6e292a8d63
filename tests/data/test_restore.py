"""`restore`: the backup, whole, under new epochs; or the data as it was."""

import os
import shutil
import sqlite3
from pathlib import Path

from server.model.records import Change
from tests.data.commands import content, database, folded, history, keep, kept, refusal, succeed
from tests.fold import Fold
from tests.support import Client, ServerProcess, on_loop


@on_loop
async def test_a_client_that_comes_back_after_a_restore_starts_from_a_snapshot(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "copy.db"
    server = ServerProcess(data)
    with server:
        client = await Client.hello(server)
        await client.mutate("b", "board.create", name="Board")
        await client.mutate("b", "task.create", task="in-the-copy", title="T")
        succeed(data, "backup", file)
        await client.mutate("b", "task.create", task="after-it", title="T")
        fold = Fold()
        fold.take(await client.ask("join", board="b"))
        assert set(fold.tasks) == {"in-the-copy", "after-it"}
        await client.close()
        server.stop()
        succeed(data, "restore", file)
        server.start()
        again = await Client.hello(server)
        # The board goes on past the number that the client has seen, so that numbers alone would deceive it.
        for number in range(3):
            await again.mutate("b", "task.create", task=f"new-{number}", title="T")
        joined = await again.ask("join", board="b", since=fold.since)
        assert joined["mode"] == "snapshot" and joined["epoch"] != fold.epoch
        fold.take(joined)
        assert set(fold.tasks) == {"in-the-copy", "new-0", "new-1", "new-2"}
        assert "Traceback" not in server.output()


def test_a_running_server_is_named_and_not_disturbed(tmp_path: Path) -> None:
    keep(tmp_path / "from", b=history(5))
    succeed(tmp_path / "from", "backup", tmp_path / "copy.db")
    succeed(tmp_path / "from", "export", tmp_path / "export.jsonl")
    with ServerProcess(tmp_path / "data") as server:
        for command in (["restore", tmp_path / "copy.db"], ["import", tmp_path / "export.jsonl"]):
            assert f"in use by process {server.pid};" in refusal(tmp_path / "data", *command)
        assert server.get("/readyz")[0] == 200
    assert list(kept(tmp_path / "data")) == ["demo"]


def test_the_former_data_is_kept_with_what_was_in_its_write_ahead_log(tmp_path: Path) -> None:
    keep(tmp_path / "from", b=history(5))
    succeed(tmp_path / "from", "backup", tmp_path / "copy.db")
    data = hot(tmp_path, former=history(9))
    assert (data / "boardcast.db-wal").stat().st_size > 0
    out = succeed(data, "restore", tmp_path / "copy.db")
    (former,) = data.glob("*.replaced-*")
    assert str(former) in out
    assert {path.name for path in data.iterdir()} == {"boardcast.db", "boardcast.lock", former.name}
    assert list(kept(data)) == ["b"]
    former.replace(database(tmp_path / "from"))
    assert kept(tmp_path / "from")["former"].head.epoch == "only-in-the-log"


def hot(tmp_path: Path, **boards: list[Change]) -> Path:
    """Data as a killed server leaves it: the newest is in the write-ahead log only."""
    keep(tmp_path / "running", **boards)
    with sqlite3.connect(database(tmp_path / "running")) as connection:
        connection.execute("update boards set epoch = 'only-in-the-log'")
        connection.commit()
        shutil.copytree(tmp_path / "running", tmp_path / "killed")
    connection.close()
    return tmp_path / "killed"


def test_each_board_gets_an_epoch_of_its_own_and_nothing_else_changes(tmp_path: Path) -> None:
    log = history()
    before = kept(keep(tmp_path / "data", b=log, c=log[:8]))
    succeed(tmp_path / "data", "backup", tmp_path / "copy.db")
    succeed(tmp_path / "data", "restore", tmp_path / "copy.db")
    after = kept(tmp_path / "data")
    epochs = {kept.head.epoch for boards in (before, after) for kept in boards.values()}
    assert len(epochs) == 3, "both had `e1`"
    for board in before:
        assert after[board].log == before[board].log
        assert (
            content(after[board].state)
            == content(before[board].state)
            == folded(board, log[: len(after[board].log)])
        )


def test_data_that_cannot_be_read_any_more_is_replaced_and_kept(tmp_path: Path) -> None:
    keep(tmp_path / "from", b=history(5))
    succeed(tmp_path / "from", "backup", tmp_path / "copy.db")
    data = keep(tmp_path / "data", former=history(9))
    garbage = os.urandom(8192)
    database(data).write_bytes(garbage)
    succeed(data, "restore", tmp_path / "copy.db")
    assert list(kept(data)) == ["b"]
    (former,) = data.glob("*.replaced-*")
    assert former.read_bytes() == garbage


def test_data_that_somebody_looks_at_is_not_pulled_away_under_him(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(5))
    succeed(data, "backup", tmp_path / "copy.db")
    with sqlite3.connect(database(data)) as connection:
        connection.execute("select * from boards").fetchall()
        assert "another process has the database" in refusal(data, "restore", tmp_path / "copy.db")
    connection.close()
    assert kept(data)["b"].head.epoch == "e1"
    assert not list(data.glob("*.re*"))


def test_a_file_that_is_no_backup_is_refused_and_the_data_stays(tmp_path: Path) -> None:
    data = keep(tmp_path / "data", b=history(60))
    good = tmp_path / "good.db"
    succeed(data, "backup", good)
    (tmp_path / "text.db").write_text("not a database, but long enough to look at\n" * 30, encoding="utf-8")
    (tmp_path / "empty.db").touch()
    (tmp_path / "cut.db").write_bytes(good.read_bytes()[:40_000])
    sqlite3.connect(tmp_path / "other.db").execute("create table t (x)").connection.close()
    for name, statement in {
        "hole": "delete from changes where seq = 7",
        "headless": "delete from changes where seq = 1",
        "orphan": "delete from boards",
        "unreadable": "update changes set body = '{}' where seq = 20",
        "nonsense": """update changes set body = json_set(body, '$.task', 'other') where seq = 7""",
    }.items():
        shutil.copy(good, tmp_path / f"{name}.db")
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            connection.execute(statement)
        connection.close()
    before = database(data).read_bytes()
    for name, part in {
        "missing": "there is no file",
        "text": "not a database",
        "empty": "empty database",
        "cut": "malformed",
        "other": "not one of Boardcast",
        "hole": "the changes of board b are not all there",
        "headless": "the changes of board b are not all there",
        "orphan": "the changes of board b are not all there",
        "unreadable": "something unreadable",
        "nonsense": "board b cannot be made of it",
    }.items():
        line = refusal(data, "restore", tmp_path / f"{name}.db")
        assert part in line and f"{name}.db" in line, line
        assert sorted(path.name for path in data.iterdir()) == ["boardcast.db", "boardcast.lock"], name
    assert database(data).read_bytes() == before
