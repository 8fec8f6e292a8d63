"""JSON or msgpack? What a request says of its body, and wants of the answer."""

from collections.abc import Iterator, Mapping

from handlers.headers import header
from server.errors import BadRequest

JSON, MSGPACK = "application/json", "application/msgpack"


class WrongContentType(BadRequest):
    """Neither JSON nor msgpack, or packed once more."""

    status = 415


def is_msgpack(headers: Mapping[str, str]) -> bool:
    """Whether the body is, or else JSON. Raises `WrongContentType`."""
    packed = header(headers, "Content-Encoding")
    if packed is not None and packed.strip().lower() != "identity":
        raise WrongContentType("Content-Encoding", f"{packed[:80]!r} is not taken; send the body as it is")
    given = _content_type(headers)
    if given not in (JSON, MSGPACK):
        raise WrongContentType("Content-Type", f"{given[:80]!r} is neither {JSON} nor {MSGPACK}")
    charset = _charset(headers)
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise WrongContentType("Content-Type", f"the charset {charset[:80]!r} is not taken, utf-8 is")
    return given == MSGPACK


def _charset(headers: Mapping[str, str]) -> str:
    parameters = (header(headers, "Content-Type") or "").lower().split(";")[1:]
    given = (one.strip().removeprefix("charset=") for one in parameters if "charset=" in one)
    return next(given, "").strip('"')


def wants_msgpack(headers: Mapping[str, str]) -> bool:
    """What `Accept` likes best, of equals the first; when it names neither, what the body is in."""
    accept = (header(headers, "Accept") or "").lower()
    if MSGPACK not in accept:
        return JSON not in accept and _content_type(headers) == MSGPACK
    liked = sorted(_liked(accept), key=lambda one: -one[1])  # stable: of equals the first
    return bool(liked) and liked[0][0] == MSGPACK


def _content_type(headers: Mapping[str, str]) -> str:
    return (header(headers, "Content-Type") or "").partition(";")[0].strip().lower()


def _liked(accept: str) -> Iterator[tuple[str, float]]:
    """Of the media types spoken here those that an `Accept` header wants at all, and how much."""
    for part in accept.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        wish = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
        try:
            weight = float(wish)
        except ValueError:
            weight = 1.0
        if media in (JSON, MSGPACK) and weight > 0:
            yield media, weight
