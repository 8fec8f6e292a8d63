"""Boards over HTTP."""

from functools import partial

from msgspec import UNSET, structs

from handlers.api.answers import etag_of, page_of
from handlers.api.asking import board_of, submit
from handlers.api.endpoint import Answer, Call, Endpoint, row
from handlers.api.queries import BaseQuery, ListQuery, SeqQuery
from server.boards.glimpse import Shown
from server.errors import Conflict, LimitExceeded
from server.model import commands as c
from server.model import http as h
from server.model.messages import Member


def view(board: Shown) -> h.BoardView:
    """What one board looks like over HTTP."""
    state = board.state
    assert state.info is not None
    info = state.info.value
    return h.BoardView(
        board=info.id,
        name=info.name,
        description=info.description,
        archived=info.archived,
        visibility=info.visibility,
        columns=state.sorted_columns(),
        labels=state.sorted_labels(),
        members=[Member(user=user, role=role) for user, role in state.members.items()],
        created_at=info.created_at,
        created_by=info.created_by,
        updated_at=info.updated_at,
        seq=state.seq,
        epoch=board.epoch,
    )


async def list_boards(call: Call) -> Answer:
    page = page_of(call, await boards_of(call))
    shown = [view(board) for board in await call.app.shown(page.items) if _sees(call, board)]
    return Answer(body=structs.replace(page, items=shown))


async def boards_of(call: Call) -> list[str]:
    """Those that the caller may find, in order of creation."""
    names, grant = await call.app.all_boards(), call.identity.grant
    if grant.boards is not None:
        names = [name for name in names if name in grant.boards]
    if call.app.accounts is None or grant.admin:
        return names
    mine = await call.app.seats.boards_of(call.identity.user.id)
    return [name for name in names if name in mine]


def _sees(call: Call, shown: Shown) -> bool:
    """A seat only says where to look; the board decides."""
    return call.app.policy.role(shown.state, call.actor, call.identity.grant) is not None


async def create_board(call: Call) -> Answer:
    body: h.NewBoard = call.body
    board = call.make_id("b") if body.board is UNSET else body.board
    command = c.BoardCreate(name=body.name, description=body.description, columns=body.columns)
    live = await submit(call, board, command)
    return Answer(body=view(live), etag=etag_of(live), location=f"/api/boards/{board}")


async def read_board(call: Call) -> Answer:
    live = await board_of(call)
    return Answer(body=view(live), etag=etag_of(live))


async def update_board(call: Call) -> Answer:
    body: h.BoardEdit = call.body
    live = await submit(
        call,
        call.path["board"],
        c.BoardUpdate(name=body.name, description=body.description, visibility=body.visibility),
    )
    return Answer(body=view(live), etag=etag_of(live))


async def delete_board(call: Call) -> Answer:
    live = await submit(call, call.path["board"], c.BoardArchive())
    return Answer(etag=etag_of(live))


_row = partial(row, "Boards")
_ONE = "/api/boards/{board}"
ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "GET",
        "/api/boards",
        list_boards,
        "All boards that one may see, in order of creation",
        h.Page[h.BoardView],
        query=ListQuery,
        of_board=False,
    ),
    _row(
        "POST",
        "/api/boards",
        create_board,
        "Create a board",
        h.BoardView,
        body=h.NewBoard,
        status=201,
        located=True,
        refusals=(Conflict, LimitExceeded),
    ),
    _row("GET", _ONE, read_board, "One board, without its tasks", h.BoardView, query=SeqQuery),
    _row(
        "PATCH",
        _ONE,
        update_board,
        "Rename or describe a board, or say who may read it",
        h.BoardView,
        query=BaseQuery,
        body=h.BoardEdit,
        refusals=(Conflict,),
    ),
    _row(
        "DELETE",
        _ONE,
        delete_board,
        "Archive a board; nothing is lost, `board.restore` brings it back",
        refusals=(Conflict,),
    ),
)
