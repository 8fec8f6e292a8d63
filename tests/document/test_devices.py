"""Devices and rules on a board: what an operation does to it, and what it refuses."""

from typing import Any

import msgspec
import pytest

from server.document import BoardState, Limits
from server.errors import BadRequest, BoardcastError, Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import DoneWhen
from server.model.records import BoardRecord, Kept, Task
from tests.document.board import Board, warm


@pytest.fixture
def board() -> Board:
    board = Board(Limits(devices_per_board=2, rules_per_board=1))
    board.do(d.DeviceCreate(device="boiler", name="Boiler"))
    return board


def test_a_device_is_made_changed_deleted_and_restored_as_it_was(board: Board) -> None:
    board.do(d.DeviceUpdate(device="boiler", tags=("hot", "hot", "big"), metadata={"room": "K12"}))
    before = board.state.device("boiler")
    assert before is not None and before.tags == ("hot", "big")
    board.do(d.DeviceDelete(device="boiler"))
    assert board.state.device("boiler") is None
    board.do(d.DeviceRestore(device="boiler"))
    assert board.state.device("boiler") == before


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (d.DeviceCreate(device="boiler", name="Again"), Conflict),
        (d.DeviceUpdate(device="nobody", name="N"), NotFound),
        (d.DeviceUpdate(device="boiler", metadata={f"k{n}": "x" * 400 for n in range(3)}), LimitExceeded),
        (d.DeviceDelete(device="nobody"), NotFound),
        (d.RuleSet(rule=warm(device="nobody")), NotFound),
        (d.RuleSet(rule=warm(column="nowhere")), NotFound),
        (d.RuleDelete(rule="r1"), NotFound),
        (c.TaskCreate(task="t", title="T", done_when=DoneWhen(device="boiler", metric="temp")), BadRequest),
        (
            c.TaskCreate(task="t", title="T", done_when=DoneWhen(device="none", metric="temp", below=5)),
            NotFound,
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    board: Board, command: c.Command, refusal: type[BoardcastError]
) -> None:
    with pytest.raises(refusal):
        board.do(command)


def test_there_is_room_for_as_many_devices_and_rules_as_the_limits_say(board: Board) -> None:
    board.do(d.DeviceCreate(device="d2", name="Two"))
    with pytest.raises(LimitExceeded, match="devices: at most 2"):
        board.do(d.DeviceCreate(device="d3", name="Three"))
    board.do(d.RuleSet(rule=warm()))
    board.do(d.RuleSet(rule=warm(title="Other")))
    with pytest.raises(LimitExceeded, match="rules: at most 1"):
        board.do(d.RuleSet(rule=_as("r2", warm())))


def _as(id: str, rule: Any) -> Any:
    return type(rule)(**{f: getattr(rule, f) for f in rule.__struct_fields__} | {"id": id})


@pytest.mark.parametrize(
    "end",
    [
        d.DeviceDelete(device="boiler"),
        d.DeviceUpdate(device="boiler", disabled=True),
        d.RuleDelete(rule="r1"),
    ],
    ids=["device deleted", "device disabled", "rule deleted"],
)
def test_an_alarm_that_nothing_judges_any_more_is_over_and_its_card_stays(
    board: Board, end: c.Command
) -> None:
    board.do(d.RuleSet(rule=warm()))
    board.do(d.AlarmOpen(rule="r1", device="boiler", task="t", at=5, reason="hot"))
    change = board.do(end)
    assert board.task("t").alarm_at is None
    assert board.task("t").alarm == "r1"
    assert change.also is not None and "t" in change.also


def test_the_card_of_an_alarm_stays_with_its_device(board: Board) -> None:
    board.do(d.RuleSet(rule=warm()))
    board.do(d.AlarmOpen(rule="r1", device="boiler", task="t", at=5, reason="hot"))
    with pytest.raises(Conflict, match="alarm of this device"):
        board.do(c.TaskUpdate(task="t", device=None))


def test_records_of_before_there_were_devices_can_be_read() -> None:
    """As an older version wrote them: a board without devices, a task without what waits for telemetry."""
    board = Board()
    board.add("t")
    record = msgspec.to_builtins(board.state.record())
    task = msgspec.to_builtins(board.state.tasks["t"])
    for name in ("devices", "rules", "commands"):
        del record[name]
    for name in ("alarm_at", "done_when", "verified"):
        del task["value"][name]
    read = [msgspec.convert(record, BoardRecord), msgspec.convert(task, Kept[Task])]
    state = BoardState.restored("b", board.state.seq, read)
    assert (state.devices, state.rules, state.commands) == ({}, {}, {})
    assert state.tasks["t"].value == board.task("t")
