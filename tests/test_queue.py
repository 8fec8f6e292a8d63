"""The order of what one client sends by one connection, after something failed."""

from server.boards.queue import MOST_STOPPED, Queue
from server.errors import RateLimited, Unavailable

DOWN, BUSY = Unavailable("down"), RateLimited("mutations", 500)


def test_what_follows_a_failed_mutation_waits_until_it_comes_again() -> None:
    queue = Queue()
    queue.stop("b", "m-1", DOWN)
    assert queue.admit("b", "m-2") is DOWN
    assert queue.admit("b", "m-1") is None
    assert queue.admit("b", "m-2") is None


def test_boards_do_not_wait_for_each_other() -> None:
    queue = Queue()
    queue.stop("b", "m-1", DOWN)
    assert queue.admit("another", "m-2") is None


def test_what_had_been_let_in_comes_before_what_was_turned_away() -> None:
    queue = Queue()
    queue.stop("b", "m-2", BUSY)
    queue.stop("b", "m-1", DOWN, judged=True)
    queue.stop("b", "m-3", DOWN, judged=True)
    assert queue.admit("b", "m-2") is DOWN
    assert queue.admit("b", "m-1") is None


def test_somebody_to_whom_everything_fails_is_remembered_within_a_bound() -> None:
    queue = Queue()
    for number in range(MOST_STOPPED + 1):
        queue.stop(f"b-{number}", "m-1", DOWN)
    assert queue.admit("b-0", "m-2") is None
    assert queue.admit("b-1", "m-2") is DOWN
