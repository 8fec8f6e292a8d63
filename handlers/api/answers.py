"""What endpoints answer with: pages of lists, views of what is kept, the name of a state, refusals."""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from handlers.api.endpoint import Call
from server.boards.live import LiveBoard
from server.errors import BoardcastError
from server.model.http import ErrorBody, Failure, Page

T = TypeVar("T")
S = TypeVar("S", bound=Struct)


def etag_of(live: LiveBoard) -> str:
    """Names the state of the board. Take it no later than what it is sent with: newer content under an
    older name is asked for once more, older content under a newer name would stay for good."""
    return f'"{live.epoch}:{live.head}"'


def etag_with(live: LiveBoard, body: Struct) -> str:
    """The same for an answer that has more in it than the log of the board. It changes with all of `body`,
    so that it may be taken after it.
    """
    return f'"{live.epoch}:{live.head}:{hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:16]}"'


def page_of(call: Call, items: Sequence[T]) -> Page[T]:
    """The part of a list that `skip` and `limit` ask for."""
    skip, limit = call.query.skip, call.query.limit
    return Page(items=list(items[skip : skip + limit]), total=len(items), skip=skip, limit=limit)


def view_of(kind: type[S], kept: object, **more: Any) -> S:
    """What is shown of `kept`: its fields that `kind` has, too; `more`: those that it has not, or not so."""
    fields = {name: getattr(kept, name) for name in kind.__struct_fields__ if name not in more}
    return kind(**fields, **more)


def failure(error: BoardcastError) -> ErrorBody:
    """The one shape of a refusal."""
    details = dict(error.details)
    return ErrorBody(
        error=Failure(code=error.code, message=error.message, retry=error.retry, details=details)
    )
