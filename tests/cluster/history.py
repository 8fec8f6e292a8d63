"""What each client sent and saw, as it happened. The checker knows this and the log, and nothing else."""

import asyncio
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.fold import Fold
from tests.support import Message


class Connected(NamedTuple):
    instance: str


class Gone(NamedTuple):
    """The connection ended; what was sent on it and not answered has no known outcome."""

    why: str


class Sent(NamedTuple):
    number: int


class Acked(NamedTuple):
    number: int
    seq: int
    duplicate: bool


class Failed(NamedTuple):
    """An error; with `retry` the mutation stays in the queue."""

    number: int
    code: str
    retry: bool
    text: str


class Joined(NamedTuple):
    """`changes`: the numbers that came with it, when it was caught up; else it got a snapshot at `seq`."""

    epoch: str
    seq: int
    changes: tuple[int, ...] | None


class Resync(NamedTuple):
    pass


class Saw(NamedTuple):
    """The numbers of changes that came in one message."""

    seqs: Sequence[int]


class Wrong(NamedTuple):
    """Something that no server may say, as the client noticed it."""

    what: str


class Note(NamedTuple):
    """What the script did."""

    what: str


Event = Connected | Gone | Sent | Acked | Failed | Joined | Resync | Saw | Wrong | Note


@dataclass(eq=False)
class Item:
    """One mutation of a client. `number`: its place in the client's own order, from 0.

    `sure`: no state of the board refuses it; `hopeless`: every state does.
    """

    number: int
    name: str
    op: str
    args: Message
    base: int | None = None
    sure: bool = False
    hopeless: bool = False


@dataclass(eq=False)
class Story:
    """One client on one board, from its first connection to its last. `view`: the state it ended with."""

    client: str
    board: str
    items: list[Item] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)
    view: Fold = field(default_factory=Fold)


class History:
    """All stories of a run on one clock, and what the script did meanwhile. `clock`: seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self.stories: list[Story] = []
        self.script = Story("script", "")
        self.acked = 0
        self._told = asyncio.Event()

    @property
    def now(self) -> float:
        return self._clock() - self._began

    def story(self, client: str, board: str) -> Story:
        self.stories.append(Story(client, board))
        return self.stories[-1]

    def tell(self, story: Story, event: Event) -> None:
        story.events.append((self.now, event))
        if isinstance(event, Acked):
            self.acked += 1
        self._told.set()

    async def until(self, condition: Callable[[], bool], most_s: float) -> bool:
        """Wait until it holds, looking at each event; whether it does after at most so long."""
        try:
            async with asyncio.timeout(most_s):
                while not condition():
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            return False
        return True

    def note(self, what: str) -> None:
        self.tell(self.script, Note(what))


MOST_LINES = 400
ROUND_S = 1.0


def lines(story: Story, script: Story, names: Collection[str] = (), last: int = 60) -> Iterator[str]:
    """What happened round the mutations called `names`, or else the newest of a story, for people to read.

    What the script did in that time stands between the lines.
    """
    events = story.events[-last:]
    since, until = (events[0][0] if events else 0.0), math.inf
    concerned = [at for at, event in story.events if _name(story, event) in names]
    if concerned:
        since, until = concerned[0] - ROUND_S, concerned[-1] + ROUND_S
        events = [(at, event) for at, event in story.events if since <= at <= until][:MOST_LINES]
    merged = [(at, "script", event) for at, event in script.events if since <= at <= until]
    merged += [(at, story.client, event) for at, event in events]
    for at, who, event in sorted(merged, key=lambda line: line[0]):
        yield f"{at:9.3f} {who:<24} {_shown(story, event)}"


def _name(story: Story, event: Event) -> str | None:
    return story.items[event.number].name if isinstance(event, Sent | Acked | Failed) else None


def _shown(story: Story, event: Event) -> str:
    match event:
        case Sent(number):
            item = story.items[number]
            return (
                f"sends {item.name} {item.op} {item.args} {'' if item.base is None else item.base}".rstrip()
            )
        case Acked(number, seq, duplicate):
            return f"hears {story.items[number].name} is at {seq}{' already' if duplicate else ''}"
        case Failed(number, code, retry, text):
            return f"hears {story.items[number].name} {code}{' (retry)' if retry else ''}: {text}"
        case Joined(epoch, seq, changes):
            how = "a snapshot" if changes is None else f"changes {shortly(changes)}"
            return f"joined at {seq} of {epoch} with {how}"
        case Saw(seqs):
            return f"sees {shortly(seqs)}"
        case Connected(what) | Gone(what) | Wrong(what) | Note(what):
            return f"{type(event).__name__.lower()}: {what}"
        case Resync():
            return "is told to join again"


def shortly(seqs: Sequence[int]) -> str:
    """1, 2, 3, 5 as `1-3 5`."""
    parts: list[list[int]] = []
    for seq in seqs:
        if parts and seq == parts[-1][1] + 1:
            parts[-1][1] = seq
        else:
            parts.append([seq, seq])
    return " ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in parts)
