"""RFC 6455, section by section, over real sockets: each case at once and byte by byte, then the handshake."""

import base64
import hashlib
from collections.abc import Iterator

import pytest

from tests.rfc6455.cases import CASES
from tests.rfc6455.playing import play
from tests.sockets import Socket
from tests.support import Client, ServerProcess, on_loop
from tests.web.raw import exchange, head

SECTIONS = sorted({case.section for case in CASES})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("rfc6455")) as server:
        yield server
    assert "Traceback" not in server.output()
    assert "failed" not in server.output()


async def arrive(server: ServerProcess) -> Socket:
    """A connection that has been welcomed."""
    return (await Client.hello(server)).socket


@pytest.mark.parametrize("section", SECTIONS)
@on_loop
async def test_section(server: ServerProcess, section: str) -> None:
    heard = {
        case.name: await play(await arrive(server), case.data) for case in CASES if case.section == section
    }
    assert heard == {case.name: case.wanted for case in CASES if case.section == section}


@pytest.mark.parametrize("section", SECTIONS)
@on_loop
async def test_section_in_small_pieces(server: ServerProcess, section: str) -> None:
    """What TCP does to frames must not matter. (The long ones in larger pieces.)

    Without those that are cut off for their size: the server hangs up while they are being sent, and
    its Close frame may then be lost with the connection.
    """
    cases = [case for case in CASES if case.section == section and case.wanted != ("1009",)]
    heard = {
        case.name: await play(await arrive(server), case.data, 1 if len(case.data) < 500 else 1000)
        for case in cases
    }
    assert heard == {case.name: case.wanted for case in cases}


KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The example of section 1.3."""
GOOD = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


async def shake(
    server: ServerProcess, line: str = "GET /ws", **changed: str | None
) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a handshake with some headers changed, or left out by None."""
    fields = GOOD | {name.replace("_", "-"): value for name, value in changed.items()}  # type: ignore[operator]
    data = head(line, *(f"{name}: {value}" for name, value in fields.items() if value is not None))
    answer = await exchange(server.port, data)
    assert answer is not None
    return answer.status, dict(answer.headers)


@on_loop
async def test_4_2_the_handshake_of_the_example_is_answered_as_there(server: ServerProcess) -> None:
    assert base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()) == (
        ACCEPT.encode()
    )
    status, headers = await shake(server)
    assert (status, headers["sec-websocket-accept"]) == (101, ACCEPT)
    assert (headers["upgrade"].lower(), headers["connection"].lower()) == ("websocket", "upgrade")
    assert "sec-websocket-protocol" not in headers, "none was offered"


@pytest.mark.parametrize(
    "changed", [{"Upgrade": "WebSocket"}, {"Connection": "keep-alive, Upgrade"}, {"Connection": "upgrade"}]
)
@on_loop
async def test_4_2_1_names_are_compared_without_case_and_in_lists(
    server: ServerProcess, changed: dict[str, str]
) -> None:
    assert (await shake(server, **changed))[0] == 101


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Upgrade": None}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": None}, 400),
        ({"Connection": "close"}, 400),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": ""}, 400),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
        ({"Sec_WebSocket_Key": "not base64 at all!!!!"}, 400),
        ({"Sec_WebSocket_Version": None}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": "14"}, 426),
    ],
)
@on_loop
async def test_4_2_1_what_is_no_handshake_is_refused(
    server: ServerProcess, changed: dict[str, str | None], status: int
) -> None:
    refused, headers = await shake(server, **changed)
    assert refused == status
    if status == 426:
        assert headers["sec-websocket-version"] == "13"
        assert headers["content-type"] == "application/json"


@on_loop
async def test_4_2_1_it_is_a_get(server: ServerProcess) -> None:
    assert (await shake(server, "POST /ws"))[0] == 405


@pytest.mark.parametrize(
    "offered",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame",
        "nonsense; a=b",
    ],
)
@on_loop
async def test_9_1_no_extension_is_agreed_on_so_that_nothing_is_ever_unpacked(
    server: ServerProcess, offered: str
) -> None:
    status, headers = await shake(server, Sec_WebSocket_Extensions=offered)
    assert status == 101
    assert "sec-websocket-extensions" not in headers
