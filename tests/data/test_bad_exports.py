"""What is no export is refused in one line that says where, and nothing of it is stored."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli import main
from tests.data.commands import history, keep, kept, refusal, succeed

Lines = list[bytes]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Line 1 opens, 2 to 7 are board `a` with 5 changes, 8 to 28 board `b` with 20, 29 ends."""
    directory = tmp_path_factory.mktemp("exported")
    keep(directory, a=history(5), b=history(20))
    succeed(directory, "export", directory / "all.jsonl")
    return (directory / "all.jsonl").read_bytes().splitlines(keepends=True)


def sealed(lines: Lines) -> Lines:
    """With the checksum of what is there now: the mistake is not found by that."""
    end = json.loads(lines[-1])
    end["sha256"] = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    return [*lines[:-1], json.dumps(end).encode() + b"\n"]


def edited(line: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(line) | fields).encode() + b"\n"


def at(number: int, edit: Callable[[bytes], bytes]) -> Callable[[Lines], Lines]:
    """`edit` line `number`, counted from 1, and put the checksum right."""
    return lambda lines: sealed([*lines[: number - 1], edit(lines[number - 1]), *lines[number:]])


CASES: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "empty": (lambda lines: [], "line 1: the file is empty"),
    "text": (lambda lines: [b"Dear server,\n"], "line 1: is not JSON"),
    "binary": (lambda lines: [b"SQLite format 3\0\xff\xfe\n"], "line 1: is not JSON"),
    "other JSON": (lambda lines: [b'{"boards": []}\n'], "line 1: the first line of an export of Boardcast"),
    "a newer version": (at(1, lambda line: edited(line, version=2)), "line 1: the export has version 2"),
    "not JSON": (at(12, lambda line: line[:-9] + b"\n"), "line 12: is not JSON"),
    "not UTF-8": (at(12, lambda line: line.replace(b"Ann", b"\xff\xfe")), "line 12: "),
    "a hole": (
        lambda lines: sealed(lines[:13] + lines[14:]),
        "line 14: change 6 of board b was expected, this is number 7",
    ),
    "a change twice": (
        lambda lines: sealed(lines[:14] + lines[13:]),
        "line 15: change 7 of board b was expected",
    ),
    "a wrong type": (
        at(12, lambda line: edited(line, at="noon")),
        "line 12: change 4 of board b was expected: Expected `int`",
    ),
    "a field that nobody knows": (
        at(12, lambda line: edited(line, colour=1)),
        "line 12: the change holds something",
    ),
    "an unknown operation": (
        at(12, lambda line: edited(line, op="board.explode")),
        "line 12: unknown operation 'board.explode'",
    ),
    "a second creation": (
        at(12, lambda line: edited(line, op="board.create")),
        "line 12: the first change of a board",
    ),
    "no creation": (
        at(9, lambda line: edited(line, op="board.update")),
        "line 9: the first change of a board",
    ),
    "a name twice": (
        at(12, lambda line: edited(line, mutation="m2")),
        "line 12: the name ann/client-ann/m2 was given before, at line 10",
    ),
    "half a name": (at(12, lambda line: line.replace(b'"client":', b'"task":')), "line 12: "),
    "an id with a slash": (
        at(12, lambda line: edited(line, mutation="m/4")),
        "line 12: mutation is not an id: 'm/4'",
    ),
    "a board id with a slash": (
        at(8, lambda line: edited(line, board="../b")),
        "line 8: a board or the end was expected",
    ),
    "a change without content": (
        at(
            12,
            lambda line: (
                json.dumps({k: v for k, v in json.loads(line).items() if k != "set"}).encode() + b"\n"
            ),
        ),
        "line 12: change 4 cannot follow",
    ),
    "a change of nothing": (
        at(13, lambda line: edited(line, task="zz", set={"title": "T"})),
        "line 13: change 5 cannot follow",
    ),
    "a board twice": (
        lambda lines: sealed(lines[:7] + lines[1:]),
        "line 8: board a comes again, it is at line 2 already",
    ),
    "too few boards": (
        lambda lines: sealed(lines[:7] + lines[-1:]),
        "line 8: the file should hold 2 boards and 25 changes",
    ),
    "cut between lines": (
        lambda lines: lines[:20],
        "line 21: the file is cut off: change 13 of board b is missing",
    ),
    "cut in a line": (
        lambda lines: [*lines[:20], lines[20][:30]],
        "line 21: the file is cut off inside change 13 of board b",
    ),
    "cut between boards": (
        lambda lines: lines[:7],
        "line 8: the file is cut off: a board or the end is missing",
    ),
    "cut before the end": (
        lambda lines: lines[:-1],
        "line 29: the file is cut off: a board or the end is missing",
    ),
    "edited": (
        lambda lines: [line.replace(b"First", b"Worst") for line in lines],
        "line 29: the file is damaged or was edited",
    ),
    "something after the end": (lambda lines: [*lines, lines[0]], "line 30: nothing may follow"),
    "records without a mark": (at(8, lambda line: edited(line, records=1)), "line 8: `mark` and `records`"),
    "a mark above the head": (
        at(8, lambda line: edited(line, records=1, mark=21)),
        "line 8: `mark` and `records`",
    ),
    "nesting without an end": (at(12, lambda line: b'{"seq":' + b"[" * 100_000 + b"\n"), "line 12: "),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_its_line_and_nothing_is_stored(
    case: str, exported: Lines, tmp_path: Path
) -> None:
    spoil, said = CASES[case]
    (tmp_path / "bad.jsonl").write_bytes(b"".join(spoil(exported)))
    data = keep(tmp_path / "data", there=history(3))
    ended = CliRunner().invoke(main, ["import", str(tmp_path / "bad.jsonl"), "--data", str(data)])
    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"cannot import: {said}"), line
    assert len(line) < 400
    assert list(kept(data)) == ["there"]


def test_an_export_that_comes_through_a_pipe_and_breaks_off_stores_nothing(
    exported: Lines, tmp_path: Path
) -> None:
    line = refusal(tmp_path / "data", "import", "-", stdin=b"".join(exported[:20]))
    assert line == "cannot import: line 21: the file is cut off: change 13 of board b is missing"
    assert not (tmp_path / "data").exists()
