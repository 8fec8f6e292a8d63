"""All live boards of this instance: made on demand, compared with the store, unloaded when left alone."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from server.boards.access import access_to
from server.boards.live import LiveBoard
from server.boards.parts import Parts
from server.boards.submission import Submission, answer
from server.document import BoardState
from server.errors import BadRequest, BoardcastError, Unavailable
from server.model.accounts import Grant
from server.model.records import Actor
from server.stores import Failed
from server.wire import PeerLog, PeerPresence, PeerTelemetry, decode_peer

log = logging.getLogger(__name__)
BROKER_DOWN_CHECK_S = 1.0
"""How often heads are compared while the broker is down: what others on other instances see lags by this."""
SWEEP_S = 1.0
"""How often it is looked which boards were left alone."""
LOOK_S = 0.25
"""How often it is looked whether the broker went down, or came back: either way messages may be lost."""


class PresenceKeeper(Protocol):
    """Whoever keeps who is on a board at the other instances. Nothing here waits or raises."""

    def listening(self, board: str) -> None:
        """The channel of the board is heard from now on, or again: something may have been missed before."""

    def heard(self, board: str, message: PeerPresence, now: float) -> None:
        """What another instance says of its people. `now`: monotonic seconds."""

    def forget(self, board: str, now: float) -> None:
        """The board is unloaded and its channel not heard any more."""

    def farewell(self) -> None:
        """This instance stops, and the broker with it soon."""


class Boards:
    """Board id → `LiveBoard`. Runs on one event loop; everything but `start` and `stop` returns at once.

    `presence`: None where nobody cares who is on the boards.
    """

    def __init__(self, parts: Parts, presence: PresenceKeeper | None = None) -> None:
        self._parts = parts
        self._presence = presence
        self._live: dict[str, LiveBoard] = {}
        self._idle_since: dict[str, float] = {}
        self._doubted: set[str] = set()
        self._unsure = asyncio.Event()  # one of them is not to wait for the next look
        self._blind = False
        self._dropped = 0
        self._flushing = False
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False
        self.on_telemetry: Callable[[str, PeerTelemetry], object] | None = None
        """Told of the newest values that another instance has of a board that is live here."""
        self._asides: dict[str, Callable[[], object]] = {}

    def listen(self, channel: str, heard: Callable[[], object]) -> None:
        """Call `heard` when another instance says something on a channel that is no board's."""
        self._asides[channel] = heard
        self._parts.broker.subscribe(channel)

    async def start(self) -> None:
        """Listen to the other instances and begin to compare heads."""
        await self._parts.broker.start(self._receive, self._confirmed)
        self._keeper = asyncio.create_task(self._keep(), name="boards keeper")

    async def finish(self) -> None:
        """Take nothing more; what is under way on every board is finished and answered."""
        if not self._stopping and self._presence is not None:
            self._presence.farewell()  # early: what is under way leaves the broker time to carry it
        self._stopping = True
        await asyncio.gather(*(live.finish() for live in self._live.values()))

    async def stop(self) -> None:
        """As `finish`; then let go of every board and of the broker."""
        await self.finish()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await asyncio.gather(*(live.stop() for live in self._live.values()))
        await self._parts.broker.close()

    def __len__(self) -> int:
        return len(self._live)

    def holds(self, board: str) -> bool:
        """Whether it is live, or loading, already."""
        return board in self._live

    def get(self, board: str) -> LiveBoard:
        """The board, live or loading; `ready()` waits for it. It need not exist in the store.

        Raises `Unavailable` when it is not live and the server is going away.
        """
        live = self._live.get(board)
        if live is None:
            if self._stopping:
                raise Unavailable("the server is going away")
            live = self._live[board] = LiveBoard(board, self._parts)
            self._parts.broker.subscribe(board)
        return live

    async def admit(self, board: str, actor: Actor, grant: Grant) -> None:
        """Raises what somebody is told who may not see the board, be it there or not, without loading it:
        `NotFound`, `Unauthenticated`; and `Unavailable`."""
        policy, live = self._parts.policy, self._live.get(board)
        if policy.open_mode or (live is not None and policy.role(live.state, actor, grant) is not None):
            return
        policy.needs(await access_to(self._parts.store, board), actor, "viewer", grant, "board")

    def state_of(self, board: str) -> BoardState | None:
        """What is known here of a board; None when it is not live."""
        live = self._live.get(board)
        return None if live is None else live.state

    def hold(self, board: str) -> LiveBoard:
        """Somebody is on the board: it stays live until as many `release` calls."""
        live = self.get(board)
        live.holds += 1
        if live.holds == 1 and self._presence is not None:
            self._presence.listening(board)
        return live

    def release(self, board: str) -> None:
        live = self._live.get(board)
        if live is not None:
            live.holds -= 1

    def submit(self, board: str, submission: Submission) -> None:
        self.get(board).submit(submission)

    def refuse(self, board: str, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error found on the way here; the order is kept, nothing is loaded."""
        queue, stopped = submission.queue, None
        if queue is not None:
            stopped = queue.admit(board, submission.mutation)
            if stopped is None:
                queue.stop(board, submission.mutation, error)
        answer(submission, stopped or error, self._parts.metrics)

    # -- the other instances

    def _receive(self, channel: str, message: bytes) -> None:
        live = self._live.get(channel)
        if live is None:
            if channel in self._asides:
                self._asides[channel]()
            return
        try:
            decoded = decode_peer(message)
        except BadRequest:
            log.warning("a message on channel %s cannot be understood; the log will be asked", channel)
            return
        if isinstance(decoded, PeerLog):
            live.peer(decoded)
            if not self._flushing:  # many messages come in one turn
                self._flushing = True
                asyncio.get_running_loop().call_soon(self._flush)
        elif isinstance(decoded, PeerTelemetry):
            if self.on_telemetry is not None:
                self.on_telemetry(channel, decoded)
        elif decoded is not None and self._presence is not None:
            self._presence.heard(channel, decoded, asyncio.get_running_loop().time())

    def _flush(self) -> None:
        self._flushing = False
        self._parts.listener.flush()

    def _confirmed(self, channel: str) -> None:
        """The subscription is (again) in force: something may have been missed before."""
        if channel in self._live:
            self._doubted.add(channel)
            self._unsure.set()
            if self._presence is not None and self._live[channel].holds:
                self._presence.listening(channel)

    # -- keeping

    async def _keep(self) -> None:
        """Look after the boards until cancelled; whatever fails is tried again."""
        loop = asyncio.get_running_loop()
        checked = swept = loop.time()
        was_up = self._parts.broker.up
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._unsure.wait()
            up, now = self._parts.broker.up, loop.time()
            every = self._parts.settings.heads_check_s if up else BROKER_DOWN_CHECK_S
            try:
                self._announce_dropped()
                if now >= checked + every or up != was_up:
                    checked, was_up = now, up
                    self._doubted.update(self._live)
                await self._compare_heads()
                if now >= swept + SWEEP_S:
                    swept = now
                    self._unload_idle(now)
            except Exception:
                log.exception("keeping the boards failed; it is tried again")

    def _announce_dropped(self) -> None:
        """Messages of ours were lost. Others notice when the next one comes, which may be never: tell them
        how far we are, as soon as that may arrive.
        """
        dropped = self._parts.broker.dropped
        if dropped != self._dropped and self._parts.broker.up:
            for live in self._live.values():
                live.announce()
            self._dropped = dropped

    async def _compare_heads(self) -> None:
        """Ask the log where those boards stand of which something may have been missed: all in one query."""
        self._unsure.clear()
        doubted, self._doubted = self._doubted, set()
        lives = {board: live for board in doubted if (live := self._live.get(board)) is not None}
        self._doubted = {board for board, live in lives.items() if live.loading}  # read too early, perhaps
        had = {board: (live.epoch, live.head) for board, live in lives.items() if live.exists}
        if not had:
            return
        try:
            heads = await self._parts.store.heads(list(had))
        except Failed as error:
            self._doubted.update(had)
            if not self._blind:
                log.warning("heads cannot be compared: %s", error)
            self._blind = True
            return
        self._blind = False
        for board, (epoch, seq) in had.items():
            live = self._live.get(board)
            if live is not None:
                live.compare(epoch, seq, heads.get(board))

    def _unload_idle(self, now: float) -> None:
        for board, live in list(self._live.items()):
            if not live.idle:
                self._idle_since.pop(board, None)
                continue
            since = self._idle_since.setdefault(board, now)
            if not live.exists or now - since >= self._parts.settings.idle_unload_s:
                del self._live[board], self._idle_since[board]
                self._parts.broker.unsubscribe(board)
                if self._presence is not None:
                    self._presence.forget(board, now)
