"""Simulated sensors: seeded, believable, and unwell for as much of the time as was asked for."""

import itertools
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulation.device import Device, kind_of
from server.simulation.faults import AILMENTS, Distortion, Fault, Faults
from server.simulation.signals import DAY_MS, HOUR_MS, KINDS, Curve, CurveSignal, Switch, SwitchSignal

MONDAY = 1_764_547_200_000  # 2025-12-01 00:00 UTC
MINUTE_MS = 60_000


def over(curve: Curve, days: float, *, seed: int = 1, step_ms: int = MINUTE_MS) -> list[float]:
    signal = CurveSignal(curve, random.Random(seed))
    return [signal.at(t) for t in range(MONDAY, MONDAY + int(days * DAY_MS), step_ms)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_device_and_another_number_another_one(kind: str) -> None:
    def read(number: int, seed: int) -> list[object]:
        device = Device(kind, number, seed=seed, faulty=0.3)
        return [device.read(MONDAY + n * MINUTE_MS) for n in range(500)]

    assert read(1, 7) == read(1, 7)
    assert read(1, 7) != read(2, 7)
    assert read(1, 7) != read(1, 8)


def test_a_daily_cycle_is_highest_at_its_hour_and_lowest_half_a_day_later() -> None:
    values = over(Curve(level=20, daily=5, peak_h=15), days=1)
    assert values.index(max(values)) == pytest.approx(15 * 60, abs=20)
    assert values.index(min(values)) == pytest.approx(3 * 60, abs=20)
    assert (max(values), min(values)) == (25, 15)


def test_a_compressor_cycle_climbs_slowly_and_falls_quickly() -> None:
    values = over(Curve(level=0, cycle=1, cycle_s=1200), days=0.5, step_ms=10_000)
    steps = [after - before for before, after in itertools.pairwise(values)]
    assert max(values) <= 1 and min(values) >= -1
    assert 0.7 < sum(step > 0 for step in steps) / len(steps) < 0.8


def test_a_drift_creeps_by_so_much_a_day() -> None:
    values = over(Curve(level=10, drift=2), days=3)
    assert values[-1] - values[0] == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("step_s", [1, 60, 3600])
def test_a_value_wanders_as_far_however_often_it_is_read(step_s: int) -> None:
    values = over(
        Curve(level=0, wander=2, wander_s=60, digits=6), days=60 * step_s / 3600, step_ms=step_s * 1000
    )
    assert statistics.pstdev(values) == pytest.approx(2, rel=0.4)


def test_a_sensor_never_shows_what_it_cannot() -> None:
    values = over(Curve(level=1, noise=5, least=0, most=2, digits=1), days=0.1)
    assert (min(values), max(values)) == (0, 2)
    assert all(value == round(value, 1) for value in values)


def test_a_switch_is_on_for_its_share_of_the_time() -> None:
    signal = SwitchSignal(Switch(on_s=30, off_s=90), random.Random(3))
    read = [signal.at(MONDAY + n * 1000) for n in range(100_000)]
    assert sum(read) / len(read) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_a_device_is_unwell_for_the_share_that_was_asked_for(share: float) -> None:
    faults = Faults(share, random.Random(5), mean_s=60)
    unwell = [faults.at(MONDAY + n * 10_000) is not None for n in range(200_000)]
    assert sum(unwell) / len(unwell) == pytest.approx(share, rel=0.25)
    assert faults.begun > 100


def test_without_faults_a_device_is_never_unwell() -> None:
    device = Device("freezer", 1, seed=1, faulty=0)
    assert all(device.read(MONDAY + n * MINUTE_MS) is not None for n in range(5000))
    assert device.faults.begun == 0


def test_each_ailment_shows_what_it_is() -> None:
    def shown(ailment: str, values: list[float]) -> list[float]:
        distortion = Distortion(10, random.Random(2))
        before = distortion.of(1.0, None, 0)
        assert before == 1
        fault = Fault(ailment, 0, 10**9)  # type: ignore[arg-type]
        return [distortion.of(value, fault, n * 1000) for n, value in enumerate(values)]

    assert shown("runaway", [1.0] * 121)[::60] == [1, 11, 21]
    assert shown("stuck", [2.0, 3.0, 4.0]) == [1, 1, 1]
    spiky = shown("spikes", [1.0] * 1000)
    assert 100 < sum(value != 1 for value in spiky) < 300
    assert all(abs(value - 1) >= 30 for value in spiky if value != 1)


def test_a_silent_device_says_nothing_and_comes_back() -> None:
    device = Device("meter", 4, seed=1, faulty=0.6)
    read = [device.read(MONDAY + n * 10_000) for n in range(5000)]
    assert None in read and read[-1 - read[::-1].index(None) :] != read
    assert 0.05 < read.count(None) / len(read) < 0.4  # a quarter of 0.6, about
    assert len(AILMENTS) == 4


def test_a_command_ends_what_is_wrong_and_says_what_it_was() -> None:
    device = Device("freezer", 1, seed=1, faulty=0.9)
    t = next(t for t in range(MONDAY, MONDAY + DAY_MS, 1000) if device.faults.at(t))
    ailment = device.faults.at(t)
    assert ailment is not None
    assert device.obey("defrost", t) == f"did defrost; {ailment.ailment} is over"
    assert device.faults.at(t) is None
    assert device.obey("defrost", t) == "did defrost"


@given(st.sampled_from(sorted(KINDS)), st.integers(), st.lists(st.integers(0, 30 * DAY_MS), max_size=50))
def test_whatever_the_times_every_value_can_be_sent(kind: str, seed: int, times: list[int]) -> None:
    device = Device(kind, 0, seed=seed, faulty=0.5)
    for t in sorted(times):
        values = device.read(MONDAY + t)
        assert values is None or set(values) == set(KINDS[kind])
        assert all(isinstance(value, bool) or abs(value) < 1e6 for value in (values or {}).values())


def test_a_mixed_fleet_has_every_kind() -> None:
    assert {kind_of(number) for number in range(len(KINDS))} == set(KINDS)
    assert HOUR_MS * 24 == DAY_MS
