"""`import`: boards from an export, each whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Literal, Protocol

from msgspec import UNSET, Struct, structs

from server.data import Progress
from server.data.parse import Incoming, read_boards
from server.model.records import Change, Record


class Target(Protocol):
    """Where boards are taken in; see `Intake` of the SQLite store. Methods may raise `Failed`."""

    def transaction(self) -> AbstractContextManager[None]: ...
    def head(self, board: str) -> int: ...
    def logged(self, board: str, first: int, last: int) -> list[Change]: ...
    def add(self, board: str, changes: Sequence[Change]) -> None: ...
    def seal(self, board: str, head: int, epoch: str, records: Sequence[Record]) -> None: ...


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one board.

    `there`: its head here before; `head`: in the export. `done`: `imported` (it was not here), `continued`,
    `skipped` (all of it is here), or `refused`: here it is another one from change `differs` on.
    """

    board: str
    done: Literal["imported", "continued", "skipped", "refused"]
    there: int
    head: int
    differs: int = 0


def take_in(
    target: AbstractContextManager[Target],
    stream: BinaryIO,
    *,
    rename: str | None,
    mint: Callable[[], str],
    progress: Progress,
) -> Iterator[Outcome]:
    """Import all boards of `stream`; an outcome as soon as a board is stored. `target` is opened for it.

    The stream is read twice: nothing is stored of one that is damaged. A board that changes gets a new epoch
    from `mint`. `rename`: the id for the one board that there is then. Raises `Locked` while a server runs,
    `BadLine`, `Failed`, OSError.
    """
    with _rewindable(stream) as file:
        size = file.seek(0, 2)
        file.seek(0)
        for board in read_boards(file, rename, progress, "checking", size):
            board.finish()
        file.seek(0)
        with target as intake:
            for board in read_boards(file, rename, progress, "importing", size):
                yield _take(intake, board, mint)


@contextmanager
def _rewindable(stream: BinaryIO) -> Iterator[BinaryIO]:
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        yield file


def _take(intake: Target, incoming: Incoming, mint: Callable[[], str]) -> Outcome:
    with intake.transaction():
        there = intake.head(incoming.board)
        outcome = Outcome(board=incoming.board, done="skipped", there=there, head=incoming.head)
        for page in incoming.pages():
            known = [change for change in page if change.seq <= there]
            if differs := _difference(intake, incoming.board, known):
                # Only what is known already has been read so far: nothing is stored.
                return structs.replace(outcome, done="refused", differs=differs)
            intake.add(incoming.board, page[len(known) :])
        if incoming.head <= there:
            return outcome
        intake.seal(incoming.board, incoming.head, mint(), incoming.records())
    return structs.replace(outcome, done="continued" if there else "imported")


def _difference(intake: Target, board: str, changes: list[Change]) -> int:
    """The first number at which the log here is another one; 0 when it is the same."""
    if not changes:
        return 0
    logged = intake.logged(board, changes[0].seq, changes[-1].seq)
    return next((new.seq for new, old in zip(changes, logged, strict=True) if not _same(new, old)), 0)


def _same(new: Change, old: Change) -> bool:
    if new.set is UNSET or old.set is UNSET:  # retention has been at one of them
        return _stripped(new) == _stripped(old)
    return new == old


def _stripped(change: Change) -> Change:
    return structs.replace(change, set=UNSET, was=UNSET, also=UNSET)
