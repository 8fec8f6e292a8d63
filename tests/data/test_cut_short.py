"""`kill -9` at any step of a command: the data is as it was, or as it should become; the next try works."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.data.parse import read_boards
from server.model.records import Change
from server.stores.sqlite.archive import Archive
from tests.data.commands import Kept, content, folded, history, keep, kept, succeed
from tests.data.dying import Mortals, mortals

DEATHS = 400 if os.environ.get("BOARDCAST_CHAOS") == "1" else 4
LONG, SHORT = history(1200), history(15)


def deaths(dying: Mortals, data: Path, tmp_path: Path, *arguments: object, apart: int = 10) -> Iterator[Path]:
    """Copies of `data`, the command killed at some step of it: `apart` steps near the end, others by lot."""
    lived = tmp_path / "lived"
    shutil.copytree(data, lived)
    ended = dying.run(lived, 0, *arguments)
    assert ended.code == 0, ended
    steps = int(ended.err.splitlines()[-1])
    assert steps > DEATHS
    late = range(max(1, steps - 30), steps + 1, apart)
    for step in sorted({*late, *random.Random(steps).sample(range(1, steps), min(DEATHS, steps - 1))}):
        dead = tmp_path / f"dead-{step}"
        shutil.copytree(data, dead)
        assert dying.run(dead, step, *arguments).code == -signal.SIGKILL
        yield dead


@pytest.fixture
def dying(tmp_path: Path) -> Iterator[Mortals]:
    with mortals(tmp_path) as running:
        yield running


def whole(board: str, there: Kept, log: list[Change]) -> bool:
    return there.head.seq == len(log) and content(there.state) == folded(board, log)


def test_an_import_that_is_killed_stores_each_board_whole_or_not_at_all(
    dying: Mortals, tmp_path: Path
) -> None:
    keep(tmp_path / "from", long=LONG, short=SHORT)
    succeed(tmp_path / "from", "export", tmp_path / "all.jsonl")
    data = keep(tmp_path / "data", long=LONG[:10])
    seen = set()
    for dead in deaths(dying, data, tmp_path, "import", tmp_path / "all.jsonl"):
        boards = kept(dead)
        old = boards["long"].head.seq == 10
        assert whole("long", boards["long"], LONG[:10] if old else LONG)
        assert (boards["long"].head.epoch == "e1") == old
        assert "short" not in boards or (not old and whole("short", boards["short"], SHORT))
        seen.add(old)
        assert dying.run(dead, 0, "import", tmp_path / "all.jsonl").code == 0
        assert all(whole(board, kept(dead)[board], log) for board, log in (("long", LONG), ("short", SHORT)))
    assert seen == {True, False}


def test_a_restore_that_is_killed_leaves_the_old_data_or_the_new(dying: Mortals, tmp_path: Path) -> None:
    keep(tmp_path / "from", long=LONG)
    succeed(tmp_path / "from", "backup", tmp_path / "copy.db")
    data = keep(tmp_path / "data", short=SHORT)
    seen = set()
    for dead in deaths(dying, data, tmp_path, "restore", tmp_path / "copy.db", apart=2):
        ((board, there),) = kept(dead).items()
        assert whole(board, there, LONG if board == "long" else SHORT)
        assert (there.head.epoch == "e1") == (board == "short")
        seen.add(board)
        assert dying.run(dead, 0, "restore", tmp_path / "copy.db").code == 0
        assert list(kept(dead)) == ["long"]
        assert not list(dead.glob("*.restoring*"))
    assert seen == {"long", "short"}


@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_copy_that_is_killed_leaves_the_former_file_or_the_new_one(
    command: str, dying: Mortals, tmp_path: Path
) -> None:
    data, file = keep(tmp_path / "data", long=LONG[:200]), tmp_path / "file"
    for dead in deaths(dying, data, tmp_path, command, "--force", file):
        assert kept(dead)["long"].head.seq == 200
        if command == "backup":
            with Archive.open(file, kept=True) as copy:
                assert copy.check()["long"].seq == 200
        else:
            with file.open("rb") as stream:
                assert [board.head for board in read_boards(stream, None, silent, "", 0)] == [200]


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""
