"""Boards as a list shows them: without their tasks, which may be many."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from server.document import BoardState
from server.errors import Unavailable
from server.stores import Brief, Failed, Store


class Shown(Protocol):
    """A board with its `state`; tasks and comments may be missing there."""

    @property
    def state(self) -> BoardState: ...
    @property
    def epoch(self) -> str: ...


class Glimpse(Struct, frozen=True):
    state: BoardState
    epoch: str


async def glimpses(store: Store, boards: Sequence[str]) -> dict[str, Shown]:
    """Those of which the store keeps all there is to know, in one query. The others, few as a rule, are not
    there or have changes that only the log holds: they must be loaded. Raises `Unavailable`.
    """
    if not boards:
        return {}
    try:
        briefs = await store.briefs(boards)
    except Failed as error:
        raise Unavailable("the store does not answer") from error
    return {board: seen for board, brief in briefs.items() if (seen := _glimpse(board, brief)) is not None}


def _glimpse(board: str, brief: Brief) -> Glimpse | None:
    if brief.board is None or brief.mark != brief.head.seq:
        return None
    return Glimpse(BoardState.restored(board, brief.mark, [brief.board]), brief.head.epoch)
