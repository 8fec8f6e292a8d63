"""The commands about the data when it is in MongoDB."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import UNSET, structs

from server.data.export import export
from server.data.fold import fold
from server.data.intake import take_in
from server.document import BoardState
from server.model.records import Change
from server.stores import Failed, Loaded
from server.stores.mongo import MongoStore
from server.stores.mongo.offline import Offline
from tests.data.commands import content, folded, history, keep, refusal, run, succeed
from tests.services.mongo import database_url

LOG = history(40)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url(str(tmp_path))


def load(url: str, board: str) -> Loaded | None:
    async def opened() -> Loaded | None:
        store = MongoStore(url)
        await store.start()
        try:
            return await store.load(board, 0)
        finally:
            await store.close()

    return asyncio.run(opened())


def append(url: str, board: str, changes: Sequence[Change]) -> None:
    with Offline.open(url) as target:
        target.add(board, changes)


def changes_in(lines: Sequence[str]) -> list[object]:
    return [line for line in map(json.loads, lines) if "seq" in line]


def test_boards_move_from_one_machine_to_mongodb_and_back(tmp_path: Path, url: str) -> None:
    keep(tmp_path / "data", b=LOG, other=LOG[:7])
    succeed(tmp_path / "data", "export", tmp_path / "all.jsonl")
    out = succeed(tmp_path / "data", "import", tmp_path / "all.jsonl", "--store", url)
    assert out.splitlines() == ["b: imported, 40 changes", "other: imported, 7 changes"]
    loaded = load(url, "b")
    assert loaded is not None
    assert (loaded.mark, list(loaded.tail)) == (40, [])
    assert loaded.epoch not in ("", "e1")
    assert content(fold("b", loaded)) == folded("b", LOG)
    back = succeed(tmp_path / "data", "export", "--store", url)
    assert changes_in(back.splitlines()) == changes_in((tmp_path / "all.jsonl").read_text().splitlines())
    (tmp_path / "back.jsonl").write_text(back)
    out = succeed(tmp_path / "data", "import", tmp_path / "back.jsonl")
    assert out.splitlines()[0] == "b: skipped, all 40 changes are here already"


def test_importing_again_continues_what_is_there(tmp_path: Path, url: str) -> None:
    keep(tmp_path / "data", b=LOG)
    succeed(tmp_path / "data", "export", tmp_path / "b.jsonl")
    append(url, "b", LOG[:9])
    imports = [succeed(tmp_path / "data", "import", tmp_path / "b.jsonl", "--store", url) for _ in range(2)]
    assert imports == [
        "b: continued from change 9 to 40\n",
        "b: skipped, all 40 changes are here already\n",
    ]
    loaded = load(url, "b")
    assert loaded is not None
    assert content(fold("b", loaded)) == folded("b", LOG)


def test_a_log_that_retention_has_trimmed_moves_with_its_records(tmp_path: Path, url: str) -> None:
    state = BoardState("b")
    for change in LOG:
        state.replay(change)
    with Offline.open(url) as target:
        target.add("b", [structs.replace(c, set=UNSET, was=UNSET, also=UNSET) for c in LOG])
        target.seal("b", 40, "e9", [*state.tasks.values(), *state.comments.values(), state.record()])
        assert target.trimmed("b")
        with (tmp_path / "b.jsonl").open("wb") as out:
            export(target, ["b"], out, lambda *_: None)
    with (tmp_path / "b.jsonl").open("rb") as stream:
        target_url = database_url(str(tmp_path / "another"))
        (outcome,) = take_in(
            Offline.open(target_url), stream, rename=None, mint=lambda: "e10", progress=lambda *_: None
        )
    assert outcome.done == "imported"
    loaded = load(target_url, "b")
    assert loaded is not None
    assert (loaded.epoch, content(fold("b", loaded))) == ("e10", content(state))


def test_an_import_beside_a_writer_stores_nothing_twice(tmp_path: Path, url: str) -> None:
    keep(tmp_path / "data", b=LOG)
    append(url, "b", LOG[:9])
    with Offline.open(url) as target:
        assert target.head("b") == 9
        append(url, "b", LOG[9:12])
        with pytest.raises(Failed, match="stop the servers first"):
            target.add("b", LOG[9:20])
        assert target.head("b") == 12


def test_copies_of_the_database_are_left_to_its_own_tools(tmp_path: Path) -> None:
    store = ("--store", "mongodb://me:secret@127.0.0.1:1/x")
    said = refusal(tmp_path, "backup", tmp_path / "b.db", *store)
    assert said == "cannot back up: the data is in MongoDB (store.url); mongodump does that"
    said = refusal(tmp_path, "restore", tmp_path / "b.db", *store)
    assert "mongorestore" in said and "secret" not in said
    wrong = run(tmp_path, "export", "--store", "mongodb://me:secret@127.0.0.1:1/x?tls=perhaps")
    assert (wrong.code, wrong.out) == (78, "")
    assert wrong.err.startswith("configuration: store.url: an option") and "secret" not in wrong.err
