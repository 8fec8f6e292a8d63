"""`export`: boards as lines of JSON, beside a running server."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import BinaryIO, Literal, Protocol

import msgspec
from msgspec import Raw

from server import __version__
from server.data import DataError, Progress
from server.data.fold import records_of
from server.data.format import VERSION, BoardLine, End, Opening, RecordLine
from server.model.records import BoardRecord, Record, Task
from server.stores import Head, Loaded

_encode = msgspec.json.Encoder().encode


class Source(Protocol):
    """Boards to be exported; see `Archive` of the SQLite store. Methods may raise `Failed`."""

    def boards(self) -> Mapping[str, Head]: ...
    def one_moment(self) -> AbstractContextManager[None]: ...
    def load(self, board: str) -> Loaded | None: ...
    def trimmed(self, board: str) -> bool: ...
    def bodies(self, board: str, head: int) -> Iterable[list[bytes]]: ...


def export(source: Source, boards: Collection[str], out: BinaryIO, progress: Progress) -> Mapping[str, Head]:
    """Write `boards`, or all when there are none named, to `out`; what was written.

    Each board is as it was at one moment; different boards may be of different moments. Raises `DataError`
    before anything is written when a board does not exist; `Failed`, OSError.
    """
    there = source.boards()
    for board in boards:
        if board not in there:
            raise DataError(f"there is no board {board}")
    wanted = list(dict.fromkeys(boards)) or list(there)
    lines = _Lines(out, progress, sum(there[board].seq for board in wanted))
    lines.write([_encode(Opening(VERSION, __version__))])
    written = {board: _export_board(source, board, lines) for board in wanted}
    changes = sum(head.seq for head in written.values())
    lines.write([_encode(End(len(written), changes, lines.digest.hexdigest()))])
    return written


class _Lines:
    """Writes lines, and remembers what the last one has to say."""

    def __init__(self, out: BinaryIO, progress: Progress, total: int) -> None:
        self._out = out
        self._progress = progress
        self._total = total
        self._changes = 0
        self.digest = hashlib.sha256()

    def write(self, lines: Iterable[bytes]) -> None:
        block = b"".join(line + b"\n" for line in lines)
        self.digest.update(block)
        self._out.write(block)

    def write_changes(self, bodies: list[bytes]) -> None:
        self.write(bodies)
        self._changes += len(bodies)
        self._progress("exporting", self._changes, self._total)


def _export_board(source: Source, board: str, lines: _Lines) -> Head:
    with source.one_moment():
        head = source.boards()[board]
        kept = source.load(board) if source.trimmed(board) else None
        mark, records = (0, []) if kept is None else (kept.mark, records_of(kept))
        heading = BoardLine(board=board, epoch=head.epoch, head=head.seq, mark=mark, records=len(records))
        lines.write([_encode(heading), *map(_record_line, records)])
        for bodies in source.bodies(board, head.seq):
            lines.write_changes(bodies)
    return head


def _record_line(record: Record) -> bytes:
    return _encode(RecordLine(_kind(record), Raw(_encode(record))))


def _kind(record: Record) -> Literal["board", "task", "comment"]:
    if isinstance(record, BoardRecord):
        return "board"
    return "task" if isinstance(record.value, Task) else "comment"
