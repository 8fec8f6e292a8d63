"""Which topic is of which device: the map of the configuration, made to subscribe and to match. Pure.

A pattern is a topic whose levels are words or, one level each, `{board}`, `{device}` and `{metric}`:
`boards/{board}/devices/{device}/telemetry`. Where `{board}` is missing the topic belongs to a given board.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

Kind = Literal["telemetry", "results"]
ID = re.compile(r"\A[A-Za-z0-9_-]{1,64}\Z")
PLACES = ("{board}", "{device}", "{metric}")


class Found(Struct, frozen=True):
    """What a topic says. `metric`: the payload is a value of it; "": the payload names its metrics."""

    kind: Kind
    board: str
    device: str
    metric: str = ""


class Pattern:
    """One pattern. Raises `ValueError`, saying why, when it is none."""

    def __init__(self, text: str, places: Iterable[str] = PLACES) -> None:
        self._levels = text.split("/")
        _check(text, self._levels, set(places))
        self.filter = "/".join("+" if level in PLACES else level for level in self._levels)
        """What to subscribe to."""

    def match(self, levels: Sequence[str]) -> dict[str, str] | None:
        """What stands in the places, by `{name}`; None: it is another topic."""
        if len(levels) != len(self._levels):
            return None
        found = {}
        for wanted, given in zip(self._levels, levels, strict=True):
            if wanted in PLACES:
                found[wanted] = given
            elif wanted != given:
                return None
        return found

    def topic(self, board: str, device: str) -> str:
        """The topic of a device."""
        names = {"{board}": board, "{device}": device}
        return "/".join(names.get(level, level) for level in self._levels)


def _check(text: str, levels: Sequence[str], allowed: set[str]) -> None:
    for level in levels:
        if not level:
            raise ValueError(f"{text!r} has an empty level")
        if level not in PLACES and re.search(r"[+#{}$\s]", level):
            raise ValueError(f"{text!r}: a level is a word, {', '.join(sorted(allowed))}; got {level!r}")
        if level in PLACES and level not in allowed:
            raise ValueError(f"{text!r}: {level} has no meaning here")
    for place in allowed:
        if levels.count(place) > 1:
            raise ValueError(f"{text!r} has {place} twice")
    if "{device}" not in levels:
        raise ValueError(f"{text!r} lacks {{device}}")


class Topics:
    """All patterns. `board`: of topics that do not say which. Raises `ValueError` for a bad pattern."""

    def __init__(self, telemetry: Sequence[str], *, commands: str, results: str, board: str) -> None:
        self._board = board
        self._patterns: list[tuple[Kind, Pattern]] = [("telemetry", Pattern(text)) for text in telemetry]
        self._commands = Pattern(commands, ("{board}", "{device}")) if commands else None
        if results:
            self._patterns.append(("results", Pattern(results, ("{board}", "{device}"))))

    @property
    def filters(self) -> list[str]:
        """What to subscribe to, each once."""
        return list(dict.fromkeys(pattern.filter for _, pattern in self._patterns))

    def match(self, topic: str) -> Found | None:
        """What the topic says: by the first pattern that fits; None: nothing, or ids that cannot be."""
        levels = topic.split("/")
        for kind, pattern in self._patterns:
            places = pattern.match(levels)
            if places is not None:
                found = Found(
                    kind, places.get("{board}", self._board), places["{device}"], places.get("{metric}", "")
                )
                return found if ID.match(found.board) and ID.match(found.device) else None
        return None

    def commands(self, board: str, device: str) -> str | None:
        """Where the device listens; None: it cannot be told anything by MQTT."""
        return None if self._commands is None else self._commands.topic(board, device)
