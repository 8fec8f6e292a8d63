"""Order inside a column: fractional-indexing keys, made by the server, compared by code point, ties by id.

The keys are those of the fractional-indexing package (rocicorp's scheme, base 62): a key can always be made
between two others, so that one move touches one task.
"""

from bisect import bisect_right

from fractional_indexing import (  # type: ignore[import-untyped]
    FIError,
    generate_key_between,
    generate_n_keys_between,
    validate_order_key,
)
from msgspec import UNSET, UnsetType

from server.document.state import BoardState, Slot
from server.errors import BadRequest


def key_between(low: str | None, high: str | None) -> str:
    """A key above `low` and below `high`; None is no neighbour. A `high` that is not above is ignored."""
    if low is not None and high is not None and high <= low:
        high = None
    key: str = generate_key_between(low, high)
    return key


def keys_after(low: str | None, count: int) -> list[str]:
    """`count` keys in order, all behind `low` (None: from the start)."""
    keys: list[str] = generate_n_keys_between(low, None, count)
    return keys


def check_position(position: str) -> str:
    """A position that a client gives back. Raises `BadRequest` when it is no fractional-indexing key."""
    try:
        validate_order_key(position)
    except FIError as error:
        raise BadRequest("args.position", "is not a position that the server gave") from error
    return position


def place(state: BoardState, column: str, after: str | None | UnsetType, moving: str = "") -> str | None:
    """The position behind the task `after` in `column`; None when the task `moving` stands there already.

    `after` as in the protocol: None is the top; UNSET or a task that is not in the column is the end.
    """
    slots = state.slots(column)
    index = _index_after(state, column, slots, after, moving)
    before = _neighbour(slots, index - 1, -1, moving)
    if moving and _follows(slots, before, moving):
        return None
    low = before[0] if before else None
    behind = _neighbour(slots, index, 1, moving)
    while low is not None and behind is not None and behind[0] <= low:  # a tie: go behind all that share it
        index += 1
        behind = _neighbour(slots, index, 1, moving)
    return key_between(low, behind[0] if behind else None)


def _index_after(
    state: BoardState,
    column: str,
    slots: list[Slot],
    after: str | None | UnsetType,
    moving: str,
) -> int:
    if after is None:
        return 0
    anchor = None if after is UNSET or after == moving else state.task(after)
    if anchor is None or anchor.value.column != column:
        return len(slots)
    return bisect_right(slots, (anchor.value.position, anchor.value.id))


def _neighbour(slots: list[Slot], index: int, step: int, moving: str) -> Slot | None:
    while 0 <= index < len(slots):
        if slots[index][1] != moving:
            return slots[index]
        index += step
    return None


def _follows(slots: list[Slot], before: Slot | None, moving: str) -> bool:
    index = bisect_right(slots, before) if before else 0
    return index < len(slots) and slots[index][1] == moving
