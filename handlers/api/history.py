"""A board's log over HTTP, and mutations as the socket has them."""

import asyncio
from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta

from handlers.api.answers import etag_of
from handlers.api.asking import board_of, outcome_of, same_request
from handlers.api.endpoint import Answer, Call, Endpoint, digest_of, row
from handlers.api.queries import ChangesQuery
from server import wire
from server.boards.submission import Outcome
from server.errors import BoardcastError
from server.model import http as h
from server.model import messages as m
from server.model.records import Change
from server.stores import Store, answering

MOST_MUTATIONS = 500
Mutations = h.Mutation | Annotated[list[h.Mutation], Meta(max_length=MOST_MUTATIONS)]


async def list_changes(call: Call) -> Answer:
    live = await board_of(call)
    query: ChangesQuery = call.query
    etag, head = etag_of(live), live.head
    if call.knows(etag):
        return Answer(etag=etag)
    with answering():
        if query.task is None:
            items, total = await _of_board(call.app.store, live.board, head, query)
        else:
            items, total = await _of_task(call.app.store, live.board, query.task, query)
    return Answer(body=h.Page(items=items, total=total, skip=query.skip, limit=query.limit), etag=etag)


async def _of_board(store: Store, board: str, head: int, query: ChangesQuery) -> tuple[list[Change], int]:
    """A page, and how many changes there are. Their numbers have no holes: that is reckoned."""
    items = await store.history(
        board, since=query.since, before=query.before, task=None, limit=query.limit, skip=query.skip
    )
    last = max((head, *(change.seq for change in items)))
    if query.before is not None:
        last = min(last, query.before - 1)
    return items, max(0, last - (query.since or 0))


async def _of_task(store: Store, board: str, task: str, query: ChangesQuery) -> tuple[list[Change], int]:
    since, before, skip, limit = query.since, query.before, query.skip, query.limit
    found = await store.history(board, since=since, before=before, task=task, limit=limit, skip=skip)
    total = skip + len(found)
    if len(found) == limit or (skip and not found):
        total = await store.count(board, since=since, before=before, task=task)
    return found, total


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
        base = None if one.base is UNSET else one.base
        digest = digest_of(one.op, command)
        outcome = await outcome_of(call, board, command, mutation=one.mutation, base=base, digest=digest)
        if not isinstance(outcome, BoardcastError) and outcome.duplicate:
            await same_request(call, board, outcome.seq, digest, op=one.op)
    except BoardcastError as refusal:
        return refusal
    return outcome


_row = partial(row, "Changes")
ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "GET",
        "/api/boards/{board}/changes",
        list_changes,
        "History: who changed what, from what to what; with `since` oldest first, else newest first",
        h.Page[Change],
        query=ChangesQuery,
    ),
    _row(
        "POST",
        "/api/boards/{board}/mutations",
        mutate,
        "One mutation or several, each with an answer of its own",
        h.Results,
        body=Mutations,
        keyed=False,
    ),
)
