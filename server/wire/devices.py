"""What devices send: frames of `/ws/device` and bodies of `POST /api/telemetry`, read as far as they can be.

A batch whose points are not what they should be is handed on as `Loose`, so that the good ones among them can
be kept and the others named. Nothing is raised for what a device sends; `Malformed` is no message at all.
"""

import json
from typing import Any, cast

import msgspec
from msgspec import Struct

from server.errors import BadRequest, BoardcastError
from server.model.device_messages import BatchNumber, Boot, CommandResult, DeviceMessage, Reading, Telemetry
from server.wire import MOST_MESSAGES, Codec, Malformed
from server.wire.parsing import MALFORMED, parse_msgpack, reparse_msgpack, require_plain
from server.wire.refusals import bad_field, explain, short

MOST_RESULT = 4096
"""Bytes of a command's result, as JSON."""


class Loose(Struct, frozen=True):
    """A batch that was read piece by piece: `Reading`s, and what stood in the place of one as it was sent.

    `boot` "" and `seq` 0: it has no number.
    """

    boot: str
    seq: int
    points: list[Any]


Telling = Telemetry | Loose
Item = Telling | CommandResult | Malformed

_UNREADABLE = (msgspec.ValidationError, OverflowError, UnicodeError)
"""What `convert` raises for values that are not what they should be; the last one for half a character."""
_typed = msgspec.json.Decoder(DeviceMessage | list[DeviceMessage]).decode
_encode = msgspec.json.Encoder().encode


def decode_device(codec: Codec, data: str | bytes) -> list[Item]:
    """The messages of a device's frame, in order."""
    if isinstance(data, str) is codec.binary:
        wanted = "binary" if codec.binary else "text"
        return [Malformed(error=BadRequest("frame", f"{codec.subprotocol} takes {wanted} frames only"))]
    if isinstance(data, str):
        try:
            found = _typed(data)
            return [_sound(item) for item in (found if isinstance(found, list) else [found])]
        except MALFORMED:
            pass
    try:
        parsed = _lenient(data)
    except MALFORMED as error:
        return [Malformed(error=BadRequest("frame", short(f"cannot be read as {codec.name}: {error}")))]
    items = parsed if isinstance(parsed, list) else [parsed]
    if len(items) > MOST_MESSAGES:
        return [Malformed(error=bad_field("frame", f"holds more than {MOST_MESSAGES} messages"))]
    return [_judge(item) for item in items]


def decode_body(data: bytes, *, binary: bool) -> Telling:
    """A body of `POST /api/telemetry`: a batch, with or without a number, a point or points, or flat values.

    Raises `BadRequest`.
    """
    try:
        parsed = _lenient(data if binary else data.decode())
    except MALFORMED as error:
        name = "msgpack" if binary else "JSON"
        raise BadRequest("body", short(f"cannot be read as {name}: {error}")) from None
    if isinstance(parsed, dict) and ("points" in parsed or "seq" in parsed or "boot" in parsed):
        if "boot" in parsed or "seq" in parsed:
            return _batch(parsed)
        _only(parsed, "type", "points")
        return _points(parsed["points"])
    if isinstance(parsed, dict):
        return _points([parsed])
    return _points(parsed)


def _lenient(data: str | bytes) -> object:
    """NaN and the like pass, so that they can be named."""
    if isinstance(data, str):
        try:
            return msgspec.json.decode(data)
        except msgspec.MsgspecError:
            return json.loads(data)
    try:
        return parse_msgpack(data)
    except UnicodeDecodeError:
        return reparse_msgpack(data)


def _judge(item: object) -> Item:
    try:
        if not isinstance(item, dict):
            raise BadRequest("message", "expected a map with type")
        if item.get("type") == "command_result":
            require_plain(item)
            return _sound(msgspec.convert(item, CommandResult))
        if item.get("type") == "telemetry":
            return _batch(item)
        raise BadRequest("type", "expected telemetry or command_result")
    except msgspec.ValidationError as error:
        return Malformed(error=explain(error))
    except (OverflowError, UnicodeError) as error:
        return Malformed(error=BadRequest("message", short(f"cannot be read: {error}")))
    except BoardcastError as error:
        return Malformed(error=error)


def _sound(item: Telemetry | CommandResult) -> Item:
    if isinstance(item, CommandResult) and len(_encode(item.result)) > MOST_RESULT:
        return Malformed(error=bad_field("result", f"at most {MOST_RESULT} bytes"))
    return item


def _batch(item: dict[str, Any]) -> Loose:
    """Raises `BadRequest` when its number or its points cannot be read at all."""
    _only(item, "type", "boot", "seq", "points")
    if item.get("type", "telemetry") != "telemetry":
        raise BadRequest("type", "expected telemetry")
    for name, kind in (("boot", Boot), ("seq", BatchNumber)):
        if name not in item:
            raise BadRequest(name, "is missing: a batch has both boot and seq, or neither")
        _convert(name, item[name], kind)
    return Loose(item["boot"], item["seq"], _readings(item.get("points")))


def _convert(name: str, value: Any, kind: Any) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise explain(error, name) from None
    except (OverflowError, UnicodeError) as error:
        raise bad_field(name, str(error)) from None


def _only(item: dict[str, Any], *names: str) -> None:
    for name in item:
        if name not in names:
            raise bad_field(str(name), "unknown field")


def _points(given: Any) -> Loose:
    """A batch without a number."""
    points = _readings([_shaped(point) for point in given] if isinstance(given, list) else given)
    if not points:
        raise BadRequest("points", "there are none")
    return Loose("", 0, points)


def _readings(given: Any) -> list[Any]:
    """Each as a `Reading`, or as it is when it is none."""
    if not isinstance(given, list):
        raise BadRequest("points", "expected an array of points")
    try:
        return cast("list[Any]", msgspec.convert(given, list[Reading]))
    except _UNREADABLE:
        return [_reading(point) for point in given]


def _shaped(point: Any) -> Any:
    """Flat values as a point of now."""
    if isinstance(point, dict) and not isinstance(point.get("values"), dict):
        return {"values": point} if point and "values" not in point and "t" not in point else point
    return point


def _reading(point: Any) -> Any:
    try:
        return msgspec.convert(point, Reading)
    except _UNREADABLE:
        return point
