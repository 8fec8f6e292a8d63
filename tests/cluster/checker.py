"""Judges a finished run by what clients sent and saw, and by the log as anybody can read it at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from tests.cluster.history import (
    Acked,
    Event,
    Failed,
    Gone,
    Item,
    Joined,
    Resync,
    Saw,
    Sent,
    Story,
    Wrong,
    shortly,
)
from tests.fold import Fold
from tests.support import Message

Log = Sequence[Message]
SYSTEM = "system"


class Violation(NamedTuple):
    """`story`: whose it is; None when it is the log's alone."""

    text: str
    story: Story | None = None

    def __str__(self) -> str:
        return self.text if self.story is None else f"{self.story.client}: {self.text}"


def violations(stories: Sequence[Story], logs: Mapping[str, Log]) -> Iterator[Violation]:
    """Everything that is wrong, in few words each. `logs`: of every board, complete."""
    for story in stories:
        yield from (Violation(text, story) for text in _saw(story))
    for board, log in logs.items():
        members = [story for story in stories if story.board == board]
        yield from (Violation(f"{board}: {text}") for text in _numbers(log))
        yield from _names(board, log, members)
        state = folded(board, log)
        for story in members:
            yield from (Violation(text, story) for text in _of_one(story, log, state))


def _of_one(story: Story, log: Log, state: Fold) -> Iterator[str]:
    places = {change["mutation"]: change["seq"] for change in log if change.get("client") == story.client}
    yield from _answers(story, log, places)
    yield from _order(story, places)
    yield from _ended(story, log, state)


# -- the log


def _numbers(log: Log) -> Iterator[str]:
    seqs = [change["seq"] for change in log]
    if seqs != list(range(1, len(log) + 1)):
        yield f"the log is numbered {shortly(seqs)}"
    for before, after in pairwise(log):
        if after["at"] < before["at"]:
            yield f"time goes backwards at {after['seq']}"


def _names(board: str, log: Log, members: Sequence[Story]) -> Iterator[Violation]:
    items = {(story.client, item.name): item for story in members for item in story.items}
    by_client = {story.client: story for story in members}
    names = [(change.get("client", ""), change.get("mutation", "")) for change in log]
    for (client, name), count in Counter(names).items():
        if count > 1 and name:
            yield Violation(f"{name} is in the log {count} times", by_client.get(client))
    for change, name in zip(log[1:], names[1:], strict=True):
        item = items.get(name)
        if item is None:
            if change["actor"]["id"] != SYSTEM:
                yield Violation(f"{board}: {change['seq']} is in the log and nobody sent it: {change}")
        elif (change["op"], change.get("task")) != (item.op, item.args.get("task")):
            yield Violation(f"{item.name} is {item.op} and in the log as {change}", by_client[name[0]])


def folded(board: str, log: Log) -> Fold:
    """The state that the log makes; as far as it goes without a hole."""
    fold = Fold()
    fold.head, fold.complete, fold.board = 0, True, {"id": board, "archived": False}
    for change in log:
        if change["seq"] == fold.head + 1:
            fold.take({"type": "changes", "changes": [change]})
    return fold


# -- what a client saw


def _saw(story: Story) -> Iterator[str]:
    """Nothing twice, nothing out of order, its own changes before their acks, one epoch."""
    head, epoch, member = -1, "", False
    for at, event in story.events:
        match event:
            case Joined():
                yield from (f"at {at:.3f} s {text}" for text in _joined(event, epoch, head))
                head, epoch, member = event.seq, event.epoch, True
            case Saw(seqs):
                if list(seqs) != list(range(head + 1, head + 1 + len(seqs))):
                    yield f"at {at:.3f} s saw {shortly(seqs)} after {head}"
                head = max(seqs, default=head)
            case Resync() | Gone():
                member = False
            case Acked(number, seq, duplicate) if member and not duplicate and seq > head:
                yield f"at {at:.3f} s heard of its own {story.items[number].name} at {seq} and saw {head}"
            case Wrong(what):
                yield f"at {at:.3f} s {what}"


def _joined(event: Joined, epoch: str, head: int) -> Iterator[str]:
    if epoch and event.epoch != epoch:
        yield f"joined epoch {event.epoch} after {epoch}"
    if event.seq < head:
        yield f"was put back from {head} to {event.seq}"
    if event.changes is not None and list(event.changes) != list(range(head + 1, event.seq + 1)):
        yield f"had {head}, joined at {event.seq} and got {shortly(event.changes)}"


# -- what a client was told


@dataclass
class Fate:
    """What became of one mutation, as its client knows it. `open`: arrivals without an answer so far."""

    item: Item
    open: int = 0
    lost: int = 0  # arrivals whose connection ended before the answer
    acked: list[int] = field(default_factory=list)
    refused: list[tuple[str, int]] = field(default_factory=list)  # and the head that the client had

    @property
    def may_come_in_late(self) -> bool:
        """It was judged more than once, perhaps, and differently: what is refused here is taken there."""
        return self.lost > 0 and not self.item.sure


def fates(story: Story) -> list[Fate]:
    found = [Fate(item) for item in story.items]
    head = -1
    for _, event in story.events:
        _note(found, event, head)
        if isinstance(event, Joined):
            head = event.seq
        elif isinstance(event, Saw):
            head = max(event.seqs, default=head)
    return found


def _note(found: list[Fate], event: Event, head: int) -> None:
    match event:
        case Sent(number):
            found[number].open += 1
        case Acked(number, seq):
            found[number].open -= 1
            found[number].acked.append(seq)
        case Failed(number, code, retry):
            found[number].open -= 1
            if not retry:
                found[number].refused.append((code, head))
        case Gone():
            for fate in found:
                fate.lost += fate.open
                fate.open = 0


def _answers(story: Story, log: Log, places: Mapping[str, int]) -> Iterator[str]:
    for fate in fates(story):
        item, at = fate.item, places.get(fate.item.name)
        for seq in fate.acked:
            if seq != at:
                yield f"{item.name} was acknowledged at {seq} and is in the log at {at}"
        if not fate.acked and not fate.refused:
            yield f"{item.name} {item.op} never got its answer"
        if item.hopeless and at is not None:
            yield f"{item.name} cannot be done and is in the log at {at}"
        if item.sure and fate.refused:
            yield f"{item.name} {item.op} was refused ({fate.refused}) and nothing stood against it"
        for code, head in fate.refused:
            if at is not None and (at <= head or not fate.may_come_in_late):
                yield f"{item.name} was refused for good ({code}) at {head} and is in the log at {at}"


def _order(story: Story, places: Mapping[str, int]) -> Iterator[str]:
    """A client's mutations are in the log in the order in which it sent them."""
    latest: tuple[int, Fate] | None = None
    for fate in fates(story):
        at = places.get(fate.item.name)
        if at is None:
            continue
        if latest is not None and at < latest[0]:
            yield f"{fate.item.name} is in the log at {at}, before {latest[1].item.name} at {latest[0]}"
        elif not fate.may_come_in_late:
            latest = at, fate


# -- what a client ended with


def _ended(story: Story, log: Log, state: Fold) -> Iterator[str]:
    view = story.view
    if view.head != len(log):
        yield f"ended at {view.head}, the log at {len(log)}"
    else:
        yield from (f"ended with {text}" for text in differences(view, state))


def differences(view: Fold, state: Fold) -> Iterator[str]:
    """In which tasks and parts of the board a client's state is not the fold of the log."""
    mine, right = _things(view), _things(state)
    for name in sorted(mine.keys() | right.keys()):
        if mine.get(name) != right.get(name):
            yield f"{name} as {mine.get(name)}, the log makes it {right.get(name)}"


def _things(view: Fold) -> dict[str, Message | None]:
    picture = view.picture()
    things = {f"task {id}": task for id, task in picture["tasks"].items()}
    things["board"] = picture["board"]
    for name in view.parts:
        things[name] = picture[name]
    return things
