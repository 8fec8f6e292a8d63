"""A request for each route and arguments for each operation: enough to get past everything but permission."""

from typing import Any

BODIES: dict[str, Any] = {
    "POST /api/telemetry": {"temp": 21.5},
    "POST /api/session": {"login": "nobody", "password": "wrong"},
    "POST /api/setup": {"code": "x", "login": "eve", "name": "Eve", "password": "0123456789"},
    "POST /api/sign-up": {"login": "eve", "name": "Eve", "password": "0123456789", "invitation": "x"},
    "POST /api/reset": {"code": "x", "password": "0123456789"},
    "POST /api/welcome": {"invitation": "x"},
    "PATCH /api/me": {"name": "Same"},
    "POST /api/me/password": {"current": "correct horse 1", "password": "correct horse 1"},
    "POST /api/me/tokens": {"name": "t"},
    "POST /api/invitations": {},
    "POST /api/invitations/accept": {"invitation": "x"},
    "POST /api/boards": {"name": "Another"},
    "PATCH /api/boards/{board}": {"description": "same"},
    "POST /api/boards/{board}/members": {"login": "nobody", "role": "viewer"},
    "PATCH /api/boards/{board}/members/{user}": {"role": "viewer"},
    "POST /api/boards/{board}/invitations": {},
    "POST /api/boards/{board}/tasks": {"title": "T"},
    "PATCH /api/boards/{board}/tasks/{task}": {"title": "T"},
    "POST /api/boards/{board}/tasks/{task}/comments": {"text": "x"},
    "POST /api/boards/{board}/mutations": [],
    "POST /api/boards/{board}/devices": {"name": "D"},
    "PATCH /api/boards/{board}/devices/{device}": {"name": "D"},
    "POST /api/boards/{board}/devices/{device}/token": None,
    "POST /api/boards/{board}/devices/{device}/commands": {"name": "stop"},
    "POST /api/boards/{board}/rules/trial": {
        "rule": {
            "id": "r",
            "device": "*",
            "metric": "temp",
            "when": {"kind": "above", "value": 1.0},
            "then": {"column": "todo", "title": "Warm"},
        }
    },
    "POST /api/tasks": {"title": "T"},
    "PATCH /api/tasks/{task}": {"title": "T"},
}
"""Every route that writes, and takes a body."""

ARGS: dict[str, dict[str, Any]] = {
    "board.create": {"name": "B"},
    "board.update": {"description": "same"},
    "board.archive": {},
    "board.restore": {},
    "task.create": {"task": "t", "title": "T"},
    "task.update": {"task": "t"},
    "task.move": {"task": "t"},
    "task.delete": {"task": "t"},
    "task.restore": {"task": "t"},
    "checklist.set": {"task": "t", "item": "i", "text": "x"},
    "checklist.remove": {"task": "t", "item": "i"},
    "comment.add": {"task": "t", "comment": "c", "text": "x"},
    "comment.edit": {"task": "t", "comment": "c", "text": "x"},
    "comment.delete": {"task": "t", "comment": "c"},
    "comment.restore": {"task": "t", "comment": "c"},
    "column.create": {"column": "c", "title": "C"},
    "column.update": {"column": "c", "title": "C"},
    "column.move": {"column": "c"},
    "column.delete": {"column": "c"},
    "column.restore": {"column": "c"},
    "label.create": {"label": "l", "name": "L", "color": "#aabbcc"},
    "label.update": {"label": "l", "name": "L"},
    "label.delete": {"label": "l"},
    "label.restore": {"label": "l"},
    "member.set": {"user": "u_nobody", "role": "viewer"},
    "member.remove": {"user": "u_nobody"},
    "device.create": {"device": "d", "name": "D"},
    "device.update": {"device": "nope", "name": "D"},
    "device.delete": {"device": "nope"},
    "device.restore": {"device": "nope"},
    "rule.set": {
        "rule": {
            "id": "r",
            "device": "nope",
            "metric": "temp",
            "when": {"kind": "above", "value": 1.0},
            "then": {"column": "nope", "title": "Warm"},
        }
    },
    "rule.delete": {"rule": "nope"},
    "command.send": {"command": "c", "device": "nope", "name": "n"},
}
"""Every operation that clients may ask for."""
_DEVICE = "GET /api/boards/{board}/devices/{device}/telemetry"
QUERIES = {_DEVICE: "?metric=temp", f"{_DEVICE}.csv": "?metric=temp"}
"""What must stand behind the question mark."""
