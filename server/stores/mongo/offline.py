"""The shared store for commands, which have no event loop: boards to be read whole, or taken in."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import msgspec
from msgspec import UNSET

from server.model.records import Change, Record
from server.stores import Failed, Head, Loaded, Refused
from server.stores.mongo.store import MongoStore

DEADLINE_S = 30.0
PAGE = 512
"""Changes read at once."""

_encode = msgspec.json.Encoder().encode


class Offline:
    """Made by `open`. Methods may raise `Failed`.

    Nothing keeps servers from writing meanwhile. A log only grows, so that what is read of one up to a head
    is of one moment; records are not. Whoever takes boards in must have the data to himself.
    """

    def __init__(self, store: MongoStore, runner: asyncio.Runner) -> None:
        self._store = store
        self._run = runner.run

    @classmethod
    @contextmanager
    def open(cls, url: str) -> "Iterator[Offline]":
        """Raises `TooNew`, `Failed`."""
        store = MongoStore(url, deadline_s=DEADLINE_S)
        with asyncio.Runner() as runner:
            runner.run(store.start())
            try:
                yield cls(store, runner)
            finally:
                runner.run(store.close())

    # -- to be read

    def one_moment(self) -> AbstractContextManager[None]:
        return nullcontext()

    def boards(self) -> dict[str, Head]:
        """As `Store.boards`."""
        return dict(self._run(self._store.boards()))

    def load(self, board: str) -> Loaded | None:
        """As `Store.load`, without recent changes."""
        return self._run(self._store.load(board, 0))

    def trimmed(self, board: str) -> bool:
        """Has retention taken the content of old changes? Then the log alone does not make the board."""
        after = 0
        while page := self._run(self._store.read(board, after, PAGE)):
            if any(change.set is UNSET for change in page):
                return True
            after = page[-1].seq
        return False

    def bodies(self, board: str, head: int) -> Iterator[list[bytes]]:
        """The changes 1 to `head` as JSON, up to `PAGE` at once."""
        for after in range(0, head, PAGE):
            yield [_encode(change) for change in self.logged(board, after + 1, min(after + PAGE, head))]

    def logged(self, board: str, first: int, last: int) -> list[Change]:
        """The changes `first` to `last`."""
        changes = self._run(self._store.read(board, first - 1, last - first + 1))
        if len(changes) != last - first + 1:
            raise Failed(f"changes {first} to {last} of board {board} are not all there")
        return changes

    # -- to be taken in

    def transaction(self) -> AbstractContextManager[None]:
        """What is added stays, also when the block raises: it is the beginning of the board."""
        return nullcontext()

    def head(self, board: str) -> int:
        """The number of the board's last change, 0 when there is none."""
        heads = self._run(self._store.heads([board]))
        return heads[board].seq if board in heads else 0

    def add(self, board: str, changes: Sequence[Change]) -> None:
        """Store changes that follow on the head."""
        if not changes:
            return
        try:
            self._run(self._store.append(board, changes[0].seq, changes, trimmed=True))
        except Refused as error:
            raise Failed(f"{error}; stop the servers first, and import again") from error

    def seal(self, board: str, head: int, epoch: str, records: Sequence[Record]) -> None:
        """All changes up to `head` are there, and `records` hold what they make: raise the mark."""
        self._run(self._store.mint_epoch(board, epoch))
        self._run(self._store.materialise(board, head, records))
