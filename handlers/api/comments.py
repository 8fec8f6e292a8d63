"""Comments of a task over HTTP."""

from functools import partial

from msgspec import UNSET

from handlers.api.answers import etag_of, page_of
from handlers.api.asking import board_of, id_in_path, submit
from handlers.api.endpoint import Answer, Call, Endpoint, row
from handlers.api.queries import PageQuery
from server.boards.live import LiveBoard
from server.errors import Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model import http as h
from server.model.messages import CommentView
from server.views import comment_view


def _comments(live: LiveBoard, task: str) -> list[CommentView]:
    if live.state.task(task) is None:
        raise NotFound("task", task)
    kept = (live.state.comments[name] for name in live.state.comments_of.get(task, ()))
    return [comment_view(one.value) for one in kept if not one.deleted]


async def list_comments(call: Call) -> Answer:
    live = await board_of(call)
    comments = await live.surely(lambda: _comments(live, call.path["task"]))
    return Answer(body=page_of(call, comments), etag=etag_of(live))


async def add_comment(call: Call) -> Answer:
    body: h.NewComment = call.body
    comment = call.make_id("c") if body.id is UNSET else body.id
    task = id_in_path(call, "task")
    live = await submit(call, call.path["board"], c.CommentAdd(task=task, comment=comment, text=body.text))
    kept = live.state.comments.get(comment)
    if kept is None:
        raise NotFound("comment", comment)
    return Answer(body=comment_view(kept.value), etag=etag_of(live))


_row = partial(row, "Comments")
_PATH = "/api/boards/{board}/tasks/{task}/comments"
ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "GET",
        _PATH,
        list_comments,
        "Comments of a task, in order of creation",
        h.Page[CommentView],
        query=PageQuery,
    ),
    _row(
        "POST",
        _PATH,
        add_comment,
        "Comment on a task",
        CommentView,
        body=h.NewComment,
        status=201,
        refusals=(Conflict, LimitExceeded),
    ),
)
