"""The commands about the data as real processes, and data for them to work on."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from server.data.fold import fold
from server.document import BoardState
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import DoneWhen, ThenCommand
from server.model.records import Actor, Change
from server.stores import Head
from server.stores.sqlite import SqliteStore
from server.stores.sqlite.archive import Archive
from tests.document.board import BOB, Board, warm

ROOT = Path(__file__).resolve().parent.parent.parent


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def run(data: Path, *arguments: object, stdin: bytes = b"") -> Ended:
    """`python -m server <arguments> --data <data>`, to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "server", *map(str, arguments), "--data", str(data)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")},
        input=stdin,
        capture_output=True,
    )
    return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


def succeed(data: Path, *arguments: object, stdin: bytes = b"") -> str:
    """Its standard output."""
    ended = run(data, *arguments, stdin=stdin)
    assert ended.code == 0, ended
    return ended.out


async def succeed_beside(data: Path, *arguments: object) -> str:
    """`succeed` while the test goes on."""
    return await asyncio.to_thread(succeed, data, *arguments)


def refusal(data: Path, *arguments: object, stdin: bytes = b"") -> str:
    """The one line on standard error of a command that fails with exit code 1."""
    ended = run(data, *arguments, stdin=stdin)
    assert ended.code == 1 and ended.out == "", ended
    assert ended.err.endswith("\n") and ended.err.count("\n") == 1, ended.err
    return ended.err.rstrip()


def database(data: Path) -> Path:
    return data / "boardcast.db"


def history(changes: int = 30) -> list[Change]:
    """A log that touches everything a board has; a shorter one is the beginning of a longer one."""
    board = Board()
    board.do(c.LabelCreate(label="red", name="Red", color="#ff0000"))
    board.do(c.ColumnCreate(column="extra", title="Extra"))
    board.do(c.MemberSet(user="bob", role="editor"))
    board.add("a", "b", column="extra")
    board.do(c.TaskUpdate(task="a", labels_add=("red",), title="A\nlonger “title”"), BOB)
    board.do(c.CommentAdd(task="a", comment="k1", text="First"))
    board.do(c.CommentAdd(task="a", comment="k2", text="Second"))
    board.do(c.CommentDelete(task="a", comment="k1"))
    board.do(c.TaskDelete(task="b"))
    board.do(c.ColumnDelete(column="extra", move_to="done"))
    board.do(c.LabelDelete(label="red"))
    board.do(d.DeviceCreate(device="boiler", name="Boiler", metadata={"room": "K12"}))
    board.do(d.RuleSet(rule=warm(command=ThenCommand(name="stop", args={"slowly": True}))))
    opened = d.AlarmOpen(rule="r1", device="boiler", task="hot", at=5, reason="temp is 90: above 80")
    board.do(opened, Actor("rule.r1", "Too warm", "rule"), client="server")
    board.do(c.TaskUpdate(task="a", done_when=DoneWhen(device="boiler", metric="temp", below=5.0)))
    number = 0
    while len(board.log) < changes:
        number += 1
        board.add(f"t{number}")
        board.do(c.ChecklistSet(task=f"t{number}", item="i", text="Item"))
        board.do(c.TaskMove(task=f"t{number}", column="doing", after=None), BOB)
    return board.log[:changes]


async def _append(data: Path, boards: Mapping[str, Sequence[Change]]) -> None:
    store = SqliteStore(database(data))
    await store.start()
    try:
        for board, changes in boards.items():
            await store.append(board, 1, changes)
    finally:
        await store.close()


def keep(data: Path, **boards: Sequence[Change]) -> Path:
    """Data with these boards; nothing is materialised yet."""
    asyncio.run(_append(data, boards))
    return data


class Kept(NamedTuple):
    """A board as a server would load it."""

    head: Head
    mark: int
    state: BoardState
    log: list[Any]


def kept(data: Path) -> dict[str, Kept]:
    """All boards, checked: the file is sound, the logs are without holes, and their records fit to them."""
    found = {}
    with Archive.open(database(data)) as archive:
        for board, head in archive.check().items():
            with archive.one_moment():
                loaded = archive.load(board)
            assert loaded is not None and loaded.epoch == head.epoch
            log = [json.loads(body) for page in archive.bodies(board, head.seq) for body in page]
            found[board] = Kept(head, loaded.mark, fold(board, loaded), log)
    return found


def content(state: BoardState) -> object:
    """All that a state is made of, to be compared."""
    order = {column: slots for column, slots in state.order.items() if slots}
    own = (state.seq, state.at, state.info, state.columns, state.labels, state.members, order)
    return own, dict(state.tasks), dict(state.comments), dict(state.comments_of)


def folded(board: str, log: Sequence[Change]) -> object:
    state = BoardState(board)
    for change in log:
        state.replay(change)
    return content(state)
