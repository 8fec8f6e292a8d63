"""Pure: the rules of one board on its devices, and the tasks that wait for what they measure.

The board's log says which rules and devices there are and which alarms are on; `follow` takes that over.
Points and the time go in (`feed`, `tick`), what is to be asked of the board comes out. A rule that needs
points has a state from the first point on, here alone; one that waits for silence has one for each device
from the start, on each instance. A state may be *lent*: what was kept of it holds until time turns it, on an
instance that does not have the device.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET, Struct

from server.devices import rules
from server.devices.newest import Newest
from server.devices.rules import Point, RuleState, Transition
from server.devices.waits import Shown, Waits
from server.document import BoardState
from server.model.devices import Rule, Silent
from server.model.telemetry import Heard

ELSEWHERE_MS = 10_000
"""Who has not been heard here for so long may be with another instance."""
Key = tuple[str, str]
"""A rule and a device."""


class Turned(Struct, frozen=True):
    """An alarm is to be opened, opened again or cleared."""

    rule: str
    device: str
    transition: Transition
    over: bool = False  # what came together goes on, and says otherwise

    @property
    def key(self) -> Key:
        return self.rule, self.device

    @property
    def on(self) -> bool:
        return self.transition.turn != "cleared"


def _listened_to(state: BoardState) -> set[str]:
    if state.info is None or state.info.value.archived:
        return set()
    return {device.id for device in state.sorted_devices() if not device.disabled}


class Watch:
    """`states` are to be kept and given back by whoever has a store; `changed`: those that have moved."""

    def __init__(self) -> None:
        self.states: dict[Key, RuleState] = {}
        self.changed: set[Key] = set()
        self.newest = Newest()
        self.waits = Waits()
        self._lent: set[Key] = set()
        self._telling: set[Key] = set()  # what is kept of them says that something has begun
        self._rules: dict[str, Rule] = {}
        self._devices: set[str] = set()
        self._by_metric: dict[str, list[Rule]] = {}
        self._silent: list[Rule] = []
        self._due: list[tuple[int, Key]] = []
        self._scheduled: dict[Key, int] = {}

    # -- what the log says

    @property
    def silent(self) -> bool:
        """Whether anything is to be done although nothing comes."""
        return bool(self._silent and self._devices)

    @property
    def needs_points(self) -> bool:
        """Whether there are rules that judge points."""
        return len(self._rules) > len(self._silent)

    @property
    def idle(self) -> bool:
        """Whether points would make no difference."""
        return not (self._by_metric or self.waits.tasks)

    def follow(self, state: BoardState, now: int, *, resumed: bool = False) -> list[Key]:
        """Take over rules and devices. Gives the silences that are watched from now on: who knows when
        those devices were heard tells it by `hear`. `resumed`: nobody has watched before, so that devices are
        given time to find their way back; so is a device that was turned away until now.
        """
        old, self._rules = self._rules, dict(state.rules)
        known, self._devices = self._devices, _listened_to(state)
        self._by_metric = {}
        for rule in self._rules.values():
            self._by_metric.setdefault(rule.metric, []).append(rule)
        self._silent = [rule for rule in self._rules.values() if isinstance(rule.when, Silent)]
        self.newest.forget(device.id for device in state.sorted_devices())
        for key in [key for key in self.states if not self._watches(key)]:
            del self.states[key]
            for keys in (self.changed, self._lent, self._telling):
                keys.discard(key)
        for key in list(self.states):
            before, rule = old.get(key[0]), self._rules[key[0]]
            if before is not None and before != rule:
                self.states[key] = rules.adopt(self.states[key], before, rule, now)
                self._moved(rule, key)
        fresh = [(r.id, d) for r in self._silent for d in self._devices if self._watches((r.id, d))]
        fresh = [key for key in fresh if key not in self.states]
        for key in fresh:
            self._begin(key, state, now)
            if resumed or key[1] not in known:
                rules.resume(self.states[key], self._rules[key[0]], now)
            self._moved(self._rules[key[0]], key)
        return fresh

    def _watches(self, key: Key) -> bool:
        rule = self._rules.get(key[0])
        return rule is not None and key[1] in self._devices and rule.device in ("*", key[1])

    def follow_tasks(self, state: BoardState, tasks: Iterable[str], now: int) -> None:
        """Take over whether these tasks wait for telemetry, and for what."""
        self.waits.follow(state, tasks, self.newest, now)

    def _begin(self, key: Key, state: BoardState, now: int) -> RuleState:
        made = self.states[key] = rules.begin(now)
        self.agree(key, state)
        return made

    def take_back(
        self, key: Key, kept: RuleState, state: BoardState, now: int, *, lent: bool = False
    ) -> None:
        """A state that was kept, of a rule that needs points; it is left aside when there is one already.

        `lent`: its device may be with another instance.
        """
        rule = self._rules.get(key[0])
        if rule is None or not self._watches(key) or isinstance(rule.when, Silent):
            return
        if key in self.states and (lent or key not in self._lent):
            return
        self.states[key] = kept
        (self._lent.add if lent else self._lent.discard)(key)
        rules.missed(kept, self.newest.of(key[1], rule.metric, now))
        rules.resume(kept, rule, now)
        self.agree(key, state)
        self._moved(rule, key)
        self.changed.discard(key)

    def agree(self, key: Key, state: BoardState) -> None:
        """The log decides whether the alarm is on, and since when it is not."""
        watched = self.states.get(key)
        if watched is None:
            return
        card = state.alarm(*key)
        since, alarm = None if card is None else card.value.alarm_at, watched.alarm
        if card is not None and card.value.alarm_cleared_at is not UNSET:
            alarm.cleared_at = max(alarm.cleared_at, card.value.alarm_cleared_at)
        if alarm.active == (since is not None):
            return
        alarm.active, alarm.since = since is not None, -1
        if alarm.active:
            watched.verdict = 1
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
        before = {metric: self.newest.take(device, metric, values, now) for metric, values in points.items()}
        for metric, values in points.items():
            for rule in self._by_metric.get(metric, ()):
                if rule.device in ("*", device):
                    out += self._feed(state, rule, device, values, now, before[metric])
        if self.waits.tasks:
            out += self.waits.feed(state, device, points, before, now)
        return out

    def _feed(
        self, state: BoardState, rule: Rule, device: str, values: Sequence[Point], now: int, before: int
    ) -> list[Turned]:
        key = rule.id, device
        watched = self.states.get(key) or self._begin(key, state, now)
        self._lent.discard(key)
        rules.missed(watched, before)
        turns = rules.feed(rule, watched, values, now)
        self._moved(rule, key)
        return [Turned(*key, turn, over=turn is not turns[-1]) for turn in turns]

    def late(self, now: int) -> list[Key]:
        """What time would turn now, for a last look at what other instances have heard: `look`."""
        return [key for at, key in self._due if at <= now and key in self.states and self._doubtful(key, now)]

    def _doubtful(self, key: Key, now: int) -> bool:
        rule, watched = self._rules[key[0]], self.states[key]
        at = rules.due(rule, watched)
        if at is None or at > now:
            return False
        if isinstance(rule.when, Silent):
            return not watched.alarm.active
        return key in self._lent or watched.heard < now - ELSEWHERE_MS

    def look(self, key: Key, heard: Heard | None, state: BoardState, now: int) -> list[Turned]:
        """`heard`: the newest of the metric that any instance has. Of a rule on each device a silence is put
        off while there has never been anything.
        """
        watched, rule = self.states.get(key), self._rules.get(key[0])
        if watched is None or rule is None:
            return []
        if isinstance(rule.when, Silent):
            if heard is not None:
                self.hear(key, heard.at, state)
            elif rule.device == "*":
                watched.heard = now
                self._moved(rule, key)
            return []
        turns = []
        if heard is not None and heard.t > watched.last_t:
            turns = rules.feed(rule, watched, [(heard.t, heard.v)], now)
            self._moved(rule, key)
        return [Turned(*key, turn) for turn in turns]

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
        if key not in self._lent:
            self._note(key, watched)
        at = rules.due(rule, watched)
        if at is not None and at < self._scheduled.get(key, at + 1):
            self._scheduled[key] = at
            heapq.heappush(self._due, (at, key))

    def _note(self, key: Key, watched: RuleState) -> None:
        """Whether it is to be kept: there is something to remember, or what is kept is not so any more."""
        alarm = watched.alarm
        if alarm.since >= 0:
            self._telling.add(key)
            self.changed.add(key)
        elif key in self._telling:
            self._telling.discard(key)
            self.changed.add(key)
        elif alarm.flaps or alarm.cleared_at >= 0 or watched.window or watched.detector:
            self.changed.add(key)
