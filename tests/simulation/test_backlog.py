"""What a device keeps until it is settled: numbers never change their content, and nothing is lost unsaid."""

from hypothesis import given
from hypothesis import strategies as st

from server.model.device_messages import Telemetry
from server.simulation.backlog import WINDOW, Backlog, size_of


def filled(readings: int, *, batch_points: int = 4, most_points: int = 1000) -> Backlog:
    backlog = Backlog("b1", batch_points=batch_points, most_points=most_points)
    for t in range(readings):
        backlog.add(t, {"a": t, "b": True})
    return backlog


def sent(backlog: Backlog) -> list[Telemetry]:
    return list(iter(backlog.next, None))


def test_batches_are_numbered_from_one_and_filled_up_to_their_size() -> None:
    batches = sent(filled(5))
    assert [(batch.seq, size_of(batch)) for batch in batches] == [(1, 4), (2, 4), (3, 2)]
    assert [reading.t for batch in batches for reading in batch.points] == [0, 1, 2, 3, 4]


def test_no_more_than_the_window_is_under_way() -> None:
    backlog = filled(100)
    assert len(sent(backlog)) == WINDOW == backlog.in_flight
    assert [batch.seq for batch in backlog.settled("b1", 2)] == [1, 2]
    assert [batch.seq for batch in sent(backlog)] == [WINDOW + 1, WINDOW + 2]


def test_what_was_not_settled_is_sent_again_unchanged_before_anything_new() -> None:
    backlog = filled(6)
    first = sent(backlog)
    backlog.settled("b1", 1)
    backlog.add(99, {"a": 1})
    backlog.resend()
    again = sent(backlog)
    assert again[:2] == first[1:]
    assert (again[2].seq, again[2].points[0].t) == (4, 99)


def test_after_a_refusal_one_batch_is_tried_and_more_once_it_is_settled() -> None:
    backlog = filled(100)
    sent(backlog)
    backlog.resend(slowly=True)
    assert [batch.seq for batch in sent(backlog)] == [1]
    backlog.settled("b1", 1)
    assert [batch.seq for batch in sent(backlog)] == [2, 3]
    backlog.settled("b1", 3)
    assert [batch.seq for batch in sent(backlog)] == [4, 5, 6, 7]


def test_an_answer_that_comes_twice_or_for_another_life_settles_nothing() -> None:
    backlog = filled(4)
    sent(backlog)
    assert backlog.settled("b0", 2) == []
    assert len(backlog.settled("b1", 2)) == 2
    assert backlog.settled("b1", 2) == []
    assert backlog.held == 0


def test_an_answer_to_what_was_sent_before_a_resend_still_counts() -> None:
    backlog = filled(8)
    sent(backlog)
    backlog.resend()
    assert len(backlog.settled("b1", 3)) == 3
    assert [batch.seq for batch in sent(backlog)] == [4]


def test_past_the_bound_the_oldest_that_has_no_number_is_dropped_and_counted() -> None:
    backlog = filled(4, most_points=10)
    sent(backlog)
    for t in range(10, 15):
        backlog.add(t, {"a": 0})
    assert (backlog.dropped, backlog.held) == (3, 10)
    backlog.settled("b1", 2)
    assert [reading.t for reading in sent(backlog)[0].points] == [13, 14]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 5)),
        st.tuples(st.just("send"), st.integers(0, 12)),
        st.tuples(st.just("settle"), st.integers(0, 30)),
        st.tuples(st.just("resend"), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_every_value_is_held_settled_or_counted_as_dropped(steps: list[tuple[str, int]]) -> None:
    backlog = Backlog("b", batch_points=6, most_points=40)
    known: dict[int, Telemetry] = {}
    added = settled = t = 0
    for step, number in steps:
        if step == "add":
            t += 1
            added += number
            backlog.add(t, {f"m{n}": n for n in range(number)})
        elif step == "send":
            for _ in range(number):
                if (batch := backlog.next()) is not None:
                    assert known.setdefault(batch.seq, batch) == batch
        elif step == "settle":
            # only what was sent is ever settled
            settled += sum(
                size_of(batch) for batch in backlog.settled("b", min(number, max(known, default=0)))
            )
        else:
            backlog.resend()
        assert added == backlog.held + settled + backlog.dropped
        assert backlog.held <= 40 + 5
