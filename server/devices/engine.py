"""One board: what its rules make of what devices send, and of silence; its commands; what its tasks wait for.

What is to be done is decided by the pure `watch`; this asks it of the board. Several instances may do so at
once: the board's log lets one through, and the others agree with what it says. An engine keeps its board in
memory.
"""

import logging
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import UNSET

from server.boards.judge import SYSTEM
from server.boards.live import LiveBoard
from server.boards.submission import Accepted, Outcome, Submission
from server.devices.asking import Asked, Asking
from server.devices.courier import Courier
from server.devices.desk import Line
from server.devices.kept_states import KeptStates
from server.devices.memory import Ears, Memory
from server.devices.rules import Point as Reading
from server.devices.waits import Shown
from server.devices.watch import Key, Turned, Watch
from server.document import BoardState
from server.errors import Forbidden
from server.model import device_commands as d
from server.model.device_messages import CommandResult
from server.model.devices import RULE_PREFIX, Rule
from server.model.records import Actor, Change
from server.model.telemetry import Point

log = logging.getLogger(__name__)
LINGER_MS = 120_000
"""How long a board is kept in memory after the last points."""
MOST_EARLY = 10_000
"""Batches that came before the board was loaded; the oldest are let go: they are stored, and not judged."""


class Engine:
    """`live` is held by whoever made this. `now`: milliseconds since 1970, which run steadily. `turned_away`:
    called for each device that may not come in any more.
    """

    def __init__(
        self,
        live: LiveBoard,
        submit: Callable[[str, Submission], None],
        ears: Ears,
        kept: KeptStates,
        now: Callable[[], int],
        turned_away: Callable[[str], None],
    ) -> None:
        self.board = live.board
        self.live = live
        self._now = now
        self._turned_away = turned_away
        self._asking = Asking(self.board, partial(submit, self.board), now)
        self._watch = Watch()
        self._memory = Memory(self.board, self._watch, ears, kept)
        self._courier = Courier(lambda: live.state, self._asking)
        self._asked: defaultdict[Key, int] = defaultdict(int)
        self._crossed: dict[Key, set[int]] = {}  # what others did to a card while we asked for its alarm
        self._shown: set[str] = set()
        self._loaded = False
        self._judging = False  # nothing is early any more
        self._early: deque[tuple[str, Sequence[Point], int]] = deque(maxlen=MOST_EARLY)
        self._fed_at = now()
        self._unheard: list[Key] = []

    # -- life

    async def load(self) -> None:
        """Take over what the log says. Raises `Failed` or `Unavailable`; then it may be called again."""
        await self.live.ready()
        await self._memory.begin(self.live.state, self._now())
        state = self.live.state
        self._loaded = True
        self._unheard = self._watch.follow(state, self._now(), resumed=True)
        self._watch.follow_tasks(state, list(state.tasks), self._now())
        self._courier.follow(list(state.commands))
        await self._memory.lend(state, self._now())
        for device in [device.id for device in state.sorted_devices()] if self._early else []:
            await self.remember(device)
        self._judge_early()
        await self.listen()

    def _judge_early(self) -> None:
        """What came meanwhile, in its order; all of a device is of the moment at which its last came."""
        last = {device: now for device, _, now in self._early}
        while self._early:
            device, points, _ = self._early.popleft()
            self._feed(device, points, last[device])
        self._judging = True

    async def remember(self, device: str) -> None:
        """Take back what is known of a device that comes in. Raises `Failed`."""
        await self._memory.device(self.live.state, device, self._now())

    async def listen(self) -> None:
        """Learn when those were heard of whose silence is watched from now on. Raises `Failed`."""
        fresh = self._unheard
        if not fresh:
            return
        heard = await self._memory.heard(self.live.state, fresh)
        self._unheard = [key for key in self._unheard if key not in set(fresh)]
        for key, one in heard.items():
            self._watch.hear(key, one.at, self.live.state, first=True)

    @property
    def needed(self) -> bool:
        """Something is to be done here sooner or later, though nobody may be on the board."""
        archived = self.live.state.info is None or self.live.state.info.value.archived
        if self._loaded and archived:
            return False
        return (
            not self._loaded
            or self._watch.silent
            or self._watch.due is not None
            or self._courier.busy
            or self._asking.waiting > 0
            or self._now() - self._fed_at < LINGER_MS
        )

    async def keep(self) -> None:
        """Write down what was learnt. Raises `Failed`."""
        await self._memory.keep(self._now())

    # -- what the log says

    def changed(self, changes: Sequence[Change]) -> None:
        """The state has just taken these in."""
        if not self._loaded:
            return
        state = self.live.state
        for change in changes:
            patch = change.set
            if patch is UNSET:
                continue
            if not (patch.devices is patch.rules is patch.archived is UNSET):
                self._unheard += self._watch.follow(state, self._now())
                self._turn_away([] if patch.devices is UNSET else list(patch.devices))
            if change.op == "board.archive":
                self._turn_away(list(state.devices))
            if patch.commands is not UNSET:
                self._courier.follow(patch.commands)
            touched = [] if change.task is UNSET else [change.task]
            touched += [] if change.also is UNSET else list(change.also)
            self._watch.follow_tasks(state, touched, self._now())
            for task in touched:
                self._agree(task, change.seq)

    def _agree(self, task: str, seq: int) -> None:
        kept = self.live.state.tasks.get(task)
        if kept is None or kept.value.alarm is None or kept.value.device is None:
            return
        key = kept.value.alarm, kept.value.device
        if self._asked.get(key):
            self._crossed.setdefault(key, set()).add(seq)
        else:
            self._watch.agree(key, self.live.state)

    def _turn_away(self, devices: Sequence[str]) -> None:
        for name in devices:
            device = self.live.state.device(name)
            archived = self.live.state.info is None or self.live.state.info.value.archived
            if device is None or device.disabled or archived:
                why = "the device is deleted" if device is None else "the device is disabled"
                self._courier.close(name, TurnedAway("its board is archived" if archived else why))
                self._turned_away(name)

    def reloaded(self) -> None:
        """The state is that of another log: an older copy was put back."""
        if self._loaded:
            state = self.live.state
            self._unheard += self._watch.follow(state, self._now())
            for key in list(self._watch.states):
                self._watch.agree(key, state)
            self._watch.follow_tasks(state, list(state.tasks), self._now())
            self._courier.follow(list(state.commands))

    # -- what devices do

    def arrived(self, device: str, line: Line) -> None:
        self._courier.arrived(device, line)

    def left(self, device: str, line: Line) -> None:
        self._courier.left(device, line)

    def settled(self, device: str, result: CommandResult) -> None:
        self._courier.settled(device, result)

    def stored(self, device: str, points: Sequence[Point], now: int) -> None:
        """These points are durable."""
        self._fed_at = self._now()
        if not self._judging:  # in the order in which they came, or an old one would count as the newest
            self._early.append((device, points, now))
        elif self._watch.idle:
            self._watch.newest.note(device, points)
        else:
            self._feed(device, points, now)

    def _feed(self, device: str, points: Sequence[Point], now: int) -> None:
        by_metric: dict[str, list[Reading]] = {}
        for point in points:
            by_metric.setdefault(point.metric, []).append((point.t, point.v))
        for wanted in self._watch.feed(self.live.state, device, by_metric, now):
            self._want(wanted)

    # -- time

    @property
    def due(self) -> bool:
        now = self._now()
        times = (self._watch.due, self._courier.due)
        waits = self._unheard or self._asking.waiting or self._crossed
        return bool(waits) or any(t is not None and t <= now for t in times)

    async def tick(self) -> None:
        """Do what is due. Raises `Failed` when the store does not answer."""
        now = self._now()
        self._asking.tick(now)
        self._courier.tick(now)
        await self.listen()
        await self._look_again(now)
        for turned in self._watch.tick(now):
            self._want(turned)

    async def _look_again(self, now: int) -> None:
        """Where others may have newer points than those that were judged here. Raises `Failed`."""
        crossed = [key for key in self._crossed if not self._asked.get(key)]
        doubtful = [*self._watch.late(now), *crossed]
        if not doubtful or not self._loaded:
            return
        heard = await self._memory.heard(self.live.state, doubtful)
        for key in crossed:
            self._crossed.pop(key, None)
        for key in doubtful:
            for turned in self._watch.look(key, heard.get(key), self.live.state, now):
                self._want(turned)

    # -- asking the board

    def _want(self, wanted: Turned | Shown) -> None:
        if isinstance(wanted, Shown):
            self._want_shown(wanted)
            return
        rule = self.live.state.rules.get(wanted.rule)
        if rule is None:
            return
        self._asked[wanted.key] += 1
        self._asking.ask(
            Asked(
                actor=_author(self.live.state, rule, wanted.device),
                command=_alarm(wanted),
                still=lambda: self._is_still(wanted),
                answered=partial(self._answered, wanted.key),
            )
        )

    def _is_still(self, turned: Turned) -> bool:
        watched = self._watch.states.get(turned.key)
        return watched is not None and watched.alarm.active == turned.on

    def _answered(self, key: Key, outcome: Outcome | None) -> None:
        if isinstance(outcome, Accepted) and self._crossed.get(key) == {outcome.seq}:
            del self._crossed[key]  # that was we
        self._asked[key] -= 1
        if not self._asked[key]:
            del self._asked[key]
            if not isinstance(outcome, Accepted):
                self._watch.agree(key, self.live.state)

    def _want_shown(self, wanted: Shown) -> None:
        if wanted.task in self._shown:
            return
        self._shown.add(wanted.task)
        command = d.TaskVerify(task=wanted.task, done_when=wanted.done_when, verified=wanted.verified)
        self._asking.ask(
            Asked(
                actor=SYSTEM,
                command=command,
                still=lambda: False,  # the next points say it again, or something else
                answered=lambda outcome: self._shown.discard(wanted.task),
            )
        )


class TurnedAway(Forbidden):
    """The device is disabled or deleted, or its board archived: what it sends is not taken."""

    def __init__(self, why: str) -> None:
        super().__init__("telemetry", "device")
        self.message = why


def _author(state: BoardState, rule: Rule, device: str) -> Actor:
    """The rule, named as its card is: with the device's name for `{device}`."""
    there = state.device(device)
    title = rule.then.title.replace("{device}", device if there is None else there.name)
    return Actor(RULE_PREFIX + rule.id, title[:100], "rule")


def _alarm(turned: Turned) -> d.AlarmOpen | d.AlarmClear:
    turn = turned.transition
    if turn.turn == "cleared":
        return d.AlarmClear(rule=turned.rule, device=turned.device, at=turn.at, reason=turn.reason)
    kind = d.AlarmReturn if turn.turn == "returned" else d.AlarmOpen
    return kind(
        rule=turned.rule,
        device=turned.device,
        task="a_" + secrets.token_hex(8),
        at=turn.at,
        reason=turn.reason,
        value=turn.value,
        over=turned.over,
    )
