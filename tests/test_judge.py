"""What becomes of a batch: pure, on a draft."""

from server.boards.judge import MOST_BATCH, Rules, judge
from server.boards.submission import Accepted, Submission
from server.document import Limits
from server.errors import NotFound, Unavailable
from server.model import commands as c
from server.policy import Policy
from tests.document.board import ANN, Board

RULES = Rules(Policy(open_mode=True), Limits(), 2000, "e1")


def submission(number: int, command: c.Command) -> Submission:
    return Submission(
        actor=ANN,
        client="client-ann",
        mutation=f"m{number}",
        command=command,
        base=None,
        settle=lambda outcome: None,
    )


def large(number: int) -> Submission:
    return submission(number, c.TaskCreate(task=f"t{number}", title="T", description="x" * 20_000))


def test_an_append_is_bounded_and_the_rest_of_the_batch_comes_after_it() -> None:
    board, batch = Board(), [large(number) for number in range(300)]
    seen = 0
    while batch:
        verdict = judge(board.state, batch, {}, RULES)
        size = sum(len(change.set.description or "") for change in verdict.changes)
        assert 0 < size <= MOST_BATCH + 20_000
        done = [outcome for outcome in verdict.outcomes if outcome is not None]
        assert done == [Accepted(change.seq) for change in verdict.changes]
        assert verdict.outcomes[len(done) :] == [None] * (len(batch) - len(done))
        assert board.state.adopt(verdict.draft)
        batch, seen = batch[len(done) :], seen + 1
    assert seen == 3
    assert board.state.task_count == 300


def test_small_changes_share_one_append() -> None:
    board = Board()
    batch = [submission(number, c.TaskCreate(task=f"t{number}", title="T")) for number in range(512)]
    assert len(judge(board.state, batch, {}, RULES).changes) == 512


def test_what_was_refused_is_amended_by_what_the_log_tells_and_nothing_else_is() -> None:
    board, old = Board(), submission(1, c.TaskUpdate(task="nobody", title="T"))
    batch = [old, submission(2, c.TaskCreate(task="t", title="T")), submission(3, c.TaskDelete(task="none"))]
    verdict = judge(board.state, batch, {}, RULES)
    assert verdict.refused(batch) == [old.name, batch[2].name]
    refusal, stored, other = verdict.outcomes
    assert isinstance(refusal, NotFound) and isinstance(stored, Accepted) and isinstance(other, NotFound)
    assert old.name is not None
    verdict.amend(batch, {old.name: 7})
    assert verdict.outcomes == [Accepted(7, duplicate=True), stored, other]
    away = Unavailable("the store does not answer")
    verdict.amend(batch, away)
    assert verdict.outcomes == [Accepted(7, duplicate=True), stored, away]
