"""Which numbers are settled, and what of a batch is good: the pure parts of ingest."""

import json
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices.judge import MOST_NAMED, Judged, Names, digest_of, judge
from server.devices.numbers import MOST_AHEAD, Numbers
from server.errors import BadRequest, LimitExceeded
from server.model.device_messages import Reading, Telemetry
from server.model.telemetry import MOST_VALUES
from server.wire import JSON, MSGPACK, Malformed
from server.wire.devices import Loose, decode_body, decode_device

NOW = 1_700_000_000_000


@given(st.lists(st.integers(1, 30), max_size=60))
def test_the_mark_is_the_highest_number_without_a_hole(seqs: list[int]) -> None:
    numbers = Numbers()
    for place, seq in enumerate(seqs, 1):
        numbers.settle(seq)
        there = set(seqs[:place])
        assert numbers.mark == next(n for n in range(31) if n + 1 not in there)
        assert numbers.doubtful == any(seq > numbers.mark for seq in there)


def test_what_the_store_says_closes_holes_and_nothing_goes_back() -> None:
    numbers = Numbers()
    for seq in (5, 6, 9):
        numbers.settle(seq)
    numbers.raise_to(4)
    assert (numbers.mark, numbers.doubtful) == (6, True)
    numbers.raise_to(2)
    assert numbers.mark == 6
    for seq in range(100, 100 + 2 * MOST_AHEAD):
        numbers.settle(seq)
    numbers.raise_to(99 + 2 * MOST_AHEAD)
    assert not numbers.doubtful


def judged(*readings: object, known: tuple[str, ...] = (), most: int = 10) -> Judged:
    return judge(readings, Names(known, most), NOW)


def test_good_values_are_kept_in_order_and_switches_are_numbers() -> None:
    found = judged(Reading({"temp": 1.5, "on": True}, NOW - 5), Reading({"temp": 2}))
    assert found.columns == {"temp": ([NOW - 5, NOW], [1.5, 2.0]), "on": ([NOW - 5], [1.0])}
    assert [(p.t, p.metric, p.v) for p in found.points] == [
        (NOW - 5, "temp", 1.5),
        (NOW - 5, "on", 1.0),
        (NOW, "temp", 2.0),
    ]
    assert found.rejected == []
    assert found.newest == NOW


@pytest.mark.parametrize(
    ("t", "said"),
    [
        (NOW // 1000, "seems to be seconds; send milliseconds: 1700000000000"),
        (NOW * 1000, "seems to be microseconds; send milliseconds: 1700000000000"),
        (NOW * 1_000_000, "seems to be nanoseconds; send milliseconds: 1700000000000"),
        (NOW - 365 * 86_400_000, "365 days behind the server's clock"),
        (NOW + 366 * 86_400_000, "366 days ahead of the server's clock"),
        (NOW + 600_000, "10 minutes ahead of"),
        (0, "behind the server's clock"),
        (-1, "behind the server's clock"),
        (2**70, "ahead of the server's clock"),
        (10**400, "is no time"),
        (-(10**400), "is no time"),
    ],
)
def test_a_wrong_clock_is_recognised(t: int, said: str) -> None:
    (rejected,) = judged(Reading({"temp": 1.0}, t)).rejected
    assert said in rejected.message and rejected.code == "bad_request"


def test_the_bounds_of_time_are_seven_days_and_five_minutes() -> None:
    edges = (NOW - 7 * 86_400_000, NOW + 300_000)
    assert len(judged(*(Reading({"m": 1.0}, t) for t in edges)).points) == 2
    assert len(judged(Reading({"m": 1.0}, edges[0] - 1), Reading({"m": 1.0}, edges[1] + 1)).points) == 0


def test_a_device_may_have_so_many_metrics_and_no_more() -> None:
    found = judged(Reading({f"m{n}": 1.0 for n in range(5)}), known=("m0", "other"), most=4)
    assert [point.metric for point in found.points] == ["m0", "m1", "m2"]
    assert {one.code for one in found.rejected} == {"limit_exceeded"}


def test_a_batch_is_too_large_by_its_points_or_by_its_values() -> None:
    with pytest.raises(LimitExceeded) as points:
        judged(*[Reading({"a": 1.0})] * 1001)
    assert points.value.message.startswith("points: 1001 in one batch, at most 1000")
    names = [f"m{n}" for n in range(10)]
    assert len(judged(*[Reading(dict.fromkeys(names, 1.0))] * 1000).points) == MOST_VALUES
    with pytest.raises(LimitExceeded) as values:
        judged(*[Reading(dict.fromkeys([*names, "m10"], 1.0))] * 910)
    assert values.value.message.startswith("values: 10010 in one batch, at most 10000")


def test_values_that_are_refused_take_no_names() -> None:
    names = Names([], 3)
    found = judge([Reading({f"n{n}": nan, f"far{n}": 1e305}) for n in range(50)], names, NOW)
    assert (found.points, names.known) == ([], set())
    assert len(judge([Reading({"a": 1.0, "b": 2.0, "c": 3.0})], names, NOW).points) == 3


def test_a_whole_number_of_milliseconds_is_one_however_it_is_written() -> None:
    told = decode_body(json.dumps({"t": float(NOW), "values": {"a": 1}}).encode(), binary=False)
    assert [point.t for point in judge(told.points, Names([], 10), NOW).points] == [NOW]


def test_flat_values_beside_a_time_are_told_where_they_belong() -> None:
    told = decode_body(json.dumps({"temp": 21.5, "t": NOW}).encode(), binary=False)
    (rejected,) = judge(told.points, Names([], 10), NOW).rejected
    assert "beside a time the values stand in a map of their own" in rejected.message


def test_refusals_are_named_up_to_a_bound() -> None:
    found = judged(*[Reading({"a": nan})] * 500)
    assert len(found.rejected) == MOST_NAMED + 1
    assert "more of this batch" in found.rejected[-1].message


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.just(10**400)
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
a_point = st.fixed_dictionaries(
    {"values": st.dictionaries(st.sampled_from(["a", "b", "c d", ""]), anything, max_size=3)},
    optional={"t": anything, "x": anything},
)


@given(st.lists(anything | a_point, max_size=6))
def test_whatever_a_device_sends_each_value_is_kept_or_named(points: list[object]) -> None:
    text = json.dumps({"type": "telemetry", "boot": "b", "seq": 1, "points": points})
    (item,) = decode_device(JSON, text)
    assert isinstance(item, Telemetry | Loose)
    found = judge(item.points, Names([], 10), NOW)
    assert len(digest_of(item.points)) == 16
    named = {one.index for one in found.rejected}
    kept = {index for index, point in enumerate(points) if index not in named}
    for index in kept:
        point = points[index]
        assert isinstance(point, dict) and isinstance(point["values"], dict)
    assert all(-1e300 <= point.v <= 1e300 for point in found.points)


@pytest.mark.parametrize("half", [{"a": "\ud800"}, {"\ud800": 1}, {"values": {"a": "\ud800"}}])
def test_half_a_character_is_refused_like_any_text(half: object) -> None:
    told = decode_body(json.dumps(half).encode(), binary=False)
    assert len(judge(told.points, Names([], 10), NOW).rejected) == 1
    message = {"type": "telemetry", "boot": "b", "seq": 1, "points": [half, {"values": {"a": 1}}]}
    (item,) = decode_device(JSON, json.dumps(message))
    assert isinstance(item, Loose)
    assert len(judge(item.points, Names([], 10), NOW).points) == 1
    (item,) = decode_device(JSON, json.dumps({**message, "boot": "\ud800"}))
    assert isinstance(item, Malformed) and item.error.code == "bad_request"


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_no_bytes_break_the_reading(data: bytes | str) -> None:
    for codec in (JSON, MSGPACK):
        for item in decode_device(codec, data):
            assert isinstance(item, Malformed | Telemetry | Loose)
    for binary in (True, False):
        try:
            decode_body(data if isinstance(data, bytes) else data.encode(), binary=binary)
        except BadRequest as error:
            assert error.message


def test_the_same_readings_have_one_name_however_they_are_written() -> None:
    message = {
        "type": "telemetry",
        "boot": "b",
        "seq": 1,
        "points": [{"t": NOW, "values": {"a": 21, "b": True}}],
    }
    spaced = json.dumps(message, indent=3)
    found = {digest_of(decode_device(JSON, text)[0].points) for text in (spaced, json.dumps(message))}  # type: ignore[union-attr]
    found.add(digest_of(decode_body(spaced.encode(), binary=False).points))
    found.add(digest_of(decode_device(MSGPACK, MSGPACK.encode(message))[0].points))  # type: ignore[union-attr,arg-type]
    assert len(found) == 1
    other = {**message, "points": [{"t": NOW, "values": {"a": 22, "b": True}}]}
    assert digest_of(decode_body(json.dumps(other).encode(), binary=False).points) not in found
