"""The bodies of `/api`: what comes in, what goes out. OpenAPI is generated from these."""

from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from server.errors import ALL
from server.model import commands as c
from server.model.device_messages import BatchNumber, Boot, Reading, Rejected
from server.model.devices import DoneWhen
from server.model.fields import (
    CommentText,
    Description,
    Id,
    Priority,
    Seq,
    TimeMs,
    Title,
    Visibility,
)
from server.model.messages import Member
from server.model.records import Column, Label

T = TypeVar("T")
Skip = Annotated[int, Meta(ge=0, le=2**31, description="How many to leave out at the start.")]
Limit = Annotated[int, Meta(ge=1, le=500, description="How many at most.")]


After = (
    Annotated[Id, Meta(description="It goes behind this task; null: to the top; absent: to the end.")]
    | None
    | UnsetType
)
Labels = Annotated[tuple[Id, ...], Meta(description="Ids of labels that the board has.")]
Users = Annotated[tuple[Id, ...], Meta(description="Ids of users.")]
Device = Annotated[Id, Meta(description="The device that the task is about.")] | None
Waits = Annotated[DoneWhen, Meta(description="What must be so before it can be completed.")] | None
Code = Annotated[str, Meta(extra_json_schema={"enum": [error.code for error in ALL]})]


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends; an unknown field is refused."""


class NewBoard(Body, frozen=True, kw_only=True):
    """`board`: its id; one is made when it is absent."""

    name: Title
    board: Id | UnsetType = UNSET
    description: Description = ""
    columns: Annotated[tuple[c.NewColumn, ...], Meta(min_length=1, max_length=100)] | UnsetType = UNSET


class BoardEdit(Body, frozen=True, kw_only=True):
    name: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET


class NewTask(Body, frozen=True, kw_only=True):
    """`id`: one is made when it is absent, from `Idempotency-Key` when that is given."""

    title: Title
    id: Id | UnsetType = UNSET
    description: Description = ""
    completed: bool = False
    priority: Priority = "none"
    assignees: Users = ()
    labels: Labels = ()
    due_at: TimeMs | None = None
    checklist: tuple[c.NewItem, ...] = ()
    device: Device = None
    done_when: Waits = None
    column: (
        Annotated[Id, Meta(description="Absent: the first one; of a completed task the first done one.")]
        | UnsetType
    ) = UNSET
    after: After = UNSET


class TaskEdit(Body, frozen=True, kw_only=True):
    """Absent: unchanged; null: cleared. With `column` or `after` it moves in the same change."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    completed: bool | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    due_at: TimeMs | None | UnsetType = UNSET
    device: Device | UnsetType = UNSET
    done_when: Waits | UnsetType = UNSET
    labels_add: Labels = ()
    labels_remove: Labels = ()
    assignees_add: Users = ()
    assignees_remove: Users = ()
    column: Annotated[Id, Meta(description="Where it moves to.")] | UnsetType = UNSET
    after: After = UNSET


class NewComment(Body, frozen=True, kw_only=True):
    text: CommentText
    id: Id | UnsetType = UNSET


class Mutation(Body, frozen=True, kw_only=True):
    """As `mutate` on the socket; `args` as `op` has them."""

    mutation: Id
    op: Annotated[str, Meta(max_length=64)]
    args: dict[str, Any]
    base: Seq | UnsetType = UNSET


class BoardView(Struct, frozen=True, kw_only=True):
    """`visibility`: absent while nobody has said: private."""

    board: str
    name: str
    description: str
    archived: bool
    visibility: Visibility | UnsetType = UNSET
    columns: list[Column]
    labels: list[Label]
    members: list[Member]
    created_at: int
    created_by: str
    updated_at: int
    seq: int
    epoch: str


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """Part of a list: `total` counts all of it, as far as it was asked for."""

    items: list[T]
    total: int
    skip: int
    limit: int


class MutationAck(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ack"):
    """As `ack` on the socket."""

    mutation: str
    seq: int
    duplicate: bool = False


class Failure(Struct, frozen=True, kw_only=True):
    """What is wrong, whether the same request may be sent again, and what is concerned."""

    code: Code
    message: str
    retry: bool
    details: dict[str, Any]


class ErrorBody(Struct, frozen=True, kw_only=True):
    """The one shape of every refusal over HTTP."""

    error: Failure


class MutationError(Struct, frozen=True, kw_only=True, tag="error"):
    """As `error` on the socket."""

    mutation: str
    code: Code
    message: str
    retry: bool
    details: dict[str, Any]


class Results(Struct, frozen=True, kw_only=True):
    """One answer for each mutation, in order."""

    results: list[MutationAck | MutationError]


class SeriesBody(Struct, frozen=True, kw_only=True):
    """`points`: `[t, min, mean, max, n]`, each `resolution_ms` long; 0: single points. `position`: all points
    up to this time are in it, and none later; null: there are none.
    """

    metric: str
    resolution_ms: int
    points: list[tuple[int, float, float, float, int]]
    position: int | None


class NewestValue(Struct, frozen=True, kw_only=True):
    """`t`: by the device's clock; `at`: when a point of the metric last came, by the server's."""

    metric: str
    t: int
    v: float
    at: int


class TelemetryBatch(Body, frozen=True, kw_only=True):
    """A batch. With `boot` and `seq` it is stored once, however often it is sent; without, each time."""

    points: list[Reading]
    boot: Boot | UnsetType = UNSET
    seq: BatchNumber | UnsetType = UNSET


class Taken(Struct, frozen=True, omit_defaults=True):
    """The answer. With a number: up to which one of the boot all are settled; without: how many values."""

    boot: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    stored: int | UnsetType = UNSET
    rejected: list[Rejected] | UnsetType = UNSET
