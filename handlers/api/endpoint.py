"""What an endpoint is: one row that the routes, the checks and `/openapi.json` are all made from."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from handlers.api.queries import Query
from server.accounts.desk import Accounts
from server.app import App
from server.boards.live import LiveBoard
from server.boards.submission import HTTP_CLIENT, Outcome, Submission
from server.budgets import Budget
from server.errors import BadRequest, BoardcastError, Conflict, NotFound, RateLimited, Unauthenticated
from server.model.accounts import Identity
from server.model.commands import Command
from server.model.fields import Id, Role
from server.model.http import ErrorBody, Failure
from server.model.records import Actor

SECONDS_FOR_SEQ = 5.0
"""How long `?seq=` is waited for."""


class Call(Struct, frozen=True, kw_only=True):
    """One request, checked: `path` as in the route, `query` and `body` as the endpoint declares them.

    `digest` names what was asked, so that an `Idempotency-Key` is not used for two different things; it is
    empty without a key. `identity`: who asks; `address`, `agent`: from where, and with what; `budget`: what
    the address may use in a second.
    """

    app: App
    path: Mapping[str, str]
    query: Any
    body: Any
    key: str | None
    digest: str
    identity: Identity
    address: str
    agent: str
    budget: Budget

    @property
    def actor(self) -> Actor:
        """Who asks. In `open` mode all plain HTTP requests are one user."""
        return Actor(self.identity.user.id, self.identity.user.name)

    @property
    def accounts(self) -> Accounts:
        """Raises `Conflict` where there are none."""
        if self.app.accounts is None:
            raise Conflict("auth.mode", "is open: there are no accounts here")
        return self.app.accounts

    def make_id(self, prefix: str) -> str:
        """An id for what is created: from the key and whose it is, so that a retry creates the same thing and
        the key of somebody else another one; or random.
        """
        if self.key is None:
            return prefix + secrets.token_hex(8)
        return prefix + hashlib.sha256(f"{self.actor.id}/{self.key}".encode()).hexdigest()[:16]


class Answer(Struct, frozen=True, kw_only=True):
    """What goes back. `etag`: of the board it is about; `location`: where the new thing is; `session`: the
    text for the cookie, empty: it is taken away; `stream`: the body piece by piece, as `media`, to be kept
    under `filename`.
    """

    body: Any = UNSET
    etag: str | None = None
    location: str | None = None
    session: str | None = None
    stream: AsyncIterator[str] | None = None
    media: str = ""
    filename: str = ""


class Endpoint(Struct, frozen=True, kw_only=True):
    """`path` has its parameters in braces. `refusals`: the errors it can give beside those that all give.

    `tag`: the group it stands in; `of_board`: the answer is about one board and has its `ETag`; `keyed`: a
    write that takes an `Idempotency-Key`; `located`: it answers where the new thing is; `media`: of an answer
    that is neither JSON nor msgpack; `device`: for devices, with their token.
    """

    method: str
    path: str
    call: Callable[[Call], Awaitable[Answer]]
    answer: Any
    summary: str
    tag: str
    query: type[Query] = Query
    body: Any = None
    status: int = 200
    refusals: tuple[type[BoardcastError], ...] = ()
    of_board: bool = True
    keyed: bool = True
    located: bool = False
    media: str = ""
    device: bool = False


# -- what endpoints share


async def board_of(call: Call) -> LiveBoard:
    """The board that the path names, as far as `?seq=` asks. Raises `NotFound`, `Unavailable`."""
    name = call.path.get("board", call.app.config.boards.default_board)
    live = await call.app.readable(name)
    await live.surely(partial(_must_see, call, live))
    seq = getattr(call.query, "seq", None)
    if seq is None or seq <= live.head:
        return live
    live = call.app.boards.hold(name)  # while it is waited for, it must not be unloaded
    try:
        await live.wait_for(seq, SECONDS_FOR_SEQ)
    finally:
        call.app.boards.release(name)
    return live


def _must_see(call: Call, live: LiveBoard) -> None:
    call.app.policy.needs(live.state, call.actor, "viewer", call.identity.grant, "board")


async def stand(call: Call, need: Role, what: str) -> None:
    """Raises what keeps the caller from the board, or from this on it. Who has no account is asked to sign
    in, whether or not there is such a board."""
    app, grant = call.app, call.identity.grant
    board = call.path.get("board", app.config.boards.default_board)
    try:
        live = await app.readable(board)
    except NotFound:
        if not grant.account:
            raise Unauthenticated("sign in first") from None
        raise
    await live.surely(lambda: app.policy.needs(live.state, call.actor, need, grant, what))
    if call.identity.way != "guest" and call.actor.id in live.state.members:
        await app.seats.take(call.actor.id, board)


def etag_of(live: LiveBoard) -> str:
    """Names the state of the board. Take it no later than what it is sent with: newer content under an
    older name is asked for once more, older content under a newer name would stay for good."""
    return f'"{live.epoch}:{live.head}"'


def id_in_path(call: Call, name: str) -> str:
    """A path parameter that must be an id; what is none names nothing. Raises `NotFound`."""
    try:
        return msgspec.convert(call.path[name], Id)
    except msgspec.ValidationError as error:
        raise NotFound(name, call.path[name]) from error


async def outcome_of(
    call: Call, board: str, command: Command, *, mutation: str, base: int | None, digest: str = ""
) -> Outcome:
    """What becomes of one mutation, by way of the board's inbox like any other."""
    wait_s = call.budget.mutation(time.monotonic())
    if wait_s:
        call.app.limit_met("mutations")
        return RateLimited("mutations of this address in a second", round(1000 * wait_s))
    settled: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def settle(outcome: Outcome) -> None:
        if not settled.done():
            settled.set_result(outcome)

    submission = Submission(
        actor=call.actor,
        client=HTTP_CLIENT,
        mutation=mutation,
        command=command,
        base=base,
        digest=digest,
        settle=settle,
        grant=call.identity.grant,
    )
    call.app.boards.submit(board, submission)
    return await settled


async def submit(call: Call, board: str, command: Command) -> LiveBoard:
    """One mutation; when it returns, the change is durable. Raises what refuses it."""
    live = call.app.boards.hold(board)
    try:
        name = call.key or secrets.token_hex(8)
        base = getattr(call.query, "base", None)
        outcome = await outcome_of(call, board, command, mutation=name, base=base, digest=call.digest)
        if isinstance(outcome, BoardcastError):
            raise outcome
        if outcome.duplicate:
            await live.reach(outcome.seq)
            await _same_request(call, board, outcome.seq)
        return live
    finally:
        call.app.boards.release(board)


async def _same_request(call: Call, board: str, seq: int) -> None:
    """Raises `Conflict` when the key was used for something else."""
    change = await call.app.change_at(board, seq)
    if change is not None and change.digest != call.digest:
        raise Conflict("Idempotency-Key", "was used for another request")


def failure(error: BoardcastError) -> ErrorBody:
    """The one shape of a refusal."""
    details = dict(error.details)
    return ErrorBody(
        error=Failure(code=error.code, message=error.message, retry=error.retry, details=details)
    )


def page_of(items: list[Any], skip: int, limit: int) -> dict[str, Any]:
    return {"items": items[skip : skip + limit], "total": len(items), "skip": skip, "limit": limit}


def bad_key(key: str) -> BadRequest:
    return BadRequest("Idempotency-Key", f"{key[:80]!r} is not 1-64 of A-Z a-z 0-9 _ -")
