"""Snapshots, encoded once per (seq, codec) and shared by everybody who joins then."""

from itertools import islice

from msgspec import Raw, Struct

from server.boards.recent import Recent
from server.document import BoardState
from server.model.messages import Member, Snapshot, Tasks
from server.wire import Codec

TASKS_PER_PART = 500
MOST_BEHIND = 100
"""A large snapshot this many changes old is still handed out, with the changes after it: when a thousand
members of a large, busy board come back at once, it is encoded a few times instead of a thousand."""


class Frozen(Struct, frozen=True):
    """A board at `seq`: `first` goes into `joined`, `rest` are whole frames that follow it."""

    epoch: str
    seq: int
    first: Raw
    rest: list[bytes]


class Snapshots:
    """The newest snapshot of one board per codec."""

    def __init__(self) -> None:
        self._frozen: dict[str, Frozen] = {}

    def of(self, state: BoardState, epoch: str, recent: Recent, codec: Codec) -> Frozen:
        """A snapshot from which `recent` leads to the head of `state`."""
        frozen = self._frozen.get(codec.subprotocol)
        if frozen is None or frozen.epoch != epoch or not _covers(frozen, state.seq, recent):
            frozen = self._frozen[codec.subprotocol] = _freeze(state, epoch, codec)
        return frozen


def _covers(frozen: Frozen, head: int, recent: Recent) -> bool:
    if frozen.seq == head:
        return True
    large = bool(frozen.rest)
    return large and head - frozen.seq <= MOST_BEHIND and recent.since(frozen.seq) is not None


def _freeze(state: BoardState, epoch: str, codec: Codec) -> Frozen:
    assert state.info is not None
    tasks = list(state.sorted_tasks())
    starts = range(TASKS_PER_PART, len(tasks), TASKS_PER_PART)
    first = Snapshot(
        board=state.info.value,
        columns=state.sorted_columns(),
        labels=state.sorted_labels(),
        members=[Member(user=user, role=role) for user, role in state.members.items()],
        devices=[],
        rules=[],
        tasks=tasks[:TASKS_PER_PART],
        more=bool(starts),
    )
    rest = [
        codec.frame(
            Tasks(
                board=state.board,
                tasks=list(islice(tasks, start, start + TASKS_PER_PART)),
                last=start + TASKS_PER_PART >= len(tasks),
            )
        )
        for start in starts
    ]
    return Frozen(epoch, state.seq, codec.raw(first), rest)
