"""Bodies of HTTP requests, in either codec."""

from contextlib import suppress
from typing import Any

import msgspec

from server.errors import BadRequest
from server.wire.parsing import MALFORMED, parse_msgpack, reparse_json, require_plain
from server.wire.refusals import explain, short


def parse_as(data: bytes, kind: Any, *, binary: bool) -> Any:
    """`data` as a value of the type `kind`. Raises `BadRequest` naming the field, or `body`."""
    try:
        if binary:
            return msgspec.convert(parse_msgpack(data), kind)
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise explain(error, whole="body") from None
    except MALFORMED as error:
        if not binary:
            _require_characters(data)
        name = "msgpack" if binary else "JSON"
        raise BadRequest("body", short(f"cannot be read as {name}: {error}")) from None


def _require_characters(data: bytes) -> None:
    """Raises `BadRequest` that names the field with half a surrogate pair, of which the parser says something
    else.
    """
    with suppress(ValueError, RecursionError):
        require_plain(reparse_json(data.decode()))
