"""A board that somebody is on: inbox, commit, advance, catch-up. The way of a change, from one file.

States: *loading* (the inbox fills), *live*, *behind* (the log has more than we have; a task reads on) and
*doubtful* (the store did not answer an append: mutations are refused at once until a read succeeds; reads
go on from what is durable for certain). `advance` is the only door through which the state changes.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from msgspec import UNSET

from server.boards.gate import Gate
from server.boards.judge import Rules, Verdict, judge, seal
from server.boards.materialiser import Materialiser
from server.boards.parts import Parts
from server.boards.recent import Recent
from server.boards.snapshots import Snapshots
from server.boards.submission import Accepted, Outcome, Submission
from server.document import BoardState
from server.errors import BoardcastError, Internal, RateLimited, Unavailable
from server.model.records import Change, Record
from server.stores import Failed, Head, Loaded, Refused
from server.wire import PeerChanges, PeerWant, encode_peer

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 50
"""Refused appends in a row before a batch gives up; with fair turns two or three are usual."""
TURN_S = 0.05
"""How long a writer that won leaves the board to one that lost: about a round trip through the broker."""
PAGE = 500
"""Changes per read of the log's tail."""


class Listener(Protocol):
    """Whoever shows a board to people: the hub. Nothing here waits or raises."""

    def deliver(self, board: str, changes: Sequence[Change]) -> None:
        """Durable changes, in order, right after the state took them in."""

    def resync(self, board: str) -> None:
        """The board has a new epoch: everybody must start from a snapshot."""

    def closed(self, board: str, reason: str) -> None:
        """Nobody can stay on the board: `archived`, `deleted`, `forbidden`."""

    def flush(self) -> None:
        """The turn is over: what was offered may be written."""


class LiveBoard:
    """One board in memory: a cache of its log, and the only way to add to it."""

    def __init__(self, board: str, parts: Parts) -> None:
        self.board = board
        self.epoch = ""
        self.state = BoardState(board)
        self.recent = Recent(parts.settings.resume_changes)
        self.snapshots = Snapshots()
        self.inbox: deque[Submission] = deque()
        self.holds = 0
        self._parts = parts
        self._gate = Gate()
        self._materialiser = Materialiser(board, parts)
        self._loaded = False
        self._loading: asyncio.Task[None] | None = None
        self._committer: asyncio.Task[None] | None = None
        self._catcher: asyncio.Task[None] | None = None
        self._doubtful = False
        self._contested = 0  # an append of unknown outcome began with this number
        self._foreign = asyncio.Event()  # somebody else's change came in
        self._wanted = False  # another instance lost a race and asks for its turn
        self._renewed_at = -60.0
        self._stopping = False
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def head(self) -> int:
        return self.state.seq

    @property
    def exists(self) -> bool:
        return self.state.info is not None

    @property
    def idle(self) -> bool:
        """Nobody is on it and nothing is under way: it may be unloaded."""
        busy = self.inbox or self._committer or self._catcher or self._loading
        return self.holds == 0 and not busy and self._materialiser.clean

    @property
    def forgettable(self) -> bool:
        """There is no such board, and nobody's order to be kept on it."""
        return not self.exists and self._gate.open

    def since(self, seq: int) -> list[Change] | None:
        """All changes after `seq`; None when memory does not reach back that far, or not that far ahead."""
        if seq == self.head:
            return []
        changes = self.recent.since(seq)
        if seq > self.head or changes is None or len(changes) > self._parts.settings.resume_changes:
            return None
        return changes

    # -- mutations

    def submit(self, submission: Submission) -> None:
        """Take a mutation in. Never raises, never waits; the submission is settled once, now or later."""
        stopped = self._gate.admit(submission, asyncio.get_running_loop().time())
        if stopped is not None:
            submission.settle(stopped)
        elif self._stopping:
            self._fail(submission, Unavailable("the server is going away"))
        elif self._doubtful:
            self._fail(submission, Unavailable("the store does not answer"))
        elif len(self.inbox) >= self._parts.settings.inbox_per_board:
            self._fail(submission, RateLimited("mutations waiting on this board", 500))
        else:
            self.inbox.append(submission)
            self._work()

    def refuse(self, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error that was found on the way here; the client's order is kept, too."""
        stopped = self._gate.admit(submission, asyncio.get_running_loop().time())
        if stopped is not None:
            submission.settle(stopped)
        else:
            self._fail(submission, error)

    def _work(self) -> None:
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all(), name=f"commit {self.board}")
            self._committer.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._committer = None
        if self.inbox and not task.cancelled():  # cancelled: the loop is going down
            self._work()

    async def _commit_all(self) -> None:
        try:
            await self.ready()
            while self.inbox:
                size = min(len(self.inbox), self._parts.settings.batch_changes)
                await self._commit([self.inbox.popleft() for _ in range(size)])
        except Unavailable as error:
            self._fail_inbox(error)
        except Exception:
            log.exception("the board %s failed", self.board)
            self._fail_inbox(Internal())

    async def _commit(self, batch: list[Submission]) -> None:
        """The whole life of a batch. However it ends, everything in it is settled."""
        try:
            outcomes = await self._decide(batch)
        except Unavailable as error:
            self._fail_all(batch, error)
        except asyncio.CancelledError:
            self._fail_all(batch, Unavailable("the server is going away"))
            raise
        except Exception:
            log.exception("a batch failed on %s", self.board)
            self._fail_all(batch, Internal())
        else:
            self._settle_all(batch, outcomes)
        self._parts.listener.flush()

    def _settle_all(self, batch: list[Submission], outcomes: list[Outcome | None]) -> None:
        later = [s for s, outcome in zip(batch, outcomes, strict=True) if outcome is None]
        self.inbox.extendleft(reversed(later))
        for submission, outcome in zip(batch, outcomes, strict=True):
            if outcome is not None:
                self._settle(submission, outcome)

    async def _decide(self, batch: list[Submission]) -> list[Outcome | None]:
        """What becomes of the batch; raises `Unavailable` when that cannot be known."""
        known = self.recent.names
        if max((s.base or 0 for s in batch), default=0) > self.head:
            await self._refresh()
        for _ in range(MOST_ATTEMPTS):
            await self._leave_turn()
            verdict = judge(self.state, batch, known, self._rules())
            if verdict.refuses:
                found = await self._look_again(batch, verdict)
                if found is not None:
                    known = known | found
                    continue
            if not verdict.changes and not self._must_seal(verdict):
                return verdict.outcomes
            if not verdict.changes and self.head == 0:
                raise Unavailable("it is not known yet whether the board was created")
            changes = verdict.changes or [seal(self.state, self._parts.clock())]
            if await self._append(changes):
                return verdict.outcomes
            known = self.recent.names | await self._names([s.name for s in batch if s.name is not None])
        raise Unavailable("the board is written to from too many places at once")

    async def _append(self, changes: list[Change]) -> bool:
        """The commit point. True: durable and taken in. False: somebody else's changes came first."""
        first = changes[0].seq
        try:
            await self._parts.store.append(self.board, first, changes)
        except Refused:
            self._parts.broker.offer(self.board, encode_peer(PeerWant()))
            await self._refresh()
            return False
        except Failed as error:
            self._contested = first
            self._doubt()
            raise Unavailable("the store did not confirm the change; send it again") from error
        self.advance(changes, own=True)
        self._parts.broker.offer(self.board, encode_peer(PeerChanges(epoch=self.epoch, changes=changes)))
        return True

    def _rules(self) -> Rules:
        parts = self._parts
        return Rules(parts.policy, parts.limits, parts.clock(), parts.mint())

    async def _look_again(self, batch: list[Submission], verdict: Verdict) -> dict[str, int] | None:
        """Before a refusal is final: names that the log knows; {} when it has grown; None: nothing new.

        With changes to append the append itself is the head check.
        """
        head = self.head
        found = await self._names(verdict.refused(batch))
        if found:
            return found
        if not verdict.changes:
            await self._refresh()
        return None if self.head == head else {}

    def _must_seal(self, verdict: Verdict) -> bool:
        """An append of unknown outcome may land and turn a refusal into a lie: its number must be taken."""
        return self._contested > self.head and verdict.refuses

    async def _names(self, names: list[str]) -> dict[str, int]:
        if not names:
            return {}
        try:
            return await self._parts.store.names(self.board, names)
        except Failed as error:
            self._doubt()
            raise Unavailable("the store does not answer") from error

    async def _leave_turn(self) -> None:
        """Fair: a writer that won lets one that lost go first, for as long as a round trip takes."""
        if not self._wanted:
            return
        self._wanted = False
        self._foreign.clear()
        try:
            async with asyncio.timeout(TURN_S):
                await self._foreign.wait()
        except TimeoutError:
            pass

    # -- answers

    def _settle(self, submission: Submission, outcome: Outcome) -> None:
        if isinstance(outcome, BoardcastError) and outcome.retry:
            self._fail_judged(submission, outcome)
        else:
            submission.settle(outcome)

    def _fail(self, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error what just arrived; what of the same client waits came before it."""
        self._gate.stop(submission, error, asyncio.get_running_loop().time())
        submission.settle(error)

    def _fail_judged(self, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error; what the same client sent after it gets the same error."""
        self._gate.stop(submission, error, asyncio.get_running_loop().time(), judged=True)
        submission.settle(error)
        if submission.queue is not None and self.inbox:
            followers = [s for s in self.inbox if s.queue == submission.queue]
            self.inbox = deque(s for s in self.inbox if s.queue != submission.queue)
            for follower in followers:
                follower.settle(error)

    def _fail_all(self, batch: Sequence[Submission], error: BoardcastError) -> None:
        names = self.recent.names
        for submission in batch:
            seq = names.get(submission.name or "")
            self._settle(submission, error if seq is None else Accepted(seq, duplicate=True))

    def _fail_inbox(self, error: BoardcastError) -> None:
        waiting, self.inbox = list(self.inbox), deque()
        self._fail_all(waiting, error)

    # -- the one door

    def advance(self, changes: Sequence[Change], *, own: bool = False) -> None:
        """Take in durable changes: those that follow the head. A hole starts the catch-up."""
        fresh = [change for change in changes if change.seq > self.head]
        taken = 0
        for change in fresh:
            if change.seq != self.head + 1:
                break
            self.state.replay(change)
            self.recent.append(change)
            self._materialiser.touch(change)
            if change.seq == 1 and change.set is not UNSET and change.set.epoch is not UNSET:
                self.epoch = change.set.epoch
            taken += 1
        if taken:
            self._materialiser.schedule()
            self._parts.listener.deliver(self.board, fresh[:taken])
            self._wake_waiters()
            self._close_when_archived(fresh[:taken])
            if not own:
                self._foreign.set()
        if taken < len(fresh):
            self._fall_behind()

    def _wake_waiters(self) -> None:
        waiters, self._waiters = self._waiters, []
        for moved in waiters:
            if not moved.done():
                moved.set_result(None)

    def _close_when_archived(self, changes: Sequence[Change]) -> None:
        if any(change.op == "board.archive" for change in changes):
            assert self.state.info is not None
            if self.state.info.value.archived:
                self._parts.listener.closed(self.board, "archived")

    def peer(self, message: PeerChanges | PeerWant) -> None:
        """What another instance says through the broker: speed, not truth."""
        if isinstance(message, PeerWant):
            self._wanted = self._committer is not None
        elif self._loaded and message.epoch == self.epoch:
            self.advance(message.changes)
            self._parts.listener.flush()
        elif self._loaded:
            self._fall_behind()

    # -- catching up

    def check(self) -> None:
        """Something may have been missed: ask the log."""
        if self._loaded:
            self._fall_behind()

    def _doubt(self) -> None:
        self._doubtful = True
        self._fall_behind()

    def _fall_behind(self) -> None:
        if self._catcher is None and not self._stopping:
            self._catcher = asyncio.create_task(self._catch_up(), name=f"catch up {self.board}")
            self._catcher.add_done_callback(self._caught_up)

    def _caught_up(self, _: asyncio.Task[None]) -> None:
        self._catcher = None

    async def _catch_up(self) -> None:
        delay = 0.1
        while True:
            try:
                await self._refresh()
                return
            except Unavailable:
                await asyncio.sleep(delay * (0.5 + self._parts.rng.random()))
                delay = min(delay * 2, 2.0)

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
            await self._refresh()

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

    async def renew(self) -> None:
        """A client has seen more than the log holds: an older copy was put back. At most once a minute."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed_at < 60:
            return
        self._renewed_at = now
        self._drop()
        await self.ready()

    # -- loading

    async def ready(self) -> None:
        """Wait until the state is loaded. Raises `Unavailable` when the store cannot be read."""
        while not self._loaded:
            if self._loading is None:
                self._loading = asyncio.create_task(self._load(), name=f"load {self.board}")
                self._loading.add_done_callback(self._load_ended)
            try:
                await asyncio.shield(self._loading)
            except Failed as error:
                raise Unavailable("the board cannot be read: the store does not answer") from error

    def _load_ended(self, task: asyncio.Task[None]) -> None:
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
            self._parts.listener.resync(self.board)
            self._parts.listener.flush()

    async def _read_board(self) -> Loaded | None:
        return await self._parts.store.load(self.board, self._parts.settings.resume_changes)

    def _take(self, loaded: Loaded | None) -> None:
        self.recent = Recent(self._parts.settings.resume_changes, () if loaded is None else loaded.recent)
        if loaded is None:
            self.epoch, self.state = "", BoardState(self.board)
            self._materialiser.restart(0, (), self.state)
            return
        records: list[Record] = [*loaded.tasks, *loaded.comments]
        if loaded.board is not None:
            records.append(loaded.board)
        state = BoardState.restored(self.board, loaded.mark, records)
        for change in loaded.tail:
            state.replay(change)
        self.epoch, self.state = loaded.epoch, state
        self._materialiser.restart(loaded.mark, loaded.tail, state)

    # -- stopping

    async def stop(self) -> None:
        """Finish what is under way and answer it; then write what is not materialised yet."""
        self._stopping = True
        if self._committer is not None:
            await asyncio.wait([self._committer])
        for task in (self._catcher, self._loading):
            if task is not None:
                task.cancel()
        await self._materialiser.stop()
