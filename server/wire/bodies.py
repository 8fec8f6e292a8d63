"""Bodies of HTTP requests, in either codec."""

from typing import Any

import msgspec

from server.errors import BadRequest
from server.wire.parsing import MALFORMED, parse_msgpack
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
        name = "msgpack" if binary else "JSON"
        raise BadRequest("body", short(f"cannot be read as {name}: {error}")) from None
