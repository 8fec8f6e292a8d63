"""Bytes to values. Strictly first; when that fails once more, leniently, to learn where the flaw is.

What the strict parser refuses (a lone surrogate, NaN in JSON) leaves a frame without an address. The
lenient one lets it pass, so that `require_plain` can name the field, and so that the other messages of the
frame, which are sound, are heard.
"""

import json
import math
from typing import Any

import msgpack  # type: ignore[import-untyped]
import msgspec

from server.model.messages import ClientMessage
from server.wire.refusals import bad_field

MAX_DEPTH = 32
"""How deep a message may be nested; the message itself is 1."""

_LIMITS = {
    "max_array_len": 4096,  # unbounded, a header of five bytes could claim half a megabyte
    "max_map_len": 1024,
    "strict_map_key": True,
}
MALFORMED = (msgspec.MsgspecError, msgpack.UnpackException, ValueError, RecursionError, OverflowError)
"""What the parsers raise, all of it."""

_typed_json = msgspec.json.Decoder(ClientMessage | list[ClientMessage])


def parse_json(data: str) -> object:
    """Messages when all is well, in one go; else plain values, to be judged one by one."""
    try:
        return _typed_json.decode(data)
    except msgspec.ValidationError:
        return msgspec.json.decode(data)


def reparse_json(data: str) -> object:
    return json.loads(data)


def parse_msgpack(data: bytes) -> object:
    return msgpack.unpackb(data, **_LIMITS)


def reparse_msgpack(data: bytes) -> object:
    return msgpack.unpackb(data, unicode_errors="surrogateescape", **_LIMITS)


def require_plain(value: object, path: str = "", depth: int = 1) -> None:
    """Hold any value to the protocol: plain types, finite numbers, whole characters, not too deep.

    Raises `BadRequest` naming the field. `depth` is that of `value` in its message.
    """
    kind = type(value)
    if kind is str:
        if not _is_text(value):
            raise bad_field(path, "half of a surrogate pair is not a character")
    elif kind is dict or kind is list:
        if depth > MAX_DEPTH:
            raise bad_field(path, f"nested deeper than {MAX_DEPTH}")
        _require_plain_items(value, path, depth)
    elif kind is float:
        if not math.isfinite(value):  # type: ignore[arg-type]
            raise bad_field(path, "must be a finite number")
    elif not (kind is int or kind is bool or value is None):
        raise bad_field(path, f"{kind.__name__} is not a type of the protocol")


def _require_plain_items(value: Any, path: str, depth: int) -> None:
    if type(value) is list:
        for index, item in enumerate(value):
            require_plain(item, f"{path}[{index}]", depth + 1)
        return
    for key, item in value.items():
        if type(key) is not str:
            raise bad_field(path, "keys must be strings")
        if not _is_text(key):
            raise bad_field(path, "half of a surrogate pair in a key")
        require_plain(item, f"{path}.{key}", depth + 1)


def _is_text(value: Any) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
