"""What the link tells a person when it cannot be had, and what a tab costs that stays on a busy board."""

import contextlib
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from tests.browser.conftest import Sit
from tests.browser.desk import Desk
from tests.support import ServerProcess

CHANGES = 10_000
AT_ONCE = 500
STEPS = (
    ("task.create", {"title": "a card", "column": "todo"}),
    ("task.update", {"description": "x" * 200}),
    ("task.move", {"column": "doing"}),
    ("task.delete", {}),
)


class Proxy:
    """A proxy that is set up as badly as many are: it asks the server under another name than it was."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listening]
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                asker = self._listening.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._server.port))
                self._sockets += [asker, server]
                for source, sink in ((asker, server), (server, asker)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        wrong, right = (f"Host: 127.0.0.1:{port}".encode() for port in (self.port, self._server.port))
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data.replace(wrong, right))
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(shared: ServerProcess) -> Iterator[Proxy]:
    proxy = Proxy(shared)
    yield proxy
    proxy.close()


def test_a_refused_origin_is_told_with_the_setting_to_change(sit: Sit, proxy: Proxy) -> None:
    ann = sit("Ann", at=f"http://127.0.0.1:{proxy.port}/b/demo", live=False)
    ann.waits_for("board.status.blocked !== null")
    blocked = ann.run("board.status.blocked")
    assert blocked["code"] == "forbidden"
    assert "server.origins" in blocked["message"]


def test_a_board_that_is_not_there_is_told(sit: Sit, shared: ServerProcess) -> None:
    ann = sit("Ann", at=f"{shared.url}/b/nowhere", live=False)
    ann.waits_for("board.status.link === 'closed'")
    assert ann.run("board.status.reason") == "not_found"


def post(url: str, board: str, first: int) -> None:
    """Changes that a busy board sees: cards come, are edited and go."""
    mutations = []
    for n in range(first, first + AT_ONCE):
        task, kind = f"r{n // 4}", n % 4
        op, args = STEPS[kind]
        mutations.append({"mutation": f"m{n}", "op": op, "args": {"task": task, **args}})
    request = urllib.request.Request(
        f"{url}/api/boards/{board}/mutations",
        data=json.dumps(mutations).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        results = json.load(answer)["results"]
    assert all("seq" in result for result in results), results[0]


def heap(desk: Desk) -> int:
    tools = desk.context.new_cdp_session(desk.page)
    for _ in range(3):
        tools.send("HeapProfiler.collectGarbage")
    used: int = tools.send("Runtime.getHeapUsage")["usedSize"]
    tools.detach()
    return used


def test_a_tab_holds_no_more_after_ten_thousand_remote_changes(sit: Sit, shared: ServerProcess) -> None:
    ann = sit("Ann")
    ann.run("window.drawn = 0; board.addEventListener('change', () => { drawn += board.view.tasks.size; });")
    post(shared.url, ann.board, 0)  # what is made at first: compiled code, tables, tombstones
    post(shared.url, ann.board, AT_ONCE)
    ann.waits_for("board.head >= 1000")
    before = heap(ann)
    for first in range(2 * AT_ONCE, 2 * AT_ONCE + CHANGES, AT_ONCE):
        post(shared.url, ann.board, first)
    ann.waits_for("board.head >= a", CHANGES + 1000)
    after = heap(ann)
    assert after < before * 1.2, (before, after)
