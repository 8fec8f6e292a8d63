"""Undo and redo of one's own changes, against a real server and somebody else."""

from tests.browser.conftest import Sit


def test_an_undone_move_is_back_for_everybody_and_redone_again(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    for task in ("one", "two", "three"):
        ann.mutate("task.create", task=task, title=task, column="doing")
    ann.saved()
    order = ann.titles("doing")
    ann.mutate("task.move", task="two", column="done", after=None)
    ann.saved()
    assert ann.run("board.undo.undo().done") is True
    assert ann.titles("doing") == order
    bob.waits_for("board.view.tasks.get('two')?.column === 'doing'")
    bob.waits_for("board.head >= a", ann.saved().run("board.head"))
    assert bob.picture() == ann.picture()
    assert ann.task("two")["completed"] is False  # type: ignore[index]
    ann.run("board.undo.redo();")
    bob.waits_for("board.view.tasks.get('two').column === 'done'")


def test_an_undo_that_would_overwrite_somebody_says_so_first(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="t", title="first", column="doing")
    ann.saved()
    ann.mutate("task.update", task="t", title="Ann's")
    ann.saved()
    bob.waits_for("board.view.tasks.get('t')?.title === \"Ann's\"")
    bob.mutate("task.update", task="t", title="Bob's")
    ann.waits_for("board.view.tasks.get('t').title === \"Bob's\"")
    answer = ann.run("board.undo.undo()")
    assert (answer["done"], answer["reason"]) == (False, "overwrites")
    (conflict,) = answer["conflicts"]
    assert (conflict["field"], conflict["now"], conflict["back"]) == ("title", "Bob's", "first")
    assert conflict["by"]["name"] == "Bob"
    assert bob.saved().task("t")["title"] == "Bob's"  # type: ignore[index]
    assert ann.run("board.undo.undo({ force: true }).done") is True
    bob.waits_for("board.view.tasks.get('t').title === 'first'")


def test_an_undo_that_races_with_somebodys_change_is_refused_and_not_theirs_lost(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="t", title="first", column="doing")
    ann.mutate("task.update", task="t", title="Ann's")
    ann.saved()
    bob.waits_for("board.view.tasks.get('t')?.title === \"Ann's\"")
    ann.go_offline()
    bob.mutate("task.update", task="t", title="Bob's")
    bob.saved()
    assert ann.run("board.undo.undo().done") is True  # nothing is known of Bob's yet
    ann.go_online()
    ann.waits_for("session.refusals.items.length === 1")
    assert ann.task("t")["title"] == "Bob's"  # type: ignore[index]
    assert ann.run("board.undo.canRedo") is False


def test_undo_works_offline_and_before_the_server_has_answered(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="t", title="t", column="doing")
    ann.saved()
    before = ann.picture()
    ann.go_offline()
    ann.mutate("task.update", task="t", title="new", priority="high", assignees_add=["u_x"])
    ann.mutate("task.move", task="t", column="todo", after=None)
    ann.mutate("checklist.set", task="t", item="i", text="item")
    ann.mutate("task.create", task="new", title="new", column="done")
    for _ in range(4):
        assert ann.run("board.undo.undo().done") is True
    assert ann.picture() == before
    ann.run("board.undo.redo();")
    ann.go_online()
    ann.saved()
    bob.waits_for("board.head >= a", ann.run("board.head"))
    assert bob.picture() == ann.picture()
    assert bob.task("t")["title"] == "new"  # type: ignore[index]


def test_a_deleted_column_comes_back_with_its_cards_in_their_places(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    for task in ("one", "two"):
        ann.mutate("task.create", task=task, title=task, column="doing")
    before = ann.saved().picture()
    ann.mutate("column.delete", column="doing", move_to="done")
    ann.saved()
    assert ann.run("board.undo.undo().done") is True
    ann.saved()
    assert ann.picture() == before
    bob.waits_for("board.head >= a", ann.run("board.head"))
    assert bob.picture() == before


def test_cards_deleted_together_come_back_together(sit: Sit) -> None:
    ann = sit("Ann")
    for task in ("one", "two", "three"):
        ann.mutate("task.create", task=task, title=task, column="doing")
    before = ann.saved().picture()
    ann.run("board.mutateAll(['one', 'two'].map((task) => ({ op: 'task.delete', args: { task } })));")
    ann.saved()
    assert "one" not in ann.titles("doing")
    ann.run("board.undo.undo();")
    assert ann.saved().picture() == before


def test_comments_are_taken_back_and_restored(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    ann.mutate("task.create", task="t", title="t", column="doing")
    ann.saved()
    ann.run("window.thread = board.thread('t');")
    bob.waits_for("board.view.tasks.has('t')")
    bob.run("window.thread = board.thread('t');")
    at_once = ann.run(
        "board.mutate('comment.add', { task: 't', comment: 'c1', text: 'said' }); "
        "return thread.comments.map((comment) => [comment.text, comment.pending ?? false]);"
    )
    assert at_once == [["said", True]]
    ann.mutate("comment.edit", task="t", comment="c1", text="said better")
    ann.saved()
    bob.run("await until(() => thread.comments[0]?.text === 'said better', thread);")
    ann.run("board.undo.undo();")
    bob.run("await until(() => thread.comments[0]?.text === 'said', thread);")
    ann.run("board.undo.undo();")
    bob.run("await until(() => thread.comments.length === 0, thread);")
    ann.run("board.undo.redo();")
    bob.run("await until(() => thread.comments[0]?.text === 'said', thread);")
    assert ann.saved().task("t")["comments"] == 1  # type: ignore[index]
