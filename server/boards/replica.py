"""A board's state as a cache of its log: loading, the one door for changes, catching up.

States: *loading*, *live*, *behind* (the log has more than we have; a task reads on) and *doubtful* (the store
did not answer; what is here is durable and may be read, whether there is more is not known).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import UNSET

from server.boards.materialiser import Materialiser
from server.boards.parts import Parts
from server.boards.recent import Recent
from server.boards.snapshots import Snapshots
from server.document import BoardState, Draft
from server.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from server.model.records import Change, Record
from server.stores import Failed, Head, Loaded

log = logging.getLogger(__name__)
T = TypeVar("T")
PAGE = 500
"""Changes per read of the log's tail."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
"""Between two tries to catch up while the store does not answer."""


class Replica:
    """One board in memory, as far as this instance has read its log. In doubt it is read again."""

    def __init__(self, board: str, parts: Parts) -> None:
        self.board = board
        self.epoch = ""
        self.state = BoardState(board)
        self.recent = Recent(parts.settings.resume_changes)
        self.snapshots = Snapshots()
        self._parts = parts
        self._materialiser = Materialiser(board, parts)
        self._loaded = False
        self._loading: asyncio.Task[None] | None = None
        self._behind = False
        self._catcher: asyncio.Task[None] | None = None
        self._doubtful = False
        self._refusing = False  # said so in the log, until something is stored again
        self._contested = 0  # an append of unknown outcome began with this number
        self._stopping = False
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def head(self) -> int:
        return self.state.seq

    @property
    def loading(self) -> bool:
        """It is being read (again): what it will hold is older than now."""
        return self._loading is not None

    @property
    def exists(self) -> bool:
        return self.state.info is not None

    def since(self, seq: int) -> list[Change] | None:
        """All changes after `seq`; None when memory does not reach back that far, or not that far ahead."""
        if seq == self.head:
            return []
        changes = self.recent.since(seq)
        if seq > self.head or changes is None or len(changes) > self._parts.settings.resume_changes:
            return None
        return changes

    # -- the one door

    def advance(self, changes: Sequence[Change], draft: Draft | None = None) -> None:
        """Take in durable changes: those that follow the head. A hole starts the catch-up.

        `draft`: they are this instance's own, and that is the state with all of them folded in.
        """
        head = self.head
        fresh = [change for change in changes if change.seq > head]
        taken, adopted = 0, draft is not None and self.state.adopt(draft)
        for change in fresh:
            if change.seq != head + 1 + taken:
                break
            if not adopted:
                self.state.replay(change)
            self.recent.append(change)
            self._materialiser.touch(change, own=draft is not None)
            if change.seq == 1 and change.set is not UNSET and change.set.epoch is not UNSET:
                self.epoch = change.set.epoch
            taken += 1
        if taken and draft is not None and self._refusing:
            self._refusing = False
            log.warning("board %s takes changes again", self.board)
        if taken:
            self._materialiser.schedule()
            self._parts.listener.deliver(self.board, fresh[:taken])
            self._wake_waiters()
            self._close_when_archived(fresh[:taken])
        if taken < len(fresh):
            self._fall_behind()

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, []
        for moved in waiters:
            if not moved.done():
                moved.set_result(None)

    def _close_when_archived(self, changes: Sequence[Change]) -> None:
        if "board.archive" in [change.op for change in changes]:
            assert self.state.info is not None
            if self.state.info.value.archived:
                self._parts.listener.closed(self.board, "archived")

    # -- catching up

    def check(self) -> None:
        """Something may have been missed: ask the log."""
        if self._loaded:
            self._fall_behind()
        elif self._catcher is not None:
            self._behind = True  # it is being read again, perhaps too early: once more then

    def _doubt(self, cause: Failed) -> None:
        if not self._refusing:
            self._refusing = True
            log.warning("board %s takes no changes for now: %s", self.board, cause)
        self._doubtful = True
        self._fall_behind()

    def _fall_behind(self) -> None:
        self._behind = True
        if self._catcher is None and not self._stopping:
            self._parts.metrics.catchups_started.value += 1
            self._catcher = asyncio.create_task(self._catch_up(), name=f"catch up {self.board}")
            self._catcher.add_done_callback(self._caught_up)

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        self._catcher = None
        if self._behind and not task.cancelled():  # noticed between its last round and its end
            self._fall_behind()

    async def _catch_up(self) -> None:
        """Read on until nothing was missed; with a growing, jittered pause while that does not work."""
        pause = FIRST_PAUSE_S
        while self._behind:
            self._behind = False  # what is missed from here on is read in another round
            try:
                await self._refresh()
                continue
            except Unavailable:
                self._behind = True
                self._parts.metrics.catchups_failed.value += 1
            except Exception:
                log.exception("the board %s cannot follow its log and is read again", self.board)
                self._loaded, self._behind = False, True
            await asyncio.sleep(pause * (0.5 + self._parts.rng.random()))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _refresh(self) -> None:
        """Ask the log where it stands and take in what is new. Raises `Unavailable`."""
        epoch, head = self.epoch, self.head
        try:
            heads = await self._parts.store.heads([self.board])
            if self._is_other(epoch, head, heads.get(self.board)):
                self._drop()
            if self._loaded:
                await self._read_tail()
            await self.ready()
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        self._doubtful = False

    async def _make_sure(self) -> None:
        """As `_refresh`, unless the log cannot hold more: nobody else writes it, nothing is in doubt."""
        doubt = self._doubtful or self._behind or self._catcher is not None or self._contested > self.head
        if doubt or self._parts.store.shared or not self._loaded:
            await self._refresh()

    async def _read_missed(self) -> None:
        """Take in what others appended; is there nothing, ask where the log stands. Raises `Unavailable`."""
        head = self.head
        try:
            await self._read_tail()
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        if self.head == head:
            await self._refresh()

    async def _read_tail(self) -> None:
        while True:
            page = await self._parts.store.read(self.board, self.head, PAGE)
            self.advance(page)
            self._parts.listener.flush()
            if len(page) < PAGE:
                return

    def compare(self, epoch: str, seq: int, head: Head | None) -> None:
        """Hold what we had *before* asking against the store's answer."""
        if self._is_other(epoch, seq, head):
            self._drop()
        elif head is not None and head.seq > self.head:
            self._fall_behind()

    def _is_other(self, epoch: str, seq: int, head: Head | None) -> bool:
        """The store's log is not the one that our state was folded from: an older copy was put back."""
        if not self._loaded or seq == 0 or epoch != self.epoch:
            return False
        return head is None or head.epoch != epoch or head.seq < seq

    async def reach(self, seq: int) -> None:
        """Ask the store when somebody has seen more than we have. Raises `Unavailable`."""
        if seq > self.head or not self.exists:
            await self._make_sure()

    async def surely(self, read: Callable[[], T]) -> T:
        """What `read` finds in the state. What it does not find another instance may have made, and a role
        may have been changed there: the log is asked before a refusal is final. Raises what `read` raises,
        and `Unavailable`.
        """
        try:
            return read()
        except (NotFound, Forbidden, Unauthenticated):
            epoch, head = self.epoch, self.head
            await self._make_sure()
            if (self.epoch, self.head) == (epoch, head):
                raise
        return read()

    async def wait_for(self, seq: int, most_s: float) -> None:
        """Until the state is as far as `seq`. Raises `Unavailable` when that takes longer than `most_s`."""
        await self.reach(seq)
        try:
            async with asyncio.timeout(most_s):
                while self.head < seq:
                    moved = asyncio.get_running_loop().create_future()
                    self._waiters.append(moved)
                    await moved
        except TimeoutError:
            raise Unavailable(f"the board has not reached seq {seq}, it stands at {self.head}") from None

    async def renew(self, seen: int, by: str) -> None:
        """A client, `by`, says that it has seen change `seen`, which the log does not hold: an older copy was
        put back, or it lies. Not believed, it changes nothing (see `Distrust`). Raises `Unavailable`.
        """
        distrust = self._parts.distrust
        if distrust.may(self.board):
            distrust.note(self.board)
            log.warning(
                "board %s gets a new epoch: %s has seen change %d of epoch %s, and the log ends at %d",
                *(self.board, by, seen, self.epoch, self.head),
            )
            self._drop()
        await self.ready()

    # -- loading

    async def ready(self) -> None:
        """Wait until the state is loaded. Raises `Unavailable` when the store cannot be read."""
        while not self._loaded:
            if self._loading is None or self._loading.done():
                self._loading = asyncio.create_task(self._load(), name=f"load {self.board}")
                self._loading.add_done_callback(self._load_ended)
            loading = self._loading
            try:
                await asyncio.shield(loading)
            except Failed as error:
                raise Unavailable("the board cannot be read from the store") from error
            except asyncio.CancelledError:
                if not loading.cancelled():
                    raise
                raise Unavailable("the server is going away") from None

    def _load_ended(self, task: asyncio.Task[None]) -> None:
        if self._loading is task:
            self._loading = None
        if not task.cancelled():
            task.exception()  # retrieved here, too: nobody may be waiting any more

    def _drop(self) -> None:
        """The state is not of this log (any more): away with it, and read again under a new epoch."""
        self._loaded = False
        self._fall_behind()

    async def _load(self) -> None:
        before = self.epoch
        loaded = await self._read_board()
        if loaded is not None and loaded.epoch == before:
            await self._parts.store.mint_epoch(self.board, self._parts.mint())
            loaded = await self._read_board()
        self._take(loaded)
        self._loaded = True
        if before:
            self._parts.distrust.note(self.board)
            self._parts.listener.resync(self.board)
            self._parts.listener.flush()

    async def _read_board(self) -> Loaded | None:
        return await self._parts.store.load(self.board, self._parts.settings.resume_changes)

    def _take(self, loaded: Loaded | None) -> None:
        self.recent = Recent(self._parts.settings.resume_changes, () if loaded is None else loaded.recent)
        if loaded is None:
            self.epoch, self.state = "", BoardState(self.board)
            self._materialiser.restart("", 0, (), self.state)
            return
        records: list[Record] = [*loaded.tasks, *loaded.comments]
        if loaded.board is not None:
            records.append(loaded.board)
        state = BoardState.restored(self.board, loaded.mark, records)
        for change in loaded.tail:
            state.replay(change)
        self.epoch, self.state = loaded.epoch, state
        self._materialiser.restart(loaded.epoch, loaded.mark, loaded.tail, state)
