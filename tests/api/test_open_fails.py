"""A defect while a socket is opened: the client is told, and nothing stays."""

import pytest
from tornado.websocket import websocket_connect

from server.app import App


@pytest.mark.gen_test
async def test_a_defect_while_a_socket_is_opened_closes_with_1011_and_leaves_nothing(
    instance: App, http_server: object, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(instance, "connect", defect)
    socket = await websocket_connect(base_url.replace("http", "ws") + "/ws")
    assert await socket.read_message() is None
    assert socket.close_code == 1011
    socket.close()
    assert instance.hub.connections == ()
