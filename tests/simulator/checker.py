"""Judges a finished run by what clients sent and heard, and by the log that is left on the disk."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import UNSET

from server.boards.judge import SYSTEM
from server.boards.submission import Accepted
from server.document import BoardState, Intent, Limits, apply
from server.errors import BoardcastError
from server.model.records import BoardRecord, Change, Record
from server.stores import Loaded
from tests.simulator.history import Attempt, Item


def violations(items: Sequence[Item], log: Sequence[Change], board: str) -> Iterator[str]:
    """Everything that is wrong, in few words each."""
    yield from _numbers(log)
    yield from _names(items, log)
    yield from _answers(items, log)
    yield from _nameless(items, log)
    yield from _order(items, log)
    yield from _meaning(items, log, board)


def violations_since(old: int, items: Sequence[Item], log: Sequence[Change], board: str) -> Iterator[str]:
    """When an older copy was put back after the first `old` items were made: those may be lost."""
    later = items[old:]
    yield from _numbers(log)
    yield from _names(items, log)
    yield from _answers(later, log)
    yield from _order(later, log)
    yield from _meaning(later, log, board)


def _numbers(log: Sequence[Change]) -> Iterator[str]:
    if [change.seq for change in log] != list(range(1, len(log) + 1)):
        yield f"the log is numbered {[change.seq for change in log]}"
    if any(later.at < earlier.at for earlier, later in pairwise(log)):
        yield "time goes backwards in the log"


def _names(items: Sequence[Item], log: Sequence[Change]) -> Iterator[str]:
    sent = {item.name for item in items if item.name is not None}
    for name, count in Counter(change.name for change in log if change.name is not None).items():
        if count > 1:
            yield f"{name} is in the log {count} times"
        if name not in sent:
            yield f"{name} is in the log and nobody sent it"


def _answers(items: Sequence[Item], log: Sequence[Change]) -> Iterator[str]:
    at = {change.name: change.seq for change in log if change.name is not None}
    for item in items:
        for attempt in item.attempts:
            if isinstance(attempt.outcome, Accepted):
                yield from _acknowledged(attempt, attempt.outcome, log)
            elif attempt.refused and item.name in at and not _judged_again(attempt):
                yield f"{item.label} was refused for good and is in the log at {at[item.name]}"
        if item.hopeless and isinstance(item.answer, Accepted):
            yield f"{item.label} cannot be done and was acknowledged"


def _acknowledged(attempt: Attempt, outcome: Accepted, log: Sequence[Change]) -> Iterator[str]:
    if outcome.seq > len(log) or log[outcome.seq - 1].name != attempt.item.name:
        yield f"{attempt.item.label} was acknowledged at {outcome.seq} and is not there"


def _judged_again(attempt: Attempt) -> bool:
    """The same name was under way elsewhere, or came again because its client did not hear of the refusal."""
    others = (other for other in attempt.item.attempts if other is not attempt)
    return any(other.outcome is None or other.ended_s > attempt.began_s for other in others)


def _nameless(items: Sequence[Item], log: Sequence[Change]) -> Iterator[str]:
    """What has no name is never retried: it is in the log once when acknowledged, at most once when not."""
    found = Counter(change.actor.id for change in log if change.mutation is UNSET)
    found.pop(SYSTEM.id, None)
    for actor, count in found.items():
        mine = [item for item in items if item.actor.id == actor]
        most = sum(not isinstance(item.answer, BoardcastError) or item.answer.retry for item in mine)
        seqs = [item.answer.seq for item in mine if isinstance(item.answer, Accepted)]
        if count > most:
            yield f"{actor} did {most} things at most and they are in the log {count} times"
        if len(set(seqs)) < len(seqs):
            yield f"{actor} was told the same number twice"


def _order(items: Sequence[Item], log: Sequence[Change]) -> Iterator[str]:
    """A client's mutations are in the log in the order in which it sent them."""
    at = {change.name: change.seq for change in log if change.name is not None}
    latest: dict[str, tuple[int, Item]] = {}
    for item in items:
        if not item.ordered or item.name not in at:
            continue
        seq = at[item.name]
        before, of = latest.get(item.client, (0, item))
        if seq < before and not _was_out(of):
            yield f"{item.label} is in the log at {seq}, before {of.label} at {before}"
        latest[item.client] = max(latest.get(item.client, (0, item)), (seq, item), key=lambda pair: pair[0])


def _was_out(item: Item) -> bool:
    """It was refused once, or may have been by an instance that died: judged again, it came in later."""
    return any(
        _judged_again(attempt) if attempt.refused else attempt.outcome is None and attempt.died()
        for attempt in item.attempts
    )


def _meaning(items: Sequence[Item], log: Sequence[Change], board: str) -> Iterator[str]:
    """Each change is what its command makes of the state before it; each refusal was right at some moment."""
    named = {item.name: item for item in items if item.name is not None}
    told = {item.answer.seq: item for item in items if isinstance(item.answer, Accepted)}
    refusals = sorted(_refusals(items), key=lambda attempt: attempt.head)
    open_: list[Attempt] = []
    state = BoardState(board)
    for seq in range(len(log) + 1):
        while refusals and refusals[0].head <= seq:
            open_.append(refusals.pop(0))
        open_ = [attempt for attempt in open_ if not _refuses(state, attempt.item)]
        for attempt in [attempt for attempt in open_ if attempt.settled_head <= seq]:
            open_.remove(attempt)
            yield f"{attempt.item.label} was refused ({attempt.outcome}) and nothing stood against it"
        if seq < len(log):
            change = log[seq]
            item = told.get(seq + 1) if change.name is None else named.get(change.name)
            if item is not None and (wrong := _differs(state, change, item)):
                yield wrong
            state.replay(change)


def _refusals(items: Sequence[Item]) -> Iterator[Attempt]:
    for item in items:
        for attempt in item.attempts:
            if attempt.refused:
                yield attempt


def _intent(state: BoardState, item: Item, at: int, epoch: str) -> Intent:
    return Intent(
        actor=item.actor,
        client=item.client,
        role="owner",
        at=at,
        base=item.base,
        epoch=epoch,
        limits=Limits(),
    )


def _refuses(state: BoardState, item: Item) -> bool:
    try:
        apply(state, item.command, _intent(state, item, state.at, ""), item.mutation)
    except BoardcastError:
        return True
    return False


def _differs(state: BoardState, change: Change, item: Item) -> str | None:
    epoch = "" if change.set is UNSET or change.set.epoch is UNSET else change.set.epoch
    try:
        right = apply(state, item.command, _intent(state, item, change.at, epoch), item.mutation)
    except BoardcastError as error:
        return f"{item.label} is in the log at {change.seq} and cannot be: {error}"
    return None if right == change else f"{item.label} at {change.seq} is {change}, should be {right}"


# -- states


def folded(board: str, log: Sequence[Change]) -> BoardState:
    state = BoardState(board)
    for change in log:
        state.replay(change)
    return state


def restored(board: str, loaded: Loaded | None) -> BoardState:
    """The state that a load gives."""
    if loaded is None:
        return BoardState(board)
    records: list[Record] = [*loaded.tasks, *loaded.comments]
    if isinstance(loaded.board, BoardRecord):
        records.append(loaded.board)
    state = BoardState.restored(board, loaded.mark, records)
    for change in loaded.tail:
        state.replay(change)
    return state


_OF_THE_BOARD = ("info", "columns", "labels", "members", "devices", "rules", "commands")
COMPARED = ("seq", "at", *_OF_THE_BOARD, "tasks", "comments", "alarms")


def difference(one: BoardState, other: BoardState) -> str | None:
    """The first part in which two states differ."""
    for name in COMPARED:
        if getattr(one, name) != getattr(other, name):
            return f"{name}: {getattr(one, name)} is not {getattr(other, name)}"
    if _filled(one.order) != _filled(other.order):
        return f"order: {one.order} is not {other.order}"
    if _filled(one.comments_of) != _filled(other.comments_of):
        return f"comments_of: {one.comments_of} is not {other.comments_of}"
    return None


def _filled(index: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in index.items() if value}
