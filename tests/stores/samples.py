"""Changes and records to store: as small as the contract allows."""

from server.model.devices import Above, Device, DeviceCommand, Rule, Then, ThenCommand
from server.model.records import (
    Actor,
    BoardInfo,
    BoardRecord,
    Change,
    Column,
    Comment,
    CommentRecord,
    Kept,
    Label,
    Mark,
    Patch,
    Task,
    TaskRecord,
)

ANN = Actor("u_ann", "Ann")
MADE = Mark(1, "u_ann/client-1")


def created(epoch: str = "epoch-1", mutation: str = "create") -> Change:
    """Change 1."""
    patch = Patch(name="Kitchen", epoch=epoch)
    return Change(
        seq=1, at=1000, actor=ANN, op="board.create", set=patch, client="client-1", mutation=mutation
    )


def update(seq: int, mutation: str | None = None, title: str = "Milk") -> Change:
    """A change with the name `named(mutation)`, or `named("m<seq>")`."""
    return Change(
        seq=seq,
        at=1000 + seq,
        actor=ANN,
        client="client-1",
        mutation=mutation or f"m{seq}",
        op="task.update",
        task="t1",
        set=Patch(title=title, due_at=None),
        was=Patch(title="Bread"),
    )


def updates(first: int, last: int) -> list[Change]:
    return [update(seq) for seq in range(first, last + 1)]


def nameless(seq: int) -> Change:
    """What a rule does: nobody retries it."""
    actor = Actor("r1", "Freezer warm", "rule")
    return Change(seq=seq, at=1000, actor=actor, op="task.update", task="t1", set=Patch(alarm="warm"))


def stripped(seq: int) -> Change:
    """What retention leaves of an old change."""
    return Change(
        seq=seq, at=1000, actor=ANN, client="client-1", mutation=f"m{seq}", op="task.update", task="t1"
    )


def named(mutation: str) -> str:
    return f"u_ann/client-1/{mutation}"


BOILER = Device(id="boiler", name="Boiler", tags=("heat",), metadata={"room": "K12"}, created_at=5)
HOT = Rule(
    id="hot",
    device="*",
    metric="core.temp",
    when=Above(value=80.0, clear=75.0, for_ms=1000),
    then=Then(column="todo", title="Hot", command=ThenCommand(name="stop", args={"in": (1, 2.5, None)})),
)
STOP = DeviceCommand(
    id="k1",
    device="boiler",
    name="stop",
    args={"slowly": True},
    created_at=5,
    created_by="u_ann",
    expires_at=9,
)


def board_record(seq: int, name: str = "Kitchen") -> BoardRecord:
    column = Column(id="todo", title="To do", position="a0")
    label = Label(id="red", name="Red", color="#ff0000")
    return BoardRecord(
        seq=seq,
        info=Kept(
            value=BoardInfo(id="b1", name=name), seq=seq, made=MADE, marks={"name": Mark(seq, "u_bob/c")}
        ),
        columns={"todo": Kept(value=column, seq=1, made=MADE)},
        labels={"red": Kept(value=label, seq=1, made=MADE, deleted=True)},
        members={"u_ann": "owner"},
        devices={"boiler": Kept(value=BOILER, seq=1, made=MADE)},
        rules={"hot": HOT},
        commands={"k1": STOP},
    )


def task_record(seq: int, task: str = "t1", title: str = "Milk", deleted: bool = False) -> TaskRecord:
    value = Task(
        id=task,
        title=title,
        column="todo",
        position="a0",
        labels=("red",),
        created_at=1000,
        created_by="u_ann",
        updated_at=1000 + seq,
        updated_by="u_ann",
        seq=seq,
    )
    return Kept(
        value=value, seq=seq, made=MADE, deleted=deleted, marks={"title": Mark(seq, "u_ann/client-1")}
    )


def comment_record(seq: int, comment: str = "c1", text: str = "Skimmed?") -> CommentRecord:
    value = Comment(id=comment, task="t1", at=1000, actor=ANN, text=text)
    return Kept(value=value, seq=seq, made=MADE)
