"""The rules of a board on its devices, without a clock, a store or a board that answers."""

from copy import deepcopy
from typing import Any

import pytest
from msgspec import UNSET, convert

from server.devices.holding import FRESH_MS, Holding, shown
from server.devices.rules import begin
from server.devices.waits import Shown, Waiting
from server.devices.watch import ELSEWHERE_MS, Turned, Watch
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import Above, DoneWhen, Rule, Silent, Then, When
from server.model.telemetry import Heard
from server.model.telemetry import Point as Value
from tests.document.board import Board

T0 = 1_700_000_000_000
MIN = 60_000


def rule(id: str, when: When, device: str = "*", metric: str = "temp") -> Rule:
    return Rule(id=id, device=device, metric=metric, when=when, then=Then(column="todo", title=id))


class Scene:
    """A board with devices `a` and `b`, and a watch that does what the board lets it."""

    def __init__(self, *rules: Rule) -> None:
        self.board = Board()
        for device in ("a", "b"):
            self.board.do(d.DeviceCreate(device=device, name=device.upper()))
        for one in rules:
            self.board.do(d.RuleSet(rule=one))
        self.watch = Watch()
        self.fresh = self.watch.follow(self.board.state, T0)

    def feed(self, device: str, *values: float, at: int = 0, metric: str = "temp") -> list[str]:
        points = [(T0 + at + n, value) for n, value in enumerate(values)]
        return self.names(self.watch.feed(self.board.state, device, {metric: points}, T0 + at))

    def tick(self, at: int) -> list[str]:
        return self.names(self.watch.tick(T0 + at))

    def names(self, wanted: Any) -> list[str]:
        return [f"{w.rule} {w.device} {w.transition.turn}" for w in wanted if isinstance(w, Turned)]


def test_each_device_is_judged_by_each_rule_that_watches_it() -> None:
    scene = Scene(rule("hot", Above(value=80)), rule("mine", Above(value=50), device="a"))
    assert scene.feed("a", 60, 90) == ["hot a opened", "mine a opened"]
    assert scene.feed("b", 60, 70) == []
    assert scene.feed("b", 90) == ["hot b opened"]
    assert scene.feed("b", 90, metric="other") == []
    assert scene.feed("nobody", 90) == []


def test_time_turns_what_a_value_that_still_holds_has_begun() -> None:
    scene = Scene(rule("hot", Above(value=80, for_ms=10 * MIN)))
    assert scene.feed("a", 90) == []
    assert scene.watch.due == T0 + 10 * MIN
    assert scene.tick(10 * MIN - 1) == []
    assert scene.tick(10 * MIN) == ["hot a opened"]


def test_silence_is_watched_from_the_start_for_each_device_and_put_off_by_points() -> None:
    scene = Scene(rule("quiet", Silent(for_ms=MIN)))
    assert sorted(scene.fresh) == [("quiet", "a"), ("quiet", "b")]
    assert scene.feed("a", 1, at=MIN // 2) == []
    assert scene.watch.late(T0 + MIN) == [("quiet", "b")]
    assert scene.tick(MIN) == ["quiet b opened"]
    assert scene.tick(MIN + MIN // 2) == ["quiet a opened"]
    assert scene.feed("b", 1, at=2 * MIN) == ["quiet b cleared"]


def test_what_another_instance_has_heard_counts() -> None:
    scene = Scene(rule("quiet", Silent(for_ms=MIN)))
    scene.watch.hear(("quiet", "a"), T0 + MIN - 1, scene.board.state)
    assert scene.tick(MIN) == ["quiet b opened"]
    assert scene.watch.late(T0 + 2 * MIN - 1) == [("quiet", "a")]


def test_what_was_heard_before_it_was_watched_counts_once() -> None:
    scene = Scene()
    scene.board.do(d.RuleSet(rule=rule("quiet", Silent(for_ms=MIN))))
    scene.watch.follow(scene.board.state, T0)
    scene.watch.hear(("quiet", "a"), T0 - 10 * MIN, scene.board.state, first=True)
    assert scene.tick(0) == ["quiet a opened"]


def test_after_a_restart_devices_have_time_to_find_their_way_back() -> None:
    scene = Scene(rule("quiet", Silent(for_ms=10 * MIN)))
    again = Watch()
    for key in again.follow(scene.board.state, T0, resumed=True):
        again.hear(key, T0 - 60 * MIN, scene.board.state, first=True)
    assert again.tick(T0 + MIN - 1) == []
    assert sorted(scene.names(again.tick(T0 + MIN))) == ["quiet a opened", "quiet b opened"]


@pytest.mark.parametrize(
    ("away", "back"),
    [
        (d.DeviceUpdate(device="a", disabled=True), d.DeviceUpdate(device="a", disabled=False)),
        (d.DeviceDelete(device="a"), d.DeviceRestore(device="a")),
        (c.BoardArchive(), c.BoardRestore()),
    ],
    ids=["disabled", "deleted", "archived"],
)
def test_a_device_that_was_turned_away_has_time_to_find_its_way_back(
    away: c.Command, back: c.Command
) -> None:
    scene = Scene(rule("quiet", Silent(for_ms=10 * MIN)))
    scene.board.do(away)
    assert scene.watch.follow(scene.board.state, T0 + MIN) == []
    assert "quiet a opened" not in scene.tick(60 * MIN), "nobody listens to it"
    scene.board.do(back)
    assert ("quiet", "a") in scene.watch.follow(scene.board.state, T0 + 60 * MIN)
    scene.watch.hear(("quiet", "a"), T0, scene.board.state, first=True)
    assert scene.tick(61 * MIN - 1) == []
    assert scene.tick(61 * MIN) == ["quiet a opened"]


def test_the_log_decides_which_alarms_are_on() -> None:
    scene = Scene(rule("hot", Above(value=80)))
    assert scene.feed("a", 90) == ["hot a opened"]
    scene.watch.agree(("hot", "a"), scene.board.state)  # nobody opened it after all
    assert scene.feed("a", 91, at=1) == ["hot a opened"]
    scene.board.do(d.AlarmOpen(rule="hot", device="b", task="t", at=T0, reason="elsewhere"))
    assert scene.feed("b", 90, at=2) == []
    assert scene.feed("b", 70, at=3) == ["hot b cleared"]


@pytest.mark.parametrize("when", [Above(value=80), Silent(for_ms=10 * MIN)], ids=["above", "silent"])
def test_the_log_decides_when_an_alarm_was_cleared(when: When) -> None:
    """Nothing else may be left of it: the server was killed."""
    scene = Scene(rule("hot", when))
    scene.board.do(d.AlarmOpen(rule="hot", device="a", task="t", at=T0, reason="hot"))
    scene.board.do(d.AlarmClear(rule="hot", device="a", at=T0 + MIN, reason="cold"))

    def at(ms: int) -> list[str]:
        scene.watch = Watch()
        scene.watch.follow(scene.board.state, T0 + ms - 10 * MIN, resumed=True)
        found = scene.tick(ms) if isinstance(when, Silent) else scene.feed("a", 90, at=ms)
        return [one for one in found if " a " in one]

    assert at(HOUR) == ["hot a returned"]
    assert at(HOUR + MIN + 1) == ["hot a opened"]


def test_only_the_last_that_comes_of_what_came_together_is_told_to_the_device() -> None:
    scene = Scene(rule("hot", Above(value=80)))

    def told(*values: float, at: int) -> list[tuple[str, bool]]:
        points = {"temp": [(T0 + at + n, value) for n, value in enumerate(values)]}
        turned = scene.watch.feed(scene.board.state, "a", points, T0 + at)
        return [(one.transition.turn, one.over) for one in turned if isinstance(one, Turned)]

    assert told(90, 70, at=0) == [("opened", True), ("cleared", False)]
    assert told(90, at=MIN) == [("returned", False)]


def test_a_silence_that_ended_while_nobody_watched_is_over() -> None:
    scene = Scene(rule("quiet", Silent(for_ms=10 * MIN)))
    for device in ("a", "b"):
        scene.board.do(d.AlarmOpen(rule="quiet", device=device, task=device, at=T0, reason="silent"))
    again = Watch()
    again.follow(scene.board.state, T0 + 5 * MIN, resumed=True)
    again.hear(("quiet", "a"), T0 - 10 * MIN, scene.board.state, first=True)  # the last before the alarm
    again.hear(("quiet", "b"), T0 + 5 * MIN, scene.board.state, first=True)
    assert scene.names(again.tick(T0 + 6 * MIN)) == ["quiet b cleared"]


@pytest.mark.parametrize(
    "end",
    [d.RuleDelete(rule="hot"), d.DeviceDelete(device="a"), d.DeviceUpdate(device="a", disabled=True)],
    ids=["rule deleted", "device deleted", "device disabled"],
)
def test_what_is_gone_is_watched_no_more(end: c.Command) -> None:
    scene = Scene(rule("hot", Above(value=80, for_ms=MIN)))
    scene.feed("a", 90)
    scene.board.do(end)
    scene.watch.follow(scene.board.state, T0)
    assert scene.tick(MIN) == []
    assert scene.feed("a", 90, at=2 * MIN) == []
    assert ("hot", "a") not in scene.watch.states


def test_a_rule_that_was_changed_judges_anew_and_keeps_its_open_alarm() -> None:
    scene = Scene(rule("hot", Above(value=80)))
    scene.feed("a", 90)
    scene.board.do(d.AlarmOpen(rule="hot", device="a", task="t", at=T0, reason="hot"))
    scene.board.do(d.RuleSet(rule=rule("hot", Above(value=95))))
    scene.watch.follow(scene.board.state, T0)
    assert scene.feed("a", 90, at=1) == ["hot a cleared"]


def test_a_state_that_was_kept_goes_on_where_it_was() -> None:
    scene = Scene(rule("hot", Above(value=80)))
    kept = begin(T0)
    kept.alarm.cleared_at = T0
    scene.watch.take_back(("hot", "a"), kept, scene.board.state, T0)
    assert scene.feed("a", 90, at=MIN) == ["hot a returned"]
    scene.watch.take_back(("gone", "a"), begin(T0), scene.board.state, T0)
    assert list(scene.watch.states) == [("hot", "a")]


def test_a_task_waits_until_the_points_have_shown_it() -> None:
    scene = Scene()
    cold = DoneWhen(device="a", metric="temp", below=5.0, for_ms=MIN)
    scene.board.do(c.TaskCreate(task="t", title="Cool", done_when=cold))
    scene.watch.follow_tasks(scene.board.state, ["t"], T0)
    feed = scene.watch.feed
    assert feed(scene.board.state, "a", {"temp": [(T0, 4.0)]}, T0) == []
    assert feed(scene.board.state, "b", {"temp": [(T0 + MIN, 4.0)]}, T0) == []
    assert feed(scene.board.state, "a", {"temp": [(T0 + MIN, 4.5)]}, T0) == [Shown("t", cold, True)]
    scene.board.do(d.TaskVerify(task="t", done_when=cold, verified=True))
    assert feed(scene.board.state, "a", {"temp": [(T0 + MIN + 1, 4.5)]}, T0) == []
    assert feed(scene.board.state, "a", {"temp": [(T0 + MIN + 2, 6.0)]}, T0) == [Shown("t", cold, False)]
    scene.board.do(c.TaskUpdate(task="t", done_when=None, completed=True))
    scene.watch.follow_tasks(scene.board.state, ["t"], T0)
    assert scene.watch.idle


@pytest.mark.parametrize(
    ("points", "answers"),
    [
        ([(0, 4.0), (MIN, 4.0)], [False, True]),
        ([(0, 4.0), (1, 9.0), (MIN, 4.0), (2 * MIN, 4.0)], [False, False, False, True]),
        ([(MIN, 4.0), (0, 4.0), (2 * MIN - 1, 4.0)], [False, None, False]),
        ([(0, 5.0), (MIN, 5.0)], [False, False]),
    ],
)
def test_what_is_shown_is_shown_by_an_unbroken_row_of_points(points: Any, answers: Any) -> None:
    done_when, state = DoneWhen(device="a", metric="temp", below=5.0, for_ms=MIN), Holding()
    assert [shown(done_when, state, [point], 2 * MIN) for point in points] == answers


def test_above_is_the_other_way_round() -> None:
    done_when = convert({"device": "a", "metric": "temp", "above": 5}, DoneWhen)
    assert done_when.below is UNSET
    assert [shown(done_when, Holding(), [(0, value)], 0) for value in (4.0, 5.0, 6.0)] == [False, False, True]


# -- what is over says nothing about now

HOUR = 60 * MIN
DAY = 24 * HOUR
COLD = DoneWhen(device="a", metric="temp", below=5.0, for_ms=10 * MIN, completes=True)


def heard(t: int, value: float = 20.0, device: str = "a") -> Heard:
    return Heard(device, "temp", T0 + t, value, T0 + t)


def test_a_backlog_older_than_what_the_store_holds_opens_no_card() -> None:
    scene = Scene(rule("hot", Above(value=80)))
    scene.watch.newest.know([heard(-MIN)])
    state = scene.board.state
    assert scene.names(scene.watch.feed(state, "a", {"temp": [(T0 - 2 * DAY, 90.0)]}, T0)) == []
    assert scene.feed("a", 90) == ["hot a opened"]


def test_a_rule_that_is_set_later_does_not_hear_of_what_came_late() -> None:
    scene = Scene()
    assert scene.watch.idle
    scene.watch.newest.note("a", [Value(T0 - 5, "temp", 1.0), Value(T0 - 9, "temp", 1.0)])
    scene.board.do(d.RuleSet(rule=rule("hot", Above(value=80))))
    scene.watch.follow(scene.board.state, T0)
    state = scene.board.state
    assert scene.names(scene.watch.feed(state, "a", {"temp": [(T0 - 7, 90.0)]}, T0)) == []
    assert scene.names(scene.watch.feed(state, "a", {"temp": [(T0 - 4, 90.0)]}, T0)) == ["hot a opened"]


def test_a_clock_that_was_ahead_does_not_make_the_rest_late() -> None:
    scene = Scene(rule("hot", Above(value=80)))
    scene.watch.newest.know([heard(5 * MIN)])
    assert scene.feed("a", 90, at=-1) == ["hot a opened"]


def waiting(scene: Scene, done_when: DoneWhen = COLD, now: int = T0) -> Any:
    scene.board.do(c.TaskCreate(task="t", title="Cool", done_when=done_when))
    scene.watch.follow_tasks(scene.board.state, ["t"], now)

    def feed(now: int, *points: tuple[int, float]) -> list[bool]:
        told = {"temp": [(T0 + t, value) for t, value in points]}
        found = scene.watch.feed(scene.board.state, "a", told, T0 + now)
        return [one.verified for one in found if isinstance(one, Shown)]

    return feed


def test_a_backlog_does_not_complete_what_waits_for_a_reading_of_now() -> None:
    scene = Scene()
    scene.watch.newest.know([heard(-MIN, 20.0)])
    feed = waiting(scene)
    assert feed(MIN, (-3 * DAY, 1.0), (-3 * DAY + 12 * MIN, 1.0)) == []
    assert feed(MIN, (MIN, 1.0)) == []
    assert feed(11 * MIN, (11 * MIN, 1.0)) == [True]


def test_what_was_measured_before_somebody_asked_does_not_count() -> None:
    feed = waiting(Scene())
    assert feed(MIN, (-DAY, 1.0), (-DAY + 12 * MIN, 1.0), (MIN, 1.0)) == []
    assert feed(11 * MIN - 1, (11 * MIN - 1, 1.0)) == []
    assert feed(11 * MIN, (11 * MIN, 1.0)) == [True]


def test_an_outage_after_somebody_asked_is_shown_by_the_first_point_of_now() -> None:
    feed = waiting(Scene())
    row = [(n * MIN, 1.0) for n in range(1, 30)]
    assert feed(3 * HOUR, *row) == []
    assert feed(3 * HOUR, (3 * HOUR - FRESH_MS, 1.0)) == [True]


def test_a_late_point_that_is_not_good_breaks_the_row() -> None:
    feed = waiting(Scene())
    assert feed(MIN, (MIN, 1.0)) == []
    assert feed(3 * HOUR, (2 * MIN, 9.0)) == []
    assert feed(3 * HOUR, (3 * HOUR, 1.0)) == []


def test_points_that_another_instance_took_begin_the_row_anew() -> None:
    scene = Scene()
    feed = waiting(scene)
    feed(MIN, (MIN, 1.0))
    scene.watch.newest.know([heard(6 * MIN, 9.0)])
    assert feed(12 * MIN, (12 * MIN, 1.0)) == []
    assert feed(22 * MIN, (22 * MIN, 1.0)) == [True]


# -- over a restart


def again(scene: Scene, now: int, *known: Heard) -> Watch:
    """A watch that begins at `now`, with what the store holds, and what was kept of the old one."""
    made = Watch()
    made.newest.know(known)
    made.follow(scene.board.state, T0 + now, resumed=True)
    made.follow_tasks(scene.board.state, list(scene.board.state.tasks), T0 + now)
    for key in scene.watch.changed:
        kept = deepcopy(scene.watch.states[key])
        made.take_back(key, kept, scene.board.state, T0 + now, lent=True)
    for task in scene.watch.waits.changed:
        made.waits.take_back(task, deepcopy(scene.watch.waits.tasks[task]), made.newest, T0 + now)
    return made


def test_a_time_that_had_begun_goes_on_after_a_restart_with_no_further_point() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    watch = again(scene, 2 * MIN, heard(0, 1.0))
    assert watch.due == T0 + 10 * MIN
    assert watch.late(T0 + 10 * MIN) == [("open", "a")], "it may have come in elsewhere"
    assert watch.look(("open", "a"), heard(0, 1.0), scene.board.state, T0 + 10 * MIN) == []
    assert scene.names(watch.tick(T0 + 10 * MIN)) == ["open a opened"]
    assert not watch.changed, "whoever has the device keeps its state"


def test_a_time_that_is_over_when_the_server_is_back_waits_for_devices_to_find_their_way() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    watch = again(scene, HOUR, heard(0, 1.0))
    assert watch.tick(T0 + HOUR + MIN - 1) == []
    assert scene.names(watch.tick(T0 + HOUR + MIN)) == ["open a opened"]


def test_what_came_in_elsewhere_meanwhile_is_looked_at_first() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    watch = again(scene, 2 * MIN, heard(0, 1.0))
    assert watch.look(("open", "a"), heard(5 * MIN, 0.0), scene.board.state, T0 + 10 * MIN) == []
    assert watch.tick(T0 + 10 * MIN) == []


def test_a_time_is_not_taken_up_when_points_came_that_were_not_judged() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    watch = again(scene, 2 * MIN, heard(MIN, 1.0))
    assert watch.due is None


def test_what_is_lent_gives_way_to_what_was_kept_when_the_device_comes_in() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    watch = again(scene, 2 * MIN, heard(0, 1.0))
    newer = begin(T0)
    newer.last_t = T0 + 3 * MIN
    watch.take_back(("open", "a"), newer, scene.board.state, T0 + 3 * MIN)
    assert watch.states["open", "a"] is newer
    watch.take_back(("open", "a"), begin(T0), scene.board.state, T0 + 3 * MIN, lent=True)
    assert watch.states["open", "a"] is newer


def test_a_time_that_has_ended_is_kept_as_ended() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    assert scene.watch.changed == {("open", "a")}
    scene.watch.changed.clear()
    scene.feed("a", 0, at=1)
    assert scene.watch.changed == {("open", "a")}, "or the old one would be taken up"
    scene.watch.changed.clear()
    scene.feed("a", 0, at=2)
    assert not scene.watch.changed


def test_a_task_goes_on_waiting_after_a_restart() -> None:
    scene = Scene()
    feed = waiting(scene)
    assert feed(MIN, (MIN, 1.0)) == []
    scene.watch = again(scene, 5 * MIN, heard(MIN, 1.0))
    found = scene.watch.feed(scene.board.state, "a", {"temp": [(T0 + 11 * MIN, 1.0)]}, T0 + 11 * MIN)
    assert found == [Shown("t", COLD, True)]


def test_a_task_begins_anew_when_points_were_missed_or_it_waits_for_something_else() -> None:
    scene = Scene()
    waiting(scene)(MIN, (MIN, 1.0))
    for watch in (again(scene, 5 * MIN, heard(4 * MIN, 9.0)), again(scene, 5 * MIN, heard(MIN, 1.0))):
        other = Waiting(DoneWhen(device="a", metric="temp", below=3.0), Holding(T0, T0, T0))
        watch.waits.take_back("t", other, watch.newest, T0)
        assert watch.waits.tasks["t"].done_when == COLD
    watch = again(scene, 5 * MIN, heard(4 * MIN, 9.0))
    told = {"temp": [(T0 + 12 * MIN, 1.0)]}
    assert watch.feed(scene.board.state, "a", told, T0 + 12 * MIN) == []


# -- silence of what was never there


def test_a_rule_on_each_device_waits_until_there_was_something() -> None:
    scene = Scene(rule("quiet", Silent(for_ms=MIN)), rule("mine", Silent(for_ms=MIN), device="b"))
    late = scene.watch.late(T0 + MIN)
    assert sorted(late) == [("mine", "b"), ("quiet", "a"), ("quiet", "b")]
    for key in late:
        known = heard(-HOUR) if key[1] == "a" else None
        assert scene.watch.look(key, known, scene.board.state, T0 + MIN) == []
    assert sorted(scene.tick(MIN)) == ["mine b opened", "quiet a opened"]
    assert scene.watch.late(T0 + 2 * MIN) == [("quiet", "b")], "it is asked again"


def test_who_was_heard_here_a_moment_ago_is_not_asked_about() -> None:
    scene = Scene(rule("open", Above(value=0.5, for_ms=10 * MIN)))
    scene.feed("a", 1)
    scene.feed("a", 1, at=10 * MIN - ELSEWHERE_MS)
    assert scene.watch.late(T0 + 10 * MIN) == []
