"""Properties of the fold, over random operations."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from server.document import BoardState, Draft
from server.errors import BoardcastError
from server.model import commands as c
from server.model import device_commands as d
from server.model.records import Actor, Change
from tests.document.board import ANN, BOB, Board, warm
from tests.document.random_commands import all_commands

ACTORS = st.sampled_from([ANN, BOB])
PREPARED: list[tuple[Actor, c.Command, int | None]] = [
    (ANN, d.DeviceCreate(device="d1", name="Boiler"), None),
    (ANN, d.RuleSet(rule=warm()), None),
]
STEPS = st.lists(st.tuples(ACTORS, all_commands(), st.none() | st.integers(0, 30)), max_size=40)


def played(steps: list[tuple[Actor, c.Command, int | None]]) -> Board:
    board = Board()
    for actor, command, base in [*PREPARED, *steps]:
        with contextlib.suppress(BoardcastError):
            board.do(command, actor, base=base)
    return board


def content(state: BoardState) -> object:
    order = {column: slots for column, slots in state.order.items() if slots}
    return (
        state.seq,
        state.at,
        state.task_count,
        state.info,
        state.columns,
        state.labels,
        state.members,
        state.lowered,
        state.devices,
        state.rules,
        state.commands,
        dict(state.alarms.items()),
        dict(state.tasks.items()),
        dict(state.comments.items()),
        dict(state.comments_of.items()),
        order,
    )


def folded(changes: list[Change], state: BoardState | None = None) -> BoardState:
    state = state or BoardState("b")
    for change in changes:
        state.replay(change)
    return state


@given(STEPS)
@settings(max_examples=150)
def test_the_log_folds_to_the_state(steps: list[tuple[Actor, c.Command, int | None]]) -> None:
    board = played(steps)
    assert content(folded(board.log)) == content(board.state)


@given(STEPS, st.integers(0, 40))
@settings(max_examples=150)
def test_records_newer_than_the_mark_and_the_tail_fold_to_the_same_state(
    steps: list[tuple[Actor, c.Command, int | None]], mark: int
) -> None:
    """A mark may lag behind the records: replaying an older change onto a newer record changes nothing."""
    board = played(steps)
    mark = min(mark, board.state.seq)
    records = [board.state.record(), *board.state.tasks.values(), *board.state.comments.values()]
    assert content(folded(board.log[mark:], BoardState.restored("b", mark, records))) == content(board.state)


@given(STEPS, STEPS)
@settings(max_examples=100)
def test_a_draft_sees_its_own_changes_and_leaves_its_base_alone(
    before: list[tuple[Actor, c.Command, int | None]], after: list[tuple[Actor, c.Command, int | None]]
) -> None:
    board = played(before)
    untouched = content(folded(board.log))
    base, start = board.state, len(board.log)
    board.state = Draft(base)
    for actor, command, at in after:
        with contextlib.suppress(BoardcastError):
            board.do(command, actor, base=at)
    assert content(base) == untouched
    assert content(folded(board.log[start:], base)) == content(board.state)


@given(STEPS, STEPS)
@settings(max_examples=150)
def test_adopting_a_draft_is_replaying_its_changes(
    before: list[tuple[Actor, c.Command, int | None]], after: list[tuple[Actor, c.Command, int | None]]
) -> None:
    board = played(before)
    base, start = board.state, len(board.log)
    draft = board.state = Draft(base)
    for actor, command, at in after:
        with contextlib.suppress(BoardcastError):
            board.do(command, actor, base=at)
    replayed = folded(board.log[start:], folded(board.log[:start]))
    assert base.adopt(draft)
    assert content(base) == content(replayed)
    assert all(
        type(getattr(base, name)) is dict for name in ("tasks", "comments", "comments_of", "order", "alarms")
    )


def test_a_draft_of_another_state_or_of_an_earlier_one_is_not_adopted() -> None:
    board = Board()
    other, early = folded(board.log), Draft(board.state)
    board.add("t1")
    before = content(board.state)
    assert not board.state.adopt(early)
    assert not board.state.adopt(Draft(other))
    assert content(board.state) == before


@given(STEPS)
@settings(max_examples=150)
def test_columns_stay_sorted_whole_and_done_means_completed(
    steps: list[tuple[Actor, c.Command, int | None]],
) -> None:
    state = played(steps).state
    live = {task.value.id for task in state.tasks.values() if not task.deleted}
    assert {task.id for task in state.sorted_tasks()} == live
    assert state.task_count == len(live)
    for column in state.sorted_columns():
        assert state.slots(column.id) == sorted(state.slots(column.id))
        if column.done:
            assert all(state.tasks[task].value.completed for _, task in state.slots(column.id))
    for task in state.sorted_tasks():
        comments = [state.comments[name] for name in state.comments_of.get(task.id, ())]
        assert task.comments == sum(not comment.deleted for comment in comments)


@given(STEPS)
@settings(max_examples=150)
def test_a_rule_has_one_open_alarm_on_a_device_at_most(
    steps: list[tuple[Actor, c.Command, int | None]],
) -> None:
    state = played(steps).state
    cards = [kept.value for kept in state.tasks.values() if kept.value.alarm is not None]
    on = [(task.alarm, task.device) for task in cards if task.alarm_at is not None]
    assert len(set(on)) == len(on)


@given(STEPS)
@settings(max_examples=150)
def test_what_waits_for_telemetry_is_never_completed_before(
    steps: list[tuple[Actor, c.Command, int | None]],
) -> None:
    board = played([])
    for actor, command, base in steps:
        before = board.state.tasks.copy()
        with contextlib.suppress(BoardcastError):
            board.do(command, actor, base=base)
        for task in board.state.sorted_tasks():
            was = before.get(task.id)
            if task.completed and task.done_when is not None and (was is None or not was.value.completed):
                assert task.verified, command


@given(STEPS)
@settings(max_examples=100)
def test_was_takes_a_task_back(steps: list[tuple[Actor, c.Command, int | None]]) -> None:
    """`was` names exactly the fields of `set`, unless the change made (or brought back) the task."""
    for change in played(steps).log:
        makes = change.set.created_at is not UNSET
        if not makes and change.op not in ("task.restore", "board.create") and "comment" not in change.op:
            fields = change.set.__struct_fields__
            changed = [f for f in fields if type(getattr(change.set, f)).__name__ != "UnsetType"]
            before = [f for f in fields if type(getattr(change.was, f)).__name__ != "UnsetType"]
            assert changed == before
