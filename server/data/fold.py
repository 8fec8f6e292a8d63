"""Between a board's state and the records and changes that it is stored as."""

from server.document import BoardState
from server.model.records import Record
from server.stores import Loaded


def records_of(loaded: Loaded) -> list[Record]:
    records: list[Record] = [*loaded.tasks, *loaded.comments]
    if loaded.board is not None:
        records.append(loaded.board)
    return records


def records_in(state: BoardState) -> list[Record]:
    """All records of the state, tombstones too."""
    return [*state.tasks.values(), *state.comments.values(), state.record()]


def fold(board: str, loaded: Loaded) -> BoardState:
    """The state at the head. Raises whatever a log that no server wrote may break."""
    state = BoardState.restored(board, loaded.mark, records_of(loaded))
    for change in loaded.tail:
        state.replay(change)
    if state.info is None:
        raise ValueError("nothing makes the board itself")
    return state
