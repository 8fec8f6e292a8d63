"""Pure: who is on one board and what they look at, with expiry. It has no clock of its own.

Who is here on this instance (`server.people` keeps it beside those of the other instances, `server.roster`).

What listeners have to be told is collected as a delta, conflated: who came and went between two
`take_delta` calls was never here.
"""

from math import inf
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from server.model.fields import Kind
from server.model.messages import Present, User

TYPING_S = 8.0
"""Seconds after its last update that a typing flag goes out by itself."""


class Rhythm(NamedTuple):
    """How instances keep up with each other's people, seconds."""

    beacon_s: float = 4.0  # between two signs of life on a board with people, at most
    silent_s: float = 12.0  # nothing heard of an instance for so long: its people are gone
    answer_s: float = 1.0  # between two answers to `who` on one board, at least
    ask_s: float = 0.5  # between asking and asking again, at first; doubled up to `beacon_s`


class Delta(NamedTuple):
    """`left` holds sessions. Nobody is in two of the three."""

    joined: list[Present]
    updated: list[Present]
    left: list[str]


class Presence:
    """The sessions on one board. Times are monotonic seconds, given by the caller."""

    def __init__(self) -> None:
        self._here: dict[str, Present] = {}
        self._typing_until: dict[str, float] = {}
        self._told: dict[str, Present | None] = {}  # touched sessions → what listeners believe of them

    def __len__(self) -> int:
        return len(self._here)

    def __contains__(self, session: str) -> bool:
        return session in self._here

    def entries(self) -> list[Present]:
        """Everybody here, in order of arrival."""
        return list(self._here.values())

    def join(self, session: str, user: User, kind: Kind = "user") -> None:
        """`session` is here. Joining again keeps what it looked at."""
        before = self._here.get(session)
        if before is None or before.user != user or before.kind != kind:
            self._put(Present(session=session, user=user, kind=kind))

    def update(
        self,
        session: str,
        *,
        task: str | None = None,
        field: str | None = None,
        typing: bool = False,
        now: float,
    ) -> None:
        """All of what `session` looks at now. Ignored when it is not here."""
        before = self._here.get(session)
        if before is None:
            return
        self._put(
            Present(
                session=session,
                user=before.user,
                kind=before.kind,
                task=UNSET if task is None else task,
                field=UNSET if field is None else field,
                typing=True if typing else UNSET,
            )
        )
        if typing:
            self._typing_until[session] = now + TYPING_S

    def show(self, entry: Present) -> None:
        """`entry` is here, as somebody else says who keeps the time; it does not expire by itself."""
        if self._here.get(entry.session) != entry:
            self._put(entry)

    def leave(self, session: str) -> None:
        """`session` is gone. Ignored when it is not here."""
        if session in self._here:
            self._touch(session)
            del self._here[session]
            self._typing_until.pop(session, None)

    @property
    def due(self) -> float:
        """When the next typing flag goes out."""
        return min(self._typing_until.values(), default=inf)

    def expire(self, now: float) -> None:
        """Put out the typing flags that nobody renewed."""
        for session in [name for name, until in self._typing_until.items() if until <= now]:
            self._put(replace(self._here[session], typing=UNSET))

    def take_delta(self) -> Delta | None:
        """What changed since the last call; None when nothing did."""
        delta = Delta([], [], [])
        for session, before in self._told.items():
            entry = self._here.get(session)
            if entry is None:
                if before is not None:
                    delta.left.append(session)
            elif before is None:
                delta.joined.append(entry)
            elif entry != before:
                delta.updated.append(entry)
        self._told.clear()
        return delta if any(delta) else None

    def _put(self, entry: Present) -> None:
        self._touch(entry.session)
        self._here[entry.session] = entry
        self._typing_until.pop(entry.session, None)

    def _touch(self, session: str) -> None:
        self._told.setdefault(session, self._here.get(session))
