import pytest
from msgspec import UNSET

from server.document import Limits
from server.errors import BadRequest, Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model.records import Patch
from tests.document.board import ANN, BOB, Board


def test_a_task_without_a_column_goes_to_the_end_of_the_first_one() -> None:
    board = Board()
    board.do(c.TaskCreate(task="a", title="A"))
    board.do(c.TaskCreate(task="b", title="B"))
    assert board.ids("todo") == ["a", "b"]


def test_after_null_is_the_top_and_after_an_id_is_behind_it() -> None:
    board = Board()
    board.add("a", "b")
    board.do(c.TaskCreate(task="top", title="x", column="todo", after=None))
    board.do(c.TaskCreate(task="mid", title="x", column="todo", after="a"))
    assert board.ids("todo") == ["top", "a", "mid", "b"]


def test_an_anchor_that_is_in_another_column_means_the_end() -> None:
    board = Board()
    board.add("a", "b")
    board.add("c", column="doing")
    board.do(c.TaskMove(task="a", after="c"))
    assert board.ids("todo") == ["b", "a"]


def test_creating_a_task_with_an_id_that_exists_is_a_conflict_even_when_it_was_deleted() -> None:
    board = Board()
    board.add("a")
    with pytest.raises(Conflict):
        board.add("a")
    board.do(c.TaskDelete(task="a"))
    with pytest.raises(Conflict):
        board.add("a")


def test_create_carries_every_field_so_that_a_reader_needs_no_defaults() -> None:
    board = Board()
    change = board.do(c.TaskCreate(task="a", title="A"))
    assert isinstance(change.set, Patch)
    assert change.set.description == "" and change.set.labels == () and change.set.due_at is None
    assert (change.set.column, change.set.created_by) == ("todo", "ann")
    assert change.was == Patch()


def test_an_update_records_only_what_differs_and_what_was_there() -> None:
    board = Board()
    board.add("a")
    change = board.do(c.TaskUpdate(task="a", title="Task a", priority="high"))
    assert (change.set, change.was) == (Patch(priority="high"), Patch(priority="none"))


def test_a_no_op_is_logged_with_an_empty_set() -> None:
    board = Board()
    board.add("a")
    change = board.do(c.TaskUpdate(task="a", title="Task a"))
    assert (change.set, change.was) == (Patch(), Patch())
    assert board.do(c.TaskMove(task="a", column="todo")).set == Patch()


def test_null_clears_and_absent_leaves() -> None:
    board = Board()
    board.add("a")
    board.do(c.TaskUpdate(task="a", due_at=5, device="d1"))
    board.do(c.TaskUpdate(task="a", due_at=None))
    assert (board.task("a").due_at, board.task("a").device) == (None, "d1")


def test_two_people_who_add_labels_and_assignees_lose_nothing() -> None:
    board = Board()
    board.add("a")
    for label in ("x", "y", "z"):
        board.do(c.LabelCreate(label=label, name=label, color="#112233"))
    base = board.state.seq
    board.do(c.TaskUpdate(task="a", labels_add=("x",), assignees_add=("ann",)), ANN, base=base)
    board.do(c.TaskUpdate(task="a", labels_add=("y", "z"), assignees_add=("bob",)), BOB, base=base)
    board.do(c.TaskUpdate(task="a", labels_remove=("z", "not-there")), ANN)
    assert board.task("a").labels == ("x", "y")
    assert board.task("a").assignees == ("ann", "bob")


def test_a_label_that_does_not_exist_is_not_found() -> None:
    board = Board()
    board.add("a")
    with pytest.raises(NotFound, match="label"):
        board.do(c.TaskUpdate(task="a", labels_add=("nope",)))


def test_base_refuses_to_overwrite_what_another_client_changed_since() -> None:
    board = Board()
    board.add("a")
    base = board.state.seq
    board.do(c.TaskUpdate(task="a", title="Ann's"), ANN)
    with pytest.raises(Conflict) as refusal:
        board.do(c.TaskUpdate(task="a", title="Bob's", priority="low"), BOB, base=base)
    assert refusal.value.details["field"] == "title"
    assert refusal.value.details["current"] == "Ann's"
    assert board.task("a").priority == "none", "the whole mutation is refused"


def test_a_limit_is_named_by_its_setting() -> None:
    board = Board(Limits(tasks_per_board=1, labels_per_task=0))
    board.add("a")
    with pytest.raises(LimitExceeded, match=r"^tasks: at most 1 \(limits\.tasks_per_board\)$") as refusal:
        board.add("b")
    assert refusal.value.details["setting"] == "limits.tasks_per_board"
    board.do(c.LabelCreate(label="l", name="L", color="#ffffff"))
    with pytest.raises(LimitExceeded, match=r"labels: at most 0 \(limits\.labels_per_task\)"):
        board.do(c.TaskUpdate(task="a", labels_add=("l",)))


def test_a_base_that_the_board_never_reached_has_seen_nothing() -> None:
    """It is of another log: an older copy was put back."""
    board = Board()
    board.add("a")
    ahead = board.state.seq + 1
    with pytest.raises(Conflict) as refusal:
        board.do(c.TaskUpdate(task="a", title="Bob's"), BOB, base=ahead)
    assert refusal.value.details["current"] == "Task a"
    board.do(c.TaskUpdate(task="a", title="Ann's"), ANN, base=ahead)
    board.do(c.TaskUpdate(task="a", title="Ann's"), BOB, base=ahead)


def test_base_lets_equal_values_other_fields_and_own_changes_through() -> None:
    board = Board()
    board.add("a")
    base = board.state.seq
    board.do(c.TaskUpdate(task="a", title="Same"), ANN)
    board.do(c.TaskUpdate(task="a", title="Same"), BOB, base=base)
    board.do(c.TaskUpdate(task="a", description="other"), BOB, base=base)
    board.do(c.TaskUpdate(task="a", title="Ann again"), ANN, base=base)
    assert board.task("a").title == "Ann again"


def test_the_same_person_in_another_tab_is_another_client() -> None:
    board = Board()
    board.add("a")
    base = board.state.seq
    board.do(c.TaskUpdate(task="a", title="one"), ANN, client="tab-one1")
    with pytest.raises(Conflict):
        board.do(c.TaskUpdate(task="a", title="two"), ANN, client="tab-two2", base=base)


def test_moving_into_a_done_column_completes_and_out_of_it_reopens() -> None:
    board = Board()
    board.add("a")
    assert board.do(c.TaskMove(task="a", column="done")).set.completed is True
    assert board.do(c.TaskMove(task="a", column="doing")).set.completed is False


def test_completing_moves_to_the_top_of_the_first_done_column_and_reopening_back_to_an_open_one() -> None:
    board = Board()
    board.add("a", "b")
    board.do(c.TaskUpdate(task="a", completed=True))
    board.do(c.TaskUpdate(task="b", completed=True))
    assert board.ids("done") == ["b", "a"]
    board.do(c.TaskUpdate(task="a", completed=False))
    assert (board.ids("todo"), board.task("a").completed) == (["a"], False)


def test_a_task_born_completed_goes_to_the_first_done_column() -> None:
    board = Board()
    board.do(c.TaskCreate(task="a", title="A", completed=True))
    board.do(c.TaskCreate(task="b", title="B", column="done"))
    assert board.ids("done") == ["a", "b"] and board.task("b").completed


def test_completing_where_no_column_is_done_leaves_the_task_where_it_is() -> None:
    board = Board()
    board.do(c.ColumnDelete(column="done"))
    board.add("a")
    board.do(c.TaskUpdate(task="a", completed=True))
    assert (board.task("a").column, board.task("a").completed) == ("todo", True)


def test_one_update_may_change_fields_and_move() -> None:
    board = Board()
    board.add("a")
    change = board.do(c.TaskUpdate(task="a", title="New", column="done"))
    assert (change.set.title, change.set.column, change.set.completed) == ("New", "done", True)


def test_a_position_given_back_is_taken_as_it_was() -> None:
    board = Board()
    board.add("a", "b", "c")
    moved = board.do(c.TaskMove(task="a", column="done"))
    board.do(c.TaskMove(task="a", column=moved.was.column, position=moved.was.position))
    assert board.ids("todo") == ["a", "b", "c"]


def test_a_position_that_the_server_never_made_is_refused() -> None:
    board = Board()
    board.add("a")
    with pytest.raises(BadRequest, match=r"args\.position"):
        board.do(c.TaskMove(task="a", position="0"))


def test_equal_positions_are_ordered_by_id_and_never_stop_a_move() -> None:
    board = Board()
    board.add("b", "c", "a")
    position = board.task("b").position
    for task in ("a", "c"):
        board.do(c.TaskMove(task=task, position=position))
    assert board.ids("todo") == ["a", "b", "c"]
    board.add("x")
    board.do(c.TaskMove(task="x", after="a"))
    assert board.ids("todo") == ["a", "b", "c", "x"]


def test_a_thousand_moves_to_the_same_place_keep_their_order() -> None:
    board = Board()
    board.add("first", "last", *(f"t{n}" for n in range(50)))
    for n in range(1000):
        board.do(c.TaskMove(task=f"t{n % 50}", after="first"))
    assert board.ids("todo")[:3] == ["first", "t49", "t48"]
    assert len(board.task("t49").position) < 256


def test_a_deleted_task_is_gone_for_every_operation_and_comes_back_whole() -> None:
    board = Board()
    board.add("a", "b")
    board.do(c.TaskUpdate(task="a", description="text"))
    deleted = board.do(c.TaskDelete(task="a"))
    assert (deleted.set, deleted.was) == (Patch(deleted=True), Patch(deleted=False))
    for command in (c.TaskUpdate(task="a", title="x"), c.TaskMove(task="a"), c.TaskDelete(task="a")):
        with pytest.raises(NotFound):
            board.do(command)
    restored = board.do(c.TaskRestore(task="a"))
    assert restored.set.title == "Task a" and restored.set.description == "text"
    assert board.ids("todo") == ["a", "b"]


def test_restoring_what_is_there_changes_nothing() -> None:
    board = Board()
    board.add("a")
    assert board.do(c.TaskRestore(task="a")).set == Patch()


def test_a_task_whose_column_is_gone_is_restored_into_the_first_one() -> None:
    board = Board()
    board.add("a", column="doing")
    board.do(c.TaskDelete(task="a"))
    board.do(c.ColumnDelete(column="doing"))
    board.do(c.TaskRestore(task="a"))
    assert board.ids("todo") == ["a"]


def test_checklist_items_are_added_ticked_moved_and_removed_one_by_one() -> None:
    board = Board()
    board.add("a")
    for item in ("i", "j"):
        board.do(c.ChecklistSet(task="a", item=item, text=item))
    board.do(c.ChecklistSet(task="a", item="i", done=True), ANN)
    board.do(c.ChecklistSet(task="a", item="j", done=True), BOB)
    board.do(c.ChecklistSet(task="a", item="j", after=None))
    assert [(i.id, i.text, i.done) for i in board.task("a").checklist] == [("j", "j", True), ("i", "i", True)]
    board.do(c.ChecklistRemove(task="a", item="i"))
    assert [i.id for i in board.task("a").checklist] == ["j"]
    with pytest.raises(NotFound):
        board.do(c.ChecklistRemove(task="a", item="i"))


def test_a_new_item_needs_a_text() -> None:
    board = Board()
    board.add("a")
    with pytest.raises(BadRequest, match=r"args\.text"):
        board.do(c.ChecklistSet(task="a", item="i"))


def test_limits_refuse_what_would_be_one_too_many() -> None:
    board = Board(Limits(tasks_per_board=1, checklist_items=1, assignees_per_task=1, comments_per_task=1))
    board.add("a")
    board.do(c.ChecklistSet(task="a", item="i", text="x"))
    board.do(c.CommentAdd(task="a", comment="c1", text="x"))
    for command in (
        c.TaskCreate(task="b", title="B"),
        c.ChecklistSet(task="a", item="j", text="x"),
        c.TaskUpdate(task="a", assignees_add=("ann", "bob")),
        c.CommentAdd(task="a", comment="c2", text="x"),
    ):
        with pytest.raises(LimitExceeded) as refusal:
            board.do(command)
        assert refusal.value.details["limit"] == 1


def test_a_change_names_its_author_client_and_mutation() -> None:
    board = Board()
    board.add("a")
    change = board.log[-1]
    assert (change.actor, change.client, change.mutation, change.task) == (ANN, "client-ann", "m2", "a")
    assert change.name == "ann/client-ann/m2"
    assert change.also is UNSET


@pytest.mark.parametrize(
    ("command", "column", "completed"),
    [
        (c.TaskUpdate(task="a", completed=False, after=None), "todo", False),
        (c.TaskUpdate(task="a", completed=False, column="done"), "done", True),
        (c.TaskUpdate(task="a", completed=True, column="doing"), "doing", False),
        (c.TaskUpdate(task="a", after=None), "done", True),
    ],
)
def test_what_stands_in_a_done_column_is_completed_whatever_is_asked(
    command: c.TaskUpdate, column: str, completed: bool
) -> None:
    board = Board()
    board.add("a", column="done")
    board.do(command)
    assert (board.task("a").column, board.task("a").completed) == (column, completed)


def test_a_position_is_not_given_together_with_an_anchor() -> None:
    board = Board()
    board.add("a")
    with pytest.raises(BadRequest, match=r"args\.position"):
        board.do(c.TaskMove(task="a", position="a5", after=None))
