"""Writes a board's records behind its log, so that loading it is fast. Never in the way of a commit."""

import asyncio
import logging
from collections.abc import Sequence

from msgspec import UNSET

from server.boards.parts import Parts
from server.document import BoardState
from server.model.records import Change, Record
from server.stores import Failed

log = logging.getLogger(__name__)


class Materialiser:
    """Remembers what the log touched since the last mark, and writes it out in the background.

    The mark is raised only after everything up to it was written; a failure keeps all of it for next time.
    """

    def __init__(self, board: str, parts: Parts) -> None:
        self._board = board
        self._parts = parts
        self._tasks: set[str] = set()
        self._comments: set[str] = set()
        self._own = False
        self._mark = 0
        self._head = 0
        self._timer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()  # a later write must not raise the mark over an earlier one that fails
        self._state = BoardState(board)

    @property
    def clean(self) -> bool:
        return self._mark == self._head and self._timer is None

    def restart(self, mark: int, tail: Sequence[Change], state: BoardState) -> None:
        """The board was loaded: records reflect `mark`; what `tail` touched in `state` is unwritten."""
        self._mark = self._head = mark
        self._state = state
        self._tasks, self._comments, self._own = set(), set(), False
        for change in tail:
            self.touch(change)
        self.schedule()

    def touch(self, change: Change) -> None:
        if change.task is UNSET:
            self._own = True
        else:
            self._tasks.add(change.task)
            if change.set is not UNSET and change.set.comment is not UNSET:
                self._comments.add(change.set.comment.id)
        if change.also is not UNSET:
            self._tasks.update(change.also)
        self._head = change.seq

    def schedule(self) -> None:
        """See to it that what was touched is written soon."""
        if self._timer is None and self._mark < self._head:
            self._timer = asyncio.create_task(self._run(), name=f"materialise {self._board}")
            self._timer.add_done_callback(self._ran)

    def _ran(self, task: asyncio.Task[None]) -> None:
        self._timer = None
        if not task.cancelled():
            self.schedule()  # touched between its last round and its end

    async def _run(self) -> None:
        while self._mark < self._head:
            await asyncio.sleep(self._parts.settings.materialise_s)
            try:
                await self._write()
            except Failed as error:
                log.warning("materialising %s failed, will try again: %s", self._board, error)

    async def _write(self) -> None:
        async with self._writing:
            await self._write_touched()

    async def _write_touched(self) -> None:
        if self._mark >= self._head:
            return
        state = self._state
        tasks, comments, own, head = self._tasks, self._comments, self._own, self._head
        self._tasks, self._comments, self._own = set(), set(), False
        records: list[Record] = [state.tasks[task] for task in tasks]
        records += [state.comments[comment] for comment in comments]
        if own:
            records.append(state.record())
        try:
            await self._parts.store.materialise(self._board, head, records)
        except BaseException:
            if self._state is state:
                self._tasks |= tasks
                self._comments |= comments
                self._own |= own
            raise
        if self._state is state:  # else loaded again meanwhile: what was written is of another log, perhaps
            self._mark = max(self._mark, head)

    async def stop(self) -> None:
        """Write what is left, once; what cannot be written is in the log and will be written later."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.wait([self._timer])
        try:
            await self._write()
        except Failed as error:
            log.warning("materialising %s at the end failed: %s", self._board, error)
