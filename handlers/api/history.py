"""A board's log over HTTP, and mutations as the socket has them."""

import asyncio
from typing import Annotated

from msgspec import UNSET, Meta

from handlers.api.endpoint import Answer, Call, Endpoint, board_of, etag_of, outcome_of
from handlers.api.queries import ChangesQuery
from server import wire
from server.boards.submission import Outcome
from server.errors import BoardcastError, NotFound
from server.model import http as h
from server.model import messages as m

MOST_MUTATIONS = 500
Mutations = h.Mutation | Annotated[list[h.Mutation], Meta(max_length=MOST_MUTATIONS)]


async def list_changes(call: Call) -> Answer:
    live = await board_of(call)
    query: ChangesQuery = call.query
    etag = etag_of(live)
    changes = await call.app.history(
        live.board, since=query.since, before=query.before, task=query.task, limit=query.limit + 1
    )
    page = h.ChangesPage(items=changes[: query.limit], more=len(changes) > query.limit)
    return Answer(body=page, etag=etag)


async def mutate(call: Call) -> Answer:
    """One answer for each, in order; a refusal of one does not touch the others."""
    asked: list[h.Mutation] = call.body if isinstance(call.body, list) else [call.body]
    board = call.path["board"]
    live = call.app.boards.hold(board)
    try:
        # All are submitted before the first is awaited: they share commits, and keep their order.
        outcomes = await asyncio.gather(*(_one(call, board, mutation) for mutation in asked))
    finally:
        call.app.boards.release(board)
    results = [_result(one, outcome) for one, outcome in zip(asked, outcomes, strict=True)]
    # A stranger is not even told how far the board is: there is none for them.
    sees = live.exists and call.app.policy.role(live.state, call.actor, call.identity.grant) is not None
    return Answer(body=h.Results(results=results), etag=etag_of(live) if sees else None)


def _result(one: h.Mutation, outcome: Outcome) -> h.MutationAck | h.MutationError:
    if not isinstance(outcome, BoardcastError):
        return h.MutationAck(mutation=one.mutation, seq=outcome.seq, duplicate=outcome.duplicate)
    return h.MutationError(
        mutation=one.mutation,
        code=outcome.code,
        message=outcome.message,
        retry=outcome.retry,
        details=dict(outcome.details),
    )


async def _one(call: Call, board: str, one: h.Mutation) -> Outcome:
    message = m.Mutate(id=0, board=board, mutation=one.mutation, op=one.op, args=one.args)
    try:
        command = wire.command(message)
    except BoardcastError as refusal:
        return refusal
    base = None if one.base is UNSET else one.base
    return await outcome_of(call, board, command, mutation=one.mutation, base=base)


TAG = "Changes"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/boards/{board}/changes",
        call=list_changes,
        query=ChangesQuery,
        answer=h.ChangesPage,
        refusals=(NotFound,),
        summary="History: who changed what, from what to what",
        tag=TAG,
    ),
    Endpoint(
        method="POST",
        path="/api/boards/{board}/mutations",
        call=mutate,
        body=Mutations,
        answer=h.Results,
        refusals=(NotFound,),
        summary="One mutation or several, each with an answer of its own",
        tag=TAG,
        keyed=False,
    ),
)
