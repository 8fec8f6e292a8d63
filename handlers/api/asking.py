"""What endpoints ask of boards: to be read as far as is wanted, and to be changed."""

import asyncio
import secrets
import time
from functools import partial

import msgspec
from msgspec import UNSET

from handlers.api.endpoint import Call
from server.boards.live import LiveBoard
from server.boards.submission import HTTP_CLIENT, Outcome, Submission
from server.errors import BadRequest, BoardcastError, Conflict, NotFound, RateLimited, Unauthenticated
from server.model.accounts import Grant
from server.model.commands import Command
from server.model.fields import Id, Role
from server.stores import answering

SECONDS_FOR_SEQ = 5.0
"""How long `?seq=` is waited for."""


async def board_of(call: Call) -> LiveBoard:
    """The board that the path names, as far as `?seq=` asks. Raises `NotFound`, `Unavailable`."""
    name = call.path.get("board", call.app.config.boards.default_board)
    live = await call.app.readable(name)
    await live.surely(partial(_must_see, call, live, call.identity.grant))
    seq = getattr(call.query, "seq", None)
    if seq is None or seq <= live.head:
        return live
    live = call.app.boards.hold(name)  # while it is waited for, it must not be unloaded
    try:
        await live.wait_for(seq, SECONDS_FOR_SEQ)
        grant = await _grant_now(call)  # much may have changed while it was waited for
        await live.surely(partial(_must_see, call, live, grant))
    finally:
        call.app.boards.release(name)
    return live


async def _grant_now(call: Call) -> Grant:
    """What the caller may by now. Raises `Unauthenticated`."""
    if call.app.accounts is None or call.identity.way == "guest":
        return call.identity.grant
    now = await call.app.accounts.identities.confirm(call.identity)
    if now is None:
        raise Unauthenticated("you are signed out; sign in again")
    return now.grant


def _must_see(call: Call, live: LiveBoard, grant: Grant) -> None:
    call.app.policy.needs(live.state, call.actor, "viewer", grant, "board")


async def stand(call: Call, need: Role, what: str) -> None:
    """Raises what keeps the caller from the board, or from this on it. Who has no account is asked to sign
    in, whether or not there is such a board."""
    app, grant = call.app, call.identity.grant
    board = call.path.get("board", app.config.boards.default_board)
    await app.boards.admit(board, call.actor, grant)
    try:
        live = await app.readable(board)
    except NotFound:
        if not grant.account:
            raise Unauthenticated("sign in first") from None
        raise
    await live.surely(lambda: app.policy.needs(live.state, call.actor, need, grant, what))
    if call.identity.way != "guest" and call.actor.id in live.state.members:
        await app.seats.take(call.actor.id, board)


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
            raise _of_body(outcome)
        if outcome.duplicate:
            await live.reach(outcome.seq)
            await same_request(call, board, outcome.seq, call.digest)
        return live
    finally:
        call.app.boards.release(board)


def _of_body(refusal: BoardcastError) -> BoardcastError:
    """As it is, but that it names the fields of a body, which are the arguments of a mutation."""
    field = str(refusal.details.get("field", ""))
    if not isinstance(refusal, BadRequest) or not field.startswith("args."):
        return refusal
    return BadRequest(field.removeprefix("args."), refusal.message.partition(": ")[2])


async def same_request(call: Call, board: str, seq: int, digest: str, op: str | None = None) -> None:
    """Raises `Conflict` when the name of change `seq` was used for something else. `op`: of a mutation; one
    that was applied before mutations over HTTP had a digest is known by it alone.
    """
    with answering():
        change = next(iter(await call.app.store.read(board, seq - 1, 1)), None)
    if change is None or change.digest == digest or (change.digest is UNSET and change.op == op):
        return
    raise Conflict("Idempotency-Key" if op is None else "mutation", "was used for another request")
