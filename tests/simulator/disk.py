"""What is durable: the logs and records of all boards, shared by all stores of a world. No faults here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any

from msgspec import UNSET

from server.model.records import BoardRecord, Change, Comment, CommentRecord, Record, TaskRecord
from server.stores import Brief, Failed, Head, Loaded, Refused
from server.stores.entries import Entry


@dataclass
class Shelf:
    """One board."""

    epoch: str
    log: list[Change] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    mark: int = 0
    board: BoardRecord | None = None
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    comments: dict[str, CommentRecord] = field(default_factory=dict)

    def copy(self) -> "Shelf":
        return Shelf(
            self.epoch,
            list(self.log),
            dict(self.names),
            self.mark,
            self.board,
            dict(self.tasks),
            dict(self.comments),
        )


class SimDisk:
    """`Store`, synchronous, in memory, at one moment."""

    def __init__(self) -> None:
        self.shelves: dict[str, Shelf] = {}
        self.entries: dict[tuple[str, str], Entry] = {}

    def log(self, board: str) -> Sequence[Change]:
        shelf = self.shelves.get(board)
        return () if shelf is None else shelf.log

    def append(self, board: str, first: int, changes: Sequence[Change], *, asks: bool = True) -> None:
        """Without `asks` only a number that is taken is refused, as by a unique index."""
        shelf = self.shelves.get(board)
        following = 1 if shelf is None else len(shelf.log) + 1
        if first < following or (first > following and (asks or shelf is None)):
            raise Refused(f"{board}: {first} is not the next number")
        names = [change.name for change in changes if change.name is not None]
        if len(set(names)) < len(names) or (shelf and any(name in shelf.names for name in names)):
            raise Refused(f"{board}: a name is known already")
        if shelf is None:
            shelf = self.shelves[board] = Shelf(first_epoch(changes[0]))
        shelf.log.extend(changes)
        shelf.names.update({change.name: change.seq for change in changes if change.name is not None})

    def read(self, board: str, after: int, limit: int) -> list[Change]:
        return list(self.log(board)[after : after + limit])

    def head(self, board: str) -> int:
        return len(self.log(board))

    def heads(self) -> Mapping[str, Head]:
        return {board: Head(shelf.epoch, len(shelf.log)) for board, shelf in self.shelves.items()}

    def briefs(self) -> dict[str, Brief]:
        heads = self.heads()
        return {b: Brief(heads[b], shelf.mark, shelf.board) for b, shelf in self.shelves.items()}

    def materialise(self, board: str, mark: int, records: Sequence[Record], *, whole: bool = True) -> None:
        """Without `whole` the mark stays: the writer was stopped on the way."""
        shelf = self.shelves[board]
        if mark > len(shelf.log):
            raise Failed("an older copy was put back")
        for record in records:
            if isinstance(record, BoardRecord):
                if shelf.board is None or record.seq > shelf.board.seq:
                    shelf.board = record
            elif isinstance(record.value, Comment):
                _keep_newer(shelf.comments, record)
            else:
                _keep_newer(shelf.tasks, record)
        if whole:
            shelf.mark = max(shelf.mark, mark)

    def put_entry(self, kind: str, entry: Entry, expected: int) -> None:
        self._must_be(kind, entry.key, expected)
        self.entries[kind, entry.key] = entry

    def drop_entry(self, kind: str, key: str, expected: int | None) -> None:
        if expected is not None:
            self._must_be(kind, key, expected)
        self.entries.pop((kind, key), None)

    def _must_be(self, kind: str, key: str, expected: int) -> None:
        found = self.entries.get((kind, key))
        if expected != (0 if found is None else found.version):
            raise Refused(f"{kind} {key}: not version {expected} any more")

    def find_entries(self, kind: str, prefix: str, after: str, skip: int, limit: int) -> list[Entry]:
        found = [entry for (of, key), entry in sorted(self.entries.items()) if of == kind and key > after]
        return [entry for entry in found if entry.key.startswith(prefix)][skip : skip + limit]

    def drop_expired(self, now_ms: int) -> None:
        for where, entry in list(self.entries.items()):
            if entry.expires_at is not None and entry.expires_at <= now_ms:
                del self.entries[where]

    def recent(self, board: str, most: int) -> list[Change]:
        """The newest changes, as far back as they have their content."""
        newest = takewhile(lambda change: change.set is not UNSET, reversed(self.log(board)))
        return list(islice(newest, most))[::-1]

    def history(
        self, board: str, since: int | None, before: int | None, task: str | None, limit: int, skip: int
    ) -> list[Change]:
        between = self.log(board)[since or 0 : None if before is None else before - 1]
        found = [change for change in between if task is None or _touches(change, task)]
        return (found if since is not None else found[::-1])[skip : skip + limit]

    def load(self, board: str, recent: int) -> Loaded | None:
        shelf = self.shelves.get(board)
        if shelf is None:
            return None
        if any(change.set is UNSET for change in shelf.log[shelf.mark :]):
            raise Failed(f"board {board} is damaged: changes after its mark have no content")
        return Loaded(
            epoch=shelf.epoch,
            mark=shelf.mark,
            board=shelf.board,
            tasks=list(shelf.tasks.values()),
            comments=list(shelf.comments.values()),
            tail=shelf.log[shelf.mark :],
            recent=self.recent(board, recent),
        )


def _touches(change: Change, task: str) -> bool:
    return change.task == task or (change.also is not UNSET and task in change.also)


def first_epoch(change: Change) -> str:
    """Raises ValueError when a log cannot begin with `change`."""
    if change.op != "board.create" or change.set is UNSET or change.set.epoch is UNSET:
        raise ValueError("change 1 of a board is its board.create, with an epoch")
    return change.set.epoch


def _keep_newer(kept: dict[str, Any], record: Any) -> None:
    old = kept.get(record.value.id)
    if old is None or record.seq > old.seq:
        kept[record.value.id] = record
