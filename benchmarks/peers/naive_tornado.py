"""What most Tornado programs do: `write_message` to each member in a loop, tasks in a dict. Keeps nothing.

`python naive_tornado.py`: serves `/ws` (to everybody, the sender too), `/echo` and `/api/tasks` on a free
port.
"""

import asyncio
import json
from contextlib import suppress

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

members: set["Room"] = set()
tasks: dict[str, dict] = {}


class Room(WebSocketHandler):
    def open(self) -> None:
        self.set_nodelay(True)
        members.add(self)

    def on_message(self, message: str | bytes) -> None:
        for member in list(members):
            try:
                member.write_message(message)
            except WebSocketClosedError:
                members.discard(member)

    def on_close(self) -> None:
        members.discard(self)


class Echo(WebSocketHandler):
    def open(self) -> None:
        self.set_nodelay(True)

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message)


class Tasks(RequestHandler):
    def post(self) -> None:
        task = json.loads(self.request.body)
        task.setdefault("id", str(len(tasks)))
        tasks[task["id"]] = task
        self.set_status(201)
        self.write(task)


class Task(RequestHandler):
    def get(self, task: str) -> None:
        if task not in tasks:
            raise HTTPError(404)
        self.write(tasks[task])


async def main() -> None:
    routes = [("/ws", Room), ("/echo", Echo), ("/api/tasks", Tasks), ("/api/tasks/(.*)", Task)]
    server = HTTPServer(Application(routes))
    sockets = bind_sockets(0, "127.0.0.1", backlog=1024)
    server.add_sockets(sockets)
    print(f"listening on http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run = asyncio.run
    with suppress(ImportError):  # as ours does
        from uvloop import run  # type: ignore[assignment]
    run(main())
