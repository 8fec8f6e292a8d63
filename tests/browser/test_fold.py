"""The browser folds the log as the server does, and guesses what a mutation will do as it will be."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from server.errors import BoardcastError
from server.model import commands as c
from server.model import device_commands as d
from tests.browser.conftest import Visit
from tests.document.board import Board, warm
from tests.document.random_commands import all_commands, commands

FOLD = """
async (changes) => {
  const { BoardState } = await import("/static/client/state.js");
  const state = new BoardState("b");
  for (const change of changes) state.apply(change);
  return dump(state);
}
"""
GUESS = """
async ([changes, intent]) => {
  const { BoardState } = await import("/static/client/state.js");
  const { applyIntent } = await import("/static/client/intents.js");
  const state = new BoardState("b");
  for (const change of changes) state.apply(change);
  applyIntent(state, intent);
  return dump(state);
}
"""
DUMP = """
() => { window.dump = (state) => ({
  board: state.info,
  columns: state.sortedColumns(),
  labels: [...state.labels.values()].sort((a, b) => a.id < b.id ? -1 : 1),
  devices: [...state.devices.values()].sort((a, b) => a.id < b.id ? -1 : 1),
  rules: [...state.rules.values()],
  commands: [...state.commands.values()],
  members: Object.fromEntries([...state.members].map(([user, { role }]) => [user, role])),
  tasks: state.sortedColumns().flatMap((column) => state.tasksIn(column.id)),
}) }
"""
GUESSED = ("board", "columns", "labels", "tasks")
UNSURE = ("position", "seq", "created_at", "created_by", "updated_at", "updated_by")
SMALL = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
shown_early = commands().filter(
    lambda command: not isinstance(command, c.BoardCreate | c.MemberSet | c.MemberRemove)
)


def dump(board: Board) -> Any:
    """The state as the browser's `dump` gives it."""
    state = board.state
    assert state.info is not None
    return plain(
        {
            "board": state.info.value,
            "columns": state.sorted_columns(),
            "labels": sorted(state.sorted_labels(), key=lambda label: label.id),
            "devices": sorted(state.sorted_devices(), key=lambda device: device.id),
            "rules": list(state.rules.values()),
            "commands": list(state.commands.values()),
            "members": state.members,
            "tasks": list(state.sorted_tasks()),
        }
    )


def plain(value: Any) -> Any:
    """As it goes over the wire."""
    return msgspec.json.decode(msgspec.json.encode(value))


def carried_out(wanted: list[c.Command]) -> Board:
    """A board with a little on it, on which everything of `wanted` was done that was allowed."""
    board = Board()
    board.add("t1", "t2")
    board.add("t3", column="doing")
    made = (
        c.LabelCreate(label="l1", name="one", color="#102030"),
        d.DeviceCreate(device="d1", name="Boiler"),
        d.RuleSet(rule=warm()),
    )
    for command in (*made, *wanted):
        try:
            board.do(command)
        except BoardcastError:
            continue
    return board


@pytest.fixture
def page(visit: Visit) -> Page:
    page = visit().page
    page.evaluate(DUMP)
    return page


@SMALL
@given(wanted=st.lists(all_commands(), min_size=5, max_size=40))
def test_the_browser_folds_a_log_to_the_state_of_the_server(page: Page, wanted: list[c.Command]) -> None:
    board = carried_out(wanted)
    assert page.evaluate(FOLD, plain(board.log)) == dump(board)


@SMALL
@given(wanted=st.lists(commands(), max_size=25), last=shown_early)
def test_what_is_shown_before_the_answer_is_what_the_answer_will_be(
    page: Page, wanted: list[c.Command], last: c.Command
) -> None:
    board = carried_out(wanted)
    before = plain(board.log)
    try:
        board.do(last)
    except BoardcastError:
        return
    intent = {"op": c.OP_OF[type(last)], "args": plain(last)}
    guessed = page.evaluate(GUESS, [before, intent])
    assert [blurred(guessed[part]) for part in GUESSED] == [blurred(dump(board)[part]) for part in GUESSED]


def blurred(value: Any) -> Any:
    """Without what only the server can know; lists of tasks and columns keep their order."""
    if isinstance(value, list):
        return [blurred(item) for item in value]
    if isinstance(value, dict):
        return {name: blurred(inner) for name, inner in value.items() if name not in UNSURE}
    return value
