"""Verified completion: a task with `done_when` is completed only once telemetry has shown it.

One place for all the ways in which a task is completed or opened again: by itself, by its column, with it.
"""

from msgspec import UNSET
from msgspec.structs import replace

from server.document.intent import Delta
from server.document.state import BoardState
from server.errors import Conflict
from server.model.devices import DoneWhen
from server.model.records import Also, Patch


def held_back(state: BoardState, delta: Delta) -> Delta:
    """`delta`, with tasks that open again not verified any more.

    Raises `Conflict` when it completes a task whose condition has not been shown to hold.
    """
    also = delta.also
    if also is not UNSET:
        also = {task: _held(state, task, part) for task, part in also.items()}
    if delta.task is UNSET or delta.set.completed is UNSET:
        return delta if also is UNSET else replace(delta, also=also)
    held = _held(state, delta.task, Also(set=delta.set, was=delta.was))
    return replace(delta, set=held.set, was=held.was, also=also)


def _held(state: BoardState, task: str, part: Also) -> Also:
    patch = part.set
    if patch.completed is UNSET:
        return part
    kept = state.tasks.get(task)
    old = None if kept is None else kept.value
    done_when = patch.done_when if patch.done_when is not UNSET else old.done_when if old else None
    verified = patch.verified if patch.verified is not UNSET else old.verified if old else False
    if done_when is None:
        return part
    if not patch.completed:
        return _unverified(part) if old is not None and old.verified and patch.verified is UNSET else part
    if not verified and not (old is not None and old.completed):
        raise Conflict("completed", f"{_said(done_when)} has not been seen yet", task=task)
    return part


def _unverified(part: Also) -> Also:
    return Also(set=_with(part.set, False), was=_with(part.was, True))


def _with(patch: Patch, verified: bool) -> Patch:
    return replace(patch, verified=verified)


def _said(done_when: DoneWhen) -> str:
    """As in "temp of boiler below 5 for 600 s"."""
    word, limit = ("below", done_when.below) if done_when.above is UNSET else ("above", done_when.above)
    lasting = f" for {done_when.for_ms / 1000:g} s" if done_when.for_ms else ""
    return f"{done_when.metric} of {done_when.device} {word} {limit:g}{lasting}"
