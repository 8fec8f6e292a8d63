"""Tasks over HTTP: of any board below `/api/boards/{board}/tasks`, of the default one below `/api/tasks`."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter

from msgspec import UNSET, structs

from handlers.api.answers import etag_of, page_of
from handlers.api.asking import board_of, id_in_path, submit
from handlers.api.endpoint import Answer, Call, Endpoint, row
from handlers.api.queries import BaseQuery, SeqQuery, TasksQuery
from server.boards.live import LiveBoard
from server.document import BoardState
from server.errors import Conflict, LimitExceeded, NotFound
from server.model import commands as c
from server.model import http as h
from server.model.records import Task

_MADE = attrgetter("made.seq")


def _wanted(query: TasksQuery) -> Callable[[Task], bool]:
    text = (query.q or "").casefold()

    def wanted(task: Task) -> bool:
        return (
            (query.column is None or task.column == query.column)
            and (query.completed is None or task.completed == query.completed)
            and (query.assignee is None or query.assignee in task.assignees)
            and (query.label is None or query.label in task.labels)
            and (not text or text in task.title.casefold() or text in task.description.casefold())
        )

    return wanted


def in_order(state: BoardState) -> list[Task]:
    """All tasks in order of creation."""
    return [kept.value for kept in sorted(state.tasks.values(), key=_MADE) if not kept.deleted]


async def list_tasks(call: Call) -> Answer:
    live = await board_of(call)
    etag = etag_of(live)
    if call.knows(etag):
        return Answer(etag=etag)
    tasks, wanted = in_order(live.state), _wanted(call.query)
    if call.query.q:
        found = await call.app.searches.find(call.caller.home, tasks, wanted, call.gone)
    else:
        found = list(filter(wanted, tasks))
    return Answer(body=page_of(call, found), etag=etag)


def _board(call: Call) -> str:
    return call.path.get("board", call.app.config.boards.default_board)


def _task(live: LiveBoard, task: str) -> Task:
    kept = live.state.task(task)
    if kept is None:
        raise NotFound("task", task)
    return kept.value


def _written(live: LiveBoard, task: str) -> Task:
    """The task that a write was about, even when somebody has deleted it since: the write did happen."""
    kept = live.state.tasks.get(task)
    if kept is None:
        raise NotFound("task", task)
    return kept.value


async def create_task(call: Call) -> Answer:
    body: h.NewTask = call.body
    task = call.make_id("t") if body.id is UNSET else body.id
    fields = {name: value for name, value in structs.asdict(body).items() if name != "id"}
    live = await submit(call, _board(call), c.TaskCreate(task=task, **fields))
    location = f"/api/boards/{live.board}/tasks/{task}"
    return Answer(body=_written(live, task), etag=etag_of(live), location=location)


async def read_task(call: Call) -> Answer:
    live = await board_of(call)
    task = await live.surely(lambda: _task(live, call.path["task"]))
    return Answer(body=task, etag=etag_of(live))


async def update_task(call: Call) -> Answer:
    task = id_in_path(call, "task")
    live = await submit(call, _board(call), c.TaskUpdate(task=task, **structs.asdict(call.body)))
    return Answer(body=_written(live, task), etag=etag_of(live))


async def delete_task(call: Call) -> Answer:
    live = await submit(call, _board(call), c.TaskDelete(task=id_in_path(call, "task")))
    return Answer(etag=etag_of(live))


def _rows(base: str, which: str, tag: str) -> tuple[Endpoint, ...]:
    one, _row = base + "/{task}", partial(row, tag)
    return (
        _row(
            "GET", base, list_tasks, f"Tasks of {which}, in order of creation", h.Page[Task], query=TasksQuery
        ),
        _row(
            "POST",
            base,
            create_task,
            f"Create a task on {which}",
            Task,
            body=h.NewTask,
            status=201,
            located=True,
            refusals=(Conflict, LimitExceeded),
        ),
        _row("GET", one, read_task, f"One task of {which}", Task, query=SeqQuery),
        _row(
            "PATCH",
            one,
            update_task,
            f"Change, and move, a task of {which}, in one change",
            Task,
            query=BaseQuery,
            body=h.TaskEdit,
            refusals=(Conflict, LimitExceeded),
        ),
        _row(
            "DELETE",
            one,
            delete_task,
            f"Delete a task of {which}; `task.restore` brings it back",
            refusals=(Conflict,),
        ),
    )


ENDPOINTS = (
    *_rows("/api/boards/{board}/tasks", "a board", "Tasks"),
    *_rows("/api/tasks", "the default board", "Tasks of the default board"),
)
