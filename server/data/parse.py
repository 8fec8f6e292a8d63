"""An export as boards and changes, each line checked: nothing that comes out of here cannot be stored."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import msgspec
from msgspec import UNSET, UnsetType, structs

from server.data import Progress
from server.data.fold import records_in
from server.data.format import VERSION, BoardLine, End, Opening, RecordLine, is_id
from server.data.lines import Lines
from server.document import BoardState
from server.model.commands import LOGGED
from server.model.devices import RULE_PREFIX
from server.model.records import BoardRecord, Change, CommentRecord, Record, TaskRecord

PAGE = 500
"""Changes handed on at once."""

_opening = msgspec.json.Decoder(Opening)
_heading: "msgspec.json.Decoder[BoardLine | End]" = msgspec.json.Decoder(BoardLine | End)
_record_line = msgspec.json.Decoder(RecordLine)
_change = msgspec.json.Decoder(Change)
_records: "dict[str, msgspec.json.Decoder[Any]]" = {
    "board": msgspec.json.Decoder(BoardRecord),
    "task": msgspec.json.Decoder(TaskRecord),
    "comment": msgspec.json.Decoder(CommentRecord),
}
_encode = msgspec.json.Encoder().encode


def read_boards(
    stream: BinaryIO, rename: str | None, progress: Progress, what: str, size: int
) -> "Iterator[Incoming]":
    """The boards of an export, to be used one after the other, as they come; what is left of one is skipped.

    `rename`: the id under which to take the one board that there may be. Raises `BadLine` while iterating.
    """
    lines = Lines(stream, lambda done: progress(what, done, size))
    _open(lines)
    seen: dict[str, int] = {}
    changes = 0
    while isinstance(
        heading := lines.decode(_heading, lines.next("a board or the end"), "a board or the end"), BoardLine
    ):
        if heading.board in seen:
            lines.refuse(f"board {heading.board} comes again, it is at line {seen[heading.board]} already")
        if rename is not None and seen:
            lines.refuse("a second board; only a single one can be given another id")
        seen[heading.board] = lines.number
        changes += heading.head
        board = Incoming(lines, heading, rename or heading.board)
        yield board
        board.finish()
    if heading.sha256 != lines.digest:
        lines.refuse("the file is damaged or was edited: its checksum does not fit")
    if (heading.boards, heading.changes) != (len(seen), changes):
        lines.refuse(f"the file should hold {heading.boards} boards and {heading.changes} changes")
    lines.end()


def _open(lines: Lines) -> None:
    wanted = "the first line of an export of Boardcast"
    opening = lines.decode(_opening, lines.next(wanted), wanted)
    if opening.version != VERSION:
        lines.refuse(
            f"the export has version {opening.version} (of Boardcast {opening.program}), "
            f"this program knows version {VERSION}"
        )


class Incoming:
    """One board. `head`: its last number; `state`: what the changes read so far make of it."""

    def __init__(self, lines: Lines, heading: BoardLine, board: str) -> None:
        self._lines = lines
        self._heading = heading
        self.board = board
        self.head = heading.head
        if heading.mark > heading.head or bool(heading.mark) != bool(heading.records):
            lines.refuse("`mark` and `records` do not fit to each other")
        self._names: dict[str, int] = {}
        self.state = self._restored()
        self._changes = self._read()

    def pages(self) -> Iterator[list[Change]]:
        """The changes, each once. Raises `BadLine`."""
        while page := list(islice(self._changes, PAGE)):
            yield page

    def finish(self) -> None:
        """Read what is left."""
        for _ in self._changes:
            pass

    def records(self) -> list[Record]:
        """What the board is at its head, after all changes have been read."""
        return records_in(self.state)

    def _read(self) -> Iterator[Change]:
        for seq in range(1, self.head + 1):
            wanted = f"change {seq} of board {self._heading.board}"
            line = self._lines.next(wanted)
            change = self._lines.decode(_change, line, wanted)
            if change.seq != seq:
                self._lines.refuse(f"{wanted} was expected, this is number {change.seq}")
            self._check(change, line)
            self._fold(change)
            yield change

    def _check(self, change: Change, line: bytes) -> None:
        for field in ("task", "client", "mutation"):
            self._check_id(field, getattr(change, field))
        self._check_id("actor.id", change.actor.id.removeprefix(RULE_PREFIX))
        if change.op not in LOGGED:
            self._lines.refuse(f"unknown operation {change.op!r}")
        if (change.op == "board.create") != (change.seq == 1):
            self._lines.refuse("the first change of a board, and no other, is its board.create")
        if _encode(change) != line.rstrip() and msgspec.json.decode(line) != msgspec.to_builtins(change):
            self._lines.refuse("the change holds something that this version does not know")
        self._check_name(change)

    def _check_id(self, field: str, value: str | UnsetType) -> None:
        if value is not UNSET and not is_id(value):
            self._lines.refuse(f"{field} is not an id: {value[:80]!r}")

    def _check_name(self, change: Change) -> None:
        name = change.name
        if (change.client is UNSET) != (change.mutation is UNSET):
            self._lines.refuse("`client` and `mutation` come together")
        if name is None:
            return
        if name in self._names:
            self._lines.refuse(f"the name {name} was given before, at line {self._names[name]}")
        self._names[name] = self._lines.number

    def _fold(self, change: Change) -> None:
        if change.seq <= self._heading.mark:
            return
        try:
            self.state.replay(change)
        except Exception as error:  # a log that no server wrote may break the fold in any way
            self._lines.refuse(f"change {change.seq} cannot follow on the ones before: {error!r}")

    def _restored(self) -> BoardState:
        records = [self._record() for _ in range(self._heading.records)]
        if self._heading.mark and not any(isinstance(record, BoardRecord) for record in records):
            self._lines.refuse("the record of the board itself is missing")
        return BoardState.restored(self.board, self._heading.mark, records)

    def _record(self) -> Record:
        wanted = f"a record of board {self._heading.board}"
        line = self._lines.decode(_record_line, self._lines.next(wanted), wanted)
        try:
            record: Record = _records[line.kind].decode(line.record)
        except msgspec.MsgspecError as error:
            self._lines.refuse(f"{wanted} was expected: {error}")
        if isinstance(record, BoardRecord):
            named = structs.replace(record.info.value, id=self.board)
            return structs.replace(record, info=structs.replace(record.info, value=named))
        return record
