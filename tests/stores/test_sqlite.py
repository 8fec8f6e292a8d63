"""What only the SQLite store does: its file, its lock, its schema, and a disk that is full."""

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from server.model.records import Also, Change, Patch, Record, Task
from server.stores import Failed, Head, Refused
from server.stores.sqlite import (
    Locked,
    SchemaTooNew,
    SqliteStore,
    naming,
    reads,
    schema,
    touched,
    writer,
    writes,
)
from server.stores.sqlite.appends import Append, prepare
from tests.stores.places import SqlitePlace, opened
from tests.stores.samples import (
    ANN,
    board_record,
    comment_record,
    created,
    named,
    task_record,
    update,
    updates,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "boards.db"


async def started(path: Path, **options: object) -> SqliteStore:
    store = SqliteStore(path, **options)  # type: ignore[arg-type]
    await store.start()
    return store


async def refusal(path: Path, **options: object) -> Failed:
    """Why the store does not start. It must leave nothing behind: a second try says the same."""
    with pytest.raises(Failed) as first:
        await started(path, **options)
    with pytest.raises(Failed) as second:
        await started(path, **options)
    assert str(first.value) == str(second.value)
    return first.value


# the lock


async def test_a_second_store_on_the_directory_is_told_who_has_it(path: Path) -> None:
    store = await started(path)
    reason = await refusal(path)
    assert isinstance(reason, Locked)
    assert (reason.directory, reason.pid) == (path.parent, str(os.getpid()))
    assert str(os.getpid()) in str(reason)
    assert str(path.parent) in str(reason)
    await store.close()
    await (await started(path)).close()


HOLDER = """
import asyncio, pathlib, sys
from server.stores.sqlite import SqliteStore
async def main():
    await SqliteStore(pathlib.Path(sys.argv[1])).start()
    print("open", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@contextmanager
def holder_of(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the store open."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            yield holder
        finally:
            holder.kill()


async def test_kill_nine_frees_the_directory(path: Path) -> None:
    with holder_of(path) as holder:
        reason = await refusal(path)
        assert isinstance(reason, Locked)
        assert reason.pid == str(holder.pid)
        holder.kill()
        holder.wait()
    await (await started(path)).close()


# the file


async def test_a_closed_store_leaves_one_file_and_no_log_beside_it(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created()])
    await store.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["boardcast.lock", "boards.db"]


async def test_commits_are_synced_in_full_to_a_write_ahead_log(path: Path) -> None:
    connection = schema.connect(path.parent.parent / "boards.db", busy_s=1)
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    assert connection.execute("pragma synchronous").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be one " * 100, b"SQLite format 3\0" * 300]
)
def test_a_file_that_is_no_database_is_named(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert str(path) in str(asyncio.run(refusal(path)))
    assert path.read_bytes() == content


async def test_a_new_database_is_for_its_owner_alone(path: Path) -> None:
    store = await started(path)
    await store.append("b", 1, [created()])
    beside = {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob("boards.db*")}
    await store.close()
    assert beside.keys() >= {"boards.db", "boards.db-wal"}
    assert set(beside.values()) == {0o600}


async def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("create table recipes (name text)")
    connection.close()
    assert "not one of Boardcast" in str(await refusal(path))


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert str(tmp_path / "data") in str(await refusal(tmp_path / "data" / "boards.db"))


async def test_a_store_that_is_not_open_says_so(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(Failed, match="not open"):
        await store.append("b1", 1, [created()])
    await store.start()
    await store.close()
    await store.close()
    with pytest.raises(Failed, match="not open"):
        await store.heads(["b1"])


# the schema


async def test_a_file_of_an_older_version_is_brought_forward(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created()])
    await store.close()
    second = ("create table notes (text text)", "insert into notes select board from boards")
    await (await started(path, migrations=(*schema.MIGRATIONS, second))).close()
    store = await started(path, migrations=(*schema.MIGRATIONS, second))
    assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 1)}
    await store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("select text from notes").fetchall() == [("b1",)]
        version = connection.execute("select value from meta where key = 'schema_version'").fetchone()
    connection.close()
    assert version == (len(schema.MIGRATIONS) + 1,)


@pytest.mark.parametrize("version", range(1, len(schema.MIGRATIONS)))
async def test_a_file_of_any_older_version_gets_what_came_since(path: Path, version: int) -> None:
    path.parent.mkdir()
    connection = schema.connect(path, busy_s=1)
    schema.migrate(connection, path, schema.MIGRATIONS[:version])
    for board in ("b1", "b2"):
        rows = prepare(board, 1, [created(), *updates(2, 4)]).rows
        connection.executemany("insert into changes values (?, ?, ?, ?)", rows)
        connection.execute("insert into boards (board, epoch, mark) values (?, 'epoch-1', 0)", (board,))
    connection.close()
    store = await started(path)
    await store.put_entry("k", "a", b"1", version=0)
    assert await store.heads(["b1"]) == {"b1": Head("epoch-1", 4)}
    assert await store.names("b1", [named("m3"), named("m5")]) == {named("m3"): 3}
    with pytest.raises(Refused, match="known already"):
        await store.append("b2", 5, [update(5, "m3")])
    await store.append("b2", 5, [update(5)])
    await store.close()


async def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    await (await started(path)).close()
    broken = ("create table notes (text text)", "insert into nowhere values (1)")
    assert "nowhere" in str(await refusal(path, migrations=(*schema.MIGRATIONS, broken)))
    await (await started(path)).close()


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    newer = (*schema.MIGRATIONS, ("create table notes (text text)",))
    await (await started(path, migrations=newer)).close()
    reason = await refusal(path)
    assert isinstance(reason, SchemaTooNew)
    assert (reason.found, reason.known) == (len(newer), len(schema.MIGRATIONS))
    assert str(path) in str(reason)


async def test_people_may_query_tasks_and_comments(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created(), *updates(2, 4)])
    records: list[Record] = [
        board_record(1),
        task_record(2),
        task_record(3, "t2", deleted=True),
        comment_record(4),
    ]
    await store.materialise("b1", 4, records)
    connection = sqlite3.connect(path)
    tasks = connection.execute(
        'select board, id, seq, title, "column", completed, labels from tasks'
    ).fetchall()
    assert tasks == [("b1", "t1", 2, "Milk", "todo", 0, '["red"]')]
    columns = {row[1] for row in connection.execute("pragma table_info(tasks)")}
    assert columns >= set(Task.__struct_fields__) - {"id", "seq"}, "every field can be queried"
    comments = connection.execute("select board, id, task, author, name, text from comments").fetchall()
    assert comments == [("b1", "c1", "t1", "u_ann", "Ann", "Skimmed?")]
    (body,) = connection.execute("select body from changes where seq = 2").fetchone()
    assert json.loads(body)["set"] == {"title": "Milk", "due_at": None}
    connection.close()
    await store.close()


async def test_names_are_found_by_the_index(path: Path) -> None:
    """A look-up stays as quick when the log has grown."""
    store = await started(path)
    connection = sqlite3.connect(path)
    values = {"wanted": "[]", "board": "b1"}
    plan = " ".join(row[3] for row in connection.execute(f"explain query plan {naming.FIND}", values))
    assert "SEARCH n USING PRIMARY KEY (board=? AND name=?)" in plan
    assert "SEARCH changes USING PRIMARY KEY (board=? AND seq>?)" in plan
    connection.close()
    await store.close()


# one transaction, one moment


def commit(connection: sqlite3.Connection, *appends: Append) -> list[type]:
    connection.execute("begin immediate")
    outcomes = writes.append_all(connection, appends, naming.Fresh(naming.MOST))
    connection.execute("commit")
    return [type(outcome) for outcome in outcomes]


async def test_the_history_of_a_task_is_found_in_a_long_log_without_looking_through_it(path: Path) -> None:
    store = await started(path)
    head = 2 * touched.SHORT + touched.STRIDE
    both = {"t0": Also(set=Patch(column="done"), was=Patch(column="todo"))}
    names = {seq: f"t{seq % 7}" for seq in range(2, head + 1)}
    changes = [structs.replace(update(seq), task=name) for seq, name in names.items()]
    await store.append("b1", 1, [created(), *changes])
    moved = Change(seq=head + 1, at=head, actor=ANN, op="column.delete", set=Patch(), also=both)
    await store.append("b1", head + 1, [moved])
    for task in ("t0", "t3", "nobody"):
        wanted = [seq for seq, name in names.items() if name == task] + [head + 1] * (task == "t0")
        found = await store.history("b1", since=0, before=None, task=task, limit=len(names))
        assert [change.seq for change in found] == wanted
        assert await store.count("b1", since=None, before=100, task=task) == sum(seq < 100 for seq in wanted)
    await store.append("b1", head + 2, [structs.replace(update(head + 2), task="t0")])
    found = await store.history("b1", since=None, before=None, task="t0", limit=3)
    assert [change.seq for change in found][:2] == [head + 2, head + 1]
    connection = sqlite3.connect(path)
    (indexed,) = connection.execute("select touched from boards").fetchone()
    assert head + 2 - touched.SHORT <= indexed
    await store.close()
    plan = connection.execute(
        f"explain query plan {touched._SEQS}", touched.Wanted("b1", "t", 0, None).values
    )
    assert all("SCAN" not in step for *_, step in plan)


async def test_appends_of_one_transaction_continue_each_other_beside_refused_ones(path: Path) -> None:
    store = await started(path)
    connection = schema.connect(path, busy_s=1)
    taken = commit(
        connection,
        prepare("b1", 1, [created()]),
        prepare("b2", 1, [created(), update(2)]),
        prepare("b3", 2, [update(2)]),
        prepare("b1", 2, updates(2, 3)),
        prepare("b2", 3, [update(3, "m2")]),
        prepare("b2", 4, [update(4)]),
        prepare("b1", 4, [update(4)]),
    )
    nothing = type(None)
    assert taken == [nothing, nothing, Refused, nothing, Refused, Refused, nothing]
    assert await store.boards() == {"b1": Head("epoch-1", 4), "b2": Head("epoch-1", 2)}
    connection.close()
    await store.close()


async def test_a_load_sees_one_moment_whatever_is_written_between_its_statements(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created()])
    loading, other = schema.connect(path, busy_s=1), schema.connect(path, busy_s=1)
    written = 1

    def interfere(statement: str) -> None:
        nonlocal written
        if statement.startswith("select"):
            written += 1
            commit(other, prepare("b1", written, [update(written)]))
            writes.upsert_records(other, writes.record_rows("b1", [task_record(written)]))
            writes.raise_mark(other, "b1", written)

    reads.load(loading, "b1", 10)
    loading.set_trace_callback(interfere)
    loaded = reads.load(loading, "b1", 100)
    assert written > 3
    assert loaded is not None
    head = loaded.recent[-1].seq
    assert [change.seq for change in loaded.tail] == list(range(loaded.mark + 1, head + 1))
    assert all(loaded.mark <= task.seq <= head for task in loaded.tasks)
    loading.close()
    other.close()
    await store.close()


# faults


@contextmanager
def disk_full(path: Path) -> Iterator[None]:
    """No file of this process can grow past what the write-ahead log has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = path.with_name(path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_fails_every_append_and_the_store_goes_on_when_there_is_room(path: Path) -> None:
    store = await started(path)
    for board in ("b1", "b2"):
        await store.append(board, 1, [created()])
    with disk_full(path):
        for _ in range(3):
            writes = [store.append(board, 2, updates(2, 600)) for board in ("b1", "b2")]
            outcomes = await asyncio.gather(*writes, store.ping(), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Failed] * 3
            assert outcomes[0] is not outcomes[1]
        assert (await store.heads(["b1"]))["b1"].seq == 1, "reading goes on"
    for board in ("b1", "b2"):
        await store.append(board, 2, updates(2, 600))
    await store.ping()
    await store.close()
    async with opened(SqlitePlace(path.parent)) as again:
        assert {head.seq for head in (await again.boards()).values()} == {600}


async def recovered(store: SqliteStore) -> None:
    """Return when a write is taken again."""
    while True:
        try:
            return await store.ping()
        except Failed:
            continue


async def test_the_history_of_a_task_is_read_on_a_full_disk_too(path: Path) -> None:
    store = await started(path)
    head = touched.SHORT + 2
    await store.append("b1", 1, [created(), *updates(2, head)])
    with disk_full(path):
        found = await store.history("b1", since=None, before=None, task="t1", limit=3)
        assert [change.seq for change in found] == [head, head - 1, head - 2]
        assert await store.count("b1", since=None, before=None, task="t1") == head - 1
    await store.close()


async def test_a_database_that_somebody_else_has_locked_fails_writes_until_it_is_free(path: Path) -> None:
    store = await started(path, deadline_s=0.1)
    await store.append("b1", 1, [created()])
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("begin immediate")
    with pytest.raises(Failed):
        await store.append("b1", 2, [update(2)])
    assert (await store.heads(["b1"]))["b1"].seq == 1
    intruder.execute("rollback")
    intruder.close()
    await recovered(store)
    await store.close()


async def test_a_call_that_gets_no_answer_in_time_fails_and_the_store_goes_on(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created()])
    disk_answers = threading.Event()
    patient, store._deadline_s = store._deadline_s, 0.1
    with pytest.raises(Failed, match="no answer"):
        await store._write(lambda _: (disk_answers.wait(), None)[1])
    with pytest.raises(Failed, match="no answer"):
        await store.append("b1", 2, [update(2)])
    store._deadline_s = patient
    assert (await store.heads(["b1"]))["b1"].seq == 1
    disk_answers.set()
    await recovered(store)
    assert (await store.heads(["b1"]))["b1"].seq in (1, 2)
    await store.close()


async def test_when_too_much_waits_a_write_is_not_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    store = await started(path)
    disk_answers, busy = threading.Event(), threading.Event()

    def slow(_: sqlite3.Connection) -> None:
        busy.set()
        disk_answers.wait()

    first = asyncio.ensure_future(store._write(slow))
    await asyncio.to_thread(busy.wait)
    waiting = [asyncio.ensure_future(store.ping()) for _ in range(5)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    disk_answers.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 3 + [Failed] * 2
    await first
    await store.close()


async def test_a_defect_in_one_write_is_its_own(path: Path) -> None:
    store = await started(path)

    def defect(connection: sqlite3.Connection) -> None:
        connection.execute("insert into boards (board, epoch, mark) values ('half', 'e', 0)")
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        store._write(defect), store.append("b1", 1, [created()]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [ZeroDivisionError, type(None)]
    assert list(await store.boards()) == ["b1"]
    await store.close()


async def test_a_defect_in_a_transaction_is_a_failure_and_the_writer_outlives_it(path: Path) -> None:
    store = await started(path)
    with pytest.raises(Failed, match="surrogates") as failed:
        await store.append("\ud800", 1, [created()])
    assert isinstance(failed.value.__cause__, UnicodeEncodeError)
    await store.append("b1", 1, [created()])
    assert list(await store.boards()) == ["b1"]
    await store.close()


async def test_unreadable_content_is_a_failure_that_says_so(path: Path) -> None:
    store = await started(path)
    await store.append("b1", 1, [created(), *updates(2, 3)])
    vandal = sqlite3.connect(path, isolation_level=None)
    vandal.execute('update changes set body = \'{"seq": "two"}\' where seq = 2')
    with pytest.raises(Failed, match="unreadable"):
        await store.read("b1", 0, 10)
    vandal.execute("delete from changes where seq = 2")
    with pytest.raises(Failed, match="damaged"):
        await store.load("b1", 10)
    vandal.close()
    await store.append("b1", 4, [update(4)])
    await store.close()


# the file's own identity


def exists(path: Path) -> bool:
    return path.exists()


def keep(path: Path, copy: Path) -> None:
    copy.write_bytes(path.read_bytes())


def delete(directory: Path, pattern: str) -> None:
    for file in directory.glob(pattern):
        file.unlink()


async def test_a_file_that_was_deleted_takes_nothing_more(path: Path) -> None:
    """SQLite would go on and acknowledge what nobody can ever read."""
    store = await started(path)
    await store.append("b1", 1, [created()])
    delete(path.parent, "boards.db*")
    for _ in range(2):
        with pytest.raises(Failed, match=r"boards\.db"):
            await store.append("b1", 2, [update(2)])
        with pytest.raises(Failed, match="is gone"):
            await store.heads(["b1"])
        with pytest.raises(Failed):
            await store.ping()
    assert not exists(path)
    await store.close()


async def test_an_older_copy_in_the_place_of_the_file_is_what_is_read_from_then_on(path: Path) -> None:
    first = await started(path)
    await first.append("b1", 1, [created(), *updates(2, 3)])
    await first.close()
    keep(path, path.with_suffix(".old"))
    store = await started(path)
    await store.append("b1", 4, [update(4)])
    await store.read("b1", 0, 10)
    await store.heads(["b1"])
    delete(path.parent, "boards.db-*")
    path.with_suffix(".old").replace(path)
    assert (await store.heads(["b1"]))["b1"].seq == 3
    assert len(await store.read("b1", 0, 10)) == 3
    with pytest.raises(Failed, match="not the file"):
        await store.append("b1", 5, [update(5)])
    await store.append("b1", 4, [update(4, "another")])
    await store.close()
