"""What a rule does to its card: open, return, clear; and what it tells the device."""

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from server.document import Limits
from server.errors import Conflict, NotFound
from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import DoneWhen, ThenCommand
from tests.document.board import Board, warm


def ready(limits: Limits | None = None, **then: Any) -> Board:
    board = Board(limits)
    board.do(d.DeviceCreate(device="boiler", name="Boiler"))
    board.do(d.RuleSet(rule=warm(**then)))
    return board


def opened(task: str = "t", again: bool = False) -> d.AlarmOpen:
    kind = d.AlarmReturn if again else d.AlarmOpen
    return kind(rule="r1", device="boiler", task=task, at=5, reason="temp is 85: above 80", value=85.0)


CLEARED = d.AlarmClear(rule="r1", device="boiler", at=9, reason="temp is 70: not above 80 any more")


def comments(board: Board, task: str) -> list[str]:
    return [board.state.comments[id].value.text for id in board.state.comments_of.get(task, ())]


def test_a_card_opens_where_the_rule_says_and_names_the_device() -> None:
    board = ready(column="doing", priority="urgent", assignees=("ann",))
    board.do(opened())
    card = board.task("t")
    assert (card.title, card.column, card.priority, card.assignees) == (
        "Too warm: Boiler",
        "doing",
        "urgent",
        ("ann",),
    )
    assert (card.alarm, card.device, card.alarm_at) == ("r1", "boiler", 5)
    assert card.description == "temp is 85: above 80"


def test_a_title_has_the_name_of_the_device_where_it_asks_for_it() -> None:
    board = ready(title="{device} is too warm")
    board.do(opened())
    assert board.task("t").title == "Boiler is too warm"


def test_there_is_one_open_card_however_many_instances_want_it() -> None:
    board = ready()
    board.do(opened("t1"))
    for task in ("t2", "t1"):
        with pytest.raises(Conflict, match="open already"):
            board.do(opened(task))
    assert board.ids("todo") == ["t1"]


def test_it_clears_and_comes_back_on_the_same_card_with_a_comment_for_each() -> None:
    board = ready()
    board.do(opened())
    board.do(CLEARED)
    assert board.task("t").alarm_at is None
    board.do(opened("other"))
    assert board.task("t").alarm_at == 5
    assert board.ids("todo") == ["t"]
    assert comments(board, "t") == [
        "Cleared: temp is 70: not above 80 any more",
        "Again: temp is 85: above 80",
    ]
    with pytest.raises(Conflict, match="not open"):
        board.do(CLEARED)
        board.do(CLEARED)


def test_a_card_that_was_completed_is_opened_again_by_the_same_matter_and_left_by_a_new_one() -> None:
    board = ready(complete_on_clear=True)
    board.do(opened("first"))
    board.do(CLEARED)
    assert board.task("first").completed and board.ids("done") == ["first"]
    board.do(opened("second", again=True))
    assert not board.task("first").completed and board.ids("todo") == ["first"]
    board.do(CLEARED)
    board.do(opened("third"))
    assert (board.ids("done"), board.ids("todo")) == (["first"], ["third"])


def test_a_card_that_was_deleted_stays_away_until_the_alarm_has_cleared() -> None:
    board = ready()
    board.do(opened("first"))
    board.do(c.TaskDelete(task="first"))
    with pytest.raises(Conflict):
        board.do(opened("second"))
    board.do(CLEARED)
    assert board.state.task("first") is None
    board.do(opened("second", again=True))
    assert board.ids("todo") == ["second"]


def test_the_card_opens_somewhere_when_the_column_of_the_rule_is_gone_or_done() -> None:
    board = ready(column="doing")
    board.do(c.ColumnDelete(column="doing"))
    board.do(opened())
    assert board.ids("todo") == ["t"]


def test_a_full_card_gets_no_comment_and_clears_all_the_same() -> None:
    board = ready(Limits(comments_per_task=1))
    board.do(opened())
    board.do(c.CommentAdd(task="t", comment="c1", text="mine"))
    board.do(CLEARED)
    assert board.task("t").alarm_at is None
    assert comments(board, "t") == ["mine"]


def test_names_that_a_client_took_before_are_no_obstacle() -> None:
    board = ready(command=ThenCommand(name="stop"))
    seq = board.state.seq
    board.add("mine")
    board.do(c.CommentAdd(task="mine", comment=f"a{seq + 5}", text="taken"))
    board.do(d.CommandSend(command=f"r{seq + 4}", device="boiler", name="go"))
    board.do(opened())
    board.do(CLEARED)
    assert list(board.state.commands) == [f"r{seq + 4}", f"r{seq + 4}x"]
    assert comments(board, "t") == [f"Cleared: {CLEARED.reason}"]


def test_the_rule_tells_the_device_each_time_its_card_opens() -> None:
    board = ready(command=ThenCommand(name="stop", args={"slowly": True}, expires_ms=60_000))
    change = board.do(opened())
    (first,) = board.state.commands.values()
    assert change.task == "t" and first.task == "t"
    assert (first.name, first.args, first.state) == ("stop", {"slowly": True}, "queued")
    assert first.expires_at == change.at + 60_000
    board.do(CLEARED)
    board.do(opened("other"))
    assert [command.task for command in board.state.commands.values()] == ["t", "t"]


def test_a_card_of_what_is_over_already_tells_the_device_nothing() -> None:
    board = ready(command=ThenCommand(name="stop"))
    board.do(replace(opened(), over=True))
    board.do(CLEARED)
    board.do(replace(opened("other"), over=True))
    assert board.state.commands == {}
    assert comments(board, "t")[-1] == "Again: temp is 85: above 80"


def test_a_card_says_when_its_alarm_was_cleared_last() -> None:
    board = ready()
    board.do(opened())
    assert board.task("t").alarm_cleared_at is UNSET
    change = board.do(CLEARED)
    assert board.task("t").alarm_cleared_at == 9 == change.set.alarm_cleared_at
    assert change.was.alarm_cleared_at is None, "`was` names each field of `set`"
    board.do(opened())
    assert (board.task("t").alarm_at, board.task("t").alarm_cleared_at) == (5, 9)


def test_an_older_card_that_is_restored_leaves_the_alarm_with_the_newer_one() -> None:
    board = ready()
    board.do(opened("old"))
    board.do(c.TaskDelete(task="old"))
    board.do(CLEARED)
    board.do(opened("new"))
    board.do(c.TaskRestore(task="old"))
    with pytest.raises(Conflict, match="open already"):
        board.do(opened("third"))
    board.do(CLEARED)
    assert (board.task("old").alarm_at, board.task("new").alarm_at) == (None, None)
    board.do(opened("third"))
    assert (board.task("old").alarm_at, board.task("new").alarm_at) == (None, 5)


def test_with_its_board_a_device_goes_unwatched_and_its_alarms_are_over() -> None:
    board = ready()
    board.do(opened())
    change = board.do(c.BoardArchive())
    assert board.task("t").alarm_at is None
    assert board.task("t").alarm_cleared_at == change.at
    board.do(c.BoardRestore())
    board.do(opened(again=True))
    assert board.task("t").alarm_at == 5


def test_a_card_that_waits_for_telemetry_is_not_completed_by_its_rule() -> None:
    board = ready(complete_on_clear=True)
    board.do(opened())
    board.do(c.TaskUpdate(task="t", done_when=DoneWhen(device="boiler", metric="temp", below=50.0)))
    board.do(CLEARED)
    assert board.task("t").alarm_at is None and not board.task("t").completed


def test_a_disabled_device_or_one_that_the_rule_does_not_watch_opens_nothing() -> None:
    board = ready()
    board.do(d.DeviceCreate(device="other", name="Other"))
    board.do(d.RuleSet(rule=warm(device="other")))
    with pytest.raises(NotFound):
        board.do(opened())
    board.do(d.RuleSet(rule=warm()))
    board.do(d.DeviceUpdate(device="boiler", disabled=True))
    with pytest.raises(Conflict, match="disabled"):
        board.do(opened())
