"""How a wrong configuration is told: one line with the key, what was given, where, and what is allowed."""

import difflib
import re
from collections.abc import Iterable

_PASSWORD = re.compile(r"(://[^:@\s]*):\S*@")
_SECRET = re.compile(
    r"([?&][^=&\s]*(?:password|secret|token|mechanismproperties)[^=&\s]*=)[^&\s'\"]*", re.IGNORECASE
)
_LONGEST = 100


class ConfigError(Exception):
    """The configuration cannot be used; the start ends with exit code 78.

    `key`: the setting as `section.name`, or the file when it cannot be read at all. `problem`: what was
    given, and what is wrong with it. `where`: file and line, environment variable or flag. `allowed`: what
    would do.
    """

    def __init__(self, key: str, problem: str, *, where: str = "", allowed: str = "") -> None:
        self.key, self.problem, self.where, self.allowed = key, problem, where, allowed
        text = f"{key}: {problem}"
        text += f" ({where})" if where else ""
        text += f"; {allowed}" if allowed else ""
        super().__init__(_one_line(text))


def masked(text: str) -> str:
    """The text with every password of a URL in it replaced, also one that stands in its query."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


def shown(value: object) -> str:
    """A given value for a message: one line, not too long, without the password of a URL."""
    if value is None:
        return "nothing"
    text = _one_line(masked(repr(value)))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def near(name: str, known: Iterable[str]) -> str:
    """`did you mean …?` when something known is like `name`, else all that is known."""
    choices = {_last_part(choice): choice for choice in known}
    close = difflib.get_close_matches(_last_part(name), choices, n=1)
    return f"did you mean {choices[close[0]]}?" if close else "known: " + ", ".join(choices.values())


def _last_part(name: str) -> str:
    """What tells a name from its neighbours: `port` of `server.port` and of `BOARDCAST_SERVER__PORT`."""
    return name.lower().replace("__", ".").rpartition(".")[2]


def _one_line(text: str) -> str:
    return " ".join(text.split())
