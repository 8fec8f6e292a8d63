"""What an endpoint is: one row that the routes, the checks and `/openapi.json` are all made from."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs

from handlers.api.queries import Query
from server.accounts.desk import Accounts
from server.app import App
from server.budgets import Budget
from server.callers import Caller
from server.errors import BoardcastError, Conflict, NotFound
from server.model.accounts import AuditEntry, Identity
from server.model.records import Actor
from server.reception import Reception


def digest_of(what: str, body: Any) -> str:
    """Names what is asked, however it is written: spaces, order and codec make no other request."""
    return hashlib.sha256(
        f"{what}\n".encode() + msgspec.json.encode(body, order="deterministic")
    ).hexdigest()[:16]


class Call(Struct, frozen=True, kw_only=True):
    """One request, checked: `path` as in the route, `query` and `body` as the endpoint declares them.

    `digest` names what was asked, so that an `Idempotency-Key` is not used for two different things; it is
    empty without a key. `identity`: who asks; `caller`, `agent`: from where, and with what; `budget`: what
    the address may use in a second; `known`: its `If-None-Match`; `gone`: whether nobody waits any more.
    """

    app: App
    path: Mapping[str, str]
    query: Any
    body: Any
    key: str | None
    digest: str
    identity: Identity
    caller: Caller
    agent: str
    budget: Budget
    known: str = ""
    gone: Callable[[], bool] = bool

    def knows(self, etag: str) -> bool:
        """The caller has the answer of that name: there is no need to make it."""
        return self.known == "*" or etag in [one.strip().removeprefix("W/") for one in self.known.split(",")]

    @property
    def address(self) -> str:
        return self.caller.address

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

    @property
    def reception(self) -> Reception:
        """Raises `Conflict` where there are no accounts."""
        if self.app.reception is None:
            raise Conflict("auth.mode", "is open: there are no accounts here")
        return self.app.reception

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
    that is neither JSON nor msgpack; `device`: for devices, with their token; `name`: in the document, where
    that of `call` stands for something else already.
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
    name: str = ""


def row(
    tag: str,
    method: str,
    path: str,
    call: Callable[[Call], Awaitable[Answer]],
    summary: str,
    answer: Any = None,
    *,
    query: type[Query] = Query,
    body: Any = None,
    status: int = 0,
    refusals: tuple[type[BoardcastError], ...] = (),
    of_board: bool = True,
    keyed: bool | None = None,
    **more: Any,
) -> Endpoint:
    """An endpoint, as most of them are: 204 where there is no `answer`; what a path names may not be there;
    what is not `of_board` is not `keyed` either. `more`: as in `Endpoint`.
    """
    names = "{" in path or path.startswith("/api/tasks")
    return Endpoint(
        method=method,
        path=path,
        call=call,
        answer=answer,
        summary=summary,
        tag=tag,
        query=query,
        body=body,
        status=status or (204 if answer is None else 200),
        refusals=(*((NotFound,) if names else ()), *refusals),
        of_board=of_board,
        keyed=of_board if keyed is None else keyed,
        **more,
    )


def also_refused(error: type[BoardcastError], *rows: Endpoint) -> tuple[Endpoint, ...]:
    """The rows, each of which can give `error`, too."""
    return tuple(structs.replace(one, refusals=(error, *one.refusals)) for one in rows)


async def note(call: Call, what: str, about: str) -> None:
    """Something about access that is no change of a board, for the record; where there are accounts."""
    if call.app.accounts is None:
        return
    who, board = call.identity.user, call.path.get("board")
    at = call.app.accounts.clock()
    entry = AuditEntry(at=at, who=who, what=what, about=about, board=board, address=call.address)
    await call.app.accounts.audit.write(entry)
