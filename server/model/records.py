"""What a board is made of: changes (the log, the truth) and the records folded from them.

All records are frozen: a fold makes new ones, so that they can be handed to another thread or kept
in a draft without a copy. `UNSET` is "not mentioned", `None` is "cleared".
"""

from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from server.model.devices import CommandPatch, Device, DeviceCommand, DevicePatch, DoneWhen, Rule
from server.model.fields import Id, Kind, Priority, Role, Visibility

T = TypeVar("T")


class Actor(Struct, frozen=True):
    """Who did it. `id` is unique for the kind, `name` is how they called themselves then."""

    id: str
    name: str
    kind: Kind = "user"


class ChecklistItem(Struct, frozen=True):
    id: str
    text: str
    done: bool = False


class Task(Struct, frozen=True, kw_only=True):
    """A task as every client sees it. `position` orders it inside `column`, by code point, ties by id.

    `alarm`: the rule whose card it is, on `device`; `alarm_at`: not well since then, None: well again, since
    `alarm_cleared_at` (the last time; absent: never).
    `verified`: what `done_when` asks for is so, and the task may be completed.
    """

    id: str
    title: str
    column: str
    position: str
    description: str = ""
    completed: bool = False
    priority: Priority = "none"
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    due_at: int | None = None
    checklist: tuple[ChecklistItem, ...] = ()
    comments: int = 0
    device: str | None = None
    alarm: str | None = None
    alarm_at: int | None = None
    alarm_cleared_at: int | UnsetType = UNSET
    done_when: DoneWhen | None = None
    verified: bool = False
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str
    seq: int


class Column(Struct, frozen=True, kw_only=True):
    id: str
    title: str
    position: str
    done: bool = False
    wip_limit: int | None = None


class Label(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str


class Comment(Struct, frozen=True, kw_only=True):
    """A comment. `at` and `actor` are of its writing, `edited_at` of its last edit."""

    id: str
    task: str
    at: int
    actor: Actor
    text: str
    edited_at: int | None = None


class BoardInfo(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    description: str = ""
    archived: bool = False
    visibility: Visibility | UnsetType = UNSET  # absent: private
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0


class ColumnPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    title: str | UnsetType = UNSET
    position: str | UnsetType = UNSET
    done: bool | UnsetType = UNSET
    wip_limit: int | None | UnsetType = UNSET


class LabelPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str | UnsetType = UNSET
    color: str | UnsetType = UNSET


class MemberPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    role: Role | UnsetType = UNSET


class CommentPatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The comment that a `comment.*` change is about. `deleted` in `set`: it is gone."""

    id: str
    at: int | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET
    text: str | UnsetType = UNSET
    edited_at: int | None | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET


class Patch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`set` or `was` of a change: a merge patch of the task when the change names one, else of the board.

    Fields hold values as they are (or were); lists are whole. `columns`, `labels`, `members`, `devices` and
    `commands` map an id to the fields that changed, or to null where the thing is not (any more); `rules` to
    the whole rule. `commands` are the board's also where the change names a task, which is then their card.
    """

    # of a task
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET  # of a board, too
    completed: bool | UnsetType = UNSET
    column: str | UnsetType = UNSET
    position: str | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    assignees: tuple[str, ...] | UnsetType = UNSET
    labels: tuple[str, ...] | dict[Id, LabelPatch | None] | UnsetType = UNSET  # of a task: ids
    due_at: int | None | UnsetType = UNSET
    checklist: tuple[ChecklistItem, ...] | UnsetType = UNSET
    comments: int | UnsetType = UNSET
    comment: CommentPatch | UnsetType = UNSET
    device: str | None | UnsetType = UNSET
    alarm: str | None | UnsetType = UNSET
    alarm_at: int | None | UnsetType = UNSET
    alarm_cleared_at: int | None | UnsetType = UNSET
    done_when: DoneWhen | None | UnsetType = UNSET
    verified: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET
    created_at: int | UnsetType = UNSET  # of a board, too
    created_by: str | UnsetType = UNSET  # of a board, too
    # of a board
    name: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    epoch: str | UnsetType = UNSET
    columns: dict[Id, ColumnPatch | None] | UnsetType = UNSET
    members: dict[Id, MemberPatch | None] | UnsetType = UNSET
    devices: dict[Id, DevicePatch | None] | UnsetType = UNSET
    rules: dict[Id, Rule | None] | UnsetType = UNSET
    commands: dict[Id, CommandPatch | None] | UnsetType = UNSET


class Also(Struct, frozen=True, kw_only=True):
    """What the same change did to one more task."""

    set: Patch
    was: Patch


class Change(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a board's log. `seq` counts 1, 2, 3 … without holes; `at` never goes backwards.

    `client` and `mutation` name it (with the actor): the same name is applied once, forever. They are
    absent on changes that nobody has to retry (a rule's, the system's). Retention may empty `set`, `was`
    and `also` of old changes, never their number or name. `digest` tells requests apart that came over HTTP
    under one `Idempotency-Key`.
    """

    seq: int
    at: int
    actor: Actor
    op: str
    set: Patch | UnsetType = UNSET
    was: Patch | UnsetType = UNSET
    client: str | UnsetType = UNSET
    mutation: str | UnsetType = UNSET
    task: str | UnsetType = UNSET
    also: dict[Id, Also] | UnsetType = UNSET
    digest: str | UnsetType = UNSET

    @property
    def name(self) -> str | None:
        """`actor/client/mutation`, unique in its board; ids hold no slash. None when it has no name."""
        if self.mutation is UNSET:
            return None
        return f"{self.actor.id}/{self.client}/{self.mutation}"


class Mark(Struct, frozen=True, array_like=True):
    """When and by whom a field was last changed. `author`: actor and client, as `actor/client`."""

    seq: int
    author: str


class Kept(Struct, Generic[T], frozen=True, kw_only=True):
    """A value with what the server keeps beside it: the seq it reflects, tombstone, and marks per field.

    A field without a mark of its own was last changed when the thing was made: `made`.
    """

    value: T
    seq: int
    made: Mark
    deleted: bool = False
    marks: dict[str, Mark] = {}


class BoardRecord(Struct, frozen=True, kw_only=True):
    """The materialised board: everything that is not a task or a comment.

    `lowered`: whom somebody else removed or gave a lesser role, and when that last was (ms).
    """

    seq: int
    info: Kept[BoardInfo]
    columns: dict[str, Kept[Column]]
    labels: dict[str, Kept[Label]]
    members: dict[str, Role]
    lowered: dict[str, int] = {}
    devices: dict[str, Kept[Device]] = {}
    rules: dict[str, Rule] = {}
    commands: dict[str, DeviceCommand] = {}


TaskRecord = Kept[Task]
CommentRecord = Kept[Comment]
Record = BoardRecord | TaskRecord | CommentRecord
Fields = dict[str, Any]
