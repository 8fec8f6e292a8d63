"""FastAPI as its documentation shows it: a connection manager that awaits each send, tasks in a dict.

`python fastapi_app.py`: uvicorn with what `uvicorn[standard]` brings (uvloop, httptools), one worker, on a
free port: `/ws` (to everybody, the sender too), `/echo` and `/api/tasks`. Keeps nothing.
"""

import socket

import uvicorn
from fastapi import FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

app = FastAPI()
members: list[WebSocket] = []
tasks: dict[str, "Task"] = {}


class Task(BaseModel):
    id: str = ""
    title: str
    completed: bool = False


@app.websocket("/ws")
async def room(websocket: WebSocket) -> None:
    await websocket.accept()
    members.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for member in list(members):
                await member.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        if websocket in members:
            members.remove(websocket)


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


@app.post("/api/tasks", status_code=201)
async def create(task: Task) -> Task:
    task.id = task.id or str(len(tasks))
    tasks[task.id] = task
    return task


@app.get("/api/tasks/{task}")
async def read(task: str) -> Task:
    if task not in tasks:
        raise HTTPException(404)
    return tasks[task]


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws_per_message_deflate=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
