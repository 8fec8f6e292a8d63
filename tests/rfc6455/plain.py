"""What plain Tornado makes of the cases: `python -m tests.rfc6455.plain` names the sections that it fails."""

import asyncio
from collections import defaultdict
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from tests.rfc6455.cases import CASES, Case
from tests.rfc6455.playing import play
from tests.sockets import Socket


class Echo(WebSocketHandler):
    """Tornado as it comes, with the same bound of a message."""

    def on_message(self, message: Any) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


async def failed() -> list[tuple[Case, tuple[str, ...]]]:
    """The cases that plain Tornado answers otherwise, and how."""
    listening, port = bind_unused_port()
    server = HTTPServer(Application([("/ws", Echo)], websocket_max_message_size=65_536))
    server.add_socket(listening)
    others = []
    for case in CASES:
        link = await Socket.open(f"http://127.0.0.1:{port}/ws")
        try:
            async with asyncio.timeout(7):
                heard = await play(link, case.data)
        except TimeoutError:
            heard = ("nothing",)
        if heard != case.wanted:
            others.append((case, heard))
    server.stop()
    return others


def main() -> None:
    by_section: dict[str, list[str]] = defaultdict(list)
    for case, heard in asyncio.run(failed()):
        wanted = " ".join(case.wanted)
        by_section[case.section].append(f"{case.title}: wanted {wanted}, was {' '.join(heard)}")
    for section, lines in sorted(by_section.items()):
        print(f"{section}\n  " + "\n  ".join(lines))


if __name__ == "__main__":
    main()
