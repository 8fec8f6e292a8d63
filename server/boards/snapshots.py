"""Snapshots, encoded once per (seq, codec) and shared by everybody who joins then."""

from msgspec import Raw, Struct

from server.boards.recent import Recent
from server.document import BoardState
from server.model.messages import Member, Snapshot, Tasks
from server.model.records import Task
from server.wire import Codec

TASKS_PER_PART = 500
BYTES_PER_PART = 128 << 10
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
    parts = _divided([codec.raw(task) for task in state.sorted_tasks()])
    alone = len(parts) == 1
    first = Snapshot(
        board=state.info.value,
        columns=state.sorted_columns(),
        labels=state.sorted_labels(),
        members=[Member(user=user, role=role) for user, role in state.members.items()],
        devices=state.sorted_devices(),
        rules=list(state.rules.values()),
        commands=list(state.commands.values()),
        tasks=parts[0] if alone else [],
        more=not alone,
    )
    # What goes into `joined` is copied for everybody who joins: of a large board that is no task at all.
    rest = [] if alone else parts
    frames = [
        codec.frame(Tasks(board=state.board, tasks=part, last=number == len(rest)))
        for number, part in enumerate(rest, 1)
    ]
    return Frozen(epoch, state.seq, codec.raw(first), frames)


def _divided(tasks: list[Raw]) -> list[list[Task | Raw]]:
    """The tasks in parts of at most TASKS_PER_PART, and of about BYTES_PER_PART; never no part."""
    parts: list[list[Task | Raw]] = [[]]
    size = 0
    for task in tasks:
        if size > BYTES_PER_PART or len(parts[-1]) >= TASKS_PER_PART:
            parts.append([])
            size = 0
        parts[-1].append(task)
        size += len(memoryview(task))
    return parts
