"""What a store must do. One contract suite (`tests/stores/`) holds every implementation to it.

A board is an append-only log of changes numbered 1, 2, 3 … The store's refusal of a number that is taken
is the only lock in the system. Beside the log it keeps materialised records, which reflect the log up to
`mark` at least, and may be newer one by one; replaying an older change onto a newer record changes nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

from server.errors import Unavailable
from server.model.records import BoardRecord, Change, CommentRecord, Record, TaskRecord
from server.stores.entries import Entries
from server.stores.telemetry import TelemetryStore


class StoreError(Exception):
    """The base of what a store raises. No driver's exception leaves its file."""


class Refused(StoreError):
    """An append took nothing: its first number is taken, or one of its names is in the log already.

    Read the tail and look the names up to learn which. Of an entry: it has another version by now.
    """


class Failed(StoreError):
    """The store did not answer, or failed. After an append the outcome is unknown: it may still land."""


class TooNew(Failed):
    """The data was written by a newer version of the program: an older one must leave it alone."""


class Unusable(Failed):
    """What the configuration says about the store cannot be right: `<setting>: <what>`, without a secret."""


@contextmanager
def answering() -> Iterator[None]:
    """Raises `Unavailable` in the place of `Failed`: what whoever asked us is to be told."""
    try:
        yield
    except Failed as error:
        raise Unavailable("the store does not answer") from error


class Head(Struct, frozen=True):
    """Where a board's log stands. `epoch` changes when an older copy of the data was put back."""

    epoch: str
    seq: int


class Brief(Struct, frozen=True):
    """A board without its tasks. `board` is what was kept of it when everything up to `mark` was written: all
    there is to know when `mark` is the head; None: nothing is kept yet.
    """

    head: Head
    mark: int
    board: BoardRecord | None


class Loaded(Struct, frozen=True, kw_only=True):
    """A board as the store holds it: records first, then `tail`, the changes after `mark`, in order.

    `recent` are the newest changes up to the head, without holes and with `set` still there, at most as
    many as asked for; they are what resuming clients are caught up from.
    """

    epoch: str
    mark: int
    board: BoardRecord | None
    tasks: Sequence[TaskRecord]
    comments: Sequence[CommentRecord]
    tail: Sequence[Change]
    recent: Sequence[Change]


class Store(Entries, Protocol):
    """Every method may raise `Failed`. All are safe to call at once from one event loop.

    `shared`: others may append to the logs, too, as long as this store is open.
    """

    shared: bool

    async def start(self) -> None:
        """Open, migrate, verify. Raises `Failed` with a reason an operator can act on."""

    async def close(self) -> None:
        """Finish what was accepted and let go of the data."""

    async def append(self, board: str, first: int, changes: Sequence[Change]) -> None:
        """Make `changes`, numbered from `first` on, durable: all of them or none.

        Returns when they are on disk. Raises `Refused` when `first` is not head + 1 or a name is known.
        Change number 1 is the `board.create` that carries the first `epoch`.
        """

    async def load(self, board: str, recent: int) -> Loaded | None:
        """The board with up to `recent` of its newest changes; None when it has no log."""

    async def read(self, board: str, after: int, limit: int) -> list[Change]:
        """Up to `limit` changes with a seq above `after`, in order."""

    async def history(
        self,
        board: str,
        *,
        since: int | None,
        before: int | None,
        task: str | None,
        limit: int,
        skip: int = 0,
    ) -> list[Change]:
        """Up to `limit` changes, for people to read: with `since` those after it, oldest first; else the
        newest ones, newest first, those before `before` when it is given. `task`: only what touched it. The
        first `skip` of them are left out.
        """

    async def count(self, board: str, *, since: int | None, before: int | None, task: str) -> int:
        """How many changes touched the task: as many as `history` gives without a limit."""

    async def heads(self, boards: Collection[str]) -> dict[str, Head]:
        """The heads of the boards that have a log, from the log itself, in one query."""

    async def names(self, board: str, names: Collection[str]) -> dict[str, int]:
        """The seq of each of the `names` (`Change.name`) that the board's log holds."""

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        """Write `records` where they are newer than what is kept, then raise the board's mark to `mark`.

        Raises `Failed`, and writes nothing, when the board's log does not reach `mark`.
        """

    async def mint_epoch(self, board: str, epoch: str) -> None:
        """Give the board a new epoch."""

    async def boards(self) -> Mapping[str, Head]:
        """All boards that have a log, in order of creation."""

    async def board_ids(self) -> list[str]:
        """As `boards`, without the heads, which cost more than the ids."""

    async def briefs(self, boards: Collection[str]) -> dict[str, Brief]:
        """Those of `boards` that have a log. Reads no task, and costs about as much as `heads`."""

    async def installation(self) -> str:
        """A name that all who share this store get, and nobody else; empty for one that cannot be shared."""

    async def ping(self) -> None:
        """Prove that a write would be accepted now; raises `Failed` with the reason."""

    @property
    def telemetry(self) -> TelemetryStore:
        """What devices measured. Raises `Failed` when the store is not open."""

    @property
    def writes_waiting(self) -> int:
        """Writes that wait for their turn, for those who watch. Never fails."""
