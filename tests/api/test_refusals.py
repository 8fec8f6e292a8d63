"""Whatever is wrong with a request, the answer is one shape, with the right status, in the caller's codec."""

import asyncio
import json
import socket
from contextlib import suppress
from typing import Any

import msgpack
import pytest

from server.app import App
from tests.api.client import MSGPACK, Client, Reply
from tests.support import ServerProcess, on_loop

MIB = 1 << 20
LARGE = b'{"title": "' + b"x" * (10 * MIB) + b'"}'


def assert_refused(reply: Reply, status: int, code: str, names: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    assert set(reply.body["error"]) == {"code", "message", "retry", "details"}
    assert names in reply.body["error"]["message"]


TWICE = {"title": "x", "checklist": 2 * [{"id": "i", "text": "t"}]}


@pytest.fixture(params=["json", "msgpack"])
def either(client: Client, request: pytest.FixtureRequest) -> Client:
    return client.in_msgpack() if request.param == "msgpack" else client


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "names"),
    [
        ("POST", "/api/tasks", b"\xc1", 400, "bad_request", "body"),
        ("POST", "/api/tasks", b"", 400, "bad_request", "body"),
        ("POST", "/api/tasks", [], 400, "bad_request", "body: expected object"),
        ("POST", "/api/tasks", {"title": "x", "colour": 1}, 400, "bad_request", "colour"),
        ("POST", "/api/tasks", {"title": "x" * 201}, 400, "bad_request", "title"),
        ("POST", "/api/tasks", {"title": "x", "labels": None}, 400, "bad_request", "labels"),
        ("PATCH", "/api/boards/demo", {"name": " "}, 400, "bad_request", "name"),
        ("POST", "/api/boards", {"name": "x", "columns": []}, 400, "bad_request", "columns"),
        ("POST", "/api/boards", {"board": "demo", "name": "x"}, 409, "conflict", "board"),
        ("POST", "/api/boards/demo/mutations", {"op": "x", "args": {}}, 400, "bad_request", "mutation"),
        ("GET", "/api/tasks?limit=1000000000", None, 400, "bad_request", "limit"),
        ("GET", "/api/tasks?limit=0", None, 400, "bad_request", "limit"),
        ("GET", "/api/tasks?limit=ten", None, 400, "bad_request", "limit"),
        ("GET", "/api/tasks?skip=-1", None, 400, "bad_request", "skip"),
        ("GET", "/api/tasks?seq=null", None, 400, "bad_request", "seq"),
        ("GET", "/api/tasks?nonsense=1", None, 400, "bad_request", "nonsense: unknown parameter"),
        ("GET", "/api/tasks?seq=soon", None, 400, "bad_request", "seq: expected int, got str"),
        ("GET", "/api/tasks?q=%ff", None, 400, "bad_request", "query: is not text in UTF-8"),
        ("POST", "/api/tasks", TWICE, 400, "bad_request", "checklist: two items"),
        ("GET", "/api/tasks/%ff", None, 400, "bad_request", "path: is not text in UTF-8"),
        ("GET", "/api/boards/a%20b", None, 404, "not_found", "a b"),
        ("POST", "/api/boards/a%20b/mutations", {}, 404, "not_found", "a b"),
        ("GET", "/api/boards/nope/changes", None, 404, "not_found", "nope"),
        ("POST", "/api/boards/nope/tasks", {"title": "x"}, 404, "not_found", "nope"),
        ("GET", "/api/boards/demo/tasks/nope/comments", None, 404, "not_found", "nope"),
        ("POST", "/api/boards/demo/tasks/nope/comments", {"text": "x"}, 404, "not_found", "nope"),
        ("GET", "/api", None, 404, "not_found", "/api"),
        ("GET", "/api/tasks/", None, 404, "not_found", "/api/tasks/"),
        ("BREW", "/api/nope", None, 404, "not_found", "/api/nope"),
        ("BREW", "/nope", None, 404, "not_found", "/nope"),
        ("BREW", "/api/tasks", None, 405, "bad_request", "BREW"),
        ("DELETE", "/api/tasks", None, 405, "bad_request", "DELETE"),
        ("PUT", "/api/tasks/t", {"title": "x"}, 405, "bad_request", "PUT"),
        ("DELETE", "/api/boards/demo", {"really": True}, 400, "bad_request", "body"),
    ],
)
async def test_bad_input(
    either: Client, method: str, path: str, body: object, status: int, code: str, names: str
) -> None:
    reply = await either.send(method, path, body)
    assert_refused(reply, status, code, names)
    if status == 405:
        assert {"GET", "HEAD", "OPTIONS"} <= set(reply.headers["Allow"].split(", "))


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "given", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_of_another_type_is_not_looked_at(client: Client, given: str) -> None:
    reply = await client.send("POST", "/api/tasks", b'{"title": "x"}', Content_Type=given)
    assert_refused(reply, 415, "bad_request", "Content-Type")


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({"Content_Encoding": "gzip"}, "Content-Encoding: 'gzip'"),
        ({"Content_Type": "application/json; charset=latin-1"}, "the charset 'latin-1'"),
    ],
)
async def test_a_body_that_is_packed_or_in_another_charset_is_not_looked_at(
    client: Client, headers: dict[str, str], names: str
) -> None:
    assert_refused(await client.post("/api/tasks", {"title": "x"}, **headers), 415, "bad_request", names)
    usual = {"Content_Encoding": "identity", "Content_Type": 'application/json; charset="UTF-8"'}
    assert (await client.post("/api/tasks", {"title": "x"}, **usual)).status == 201


@pytest.mark.gen_test
async def test_half_a_surrogate_pair_is_called_so(client: Client) -> None:
    reply = await client.post("/api/tasks", rb'{"title": "\ud800"}')
    assert_refused(reply, 400, "bad_request", "title: half of a surrogate pair")


@pytest.mark.gen_test
async def test_a_body_of_one_codec_is_not_read_as_the_other(client: Client) -> None:
    for body in (b'{"title": "x"}', msgpack.packb({"title": msgpack.ExtType(1, b"x")})):
        reply = await client.send("POST", "/api/tasks", body, Content_Type=MSGPACK)
        assert (reply.status, reply.headers["Content-Type"]) == (400, MSGPACK)
        assert reply.code == "bad_request"


@pytest.mark.gen_test
async def test_what_is_nested_too_deep_is_refused(client: Client) -> None:
    for deep in (b"[" * 100_000, b'{"args":{"a":' + b"[" * 100_000):
        assert_refused(await client.post("/api/boards/demo/mutations", deep), 400, "bad_request", "")


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/api/tasks", "/api/nope", "/", "/healthz", "/nope"])
async def test_a_body_of_ten_megabytes_is_refused_wherever_it_goes(client: Client, path: str) -> None:
    assert_refused(await client.post(path, LARGE), 413, "message_too_big", str(MIB))
    assert (await client.get("/api/tasks")).status == 200


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json", "/"])
async def test_a_wrong_method_is_told_the_right_ones_outside_the_api_too(client: Client, path: str) -> None:
    reply = await client.send("PATCH", path, {})
    assert_refused(reply, 405, "bad_request", "method")
    assert "GET" in reply.headers["Allow"].split(", ")


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["/api/tasks", "/api/nope"])
async def test_other_hosts_and_pages_are_told_the_setting(either: Client, path: str) -> None:
    for headers, setting in (
        ({"Host": "board.example"}, "server.hosts"),
        ({"Origin": "http://evil.example"}, "server.origins"),
        ({"Origin": "null"}, "server.origins"),
    ):
        for method in ("GET", "OPTIONS"):
            assert_refused(await either.send(method, path, **headers), 403, "forbidden", setting)


@pytest.mark.gen_test
async def test_writes_are_unavailable_while_the_server_goes_away(either: Client, instance: App) -> None:
    instance.draining = True
    reply = await either.post("/api/tasks", {"title": "x"})
    assert_refused(reply, 503, "unavailable", "going away")
    assert reply.body["error"]["retry"] is True
    assert int(reply.headers["Retry-After"]) >= 1


async def converse(server: ServerProcess, *parts: bytes) -> bytes:
    """Sends the parts as they are, as far as they are taken; all that comes back until the server closes."""
    return await asyncio.to_thread(exchange, server.port, parts)


def exchange(port: int, parts: tuple[bytes, ...]) -> bytes:
    """From the socket itself: what came before a reset is the answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        with suppress(ConnectionError):
            for part in parts:
                line.sendall(part)
        with suppress(ConnectionError):
            while piece := line.recv(65536):
                answer += piece
    return answer


HEAD = (
    b"POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with ServerProcess(tmp_path_factory.mktemp("refusals")) as process:
        yield process


@on_loop
async def test_a_large_body_in_pieces_is_read_to_its_end_and_refused(server: ServerProcess) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    before = server.rss_mib()
    answer = await converse(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk * 512, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ") and b'"message_too_big"' in answer
    assert server.rss_mib() - before < 16


@on_loop
async def test_who_asks_before_sending_is_refused_before_sending(server: ServerProcess) -> None:
    answer = await converse(server, HEAD + b"Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ") and answer.count(b"HTTP/1.1") == 1


@on_loop
async def test_a_body_beyond_all_measure_is_refused_by_its_announcement(server: ServerProcess) -> None:
    answer = await converse(server, HEAD + b"Content-Length: 99000000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ") and b'"message_too_big"' in answer


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def refused_as(server: ServerProcess, reason: str) -> float:
    wanted = f'boardcast_requests_refused_total{{reason="{reason}"}} '
    lines = server.get("/metrics")[1].splitlines()
    return next(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def assert_told(answer: bytes, status: int, names: str) -> None:
    """One answer in the one shape, and the end of the connection."""
    head, body = answer.split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status) and b"\r\nConnection: close" in head, head
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"\r\nContent-Length: %d\r\n" % len(body) in head
    error = json.loads(body)["error"]
    assert (set(error), error["code"]) == ({"code", "message", "retry", "details"}, "bad_request")
    assert names in error["message"]


@on_loop
@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        GET + b"Host: other\r\n\r\n",
        HEAD + b"Bad Header\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
        CHUNKED + b"zz\r\n\r\n",
        CHUNKED + b"2\r\nabcdef\r\n0\r\n\r\n",
        CHUNKED + b"1" * 100,
    ],
)
async def test_what_is_no_http_is_told_so_and_counted(server: ServerProcess, nonsense: bytes) -> None:
    before = refused_as(server, "malformed")
    assert_told(await converse(server, nonsense), 400, "request")
    assert refused_as(server, "malformed") == before + 1


@on_loop
async def test_nonsense_behind_a_request_leaves_its_answer_alone(server: ServerProcess) -> None:
    good, nonsense = (await converse(server, GET + b"\r\n", b"hello\r\n\r\n")).split(b'{"status":"ok"}')
    assert good.startswith(b"HTTP/1.1 200 OK")
    assert_told(nonsense, 400, "request")


@on_loop
@pytest.mark.parametrize("size", [17_000, 60_000, 400_000])
async def test_too_much_in_front_of_the_body_is_told_so_and_counted(server: ServerProcess, size: int) -> None:
    for long in (GET + b"X: " + b"x" * size + b"\r\n\r\n", b"GET /" + b"x" * size + b" HTTP/1.1\r\n\r\n"):
        before = refused_as(server, "headers")
        assert_told(await converse(server, long), 431, "headers")
        assert refused_as(server, "headers") == before + 1


@on_loop
async def test_a_body_beyond_all_measure_in_pieces_is_refused_on_the_way(server: ServerProcess) -> None:
    """The answer is read when the sending fails: it has come before the connection was closed."""
    assert (await asyncio.to_thread(sent_in_one_piece, server.port, 70 * MIB)).startswith(b"HTTP/1.1 413 ")


def sent_in_one_piece(port: int, size: int) -> bytes:
    """What is answered to a body of `size` bytes without an end, all of it or what could be sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        with suppress(ConnectionError):
            line.sendall(CHUNKED + b"7fffffff\r\n")
            for _ in range(size // MIB):
                line.sendall(b"x" * MIB)
        return line.recv(65536)


@pytest.mark.gen_test
async def test_devices_are_refused_in_their_codec_and_told_how_to_come_in(client: Client) -> None:
    for one in (client, client.in_msgpack()):
        reply = await one.post("/api/telemetry", {"temp": 1.0})
        assert_refused(reply, 401, "unauthenticated", "Authorization")
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert_refused(await one.send("DELETE", "/api/telemetry"), 405, "bad_request", "POST")
