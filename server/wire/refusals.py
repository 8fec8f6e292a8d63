"""What a client is told about a message that was refused, in the client's terms."""

import re

import msgspec
from msgspec import UNSET, UnsetType

from server.errors import BadRequest, BoardcastError
from server.model import accounts, device_messages, devices, fields
from server.model.fields import RequestId
from server.model.messages import ErrorMessage

_SHOWN = 120  # characters of what a client sent that an error repeats

_FOUND = re.compile(r"(?P<text>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_NAMED = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_PATTERN = re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL)


def refusal(
    error: BoardcastError,
    *,
    id: RequestId | UnsetType = UNSET,
    board: str | UnsetType = UNSET,
    mutation: str | UnsetType = UNSET,
) -> ErrorMessage:
    """The `error` message that tells a client about `error`."""
    return ErrorMessage(
        code=error.code,
        message=error.message,
        retry=error.retry,
        id=id,
        board=board,
        mutation=mutation,
        details=dict(error.details) or UNSET,
    )


def explain(error: msgspec.ValidationError, prefix: str = "", whole: str = "message") -> BadRequest:
    """The refusal that says what msgspec found, with the field as the client knows it: `args.title`; `whole`
    where it is no field.
    """
    match = _FOUND.fullmatch(str(error))
    text, path = (match["text"], match["path"] or "") if match else (str(error), "")
    if match and match["key"]:
        return bad_field(prefix + path, "keys must be strings")
    if named := _NAMED.fullmatch(text):
        problem = "is missing" if named[1].startswith("missing") else "unknown field"
        return bad_field(f"{prefix}{path}.{named[2]}", problem)
    return bad_field(prefix + path or whole, _wording(text))


def bad_field(path: str, problem: str) -> BadRequest:
    """`path` and `problem` may hold what the client sent; they are cut to a readable length."""
    return BadRequest(short(path.lstrip(".")) or "message", short(problem))


def short(text: str) -> str:
    """`text`, when long only its beginning, as something that can be encoded."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _described() -> dict[str, str]:
    """What each pattern of the model asks for."""
    kinds = [
        kind for module in (fields, devices, device_messages, accounts) for kind in vars(module).values()
    ]
    metas = [meta for kind in kinds for meta in getattr(kind, "__metadata__", ())]
    return {_as_shown(meta.pattern): meta.description for meta in metas if meta.pattern and meta.description}


def _as_shown(pattern: str) -> str:
    return repr(pattern)[1:-1]


_DESCRIPTION = _described() | {_as_shown(r"\S"): "some text that is not blank"}


def _wording(text: str) -> str:
    if pattern := _PATTERN.fullmatch(text):
        return f"expected {_DESCRIPTION.get(pattern[1], pattern[1])}"
    text = text.replace("`", "")
    return text[:1].lower() + text[1:]
