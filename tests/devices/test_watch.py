"""The rules of a board on its devices, without a clock, a store or a board that answers."""

from typing import Any

import pytest
from msgspec import UNSET, convert

from server.devices.holding import Holding, shown
from server.devices.rules import begin
from server.devices.watch import Shown, Turned, Watch
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import Above, DoneWhen, Rule, Silent, Then, When
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
    scene = Scene(rule("quiet", Silent(for_ms=MIN)))
    scene.watch.hear(("quiet", "a"), T0 - 10 * MIN, scene.board.state, first=True)
    assert scene.tick(0) == ["quiet a opened"]


def test_after_a_restart_devices_have_time_to_find_their_way_back() -> None:
    scene = Scene(rule("quiet", Silent(for_ms=10 * MIN)))
    again = Watch()
    for key in again.follow(scene.board.state, T0, resumed=True):
        again.hear(key, T0 - 60 * MIN, scene.board.state, first=True)
    assert again.tick(T0 + MIN - 1) == []
    assert sorted(scene.names(again.tick(T0 + MIN))) == ["quiet a opened", "quiet b opened"]


def test_the_log_decides_which_alarms_are_on() -> None:
    scene = Scene(rule("hot", Above(value=80)))
    assert scene.feed("a", 90) == ["hot a opened"]
    scene.watch.agree(("hot", "a"), scene.board.state)  # nobody opened it after all
    assert scene.feed("a", 91, at=1) == ["hot a opened"]
    scene.board.do(d.AlarmOpen(rule="hot", device="b", task="t", at=T0, reason="elsewhere"))
    assert scene.feed("b", 90, at=2) == []
    assert scene.feed("b", 70, at=3) == ["hot b cleared"]


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
    scene.watch.follow_tasks(scene.board.state, ["t"])
    feed = scene.watch.feed
    assert feed(scene.board.state, "a", {"temp": [(T0, 4.0)]}, T0) == []
    assert feed(scene.board.state, "b", {"temp": [(T0 + MIN, 4.0)]}, T0) == []
    assert feed(scene.board.state, "a", {"temp": [(T0 + MIN, 4.5)]}, T0) == [Shown("t", cold, True)]
    scene.board.do(d.TaskVerify(task="t", done_when=cold, verified=True))
    assert feed(scene.board.state, "a", {"temp": [(T0 + MIN + 1, 4.5)]}, T0) == []
    assert feed(scene.board.state, "a", {"temp": [(T0 + MIN + 2, 6.0)]}, T0) == [Shown("t", cold, False)]
    scene.board.do(c.TaskUpdate(task="t", done_when=None, completed=True))
    scene.watch.follow_tasks(scene.board.state, ["t"])
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
    assert [shown(done_when, state, [point]) for point in points] == answers


def test_above_is_the_other_way_round() -> None:
    done_when = convert({"device": "a", "metric": "temp", "above": 5}, DoneWhen)
    assert done_when.below is UNSET
    assert [shown(done_when, Holding(), [(0, value)]) for value in (4.0, 5.0, 6.0)] == [False, False, True]
