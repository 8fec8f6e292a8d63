"""Who is on which board: the people of this instance and, as they tell, those of the others.

Each instance owns its people and tells the others of them over the broker, on the board's own channel
(`server.announcer` says what, `server.roster` makes of it what is shown). Presence is "latest wins" and may
be lost on the way: numbers show it, a question mends it. What follows from the rhythm:

* somebody comes, goes, looks elsewhere: the others' members see it two ticks later;
* this instance hears a board (again): it asks everybody who is there;
* an instance stops: it says so at once. It dies, or the broker is away: `silent_s` after the last sign of
  life its people are gone, and when it is heard again they are asked for;
* nobody else listens: one beacon per board with people each `beacon_s`, at most.

No I/O and no clock: messages are handed to `offer`, times are monotonic seconds, given by the caller.
"""

import itertools
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable
from math import inf

from server.announcer import Announcer
from server.model.fields import Kind
from server.model.messages import PresenceUpdate, Present, User
from server.presence import Delta, Presence, Rhythm
from server.roster import Roster
from server.wire import PeerMessage, PeerPresence, PeerWho, encode_peer

log = logging.getLogger(__name__)
Offer = Callable[[str, bytes], object]
"""Takes a board and a message for the other instances. Never waits, never fails."""


class Attendance:
    """One board. `here`: on this instance; `elsewhere`: on the others."""

    def __init__(self, run: str, number: Callable[[], int], rhythm: Rhythm, rng: random.Random) -> None:
        self.here = Presence()
        self.elsewhere = Roster(self.here.__contains__, rhythm, rng)
        self.announcer = Announcer(run, self.here, number, rhythm, rng)
        self.due = -inf  # when a tick has something to do; -inf: at the next one
        self.crowded = False

    def next_due(self) -> float:
        return min(self.here.due, self.elsewhere.due, self.announcer.due)


class People:
    """All boards. `run`: this life of this instance, unlike any other; `offer` None: there are no others."""

    def __init__(
        self,
        run: str = "",
        offer: Offer | None = None,
        rhythm: Rhythm | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.run = run
        self._offer = offer
        self._rhythm = rhythm or Rhythm()
        self._rng = rng or random.Random()
        self._number = itertools.count(1).__next__
        self._boards: dict[str, Attendance] = {}

    # -- the people of this instance

    def join(self, board: str, session: str, user: User, kind: Kind = "user") -> None:
        self._stirred(board).here.join(session, user, kind)

    def leave(self, board: str, session: str) -> None:
        """Ignored when it is not here."""
        if board in self._boards:
            self._stirred(board).here.leave(session)

    def look(self, session: str, update: PresenceUpdate, now: float) -> None:
        """What a session looks at now; ignored when it is not on the board."""
        if update.board in self._boards:
            here = self._stirred(update.board).here
            here.update(session, task=update.task, field=update.field, typing=update.typing, now=now)

    def entries(self, board: str) -> list[Present]:
        """Everybody on `board`, once, in order of arrival, those of this instance first."""
        attendance = self._boards.get(board)
        return [] if attendance is None else attendance.here.entries() + attendance.elsewhere.entries()

    def devices(self, board: str) -> dict[str, str]:
        """The devices with an open socket, and the instance that each has it with."""
        attendance = self._boards.get(board)
        if attendance is None:
            return {}
        here = {p.user.id: self.run for p in attendance.here.entries() if p.kind == "device"}
        told = attendance.elsewhere
        there = {p.user.id: told.owner(p.session) for p in told.entries() if p.kind == "device"}
        return {device: run.rpartition("-")[0] for device, run in (there | here).items()}

    # -- the other instances

    def listening(self, board: str) -> None:
        """What others tell of the board is heard from now on; something may have been missed before."""
        self._stirred(board).elsewhere.missed()

    def heard(self, board: str, message: PeerPresence, now: float) -> None:
        """Another instance tells of its people, or asks. Only for boards that `listening` was said of."""
        if board not in self._boards:
            return
        attendance = self._stirred(board)
        if isinstance(message, PeerWho):
            attendance.elsewhere.asked(message.of, now)
            attendance.announcer.asked(message.of, attendance.elsewhere.others, now)
        elif message.run != self.run:
            attendance.elsewhere.heard(message, now)

    def forget(self, board: str, now: float) -> None:
        """Nothing is heard of the board any more, and nobody is here. Whoever just left is told of."""
        attendance = self._boards.pop(board, None)
        if attendance is not None:
            self._tell(board, attendance.announcer.tell(attendance.here.take_delta(), now))

    def farewell(self) -> None:
        """This instance goes away: the others are told at once, and nothing any more afterwards."""
        for board, attendance in self._boards.items():
            self._tell(board, attendance.announcer.farewell())
        self._offer = None

    # -- time

    def tick(self, now: float) -> list[tuple[str, Delta]]:
        """What members of each board must be told, since the last call; tells the other instances theirs."""
        deltas: list[tuple[str, Delta]] = []
        silent: Counter[str] = Counter()
        for board, attendance in self._boards.items():
            if attendance.due <= now:
                attendance.here.expire(now)
                silent.update(attendance.elsewhere.expire(now))
                mine, theirs = attendance.here.take_delta(), attendance.elsewhere.take_delta()
                self._tell(board, attendance.announcer.tell(mine, now))
                self._tell(board, attendance.elsewhere.questions(now))
                if delta := _both(mine, theirs):
                    deltas.append((board, delta))
                attendance.due = attendance.next_due()
                self._complain(board, attendance)
        for run, boards in silent.items():
            log.warning("nothing was heard of %s: its people are gone from %d boards", run, boards)
        return deltas

    def _tell(self, board: str, messages: Iterable[PeerMessage]) -> None:
        if self._offer is not None:
            for message in messages:
                self._offer(board, encode_peer(message))

    def _stirred(self, board: str) -> Attendance:
        attendance = self._boards.get(board)
        if attendance is None:
            attendance = Attendance(self.run, self._number, self._rhythm, self._rng)
            self._boards[board] = attendance
        attendance.due = -inf
        return attendance

    def _complain(self, board: str, attendance: Attendance) -> None:
        """Once: the reason stays, and so would the line."""
        if attendance.elsewhere.refused and not attendance.crowded:
            attendance.crowded = True
            log.warning("board %s: too many people elsewhere, or doubled ones; not all are shown", board)


def _both(mine: Delta | None, theirs: Delta | None) -> Delta | None:
    if mine is None or theirs is None:
        return mine or theirs
    return Delta(mine.joined + theirs.joined, mine.updated + theirs.updated, mine.left + theirs.left)
