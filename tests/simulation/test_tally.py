"""The summary at the end."""

from server.simulation.tally import MOST_SAMPLES, RoundTrips, Tally


def test_round_trips_are_told_in_percentiles_however_many_there_were() -> None:
    trips = RoundTrips()
    assert trips.percentiles(0.5) == []
    for number in range(3 * MOST_SAMPLES):
        trips.add(number % 1000 / 1000)
    assert trips.count == 3 * MOST_SAMPLES
    median, most = trips.percentiles(0.5, 1.0)
    assert abs(median - 0.5) < 0.01 and most > 0.99
    assert len(trips._kept) < MOST_SAMPLES


def test_a_run_is_complete_when_all_that_was_read_is_stored() -> None:
    assert Tally(read=4, settled=4).complete()
    for short in (
        Tally(),
        Tally(settled=4, rejected=1),
        Tally(settled=4, dropped=1),
        Tally(settled=4, unsettled=1),
    ):
        assert not short.complete()


def test_the_summary_says_what_came_of_it() -> None:
    tally = Tally(read=12, settled=10, rejected=2, batches=3, resent=1, reconnects=1, commands=4, faults=5)
    tally.trips.add(0.0123)
    tally.said("metric: too many, 7")
    tally.said("metric: too many, 8")
    assert tally.lines(2, 5.0) == [
        "2 devices, 5.0 s: 10 points settled (2/s) in 3 batches",
        "rejected 2, dropped 0, not settled 0; 1 reconnects, 1 batches sent again",
        "faults: 5",
        "commands obeyed: 4",
        "round trip: p50 12.3 ms, p95 12.3 ms, p99 12.3 ms, max 12.3 ms",
        "the server said 2 times: metric: too many, 7",
    ]
    assert "nothing was read in that time" in Tally().lines(1, 1.0)
