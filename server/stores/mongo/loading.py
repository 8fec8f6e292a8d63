"""Reads whole boards, which may be large: a few at a time, page by page.

Each page has the deadline for itself, so that a board is loaded as long as the server answers: were it for
the whole load, a busy server would do the same first half again and again. Who waits for too long until it
may begin has asked the server for nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile

from msgspec import UNSET

from server.model.records import Change
from server.stores import Failed, Loaded
from server.stores.mongo import documents
from server.stores.mongo.link import Link
from server.stores.mongo.log import PAGE, Log
from server.stores.mongo.shelves import Shelves


class Loading:
    def __init__(self, link: Link, log: Log, shelves: Shelves) -> None:
        self._link, self._log, self._shelves = link, log, shelves
        self._free = asyncio.Semaphore(link.loads.width)

    async def load(self, board: str, recent: int) -> Loaded | None:
        """As `Store.load`. The mark first, then the records, then the log after it: whatever is written
        meanwhile fits.
        """
        async with self._turn():
            async with self._link.in_time():
                row = await self._shelves.row(board)
            tasks, comments = await asyncio.gather(
                self._shelves.read(board, "tasks"), self._shelves.read(board, "comments")
            )
            changes = await self._after(board, max(row.mark - recent, 0))
            if not changes and row.mark == 0:
                return None
            async with self._link.in_time():
                epoch = row.epoch or (await self._log.epochs([board])).get(board, "")
        if recent and (not changes or changes[-1].seq < row.mark):
            raise Failed(f"board {board} is damaged: its log ends before {row.mark}; restore a copy")
        return Loaded(
            epoch=epoch,
            mark=row.mark,
            board=documents.board_of(board, row.document),
            tasks=await documents.tasks_of(board, tasks),
            comments=await documents.comments_of(board, comments),
            tail=_tail(board, [change for change in changes if change.seq > row.mark]),
            recent=_recent(changes, recent),
        )

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._link.deadline_s):
                await self._free.acquire()
        except TimeoutError:
            raise Failed(f"{self._link.server} is busy with loading other boards") from None
        try:
            yield
        finally:
            self._free.release()

    async def _after(self, board: str, after: int) -> list[Change]:
        """All changes after that one."""
        changes: list[Change] = []
        while True:
            start = after + len(changes)
            async with self._link.in_time():
                page = await self._log.between(board, start, start + PAGE)
            changes += page
            if len(page) < PAGE:
                return changes


def _tail(board: str, tail: Sequence[Change]) -> Sequence[Change]:
    if any(change.set is UNSET for change in tail):
        raise Failed(f"board {board} is damaged: changes after its mark have no content; restore a copy")
    return tail


def _recent(changes: Sequence[Change], most: int) -> list[Change]:
    """The newest ones, as far back as they still have their content."""
    newest = changes[max(len(changes) - most, 0) :][::-1]
    return list(takewhile(lambda change: change.set is not UNSET, newest))[::-1]
