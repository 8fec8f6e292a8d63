"""Pure: the rules of one board on its devices, and the tasks that wait for what they measure.

The board's log says which rules and devices there are and which alarms are on; `follow` takes that over.
Points and the time go in (`feed`, `tick`), what is to be asked of the board comes out. A rule that needs
points has a state from the first point on, here alone; one that waits for silence has one for each device
from the start, on each instance.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from server.devices import rules
from server.devices.holding import Holding, shown
from server.devices.rules import Point, RuleState, Transition
from server.document import BoardState
from server.model.devices import DoneWhen, Rule, Silent

Key = tuple[str, str]
"""A rule and a device."""


class Turned(Struct, frozen=True):
    """An alarm is to be opened, opened again or cleared."""

    rule: str
    device: str
    transition: Transition

    @property
    def key(self) -> Key:
        return self.rule, self.device

    @property
    def on(self) -> bool:
        return self.transition.turn != "cleared"


class Shown(Struct, frozen=True):
    """What a task waits for has been shown, or is not so any more."""

    task: str
    done_when: DoneWhen
    verified: bool


class Watch:
    """`states` are to be kept and given back by whoever has a store; `changed`: those that have moved."""

    def __init__(self) -> None:
        self.states: dict[Key, RuleState] = {}
        self.changed: set[Key] = set()
        self._rules: dict[str, Rule] = {}
        self._devices: set[str] = set()
        self._by_metric: dict[str, list[Rule]] = {}
        self._silent: list[Rule] = []
        self._waits: dict[str, tuple[DoneWhen, Holding]] = {}
        self._due: list[tuple[int, Key]] = []
        self._scheduled: dict[Key, int] = {}

    # -- what the log says

    @property
    def silent(self) -> bool:
        """Whether anything is to be done although nothing comes."""
        return bool(self._silent and self._devices)

    @property
    def idle(self) -> bool:
        """Whether points would make no difference."""
        return not (self._by_metric or self._waits)

    def follow(self, state: BoardState, now: int, *, resumed: bool = False) -> list[Key]:
        """Take over rules and devices. Gives the silences that are watched from now on: who knows when
        those devices were heard tells it by `hear`. `resumed`: nobody has watched before, so that devices are
        given time to find their way back.
        """
        old, self._rules = self._rules, dict(state.rules)
        self._devices = {device.id for device in state.sorted_devices() if not device.disabled}
        self._by_metric = {}
        for rule in self._rules.values():
            self._by_metric.setdefault(rule.metric, []).append(rule)
        self._silent = [rule for rule in self._rules.values() if isinstance(rule.when, Silent)]
        for key in [key for key in self.states if not self._watches(key)]:
            del self.states[key]
            self.changed.discard(key)
        for key in list(self.states):
            before, rule = old.get(key[0]), self._rules[key[0]]
            if before is not None and before != rule:
                self.states[key] = rules.adopt(self.states[key], before, rule, now)
                self._moved(rule, key)
        fresh = [(r.id, d) for r in self._silent for d in self._devices if self._watches((r.id, d))]
        fresh = [key for key in fresh if key not in self.states]
        for key in fresh:
            self._begin(key, state, now)
            if resumed:
                rules.resume(self.states[key], self._rules[key[0]], now)
            self._moved(self._rules[key[0]], key)
        return fresh

    def _watches(self, key: Key) -> bool:
        rule = self._rules.get(key[0])
        return rule is not None and key[1] in self._devices and rule.device in ("*", key[1])

    def follow_tasks(self, state: BoardState, tasks: Iterable[str]) -> None:
        """Take over whether these tasks wait for telemetry, and for what."""
        for name in tasks:
            kept = state.task(name)
            done_when = None if kept is None or kept.value.completed else kept.value.done_when
            if done_when is None:
                self._waits.pop(name, None)
            elif name not in self._waits or self._waits[name][0] != done_when:
                self._waits[name] = done_when, Holding()

    def _begin(self, key: Key, state: BoardState, now: int) -> RuleState:
        made = self.states[key] = rules.begin(now)
        self.agree(key, state)
        return made

    def take_back(self, key: Key, kept: RuleState, state: BoardState, now: int) -> None:
        """A state that was kept, of a rule that needs points; it is left aside when there is one already."""
        rule = self._rules.get(key[0])
        if rule is None or not self._watches(key) or key in self.states or isinstance(rule.when, Silent):
            return
        self.states[key] = kept
        rules.resume(kept, rule, now)
        self.agree(key, state)
        self._moved(rule, key)
        self.changed.discard(key)

    def agree(self, key: Key, state: BoardState) -> None:
        """The log decides whether the alarm is on."""
        watched = self.states.get(key)
        if watched is None:
            return
        card = state.alarm(*key)
        since = None if card is None else card.value.alarm_at
        alarm = watched.alarm
        if alarm.active == (since is not None):
            return
        alarm.active, alarm.since = since is not None, -1
        if alarm.active:
            watched.verdict = 1
        else:
            alarm.cleared_at = max(alarm.cleared_at, state.at)
        self._moved(self._rules[key[0]], key)

    def hear(self, key: Key, at: int, state: BoardState, *, first: bool = False) -> None:
        """Something came at `at`, to another instance or before this one was there. `first`: and nothing
        since; else what is older than what is known says nothing.
        """
        watched = self.states.get(key)
        if watched is None or (at <= watched.heard and not first):
            return
        watched.heard = at
        card, rule = state.alarm(*key), self._rules[key[0]]
        opened = None if card is None else card.value.alarm_at
        if opened is not None and at > opened - rule.when.for_ms:  # and it is not silent any more
            watched.verdict, watched.alarm.since, watched.alarm.seen = -1, at, at
        self._moved(rule, key)

    # -- points and time

    def feed(
        self, state: BoardState, device: str, points: Mapping[str, Sequence[Point]], now: int
    ) -> list[Turned | Shown]:
        """Take points of a device, by metric."""
        out: list[Turned | Shown] = []
        if device not in self._devices:
            return out
        for metric, values in points.items():
            for rule in self._by_metric.get(metric, ()):
                if rule.device in ("*", device):
                    out += self._feed(state, rule, device, values, now)
        if self._waits:
            out += self._feed_tasks(state, device, points)
        return out

    def _feed(
        self, state: BoardState, rule: Rule, device: str, values: Sequence[Point], now: int
    ) -> list[Turned]:
        key = rule.id, device
        watched = self.states.get(key) or self._begin(key, state, now)
        turns = rules.feed(rule, watched, values, now)
        self._moved(rule, key)
        return [Turned(*key, turn) for turn in turns]

    def _feed_tasks(
        self, state: BoardState, device: str, points: Mapping[str, Sequence[Point]]
    ) -> Iterable[Shown]:
        for task, (done_when, holding) in self._waits.items():
            if done_when.device != device or done_when.metric not in points:
                continue
            answer = shown(done_when, holding, points[done_when.metric])
            kept = state.task(task)
            if answer is not None and kept is not None and answer != kept.value.verified:
                yield Shown(task, done_when, answer)

    def late(self, now: int) -> list[Key]:
        """The silences that would open now, for a last look at what other instances have heard."""
        return [
            key
            for at, key in self._due
            if at <= now and key in self.states and self._is_silence(key) and self._opens(key, now)
        ]

    def _is_silence(self, key: Key) -> bool:
        rule = self._rules.get(key[0])
        return rule is not None and isinstance(rule.when, Silent)

    def _opens(self, key: Key, now: int) -> bool:
        at = rules.due(self._rules[key[0]], self.states[key])
        return at is not None and at <= now and not self.states[key].alarm.active

    @property
    def due(self) -> int | None:
        """When `tick` has something to do; early at times, never late."""
        return self._due[0][0] if self._due else None

    def tick(self, now: int) -> list[Turned]:
        """Let time pass, to `now`."""
        out: list[Turned] = []
        while self._due and self._due[0][0] <= now:
            at, key = heapq.heappop(self._due)
            if self._scheduled.get(key) == at:
                del self._scheduled[key]
            watched, rule = self.states.get(key), self._rules.get(key[0])
            if watched is None or rule is None:
                continue
            out += [Turned(*key, turn) for turn in rules.tick(rule, watched, now)]
            self._moved(rule, key)
        return out

    def _moved(self, rule: Rule, key: Key) -> None:
        """Note when time alone would turn it; an entry that comes too early is put off when it comes up."""
        watched = self.states[key]
        if watched.alarm.flaps or watched.alarm.cleared_at >= 0 or watched.window or watched.detector:
            self.changed.add(key)
        at = rules.due(rule, watched)
        if at is not None and at < self._scheduled.get(key, at + 1):
            self._scheduled[key] = at
            heapq.heappush(self._due, (at, key))
