"""Takes turns with other instances that write the same board as fast as they can; `line` says whose it is."""

import asyncio
import random
from contextlib import suppress

from server.boards.line import AGAIN_S, Line
from server.boards.parts import Parts
from server.wire import PeerTurn, PeerWant, encode_peer

LINGER_S = 0.02
"""How long at most a turn is kept for what clients send right after their acks; as long as an append took."""
ROOM = 4
LONGEST_ROOM_S = 0.05
"""Who was idle and left the board at once keeps away for so many appends' length, or until a change has come:
otherwise the next mutation here would win again, since the other one has to read first."""
BLIND_TURN_S = 0.1
PROBE_S = 0.5
PROBE_SHARE = 4
BLIND_PAUSE = 6
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.03, 0.6
MOST_PATIENCE = 8
LATELY_S = 10.0
"""Without the broker nobody hears whose turn it is: who writes on and on makes a pause after each turn,
of so many appends' length. Another one that is refused, reads what it missed and appends fits into it. Was
nothing written in it, the next one is twice as long, as the others may be slower, up to so many times.

Who always wins does not know of the others: a pause now and then, first after `PROBE_S` and for no more than
a fifth of the time, shows whether there are any."""


class Turns:
    """One board's. A batch asks `mine` before it is judged, and tells whether its append was `refused`."""

    def __init__(self, board: str, parts: Parts) -> None:
        self._board = board
        self._broker = parts.broker
        self._rng: random.Random = parts.rng
        self._line = Line(parts.run)
        self._given = asyncio.Event()
        self._append_s = 0.0
        self._room_until = float("-inf")
        self._paused = False  # before the append that is under way or comes next
        self._patience = 1
        self._refused = float("-inf")

    async def mine(self, attempt: int) -> None:
        """Leave the board to others when our turn is over, and wait for it while it is theirs.

        `attempt`: how many races were lost already. Who lost one tries once more at once.
        """
        loop, line = asyncio.get_running_loop(), self._line
        if not self._broker.up or line.deaf:
            await self._blindly(attempt)
            return
        if attempt == 0:
            await self._leave_room()
        if attempt == 0 and line.over(loop.time()):
            self._give(back=True)
        while attempt != 1 and line.waits(loop.time()):
            self._given.clear()
            try:
                async with asyncio.timeout_at(min(line.until(), loop.time() + AGAIN_S)):
                    await self._given.wait()
            except TimeoutError:
                self._want()  # it may have been lost

    async def _leave_room(self) -> None:
        while (now := asyncio.get_running_loop().time()) < self._room_until:
            self._given.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._room_until - now):
                    await self._given.wait()

    async def _blindly(self, attempt: int) -> None:
        """Whoever lost tries again at once, and hits a pause of the others."""
        loop, line = asyncio.get_running_loop(), self._line
        if attempt > 0:
            await asyncio.sleep(self._append_s * self._rng.random())
            return
        pause_s = self._pause_s
        rested_s = line.rested(loop.time())
        if pause_s > rested_s:
            turn_s = BLIND_TURN_S if self._contested(loop.time()) else max(PROBE_S, PROBE_SHARE * pause_s)
            if line.had(loop.time()) < turn_s:
                return
            self._paused = True
            await asyncio.sleep(pause_s - rested_s)
        line.begin(loop.time())

    def _contested(self, now: float) -> bool:
        """Others write the board, or did lately."""
        return now - self._refused < LATELY_S

    @property
    def _pause_s(self) -> float:
        appends = BLIND_PAUSE * self._patience * self._append_s
        return min(max(appends, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)

    def stored(self, since: float) -> None:
        """An append that was sent at `since` has succeeded."""
        now = asyncio.get_running_loop().time()
        self._append_s = now - since
        if self._paused and not self._contested(now):  # in vain
            self._patience = 2 * self._patience if self._patience < MOST_PATIENCE else 1
        self._paused = False
        self._line.stored(now)

    def refused(self, since: float) -> None:
        """An append that was sent at `since` came too late."""
        now = asyncio.get_running_loop().time()
        self._paused, self._refused = False, now
        if self._line.refused(since, now):
            self._want()

    def _want(self) -> None:
        self._broker.offer(self._board, encode_peer(self._line.want()))

    async def more(self, came: asyncio.Event) -> None:
        """All is written. While others wait: see whether more comes before the board is left to them."""
        if self._line.ours and self._line.wanted:
            came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._append_s, LINGER_S)):
                    await came.wait()

    def done(self) -> None:
        """There is nothing to write (any more)."""
        if self._line.ours and self._line.wanted:
            self._give(back=False)

    def _give(self, *, back: bool) -> None:
        turn = self._line.give(asyncio.get_running_loop().time(), back=back)
        self._broker.offer(self._board, encode_peer(turn))

    # -- what the others say

    def hear(self, message: PeerWant | PeerTurn, *, busy: bool) -> None:
        """`busy`: there is something to write here."""
        now = asyncio.get_running_loop().time()
        if isinstance(message, PeerWant):
            if busy:
                self._line.wants(message.by)
            elif self._line.holds:
                self._line.wants(message.by)
                self._room_until = now + min(ROOM * self._append_s, LONGEST_ROOM_S)
                self.done()
        elif self._line.given(message, now):
            if busy:
                self._given.set()
            else:
                self.done()

    def others_wrote(self) -> None:
        self._line.wrote(asyncio.get_running_loop().time())
        if self._room_until > float("-inf"):
            self._room_until = float("-inf")
            self._given.set()
