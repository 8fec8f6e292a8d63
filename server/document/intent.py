"""What the appliers share: who wants something, what comes of it, and the checks that are common."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from server.document.folding import author_of
from server.document.state import BoardState
from server.errors import Conflict, NotFound
from server.model.fields import Role
from server.model.records import Actor, Also, Column, Fields, Kept, Patch, Task


class Limits(Struct, frozen=True, kw_only=True):
    """How large a board may grow; see `limits` in config.yaml."""

    boards: int = 10_000
    tasks_per_board: int = 10_000
    columns_per_board: int = 100
    labels_per_board: int = 200
    members_per_board: int = 1_000
    labels_per_task: int = 50
    assignees_per_task: int = 50
    checklist_items: int = 100
    comments_per_task: int = 1_000
    devices_per_board: int = 2_000
    rules_per_board: int = 100


class Intent(Struct, frozen=True, kw_only=True):
    """Who wants it, when, from what they saw. `base`: the seq the author saw; None: not said.

    `epoch` and `boards` (how many there are) are for `board.create` alone.
    """

    actor: Actor
    client: str
    role: Role
    at: int
    base: int | None = None
    epoch: str = ""
    boards: int = 0
    digest: str | UnsetType = UNSET
    limits: Limits = Limits()


class Delta(Struct, frozen=True, kw_only=True):
    """What an operation does: `set` and `was` of the board or of `task`, and of further tasks."""

    set: Patch = Patch()
    was: Patch = Patch()
    task: str | UnsetType = UNSET
    also: dict[str, Also] | UnsetType = UNSET


def fields_delta(old: Struct, wanted: Fields) -> tuple[Fields, Fields]:
    """Of the `wanted` values those that differ from `old`, and what `old` has there."""
    new = {name: value for name, value in wanted.items() if getattr(old, name) != value}
    return new, {name: getattr(old, name) for name in new}


def task_fields(task: Task, wanted: Fields) -> tuple[Fields, Fields]:
    """As `fields_delta`; column and position stand together, so that `was` tells where to put it back. What
    the task did not have at all `was` null.
    """
    new, was = fields_delta(task, wanted)
    was = {name: None if value is UNSET else value for name, value in was.items()}
    if "column" in new:
        new["position"], was["position"] = wanted["position"], task.position
    return new, was


def task_delta(task: Task, wanted: Fields) -> Delta:
    new, was = task_fields(task, wanted)
    return Delta(task=task.id, set=Patch(**new), was=Patch(**was))


def also_delta(task: Task, wanted: Fields) -> Also:
    new, was = task_fields(task, wanted)
    return Also(set=Patch(**new), was=Patch(**was))


def given(command: Struct, *names: str) -> Fields:
    """The fields among `names` that the command mentions."""
    return {name: value for name in names if (value := getattr(command, name)) is not UNSET}


def refuse_overwriting(state: BoardState, kept: Kept[Any], wanted: Fields, intent: Intent) -> None:
    """Raises `Conflict` when a wanted field was changed since `base` by another client to another value.

    A base that the board has not reached is of another log, before an older copy was put back: it saw
    nothing of this one.
    """
    if intent.base is None:
        return
    base = intent.base if intent.base <= state.seq else 0
    author = author_of(intent.actor, intent.client)
    for field, value in wanted.items():
        mark = kept.marks.get(field, kept.made)
        current = getattr(kept.value, field)
        if mark.seq > base and mark.author != author and current != value:
            raise Conflict(field, "somebody else changed it since", current=current, seq=mark.seq)


def need_task(state: BoardState, task: str) -> Kept[Task]:
    kept = state.task(task)
    if kept is None:
        raise NotFound("task", task)
    return kept


def need_column(state: BoardState, column: str) -> Column:
    kept = state.columns.get(column)
    if kept is None or kept.deleted:
        raise NotFound("column", column)
    return kept.value
