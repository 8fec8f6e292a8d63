"""What must come back, with placeholders for what varies: the language of `tests/conversations`.

A string that is a placeholder stands for any value of its kind; `<kind:name>` remembers the value under
the name, and stands for that very value from then on, in what is sent, too.

| placeholder | stands for |
|---|---|
| `<any>` | anything, null too |
| `<seq>` · `<int>` | an integer from 1 · any integer |
| `<time>` | milliseconds since 1970, of this century |
| `<id>` | 1-64 of `A-Z a-z 0-9 _ -` |
| `<text>` · `<text about X>` | a string that is not empty · one that names X |
| `<absent>` | the key is not there |

A map must have exactly the keys that are written, unless it says `...: true`. A list must have exactly the
items that are written, unless `...` is one of them: then the others must be in it, in any order.
"""

import re
from typing import Any

_PLACEHOLDER = re.compile(r"<(any|seq|int|time|id|text|absent)(?::([a-z-]+)| about (.+))?>")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_THIS_CENTURY_MS = range(946_684_800_000, 4_102_444_800_000)


class Mismatch(AssertionError):
    """`path` is where in the message it was; `wanted` and `got` are what stood there."""

    def __init__(self, path: str, wanted: object, got: object) -> None:
        super().__init__(f"{path or 'message'}: wanted {wanted!r}, got {got!r}")
        self.path = path


def match(wanted: Any, got: Any, names: dict[str, Any], path: str = "") -> None:
    """Holds `got` to `wanted`; remembers named values in `names`. Raises `Mismatch`."""
    if isinstance(wanted, str) and (found := _PLACEHOLDER.fullmatch(wanted)):
        _match_placeholder(wanted, found, got, names, path)
    elif isinstance(wanted, dict) and isinstance(got, dict):
        _match_map(wanted, got, names, path)
    elif isinstance(wanted, list) and isinstance(got, list):
        _match_list(wanted, got, names, path)
    elif type(wanted) is not type(got) or wanted != got:
        raise Mismatch(path, wanted, got)


def fill(message: Any, names: dict[str, Any]) -> Any:
    """The message to send, with what was remembered in place of the placeholders."""
    if isinstance(message, dict):
        return {key: fill(value, names) for key, value in message.items()}
    if isinstance(message, list):
        return [fill(item, names) for item in message]
    if isinstance(message, str) and (found := _PLACEHOLDER.fullmatch(message)):
        return names[found[2]]
    return message


def _match_placeholder(wanted: str, found: re.Match[str], got: Any, names: dict[str, Any], path: str) -> None:
    kind, name, about = found.groups()
    if not _is(kind, got) or (about is not None and about not in got):
        raise Mismatch(path, wanted, got)
    if name is not None and names.setdefault(name, got) != got:
        raise Mismatch(path, f"{wanted}, that is {names[name]!r}", got)


def _is(kind: str, got: Any) -> bool:
    whole = isinstance(got, int) and not isinstance(got, bool)
    match kind:
        case "any":
            return True
        case "seq":
            return whole and got >= 1
        case "int":
            return whole
        case "time":
            return whole and got in _THIS_CENTURY_MS
        case "id":
            return isinstance(got, str) and _ID.fullmatch(got) is not None
        case "text":
            return isinstance(got, str) and got != ""
    return False


def _match_map(wanted: dict[str, Any], got: dict[str, Any], names: dict[str, Any], path: str) -> None:
    absent = {key for key, value in wanted.items() if value == "<absent>"}
    keys = wanted.keys() - absent - {"..."}
    if surplus := got.keys() & absent or (got.keys() - keys if "..." not in wanted else set()):
        raise Mismatch(path, f"no {sorted(surplus)}", got)
    if missing := keys - got.keys():
        raise Mismatch(path, f"with {sorted(missing)}", got)
    for key in wanted:
        if key in keys:
            match(wanted[key], got[key], names, f"{path}.{key}" if path else key)


def _match_list(wanted: list[Any], got: list[Any], names: dict[str, Any], path: str) -> None:
    if "..." in wanted:
        for item in wanted:
            if item != "..." and not any(matches(item, other, names) for other in got):
                raise Mismatch(path, f"{item!r} among the items", got)
        return
    if len(wanted) != len(got):
        raise Mismatch(path, f"{len(wanted)} items", got)
    for index, (item, other) in enumerate(zip(wanted, got, strict=True)):
        match(item, other, names, f"{path}[{index}]")


def matches(wanted: Any, got: Any, names: dict[str, Any]) -> bool:
    """Whether it does; `names` gains only when it does."""
    attempt = dict(names)
    try:
        match(wanted, got, attempt)
    except Mismatch:
        return False
    names.update(attempt)
    return True
