"""The table of failures: code, HTTP status, may the same mutation be sent again, close code.

Every refusal that a client can get is one of these classes. They are raised with fields; each writes
its own text. Anything else that escapes is a defect and is answered as `internal`.
"""

from collections.abc import Mapping
from typing import ClassVar

Detail = str | int | float | bool | None | list[str]


class BoardcastError(Exception):
    """A refusal a client is told about. `details` holds what the protocol lists: field, current, limit …"""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = True

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = details


class BadRequest(BoardcastError):
    """The message or one of its fields cannot be understood. `field`: its path, as in `args.title`."""

    code, status, retry = "bad_request", 400, False

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}", field=field)


class Unauthenticated(BoardcastError):
    """Nobody has said who is speaking, or not convincingly."""

    code, status, retry = "unauthenticated", 401, False

    def __init__(self, reason: str = "say hello first") -> None:
        super().__init__(reason)


class Forbidden(BoardcastError):
    """The role does not allow it. `field`: the operation; `role`: what the caller has."""

    code, status, retry = "forbidden", 403, False

    def __init__(self, operation: str, role: str) -> None:
        super().__init__(f"{operation}: not allowed for the role {role}", field=operation)


class NotFound(BoardcastError):
    """There is no such thing, or the caller may not know of it. `kind`: board, task, column …"""

    code, status, retry = "not_found", 404, False

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r} does not exist", field=kind)


class Conflict(BoardcastError):
    """The state forbids it: the id exists, or a field changed since `base`. `current`: its value now."""

    code, status, retry = "conflict", 409, False

    def __init__(self, field: str, problem: str, **details: object) -> None:
        super().__init__(f"{field}: {problem}", field=field, **details)


class MessageTooBig(BoardcastError):
    """More bytes than allowed. `limit` in bytes."""

    code, status, retry = "message_too_big", 413, False

    def __init__(self, limit: int, what: str = "message") -> None:
        super().__init__(f"the {what} is larger than {limit} bytes", limit=limit)


class LimitExceeded(BoardcastError):
    """The board would grow past a limit of the configuration. `field`: what there would be too many of;
    `setting`: what says how many, where that can be set.
    """

    code, status, retry = "limit_exceeded", 422, False

    def __init__(self, field: str, limit: int, setting: str = "") -> None:
        named = {"setting": f"limits.{setting}"} if setting else {}
        said = f"{field}: at most {limit}" + (f" (limits.{setting})" if setting else "")
        super().__init__(said, field=field, limit=limit, **named)


class RateLimited(BoardcastError):
    """Too much at once. `retry_after_ms`: when to come back."""

    code, status, retry = "rate_limited", 429, True

    def __init__(self, what: str, retry_after_ms: int) -> None:
        super().__init__(f"too many {what}; try again in {retry_after_ms} ms", retry_after_ms=retry_after_ms)


class Internal(BoardcastError):
    """A defect of the server. The log has the traceback; the client gets none of it."""

    code, status, retry = "internal", 500, True

    def __init__(self) -> None:
        super().__init__("the server failed; the failure has been logged")


class Unavailable(BoardcastError):
    """A part is down or late. The outcome of a mutation may be unknown: only its name decides."""

    code, status, retry = "unavailable", 503, True

    def __init__(self, what: str, retry_after_ms: int = 1000) -> None:
        super().__init__(what, retry_after_ms=retry_after_ms)


ALL: tuple[type[BoardcastError], ...] = (
    BadRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    MessageTooBig,
    LimitExceeded,
    RateLimited,
    Internal,
    Unavailable,
)


class Close:
    """WebSocket close codes. 4000-4499: reconnect and resume; 4500-4999: do not come back by yourself."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    INTERNAL = 1011
    TOO_SLOW = 4008
    NO_HEARTBEAT = 4009
    REBALANCE = 4010
    BAD_MESSAGES = 4500
    UNAUTHENTICATED = 4501
    FORBIDDEN = 4503
    TOO_MANY_CONNECTIONS = 4504


def in_words(error: BaseException) -> str:
    """What is wrong, for people: of an error of the system the file and the reason, without its number."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    reason = error.strerror[0].lower() + error.strerror[1:]
    return reason if error.filename is None else f"{error.filename}: {reason}"
