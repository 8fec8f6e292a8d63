"""`/asyncapi.json`: the sockets, made from the types of their messages. Never written twice."""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from handlers.api.openapi import ABOUT, REF, Json, portable
from server import __version__
from server.model import device_messages as d
from server.model import messages as m
from server.model.commands import OPERATIONS
from server.wire import JSON, MSGPACK

MESSAGE = "#/components/messages/{name}"
_CHANNELS: dict[str, tuple[str, str, Any, Any]] = {
    "board": (
        "/ws",
        "People and programs. `hello` comes first; each request is answered with its `id`.",
        m.ClientMessage,
        m.ServerMessage,
    ),
    "device": (
        "/ws/device",
        "Devices, with `Authorization: Bearer <device token>` at the upgrade. There is no `hello`.",
        d.DeviceMessage,
        d.Stored | d.CommandMessage | m.ErrorMessage,
    ),
}
"""Channel → its path, what it is for, what comes in, what goes out."""


def document() -> Json:
    """The AsyncAPI 3.0 document of `/ws` and `/ws/device`."""
    kinds = {kind for _, _, told, said in _CHANNELS.values() for kind in (*get_args(told), *get_args(said))}
    ordered = sorted(kinds, key=_name)
    commands = sorted(OPERATIONS.values(), key=lambda command: command.__name__)
    schemas, components = msgspec.json.schema_components([*ordered, *commands], ref_template=REF)
    found = {_name(kind): schema for kind, schema in zip(ordered, schemas, strict=False)}
    made = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Boardcast",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in _CHANNELS},
        "operations": {key: operation for name in _CHANNELS for key, operation in _operations(name).items()},
        "components": {
            "messages": {name: _message(name, schema) for name, schema in found.items()},
            "schemas": components,
        },
    }
    result: Json = _named(portable(made))
    return result


def _named(value: Any) -> Any:
    """A discriminator is the name of a property here; OpenAPI wraps it."""
    if isinstance(value, list):
        return [_named(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _named(item) for key, item in value.items()}
    if isinstance(wrapped := made.get("discriminator"), dict):
        made["discriminator"] = wrapped["propertyName"]
    return made


def _name(kind: Any) -> str:
    """Of the type, not of the tag: `comments` is a request and a reply."""
    return str(kind.__name__)


def _channel(name: str) -> Json:
    address, purpose, told, said = _CHANNELS[name]
    kinds = dict.fromkeys((*get_args(told), *get_args(said)))
    protocols = {"type": "string", "enum": [JSON.subprotocol, MSGPACK.subprotocol]}
    headers = {"type": "object", "properties": {"Sec-WebSocket-Protocol": protocols}}
    return {
        "address": address,
        "description": f"{purpose} A frame is one message, or an array of messages in order.",
        "messages": {_name(kind): {"$ref": MESSAGE.format(name=_name(kind))} for kind in kinds},
        "bindings": {"ws": {"method": "GET", "headers": headers}},
    }


def _operations(name: str) -> Json:
    _, _, told, said = _CHANNELS[name]
    return {
        f"{name}Tells": _operation("receive", name, get_args(told)),
        f"{name}IsTold": _operation("send", name, get_args(said)),
    }


def _operation(action: str, channel: str, kinds: Iterable[Any]) -> Json:
    """`action` is the server's: it receives what clients send."""
    where = f"#/channels/{channel}"
    messages = [{"$ref": f"{where}/messages/{_name(kind)}"} for kind in kinds]
    return {"action": action, "channel": {"$ref": where}, "messages": messages}


def _message(name: str, schema: Json) -> Json:
    message: Json = {"name": name, "payload": schema}
    if name == m.Mutate.__name__:
        args = {op: {"$ref": REF.format(name=command.__name__)} for op, command in OPERATIONS.items()}
        message["x-operations"] = args
        message["description"] = "`args` is what `x-operations` has for the `op`."
    return message
