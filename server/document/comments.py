"""What the operations on comments do."""

from server.document.intent import Delta, Intent, need_task, refuse_overwriting
from server.document.state import BoardState
from server.errors import Conflict, Forbidden, LimitExceeded, NotFound
from server.model import commands as c
from server.model.records import Comment, CommentPatch, Kept, Patch, Task

_Named = c.CommentEdit | c.CommentDelete | c.CommentRestore


def add(state: BoardState, command: c.CommentAdd, intent: Intent) -> Delta:
    task = need_task(state, command.task).value
    if command.comment in state.comments:
        raise Conflict("comment", f"{command.comment!r} exists already")
    if task.comments >= intent.limits.comments_per_task:
        raise LimitExceeded("comments", intent.limits.comments_per_task, "comments_per_task")
    new = CommentPatch(id=command.comment, at=intent.at, actor=intent.actor, text=command.text)
    return _counted(task, 1, new, CommentPatch(id=command.comment, deleted=True))


def edit(state: BoardState, command: c.CommentEdit, intent: Intent) -> Delta:
    task, kept = _need(state, command, intent)
    refuse_overwriting(state, kept, {"text": command.text}, intent)
    old = kept.value
    if old.text == command.text:
        return Delta(task=task.id)
    new = CommentPatch(id=old.id, text=command.text, edited_at=intent.at)
    was = CommentPatch(id=old.id, text=old.text, edited_at=old.edited_at)
    return Delta(task=task.id, set=Patch(comment=new), was=Patch(comment=was))


def delete(state: BoardState, command: c.CommentDelete, intent: Intent) -> Delta:
    task, kept = _need(state, command, intent)
    return _counted(task, -1, CommentPatch(id=command.comment, deleted=True), _whole(kept.value))


def restore(state: BoardState, command: c.CommentRestore, intent: Intent) -> Delta:
    task, kept = _need(state, command, intent, deleted=True)
    if not kept.deleted:
        return Delta(task=task.id)
    if task.comments >= intent.limits.comments_per_task:
        raise LimitExceeded("comments", intent.limits.comments_per_task, "comments_per_task")
    return _counted(task, 1, _whole(kept.value), CommentPatch(id=command.comment, deleted=True))


def _need(
    state: BoardState, command: _Named, intent: Intent, *, deleted: bool = False
) -> tuple[Task, Kept[Comment]]:
    """The comment and its task. A comment belongs to its writer; an owner of the board may tidy up."""
    task = need_task(state, command.task).value
    kept = state.comments.get(command.comment)
    if kept is None or kept.value.task != task.id or (kept.deleted and not deleted):
        raise NotFound("comment", command.comment)
    if kept.value.actor.id != intent.actor.id and intent.role != "owner":
        raise Forbidden("somebody else's comment", intent.role)
    return task, kept


def _whole(comment: Comment) -> CommentPatch:
    return CommentPatch(
        id=comment.id,
        at=comment.at,
        actor=comment.actor,
        text=comment.text,
        edited_at=comment.edited_at,
    )


def _counted(task: Task, step: int, new: CommentPatch, was: CommentPatch) -> Delta:
    return Delta(
        task=task.id,
        set=Patch(comments=task.comments + step, comment=new),
        was=Patch(comments=task.comments, comment=was),
    )
