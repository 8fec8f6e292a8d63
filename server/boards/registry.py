"""All live boards of this instance: made on demand, compared with the store, unloaded when left alone."""

import asyncio
import logging
from collections import OrderedDict

from server.boards.gate import Gate, Stops
from server.boards.live import LiveBoard
from server.boards.parts import Parts
from server.boards.submission import Submission, answer
from server.errors import BadRequest, BoardcastError, Unavailable
from server.stores import Failed
from server.wire import decode_peer

log = logging.getLogger(__name__)
BROKER_DOWN_CHECK_S = 1.0
"""How often heads are compared while the broker is down: what others on other instances see lags by this."""


class Boards:
    """Board id → `LiveBoard`. Runs on one event loop; everything but `start` and `stop` returns at once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._live: dict[str, LiveBoard] = {}
        self._idle_since: dict[str, float] = {}
        self._stops: Stops = OrderedDict()
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Listen to the other instances and begin to compare heads."""
        await self._parts.broker.start(self._receive, self._confirmed)
        self._keeper = asyncio.create_task(self._keep(), name="boards keeper")

    async def stop(self) -> None:
        """Finish and answer what is under way on every board; nothing is accepted any more."""
        self._stopping = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await asyncio.gather(*(live.stop() for live in self._live.values()))
        await self._parts.broker.close()

    def __len__(self) -> int:
        return len(self._live)

    def get(self, board: str) -> LiveBoard:
        """The board, live or loading; `ready()` waits for it. It need not exist in the store.

        Raises `Unavailable` when it is not live and the server is going away.
        """
        live = self._live.get(board)
        if live is None:
            if self._stopping:
                raise Unavailable("the server is going away")
            live = self._live[board] = LiveBoard(board, self._parts, Gate(board, self._stops))
            self._parts.broker.subscribe(board)
        return live

    def hold(self, board: str) -> LiveBoard:
        """Somebody is on the board: it stays live until as many `release` calls."""
        live = self.get(board)
        live.holds += 1
        return live

    def release(self, board: str) -> None:
        live = self._live.get(board)
        if live is not None:
            live.holds -= 1

    def submit(self, board: str, submission: Submission) -> None:
        self.get(board).submit(submission)

    def refuse(self, board: str, submission: Submission, error: BoardcastError) -> None:
        """Answer with a retryable error found on the way here; the order is kept, nothing is loaded."""
        gate, now_s = Gate(board, self._stops), asyncio.get_running_loop().time()
        stopped = gate.admit(submission, now_s)
        if stopped is None:
            gate.stop(submission, error, now_s)
        answer(submission, stopped or error, self._parts.metrics)

    # -- the other instances

    def _receive(self, channel: str, message: bytes) -> None:
        live = self._live.get(channel)
        if live is None:
            return
        try:
            decoded = decode_peer(message)
        except BadRequest:
            log.warning("a message on channel %s cannot be understood; the log will be asked", channel)
            return
        live.peer(decoded)

    def _confirmed(self, channel: str) -> None:
        """The subscription is (again) in force: something may have been missed before."""
        live = self._live.get(channel)
        if live is not None:
            live.check()

    # -- keeping

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        next_check = loop.time()
        while True:
            settings = self._parts.settings
            every = settings.heads_check_s if self._parts.broker.up else BROKER_DOWN_CHECK_S
            next_check = min(next_check, loop.time() + every)
            await asyncio.sleep(min(BROKER_DOWN_CHECK_S, settings.heads_check_s))
            try:
                if loop.time() >= next_check:
                    await self._compare_heads()
                    next_check = loop.time() + every
                self._unload_idle(loop.time())
            except Exception:
                log.exception("keeping the boards failed; it is tried again")

    async def _compare_heads(self) -> None:
        had = {board: (live.epoch, live.head) for board, live in self._live.items() if live.exists}
        if not had:
            return
        try:
            heads = await self._parts.store.heads(list(had))
        except Failed as error:
            log.warning("heads cannot be compared: %s", error)
            return
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
