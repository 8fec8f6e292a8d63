"""A hand on the line between a page and the real server: it sees every message and may hold it back,
answer in the server's place or cut the line."""

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import WebSocketRoute

Message = dict[str, Any]
Filter = Callable[[Message], list[Message]]


class Wire:
    """`up` and `down` turn one message to and from the server into those that pass instead of it."""

    def __init__(self, up: Filter | None = None, down: Filter | None = None) -> None:
        self.up: Filter = up or (lambda message: [message])
        self.down: Filter = down or (lambda message: [message])
        self.sent: list[Message] = []
        self.links: list[WebSocketRoute] = []

    def attach(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        self.links.append(page)
        page.on_message(lambda frame: self._sent(server, frame))
        server.on_message(lambda frame: self._pass(page, frame, self.down))

    def _sent(self, server: WebSocketRoute, frame: str | bytes) -> None:
        self.sent.extend(messages(frame))
        self._pass(server, frame, self.up)

    def _pass(self, side: WebSocketRoute, frame: str | bytes, through: Filter) -> None:
        passed = [other for message in messages(frame) for other in through(message)]
        if passed:
            side.send(json.dumps(passed))

    def say(self, **message: Any) -> None:
        """Sends a message to the page as if the server had."""
        self.links[-1].send(json.dumps(message))

    def cut(self, code: int = 1011, reason: str = "cut") -> None:
        self.links[-1].close(code=code, reason=reason)

    @property
    def board(self) -> str:
        """The board that the page has joined."""
        return str(self.all_sent("join")[0]["board"])

    def all_sent(self, type: str) -> list[Message]:
        return [message for message in self.sent if message["type"] == type]


def messages(frame: str | bytes) -> list[Message]:
    told = json.loads(frame)
    return told if isinstance(told, list) else [told]
