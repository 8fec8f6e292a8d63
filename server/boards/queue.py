"""A client's own order: after a retryable error its later mutations wait for the failed one to come again."""

from msgspec import Struct

from server.errors import BoardcastError

MOST_STOPPED = 100
"""Boards of one connection on which something failed; past it the oldest is forgotten, and its order is its
client's affair then."""


class Stop(Struct, frozen=True):
    """Where a queue stands still. `judged`: the mutation had been let in before it failed."""

    mutation: str | None
    error: BoardcastError
    judged: bool


class Queue:
    """What one client sends by one connection, in its order.

    It ends with the connection. A client begins the next one with the first mutation that has no final answer
    yet: nothing of its next queue can overtake what failed in this one, and what of this one was long under
    way finds it as it was left.
    """

    __slots__ = ("_stops",)

    def __init__(self) -> None:
        self._stops: dict[str, Stop] | None = None  # by board; most never have any

    def admit(self, board: str, mutation: str | None) -> BoardcastError | None:
        """The error that stops a mutation; None lets it in. If it is what had failed, the queue goes on."""
        if not self._stops or (stop := self._stops.get(board)) is None:
            return None
        if stop.mutation != mutation:
            return stop.error
        del self._stops[board]
        return None

    def stop(self, board: str, mutation: str | None, error: BoardcastError, *, judged: bool = False) -> None:
        """A mutation got a retryable `error`; the first one that failed is the one that is waited for.

        What is judged was let in before anything that was turned away when it arrived.
        """
        stops = self._stops = self._stops or {}
        stop = stops.get(board)
        if stop is not None and (stop.judged or not judged):
            return
        stops[board] = Stop(mutation, error, judged)
        if len(stops) > MOST_STOPPED:
            del stops[next(iter(stops))]
