"""An append on its way to the writer: checked, and encoded."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from server.model.records import Change

Row = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode


class Append(Struct, frozen=True):
    """A checked append: rows for `changes`, the `names` in them, and the `epoch` when it makes the board."""

    board: str
    first: int
    rows: Sequence[Row]
    names: Sequence[str]
    epoch: str | None


def prepare(board: str, first: int, changes: Sequence[Change]) -> Append:
    """Encode an append. Raises ValueError when the changes are not numbered from `first` on without holes."""
    if [change.seq for change in changes] != list(range(first, first + len(changes))):
        raise ValueError(f"changes are not numbered {first}, {first + 1}, …")
    rows = [(board, change.seq, change.name, _encode(change).decode()) for change in changes]
    named = [name for _, _, name, _ in rows if name is not None]
    return Append(board, first, rows, named, _first_epoch(changes[0]) if first == 1 else None)


def _first_epoch(change: Change) -> str:
    if change.op != "board.create" or change.set is UNSET or change.set.epoch is UNSET:
        raise ValueError("change 1 of a board is its board.create, with an epoch")
    return change.set.epoch
