"""What a client is shown of a board: the reply to `join`, and pages of comments. Nothing here waits."""

from msgspec import UNSET, Struct
from msgspec.structs import replace

from server.boards.live import LiveBoard
from server.errors import NotFound
from server.model import messages as m
from server.model.fields import Role
from server.model.records import Comment
from server.wire import Codec


class Welcome(Struct, frozen=True):
    """The `joined`, the whole frames that follow it, and the frame of the changes after those, if any."""

    joined: m.Joined
    parts: list[bytes]
    after: bytes | None


def welcome_to(live: LiveBoard, join: m.Join, role: Role, presence: list[m.Present], codec: Codec) -> Welcome:
    """What brings a client from where it stands to the head of the board: changes, or a snapshot."""
    missing = None
    if join.since is not UNSET and join.since.epoch == live.epoch:
        missing = live.since(join.since.seq)
    joined = m.Joined(
        id=join.id,
        board=live.board,
        epoch=live.epoch,
        seq=live.head,
        role=role,
        mode="snapshot" if missing is None else "changes",
        changes=UNSET if missing is None else missing,
        presence=presence,
    )
    if missing is not None:
        return Welcome(joined, [], None)
    frozen = live.snapshots.of(live.state, live.epoch, live.recent, codec)
    joined = replace(joined, seq=frozen.seq, snapshot=frozen.first)
    after = None
    if frozen.seq < live.head:
        changes = live.recent.since(frozen.seq)
        assert changes is not None, "a snapshot is handed out only when what follows it is here"
        after = codec.changes(live.board, changes)
    return Welcome(joined, frozen.rest, after)


def comments_page(live: LiveBoard, request: m.Comments) -> m.CommentsPage:
    """A task's comments, newest first. Raises `NotFound` for the task, or for `before`."""
    state = live.state
    if state.task(request.task) is None:
        raise NotFound("task", request.task)
    ids = list(reversed(state.comments_of.get(request.task, ())))
    if request.before is not UNSET:
        if request.before not in ids:
            raise NotFound("comment", request.before)
        ids = ids[ids.index(request.before) + 1 :]
    ids = [comment for comment in ids if not state.comments[comment].deleted]
    views = [comment_view(state.comments[c].value) for c in ids[: request.limit]]
    return m.CommentsPage(
        id=request.id, board=request.board, task=request.task, comments=views, more=len(ids) > request.limit
    )


def comment_view(comment: Comment) -> m.CommentView:
    """A comment as clients see it: `edited_at` only when it was edited."""
    edited_at = UNSET if comment.edited_at is None else comment.edited_at
    return m.CommentView(
        id=comment.id, at=comment.at, actor=comment.actor, text=comment.text, edited_at=edited_at
    )
