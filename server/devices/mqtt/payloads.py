"""What a payload says: JSON, msgpack, or a plain value. Pure.

| topic | payload | |
|---|---|---|
| with `{metric}` | `21.5`, `true`, `on` | one value, now |
| without | `21.5` | one value of the metric `value`, now |
| | whatever `POST /api/telemetry` takes | the same |

Only a batch with `boot` and `seq` is stored once however often it comes; all else as often as the broker
delivers it. msgpack is told by its first byte, which no JSON begins with; a plain value is always text.
"""

from msgspec import UNSET, MsgspecError, convert, json, msgpack, structs

from server.errors import BadRequest
from server.model.device_messages import CommandResult, Reading
from server.wire.devices import MOST_RESULT, Loose, Telling, decode_body

PLAIN_METRIC = "value"
SWITCHES = {"on": True, "off": False, "true": True, "false": False}
MOST_DIGITS = 64


def readings(payload: bytes, metric: str, at: int) -> Telling:
    """Raises `BadRequest`. `metric`: that the topic names, or ""; `at`: when it came, milliseconds."""
    value = _plain(payload)
    if value is None and metric:
        raise BadRequest("payload", "wanted is a number, true, false, on or off")
    if value is not None:
        return Loose("", 0, [Reading({metric or PLAIN_METRIC: value}, at)])
    told = decode_body(payload, binary=_is_msgpack(payload))
    return told if told.boot else Loose("", 0, [_timed(point, at) for point in told.points])


def _timed(point: object, at: int) -> object:
    """It is of the time when it came, however long it waits."""
    return structs.replace(point, t=at) if isinstance(point, Reading) and point.t is UNSET else point


def _is_msgpack(payload: bytes) -> bool:
    return payload[:1] >= b"\x80"


def _plain(payload: bytes) -> float | bool | None:
    """A number, or on or off; None: it is something else."""
    if len(payload) > MOST_DIGITS:
        return None
    try:
        text = payload.decode().strip().lower()
        return SWITCHES[text] if text in SWITCHES else json.decode(text, type=float)
    except (UnicodeDecodeError, MsgspecError):
        return None


def result(payload: bytes) -> CommandResult:
    """The answer to a command: `{"command": …, "ok": true, "result": …}`. Raises `BadRequest`."""
    try:
        found = msgpack.decode(payload) if _is_msgpack(payload) else json.decode(payload)
        if not isinstance(found, dict):
            raise BadRequest("payload", "wanted is a map with command and ok")
        told = convert({"type": "command_result", **found}, CommandResult)
        size = len(json.encode(told.result))
    except (MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise BadRequest("payload", f"wanted is a map with command and ok: {error}") from None
    if size > MOST_RESULT:
        raise BadRequest("result", f"at most {MOST_RESULT} bytes")
    return told
