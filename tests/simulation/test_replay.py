"""Files of readings: what can be read, and that each mistake is told with its line."""

import pytest

from server.simulation.replay import ReplayError, Row, shifted
from server.simulation.replay import read as read_rows


def read(text: str, metric: str | None = None) -> list[Row]:
    return read_rows(text.splitlines(), metric=metric)


def test_times_may_be_dates_seconds_or_milliseconds() -> None:
    wanted = [(1_386_018_900_000, {"value": 73.5})]
    for time in (
        "2013-12-02 21:15:00",
        "2013-12-02T21:15:00Z",
        "2013-12-02T22:15:00+01:00",
        "1386018900",
        "1386018900000",
    ):
        assert read(f"timestamp,value\n{time},73.5\n") == wanted, time


def test_a_row_with_no_value_is_left_out() -> None:
    text = "timestamp,value\n1385932500,1\n1385932560,\n1385932620,NaN\n1385932680,2\n"
    assert [values for _, values in read(text)] == [{"value": 1.0}, {"value": 2.0}]


def test_a_column_is_a_metric_and_an_empty_cell_no_value() -> None:
    assert read("t,temp,humidity\n1,21.5,40\n2,,41\n\n3,1e1,\n") == [
        (1000, {"temp": 21.5, "humidity": 40}),
        (2000, {"humidity": 41}),
        (3000, {"temp": 10}),
    ]


def test_a_single_column_can_be_given_another_name() -> None:
    assert read("timestamp,value\n1,2\n", metric="temp") == [(1000, {"temp": 2})]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: must name the columns"),
        ("timestamp\n", "line 1: must name the columns"),
        ("timestamp,a b\n", "line 1: 'a b' is no name of a metric"),
        ("timestamp,a,a\n", "line 1: names a column twice"),
        ("timestamp,value\n1,2,3\n", "line 2: has 3 cells, the first line has 2"),
        ("timestamp,value\nsoon,2\n", "line 2: 'soon' is no time"),
        ("timestamp,value\nnan,2\n", "line 2: 'nan' is no time"),
        ("timestamp,value\n1,warm\n", "line 2: 'warm' is no finite number"),
        ("timestamp,value\n1,inf\n", "line 2: 'inf' is no finite number"),
        ("timestamp,value\n\n", "line 1: no readings follow"),
    ],
)
def test_a_bad_file_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(ReplayError) as caught:
        read(text)
    assert str(caught.value).startswith(problem)


def test_rows_out_of_order_are_put_in_order() -> None:
    assert [values["v"] for _, values in read("t,v\n1,1\n3,2\n2,3\n3,4\n")] == [1, 3, 2, 4]


def test_a_name_cannot_be_given_to_several_columns() -> None:
    with pytest.raises(ReplayError, match="names 2 metrics already: a, b"):
        read("t,a,b\n1,2,3\n", metric="temp")


def test_time_goes_by_faster_from_the_moment_that_is_asked_for() -> None:
    given = read("t,v\n100,1\n160,2\n220,3\n")
    assert [t for t, _ in shifted(given, 5000, 60)] == [5000, 6000, 7000]
    assert [t for t, _ in shifted(given, 5000, 0.5)] == [5000, 125_000, 245_000]
