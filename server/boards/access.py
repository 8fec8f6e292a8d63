"""Who may see a board, without loading it: nobody who may not makes the server read it, or sees how long that
takes."""

from collections.abc import Mapping

from msgspec import UNSET, Struct

from server.document import BoardState
from server.document.folding import with_members
from server.model.fields import Role, Visibility
from server.model.records import Change
from server.stores import Store, answering

PAGE = 500


class Access(Struct, frozen=True):
    """What decides about access to a board, as far as its log goes."""

    board: str
    members: Mapping[str, Role]
    visibility: Visibility


NOBODYS: Visibility = "private"


async def access_to(store: Store, board: str) -> Access:
    """One query, and one more for changes that are in the log alone. Of a board that is not there: nobody's.

    Raises `Unavailable`.
    """
    with answering():
        brief = (await store.briefs([board])).get(board)
        if brief is None:
            return Access(board, {}, NOBODYS)
        records = [] if brief.board is None else [brief.board]
        state = BoardState.restored(board, brief.mark, records)
        access, seen = Access(board, state.members, state.visibility), brief.mark
        while seen < brief.head.seq:
            page = await store.read(board, seen, PAGE)
            for change in page:
                access = _after(access, change)
            seen = page[-1].seq if page else brief.head.seq
    return access


def _after(access: Access, change: Change) -> Access:
    patch = change.set
    if patch is UNSET:
        return access
    members = access.members if patch.members is UNSET else with_members(dict(access.members), patch.members)
    return Access(access.board, members, access.visibility if patch.visibility is UNSET else patch.visibility)
