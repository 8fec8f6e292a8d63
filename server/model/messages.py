"""The messages of `/ws`, one Struct each; `type` is the tag. Client messages refuse unknown fields."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from server.model.devices import Device, DeviceCommand, MetricName, Rule
from server.model.fields import ClientId, Id, Kind, PersonName, RequestId, Role, Seq, TimeMs
from server.model.records import Actor, BoardInfo, Change, Column, Label, Task


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message from a client that asks for a reply with the same `id`."""

    id: RequestId


class Since(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a client's state has come: all changes up to `seq` of `epoch`."""

    epoch: Annotated[str, Meta(max_length=64)]
    seq: Seq


class Hello(Request, frozen=True, kw_only=True, tag="hello"):
    client: ClientId
    name: PersonName | UnsetType = UNSET
    token: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET


class Join(Request, frozen=True, kw_only=True, tag="join"):
    board: Id
    since: Since | UnsetType = UNSET


class Leave(Request, frozen=True, kw_only=True, tag="leave"):
    board: Id


class Mutate(Request, frozen=True, kw_only=True, tag="mutate"):
    """`args` becomes the Struct that `OPERATIONS[op]` names; see `server.wire.command`."""

    board: Id
    mutation: Id
    op: Annotated[str, Meta(max_length=64)]
    args: dict[str, Any]
    base: Seq | UnsetType = UNSET


class Comments(Request, frozen=True, kw_only=True, tag="comments"):
    board: Id
    task: Id
    before: Id | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class Ping(Request, frozen=True, kw_only=True, tag="ping"):
    pass


class Watch(Request, frozen=True, kw_only=True, tag="watch"):
    """Newest values of a joined board; with `from` what was since then, too, in `points` buckets at most."""

    board: Id
    devices: Annotated[list[Id], Meta(max_length=1000)] | UnsetType = UNSET
    metrics: Annotated[list[MetricName], Meta(max_length=1000)] | UnsetType = UNSET
    from_: TimeMs | UnsetType = field(default=UNSET, name="from")
    points: Annotated[int, Meta(ge=1, le=2000)] | UnsetType = UNSET


class Unwatch(Request, frozen=True, kw_only=True, tag="unwatch"):
    board: Id


class PresenceUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="presence"):
    """What the sender looks at now; all of it: an absent field is "nothing". No reply."""

    board: Id
    task: Id | None = None
    field: Annotated[str, Meta(max_length=64)] | None = None
    typing: bool = False


ClientMessage = Hello | Join | Leave | Mutate | Comments | Watch | Unwatch | Ping | PresenceUpdate


class User(Struct, frozen=True):
    id: Annotated[str, Meta(max_length=64)]
    name: Annotated[str, Meta(max_length=100)]


class ServerInfo(Struct, frozen=True):
    name: str
    version: str
    instance: str


class Welcome(Struct, frozen=True, kw_only=True, tag="welcome"):
    id: RequestId
    session: str
    user: User
    server: ServerInfo
    heartbeat_s: float
    limits: dict[str, int]
    time: int


class Present(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session on a board and what it looks at. The bounds hold for what other instances tell."""

    session: Annotated[str, Meta(max_length=64)]
    user: User
    kind: Kind
    task: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    field: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    typing: bool | UnsetType = UNSET


class Member(Struct, frozen=True, kw_only=True):
    user: str
    role: Role


class Snapshot(Struct, frozen=True, kw_only=True):
    """A whole board at one seq; `more`: further tasks follow in `tasks` messages."""

    board: BoardInfo
    columns: list[Column]
    labels: list[Label]
    members: list[Member]
    devices: list[Device]
    rules: list[Rule]
    commands: list[DeviceCommand]
    tasks: list[Task | Raw]
    more: bool = False


class Joined(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="joined"):
    """The reply to `join`. `snapshot` may be already encoded; `changes` are all after `since.seq`."""

    id: RequestId
    board: str
    epoch: str
    seq: int
    role: Role
    mode: str
    snapshot: Snapshot | Raw | UnsetType = UNSET
    changes: list[Change] | UnsetType = UNSET
    presence: list[Present] | UnsetType = UNSET


class Left(Struct, frozen=True, kw_only=True, tag="left"):
    id: RequestId
    board: str


class Ack(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ack"):
    id: RequestId
    board: str
    mutation: str
    seq: int
    duplicate: bool = False


class CommentView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    at: int
    actor: Actor
    text: str
    edited_at: int | UnsetType = UNSET


class CommentsPage(Struct, frozen=True, kw_only=True, tag="comments"):
    """Newest first; `more`: older ones exist, ask with `before` the last id."""

    id: RequestId
    board: str
    task: str
    comments: list[CommentView]
    more: bool


class SeriesView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric of a device: its newest value, and with history `points`, as `[t, min, mean, max, n]`.

    `resolution_ms`: of each; 0: they are single points. `position`: all up to this time are in it, none
    later.
    """

    device: str
    metric: str
    t: int
    v: float
    resolution_ms: int | UnsetType = UNSET
    points: list[tuple[int, float, float, float, int]] | UnsetType = UNSET
    position: int | None


class Watching(Struct, frozen=True, kw_only=True, tag="watching"):
    id: RequestId
    board: str
    series: list[SeriesView]


class Unwatched(Struct, frozen=True, kw_only=True, tag="unwatched"):
    id: RequestId
    board: str


class LivePoint(Struct, frozen=True, gc=False):
    device: str
    metric: str
    t: int
    v: float


class TelemetryNews(Struct, frozen=True, kw_only=True, tag="telemetry"):
    """Newest values of what is watched."""

    board: str
    points: list[LivePoint]


class Pong(Struct, frozen=True, kw_only=True, tag="pong"):
    id: RequestId
    time: int


class ErrorMessage(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="error"):
    code: str
    message: str
    retry: bool | UnsetType = UNSET
    id: RequestId | UnsetType = UNSET
    board: str | UnsetType = UNSET
    mutation: str | UnsetType = UNSET
    details: dict[str, Any] | UnsetType = UNSET


class Changes(Struct, frozen=True, kw_only=True, tag="changes"):
    board: str
    changes: list[Change]


class Tasks(Struct, frozen=True, kw_only=True, tag="tasks"):
    board: str
    tasks: list[Task | Raw]
    last: bool


class PresenceDelta(Struct, frozen=True, kw_only=True, tag="presence"):
    board: str
    joined: list[Present]
    updated: list[Present]
    left: list[str]


class Resync(Struct, frozen=True, kw_only=True, tag="resync"):
    board: str


class ClosedBoard(Struct, frozen=True, kw_only=True, tag="closed_board"):
    board: str
    reason: str


class Bye(Struct, frozen=True, kw_only=True, tag="bye"):
    reason: str
    retry_after_ms: int


ServerMessage = (
    Welcome
    | Joined
    | Left
    | Ack
    | CommentsPage
    | Watching
    | Unwatched
    | TelemetryNews
    | Pong
    | ErrorMessage
    | Changes
    | Tasks
    | PresenceDelta
    | Resync
    | ClosedBoard
    | Bye
)
