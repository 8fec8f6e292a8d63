import pytest

from server.document import Limits, folding
from server.errors import BadRequest, Conflict, Forbidden, LimitExceeded, NotFound
from server.model import commands as c
from server.model.records import ColumnPatch, MemberPatch, Patch
from tests.document.board import ANN, BOB, Board


def columns(board: Board) -> list[str]:
    return [column.id for column in board.state.sorted_columns()]


def test_a_board_starts_with_three_columns_of_which_the_last_is_done() -> None:
    board = Board()
    assert [(col.id, col.done) for col in board.state.sorted_columns()] == [
        ("todo", False),
        ("doing", False),
        ("done", True),
    ]
    assert board.log[0].set.epoch == "e1"
    assert board.log[0].set.members == {"ann": MemberPatch(role="owner")}


def test_a_board_is_created_once() -> None:
    with pytest.raises(Conflict):
        Board().do(c.BoardCreate(name="again"))


def test_two_columns_with_one_id_are_refused() -> None:
    board = Board()
    board.state = type(board.state)("other")
    twice = (c.NewColumn(id="x", title="X"), c.NewColumn(id="x", title="Y"))
    with pytest.raises(BadRequest, match=r"args\.columns"):
        board.do(c.BoardCreate(name="B", columns=twice))


def test_board_fields_are_judged_by_base() -> None:
    board = Board()
    base = board.state.seq
    board.do(c.BoardUpdate(name="Ann's"), ANN)
    with pytest.raises(Conflict):
        board.do(c.BoardUpdate(name="Bob's"), BOB, base=base)
    board.do(c.BoardUpdate(description="text"), BOB, base=base)
    assert board.state.info is not None
    assert (board.state.info.value.name, board.state.info.value.description) == ("Ann's", "text")


def test_an_archived_board_takes_nothing_until_it_is_restored() -> None:
    board = Board()
    board.do(c.BoardArchive())
    with pytest.raises(Conflict, match="archived"):
        board.add("a")
    board.do(c.BoardRestore())
    board.add("a")


def test_columns_are_made_moved_and_renamed() -> None:
    board = Board()
    board.do(c.ColumnCreate(column="new", title="New", after="todo"))
    assert columns(board) == ["todo", "new", "doing", "done"]
    board.do(c.ColumnMove(column="new", after=None))
    assert columns(board)[0] == "new"
    board.do(c.ColumnMove(column="new"))
    assert columns(board)[-1] == "new"
    assert board.do(c.ColumnMove(column="new")).set == Patch()
    change = board.do(c.ColumnUpdate(column="new", title="Newer", wip_limit=3))
    assert change.set == Patch(columns={"new": ColumnPatch(title="Newer", wip_limit=3)})
    assert change.was == Patch(columns={"new": ColumnPatch(title="New", wip_limit=None)})


def test_marking_a_column_done_completes_its_tasks_in_the_same_change() -> None:
    board = Board()
    board.add("a", column="doing")
    change = board.do(c.ColumnUpdate(column="doing", done=True))
    assert change.also["a"].set == Patch(completed=True)
    assert board.task("a").completed


def test_a_column_with_tasks_is_deleted_only_with_a_place_for_them() -> None:
    board = Board()
    board.add("a", "b")
    board.add("c", column="done")
    with pytest.raises(Conflict, match="move_to"):
        board.do(c.ColumnDelete(column="todo"))
    with pytest.raises(BadRequest):
        board.do(c.ColumnDelete(column="todo", move_to="todo"))
    change = board.do(c.ColumnDelete(column="todo", move_to="done"))
    assert set(change.also) == {"a", "b"}
    assert change.also["a"].was.column == "todo"
    assert board.ids("done") == ["c", "a", "b"]
    assert board.task("a").completed
    assert columns(board) == ["doing", "done"]


def test_a_deleted_column_comes_back_where_it_was() -> None:
    board = Board()
    board.do(c.ColumnDelete(column="doing"))
    board.do(c.ColumnRestore(column="doing"))
    assert columns(board) == ["todo", "doing", "done"]
    assert board.do(c.ColumnRestore(column="doing")).set == Patch()


def test_the_last_column_stays() -> None:
    board = Board()
    board.do(c.ColumnDelete(column="todo"))
    board.do(c.ColumnDelete(column="doing"))
    with pytest.raises(Conflict):
        board.do(c.ColumnDelete(column="done"))


@pytest.mark.parametrize(
    "command",
    [
        c.TaskCreate(task="x", title="X", column="gone"),
        c.TaskMove(task="a", column="gone"),
        c.ColumnUpdate(column="gone", title="x"),
        c.ColumnDelete(column="gone"),
        c.ColumnRestore(column="gone"),
        c.LabelUpdate(label="gone", name="x"),
        c.LabelRestore(label="gone"),
        c.MemberRemove(user="gone"),
        c.CommentEdit(task="a", comment="gone", text="x"),
    ],
)
def test_what_is_not_there_is_not_found(command: c.Command) -> None:
    board = Board()
    board.add("a")
    with pytest.raises(NotFound):
        board.do(command)


def test_deleting_a_label_takes_it_off_its_tasks_in_the_same_change() -> None:
    board = Board()
    board.do(c.LabelCreate(label="x", name="X", color="#ff0000"))
    board.do(c.TaskCreate(task="a", title="A", labels=("x",)))
    change = board.do(c.LabelDelete(label="x"))
    assert change.also["a"].set == Patch(labels=())
    assert board.task("a").labels == ()
    board.do(c.LabelRestore(label="x"))
    assert [label.id for label in board.state.sorted_labels()] == ["x"]


def test_a_task_comes_back_without_labels_that_went_meanwhile() -> None:
    board = Board()
    board.do(c.LabelCreate(label="x", name="X", color="#ff0000"))
    board.do(c.TaskCreate(task="a", title="A", labels=("x",)))
    board.do(c.TaskDelete(task="a"))
    board.do(c.LabelDelete(label="x"))
    board.do(c.TaskRestore(task="a"))
    assert board.task("a").labels == ()


def test_removing_a_member_unassigns_them_and_the_last_owner_stays() -> None:
    board = Board()
    board.do(c.MemberSet(user="bob", role="editor"))
    board.do(c.TaskCreate(task="a", title="A", assignees=("ann", "bob")))
    change = board.do(c.MemberRemove(user="bob"))
    assert change.set == Patch(members={"bob": None})
    assert board.task("a").assignees == ("ann",)
    for command in (c.MemberRemove(user="ann"), c.MemberSet(user="ann", role="viewer")):
        with pytest.raises(Conflict):
            board.do(command)


def test_who_lost_a_role_by_somebody_else_is_remembered_with_the_time() -> None:
    board = Board()
    assert board.state.lowered == {}
    for role in ("viewer", "owner", "owner"):
        board.do(c.MemberSet(user="bob", role=role))
    assert board.state.lowered == {}, "nothing was lost"
    first = board.do(c.MemberSet(user="bob", role="editor"))
    assert board.state.lowered == {"bob": first.at}
    board.do(c.MemberRemove(user="bob"), BOB, role="editor")
    assert board.state.lowered == {"bob": first.at}, "it was their own doing"
    board.do(c.MemberSet(user="bob", role="editor"))
    second = board.do(c.MemberRemove(user="bob"))
    assert board.state.lowered == {"bob": second.at} == board.state.record().lowered


def test_of_those_who_lost_a_role_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_LOWERED", 2)
    board = Board()
    for user in ("bob", "eve", "dan"):
        board.do(c.MemberSet(user=user, role="editor"))
    for user in ("bob", "eve", "bob", "dan"):
        board.do(c.MemberSet(user=user, role="editor"))
        board.do(c.MemberRemove(user=user))
    assert list(board.state.lowered) == ["bob", "dan"]


def test_comments_are_counted_edited_by_their_writer_and_come_back() -> None:
    board = Board()
    board.add("a")
    board.do(c.CommentAdd(task="a", comment="c1", text="one"), ANN)
    edited = board.do(c.CommentEdit(task="a", comment="c1", text="two"), ANN)
    assert (edited.set.comment.text, edited.was.comment.text) == ("two", "one")
    with pytest.raises(Forbidden):
        board.do(c.CommentEdit(task="a", comment="c1", text="mine"), BOB, role="editor")
    deleted = board.do(c.CommentDelete(task="a", comment="c1"), BOB, role="owner")
    assert (board.task("a").comments, deleted.was.comment.text) == (0, "two")
    board.do(c.CommentRestore(task="a", comment="c1"), ANN)
    assert board.task("a").comments == 1
    assert not board.state.comments["c1"].deleted


def test_board_limits_refuse_one_column_label_or_member_too_many() -> None:
    board = Board(Limits(columns_per_board=3, labels_per_board=0, members_per_board=1))
    for command in (
        c.ColumnCreate(column="x", title="X"),
        c.LabelCreate(label="x", name="X", color="#ff0000"),
        c.MemberSet(user="bob", role="editor"),
    ):
        with pytest.raises(LimitExceeded):
            board.do(command)


def test_a_column_that_comes_back_shares_its_place_with_nobody() -> None:
    board = Board()
    board.do(c.ColumnCreate(column="k", title="K"))
    board.do(c.ColumnDelete(column="k"))
    board.do(c.ColumnCreate(column="m", title="M"))
    board.do(c.ColumnRestore(column="k"))
    positions = [column.position for column in board.state.sorted_columns()]
    assert len(set(positions)) == len(positions)
    board.do(c.ColumnMove(column="todo", after="k"))
    assert columns(board)[columns(board).index("k") + 1 :] == ["todo"]
