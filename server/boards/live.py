"""A board that somebody is on: inbox, judge, append, answer. The way of a change, from one file.

What is durable is taken in through `advance` (in `replica`), the only door through which the state changes;
this file is how changes get there.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence

from server.boards.gathering import Gathering
from server.boards.judge import Rules, Verdict, judge, seal
from server.boards.parts import Parts
from server.boards.replica import Replica
from server.boards.submission import Accepted, Outcome, Submission, answer
from server.boards.turns import Turns
from server.errors import BoardcastError, Internal, RateLimited, Unavailable
from server.model.records import Change
from server.stores import Failed, Refused
from server.wire import PeerChanges, PeerGrown, PeerLog, PeerMark, PeerTurn, PeerWant, encode_peer

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 50
"""Refused appends in a row before a batch gives up; with fair turns two or three are usual."""


class LiveBoard(Replica):
    """One board in memory, and the only way to add to it."""

    def __init__(self, board: str, parts: Parts) -> None:
        super().__init__(board, parts)
        self.inbox: deque[Submission] = deque()
        self.holds = 0
        self._committer: asyncio.Task[None] | None = None
        self._turns = Turns(board, parts)
        self._gathering = Gathering()
        self._came = asyncio.Event()  # something is in the inbox

    @property
    def idle(self) -> bool:
        """Nobody is on it and nothing is under way: it may be unloaded."""
        busy = self.inbox or self._committer or self._catcher or self._loading
        return self.holds == 0 and not busy and self._materialiser.clean

    # -- mutations

    def submit(self, submission: Submission) -> None:
        """Take a mutation in. Never raises, never waits; the submission is settled once, now or later."""
        queue = submission.queue
        stopped = None if queue is None else queue.admit(self.board, submission.mutation)
        if stopped is not None:
            answer(submission, stopped, self._parts.metrics)
        elif self._stopping:
            self._fail(submission, Unavailable("the server is going away"))
        elif self._doubtful:
            self._fail(submission, Unavailable("the store does not answer"))
        elif len(self.inbox) >= self._parts.settings.inbox_per_board:
            self._fail(submission, RateLimited("mutations waiting on this board", 500))
        else:
            self.inbox.append(submission)
            self._came.set()
            self._gathering.came(len(self.inbox))
            self._work()

    def _work(self) -> None:
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all(), name=f"commit {self.board}")
            self._committer.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._committer = None
        if task.cancelled():  # the loop is going down
            return
        if self.inbox:
            self._work()
        else:
            self._turns.done()

    async def _commit_all(self) -> None:
        try:
            await self.ready()
            while self.inbox:
                await self._gathering.crowd(len(self.inbox))
                size = min(len(self.inbox), self._parts.settings.batch_changes)
                await self._commit([self.inbox.popleft() for _ in range(size)])
                self._gathering.answered(size)
                if not self.inbox:
                    await self._turns.more(self._came)
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
            if isinstance(outcome, Accepted):
                answer(submission, outcome, self._parts.metrics)
            elif outcome is not None:
                self._settle(submission, outcome)

    async def _decide(self, batch: list[Submission]) -> list[Outcome | None]:
        """What becomes of the batch; raises `Unavailable` when that cannot be known."""
        known = self.recent.names
        if max([s.base or 0 for s in batch], default=0) > self.head:
            await self._make_sure()
        for attempt in range(MOST_ATTEMPTS):
            await self._turns.mine(attempt)
            verdict = judge(self.state, batch, known, await self._rules())
            head = self.head
            if verdict.refuses and not verdict.changes:
                found = await self._look_again(verdict.refused(batch))
                if found or self.head != head:
                    known = known | found
                    continue
                if not self._must_seal(verdict):
                    return verdict.outcomes
                if head == 0:
                    raise Unavailable("it is not known yet whether the board was created")
                verdict.changes.append(seal(verdict.draft, self._parts.clock()))
            if not verdict.changes or await self._append(verdict, batch):
                return verdict.outcomes
            known = self.recent.names
            if self.head == head or attempt > 2 or self.recent.since(head) is None:
                known = known | await self._names([s.name for s in batch if s.name is not None])
        raise Unavailable("the board is written to from too many places at once")

    async def _append(self, verdict: Verdict, batch: list[Submission]) -> bool:
        """Whether the verdict holds: its changes are stored, and with them the head that it was reached on.

        What it refused is looked up meanwhile: such a name may be an old one's, which only the log knows.
        """
        refused = verdict.refused(batch)
        if not refused:
            return await self._store(verdict)
        looking = asyncio.create_task(self._look_up(refused), name=f"look up {self.board}")
        try:
            stored = await self._store(verdict)
            if stored:
                verdict.amend(batch, await looking)
            return stored
        finally:
            looking.cancel()

    async def _look_up(self, names: list[str]) -> dict[str, int] | Unavailable:
        try:
            return await self._names(names)
        except Unavailable as error:
            return error

    async def _store(self, verdict: Verdict) -> bool:
        """The commit point. True: durable and taken in. False: somebody else's changes came first."""
        changes = verdict.changes
        first = changes[0].seq
        metrics, begun = self._parts.metrics, time.monotonic()
        began = asyncio.get_running_loop().time()
        metrics.batches_appended_changes.observe(len(changes))
        try:
            await self._parts.store.append(self.board, first, changes)
        except Refused:
            metrics.batches_appended("refused").observe(time.monotonic() - begun)
            self._turns.refused(began)
            if self.head < first:  # else what came first is here already, by the broker
                await self._read_missed()
            return False
        except Failed as error:
            metrics.batches_appended("failed").observe(time.monotonic() - begun)
            self._contested = first
            self._doubt(error)
            raise Unavailable("the store did not confirm the change; send it again") from error
        metrics.batches_appended("stored").observe(time.monotonic() - begun)
        self._turns.stored(began)
        self.advance(changes, verdict.draft)
        self._publish(changes)
        return True

    def _publish(self, changes: list[Change]) -> None:
        """Tell the other instances; what is lost on the way, or too large, they read from the log."""
        if not self._parts.broker.reaches(self.board):
            return
        message = encode_peer(PeerChanges(epoch=self.epoch, changes=changes))
        if len(message) > self._parts.peer_bytes:
            message = encode_peer(PeerGrown(epoch=self.epoch, seq=changes[-1].seq))
        self._parts.broker.offer(self.board, message)

    def announce(self) -> None:
        """Tell the other instances how far the log goes: somebody may have missed something."""
        if self._loaded and self.exists:
            self._parts.broker.offer(self.board, encode_peer(PeerGrown(epoch=self.epoch, seq=self.head)))

    async def _rules(self) -> Rules:
        parts = self._parts
        if self.exists:
            return Rules(parts.policy, parts.limits, parts.clock(), "")
        try:
            boards = len(await parts.store.board_ids())
        except Failed as error:
            raise Unavailable("the store does not answer") from error
        return Rules(parts.policy, parts.limits, parts.clock(), parts.mint(), boards)

    async def _look_again(self, names: list[str]) -> dict[str, int]:
        """Before refusals are final: those of `names` that the log knows, and its head, where it has grown.

        With changes to append the append itself is the head check.
        """
        if not self._parts.store.shared:
            return await self._names(names)
        found, _ = await asyncio.gather(self._names(names), self._make_sure())
        return found

    def _must_seal(self, verdict: Verdict) -> bool:
        """An append of unknown outcome may land and turn a refusal into a lie: its number must be taken."""
        return self._contested > self.head and verdict.refuses

    async def _names(self, names: list[str]) -> dict[str, int]:
        if not names:
            return {}
        try:
            return await self._parts.store.names(self.board, names)
        except Failed as error:
            self._doubt(error)
            raise Unavailable("the store does not answer") from error

    # -- answers

    def _settle(self, submission: Submission, outcome: Outcome) -> None:
        if isinstance(outcome, BoardcastError) and outcome.retry:
            self._fail_judged(submission, outcome)
        else:
            answer(submission, outcome, self._parts.metrics)

    def _fail(self, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error what just arrived; what of the same client waits came before it."""
        if submission.queue is not None:
            submission.queue.stop(self.board, submission.mutation, error)
        answer(submission, error, self._parts.metrics)

    def _fail_judged(self, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error; what the same client sent after it gets the same error."""
        queue = submission.queue
        if queue is not None:
            queue.stop(self.board, submission.mutation, error, judged=True)
        answer(submission, error, self._parts.metrics)
        if queue is not None and self.inbox:
            followers = [s for s in self.inbox if s.queue is queue]
            self.inbox = deque(s for s in self.inbox if s.queue is not queue)
            for follower in followers:
                answer(follower, error, self._parts.metrics)

    def _fail_all(self, batch: Sequence[Submission], error: BoardcastError) -> None:
        names = self.recent.names
        for submission in batch:
            seq = names.get(submission.name or "")
            self._settle(submission, error if seq is None else Accepted(seq, duplicate=True))

    def _fail_inbox(self, error: BoardcastError) -> None:
        waiting, self.inbox = list(self.inbox), deque()
        self._fail_all(waiting, error)

    # -- other instances

    def peer(self, message: PeerLog) -> None:
        """What another instance says through the broker: speed, not truth. The caller flushes."""
        match message:
            case PeerWant() | PeerTurn():
                self._turns.hear(message, busy=self._committer is not None)
            case PeerChanges() if message.epoch == self.epoch and self._loaded:
                self._turns.others_wrote()
                self.advance(message.changes)
            case PeerMark():
                if message.epoch == self.epoch and self._loaded:
                    self._materialiser.reached(message.mark)
            case PeerGrown() if message.epoch == self.epoch and message.seq <= self.head:
                pass
            case _:
                self.check()

    # -- stopping

    async def finish(self) -> None:
        """Take nothing more; what is under way is finished and answered."""
        self._stopping = True
        if self._committer is not None:
            await asyncio.wait([self._committer])

    async def stop(self) -> None:
        """As `finish`; then write what is not materialised yet."""
        await self.finish()
        for task in (self._catcher, self._loading):
            if task is not None:
                task.cancel()
        await self._materialiser.stop()
