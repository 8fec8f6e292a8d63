"""Writes a board's records behind its log, so that loading it is fast. Never in the way of a commit.

One instance is enough: who appended writes soon, who only heard of it waits longer, and leaves it be once
somebody says that it is done.
"""

import asyncio
import logging
from collections.abc import Sequence

from msgspec import UNSET, Struct

from server.boards.parts import Parts
from server.document import BoardState
from server.model.records import Change, Record
from server.stores import Failed
from server.wire import PeerMark, encode_peer

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 10.0
"""After each failure in a row the pause doubles, up to this: a store that is too busy is not made busier."""
PATIENCE = 5.0
"""How many times `materialise_s` others are left for what they appended, at least; at most twice that."""


class Touched(Struct):
    """What the log touched since the mark, tasks, comments and the board, with the last seq that did."""

    tasks: dict[str, int] = {}
    comments: dict[str, int] = {}
    board: int = 0

    def touch(self, change: Change) -> None:
        if change.task is UNSET:
            self.board = change.seq
        else:
            self.tasks[change.task] = change.seq
            if (patch := change.set) is not UNSET:
                if patch.comment is not UNSET:
                    self.comments[patch.comment.id] = change.seq
                if patch.commands is not UNSET:
                    self.board = change.seq
        if change.also is not UNSET:
            self.tasks.update(dict.fromkeys(change.also, change.seq))

    def put_back(self, earlier: "Touched") -> None:
        """What was taken from here could not be written."""
        self.tasks = earlier.tasks | self.tasks
        self.comments = earlier.comments | self.comments
        self.board = max(self.board, earlier.board)

    def forget(self, mark: int) -> None:
        """What was touched up to `mark` is written."""
        self.tasks = {task: seq for task, seq in self.tasks.items() if seq > mark}
        self.comments = {comment: seq for comment, seq in self.comments.items() if seq > mark}
        self.board = self.board if self.board > mark else 0

    def records(self, state: BoardState) -> list[Record]:
        records: list[Record] = [state.tasks[task] for task in self.tasks]
        records += [state.comments[comment] for comment in self.comments]
        return [*records, state.record()] if self.board else records


class Materialiser:
    """Remembers what the log touched since the last mark, and writes it out in the background.

    The mark is raised only after everything up to it was written, and the others are told; a failure keeps
    all of it for next time.
    """

    def __init__(self, board: str, parts: Parts) -> None:
        self._board = board
        self._parts = parts
        self._epoch = ""
        self._touched = Touched()
        self._mark = 0
        self._head = 0
        self._own = 0  # the last seq that this instance appended
        self._patient_until = 0.0
        self._timer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()  # a later write must not raise the mark over an earlier one that fails
        self._state = BoardState(board)

    @property
    def clean(self) -> bool:
        return self._mark == self._head and self._timer is None

    def restart(self, epoch: str, mark: int, tail: Sequence[Change], state: BoardState) -> None:
        """The board was loaded: records reflect `mark`; what `tail` touched in `state` is unwritten."""
        self._epoch = epoch
        self._mark = self._head = mark
        self._own = 0
        self._state = state
        self._touched = Touched()
        for change in tail:
            self.touch(change)
        self.schedule()

    def touch(self, change: Change, *, own: bool = False) -> None:
        self._touched.touch(change)
        if change.seq == 1 and change.set is not UNSET and change.set.epoch is not UNSET:
            self._epoch = change.set.epoch
        self._head = change.seq
        if own:
            self._own = change.seq

    def reached(self, mark: int) -> None:
        """Another instance has written everything up to `mark`."""
        mark = min(mark, self._head)
        if mark > self._mark:
            self._mark = mark
            self._touched.forget(mark)
            self._leave_to_others()

    def schedule(self) -> None:
        """See to it that what was touched is written, soon or by somebody else."""
        if self._timer is None and self._mark < self._head:
            self._leave_to_others()
            self._timer = asyncio.create_task(self._run(), name=f"materialise {self._board}")
            self._timer.add_done_callback(self._ran)

    def _leave_to_others(self) -> None:
        left = self._parts.settings.materialise_s * PATIENCE * (1 + self._parts.rng.random())
        self._patient_until = asyncio.get_running_loop().time() + left

    def _ran(self, task: asyncio.Task[None]) -> None:
        self._timer = None
        if not task.cancelled():
            self.schedule()  # touched between its last round and its end

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        usual_s = pause_s = self._parts.settings.materialise_s
        while self._mark < self._head:
            await asyncio.sleep(pause_s)
            if self._own <= self._mark and loop.time() < self._patient_until:
                continue
            try:
                await self._write()
                pause_s = usual_s
            except Failed as error:
                log.warning("materialising %s failed, will try again: %s", self._board, error)
                pause_s = min(2 * pause_s, max(usual_s, LONGEST_PAUSE_S)) * (1 - self._parts.rng.random() / 4)

    async def _write(self) -> None:
        async with self._writing:
            await self._write_touched()

    async def _write_touched(self) -> None:
        if self._mark >= self._head:
            return
        state, touched, head = self._state, self._touched, self._head
        self._touched = Touched()
        try:
            await self._parts.store.materialise(self._board, head, touched.records(state))
        except BaseException:
            if self._state is state:
                self._touched.put_back(touched)
            raise
        if self._state is state:  # else loaded again meanwhile: what was written is of another log, perhaps
            self._mark = max(self._mark, head)
            self._leave_to_others()
            message = encode_peer(PeerMark(epoch=self._epoch, mark=self._mark))
            self._parts.broker.offer(self._board, message)

    async def stop(self) -> None:
        """Write what is left of our own, once; what is not written is in the log, and written later."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.wait([self._timer])
        if self._own <= self._mark:
            return
        try:
            await self._write()
        except Failed as error:
            log.warning("materialising %s at the end failed: %s", self._board, error)
