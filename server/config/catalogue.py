"""The settings one by one, read from their classes: key, type, default, what is allowed, help."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from msgspec import inspect, structs

from server.config.kinds import Section
from server.config.settings import Settings


class Setting(NamedTuple):
    """One setting. `type` is what its values are converted to; `allowed` says the same to people."""

    section: type[Section]
    key: str
    type: Any
    default: object
    allowed: str
    help: str


@cache
def catalogue() -> dict[str, Setting]:
    """All settings by key (`section.name`), in the order of the classes."""
    return {setting.key: setting for setting in _settings()}


def _settings() -> Iterator[Setting]:
    for part in structs.fields(Settings):
        for field in structs.fields(part.type):
            kind, help_text, allowed = _unwrap(inspect.type_info(field.type))
            key = f"{part.name}.{field.name}"
            yield Setting(part.type, key, field.type, field.default, allowed or _bounds(kind), help_text)


def _unwrap(kind: inspect.Type) -> tuple[inspect.Type, str, str]:
    """A type without its metadata, and the description and the hand-written bounds found in there."""
    help_text = allowed = ""
    while isinstance(kind, inspect.Metadata):
        help_text = help_text or (kind.extra_json_schema or {}).get("description", "")
        allowed = allowed or (kind.extra or {}).get("allowed", "")
        kind = kind.type
    return kind, help_text, allowed


def _bounds(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType():
            return f"a whole number from {kind.ge} to {kind.le}"
        case inspect.FloatType():
            return f"a number from {kind.ge:g} to {kind.le:g}"
        case inspect.BoolType():
            return "true or false"
        case inspect.VarTupleType():
            return f"a list, each {_unwrap(kind.item_type)[2]}"
    raise TypeError(f"a setting cannot be a {type(kind).__name__}")
