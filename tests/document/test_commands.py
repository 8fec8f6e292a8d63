"""Commands to devices, and completion that waits for what they measure."""

import pytest

from server.document.commands import SETTLED_PER_DEVICE, WAITING_PER_DEVICE
from server.errors import BadRequest, Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import DeviceCommand, DoneWhen
from server.model.records import Actor
from tests.document.board import Board

BOILER, SYSTEM = Actor("boiler", "Boiler", "device"), Actor("system", "Boardcast", "system")
COLD = DoneWhen(device="boiler", metric="temp", below=5.0, for_ms=60_000)


@pytest.fixture
def board() -> Board:
    board = Board()
    board.do(d.DeviceCreate(device="boiler", name="Boiler"))
    board.add("t")
    return board


def send(board: Board, command: str = "k", **more: object) -> None:
    board.do(d.CommandSend(**{"command": command, "device": "boiler", "name": "stop", "task": "t", **more}))


def state(board: Board, command: str = "k") -> DeviceCommand:
    return board.state.commands[command]


def test_a_command_waits_is_delivered_once_and_answered(board: Board) -> None:
    send(board)
    assert state(board).state == "queued"
    change = board.do(d.CommandDeliver(command="k"), SYSTEM)
    assert (state(board).state, state(board).sent_at, change.task) == ("sent", change.at, "t")
    with pytest.raises(Conflict, match="does not wait"):
        board.do(d.CommandDeliver(command="k"), SYSTEM)
    board.do(d.CommandSettle(command="k", ok=True, result="stopped"), BOILER)
    assert (state(board).state, state(board).result) == ("done", "stopped")
    with pytest.raises(Conflict, match="waits for no answer"):
        board.do(d.CommandSettle(command="k", ok=False), BOILER)


def test_only_the_device_itself_answers_and_only_what_it_was_told(board: Board) -> None:
    send(board)
    with pytest.raises(Conflict):
        board.do(d.CommandSettle(command="k", ok=True), BOILER)
    board.do(d.CommandDeliver(command="k"), SYSTEM)
    with pytest.raises(NotFound):
        board.do(d.CommandSettle(command="k", ok=True), Actor("other", "Other", "device"))


def test_it_expires_when_its_time_is_over_and_a_late_answer_still_counts(board: Board) -> None:
    send(board, expires_at=1000 + board.state.seq + 3)
    with pytest.raises(Conflict, match="not due"):
        board.do(d.CommandExpire(command="k"), SYSTEM)
    board.do(d.CommandDeliver(command="k"), SYSTEM)
    board.add("later", "and later")
    board.do(d.CommandExpire(command="k"), SYSTEM)
    assert state(board).state == "expired"
    board.do(d.CommandSettle(command="k", ok=False, result="jammed"), BOILER)
    assert (state(board).state, state(board).result) == ("failed", "jammed")


def test_what_has_expired_is_not_delivered(board: Board) -> None:
    send(board, expires_at=1000 + board.state.seq + 1)
    board.add("later")
    with pytest.raises(Conflict):
        board.do(d.CommandDeliver(command="k"), SYSTEM)


def test_when_its_card_is_gone_the_change_is_about_the_board(board: Board) -> None:
    send(board)
    board.do(c.TaskDelete(task="t"))
    change = board.do(d.CommandDeliver(command="k"), SYSTEM)
    assert not isinstance(change.task, str)
    assert state(board).state == "sent"


def test_what_waits_for_a_device_that_is_deleted_has_failed(board: Board) -> None:
    send(board)
    board.do(d.DeviceDelete(device="boiler"))
    assert (state(board).state, state(board).result) == ("failed", "the device was deleted")


def test_so_many_wait_and_so_many_that_are_over_are_kept(board: Board) -> None:
    for number in range(WAITING_PER_DEVICE):
        send(board, f"k{number}")
    with pytest.raises(LimitExceeded, match="wait for the device"):
        send(board, "one-more")
    for number in range(WAITING_PER_DEVICE):
        board.do(d.CommandDeliver(command=f"k{number}"), SYSTEM)
        board.do(d.CommandSettle(command=f"k{number}", ok=True), BOILER)
    send(board, "next")
    kept = list(board.state.commands)
    assert kept == [
        *(f"k{n}" for n in range(WAITING_PER_DEVICE - SETTLED_PER_DEVICE + 1, WAITING_PER_DEVICE)),
        "next",
    ]


@pytest.mark.parametrize("expires_at", [1, 1000 + 32 * 86_400_000])
def test_a_time_that_is_over_or_too_far_ahead_is_refused(board: Board, expires_at: int) -> None:
    with pytest.raises(BadRequest, match="expires_at"):
        send(board, expires_at=expires_at)


def test_large_arguments_are_refused(board: Board) -> None:
    with pytest.raises(LimitExceeded, match="bytes in args"):
        send(board, args={f"a{n}": "x" * 400 for n in range(3)})


# -- done when


@pytest.mark.parametrize(
    "way",
    [
        c.TaskUpdate(task="t", completed=True),
        c.TaskUpdate(task="t", column="done"),
        c.TaskMove(task="t", column="done"),
        c.ColumnUpdate(column="todo", done=True),
        c.ColumnDelete(column="todo", move_to="done"),
        c.TaskCreate(task="new", title="New", completed=True, done_when=COLD),
    ],
    ids=lambda way: type(way).__name__,
)
def test_no_way_completes_what_has_not_been_verified(board: Board, way: c.Command) -> None:
    board.do(c.TaskUpdate(task="t", done_when=COLD))
    with pytest.raises(Conflict, match="temp of boiler below 5 for 60 s") as refusal:
        board.do(way)
    assert refusal.value.details["field"] == "completed"


def test_once_verified_it_can_be_completed_and_waits_anew_when_it_is_open_again(board: Board) -> None:
    board.do(c.TaskUpdate(task="t", done_when=COLD))
    board.do(d.TaskVerify(task="t", done_when=COLD, verified=True), SYSTEM)
    board.do(c.TaskMove(task="t", column="done"))
    assert board.task("t").completed
    board.do(c.TaskMove(task="t", column="todo"))
    assert (board.task("t").completed, board.task("t").verified) == (False, False)


def test_it_completes_by_itself_when_it_says_so(board: Board) -> None:
    by_itself = DoneWhen(device="boiler", metric="temp", above=5.0, completes=True)
    board.do(c.TaskUpdate(task="t", done_when=by_itself))
    board.do(d.TaskVerify(task="t", done_when=by_itself, verified=True), SYSTEM)
    assert board.ids("done") == ["t"]
    with pytest.raises(Conflict):
        board.do(d.TaskVerify(task="t", done_when=by_itself, verified=False), SYSTEM)


def test_another_condition_must_be_shown_anew_and_none_needs_nothing(board: Board) -> None:
    board.do(c.TaskUpdate(task="t", done_when=COLD))
    board.do(d.TaskVerify(task="t", done_when=COLD, verified=True), SYSTEM)
    colder = DoneWhen(device="boiler", metric="temp", below=2.0)
    board.do(c.TaskUpdate(task="t", done_when=colder))
    assert not board.task("t").verified
    with pytest.raises(Conflict):
        board.do(d.TaskVerify(task="t", done_when=COLD, verified=True), SYSTEM)
    board.do(c.TaskUpdate(task="t", done_when=None, completed=True))
    assert board.task("t").completed
