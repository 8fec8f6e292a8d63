"""Who is let in, and what every answer says: Host, Origin, cookies, headers, bodies; no secret is written."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.bodies import BODY_BYTES, UnderWay
from tests.support import Client, Refused, ServerProcess, Socket, on_loop
from tests.test_metrics import moved, scrape
from tests.web.raw import connect, exchange, head, read_answer

SECRET = "s3cr3t-t0k3n-that-nobody-may-read"
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"SERVER__TRUSTED_PROXIES": "127.0.0.2", "LOG__LEVEL": "debug"}
    with ServerProcess(tmp_path_factory.mktemp("doors"), **settings) as server:
        yield server
    assert "Traceback" not in server.output()
    assert SECRET not in server.output()


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({"Origin": "http://evil.example"}, "server.origins"),
        ({"Origin": "null"}, "server.origins"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "websocket"}, "server.origins"),
        ({"Host": "evil.example"}, "server.hosts"),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, "server.hosts"),
        ({"Cookie": f"session={SECRET}"}, "Origin"),
        ({"Cookie": f"session={SECRET}", "Origin": "http://evil.example"}, "server.origins"),
    ],
    ids=["cross-site", "sandboxed", "by fetch metadata", "host", "rebinding", "cookie alone", "hijacking"],
)
@on_loop
async def test_a_stranger_is_refused_at_the_upgrade_and_counted(
    server: ServerProcess, headers: dict[str, str], names: str
) -> None:
    before = await scrape(server)
    with pytest.raises(Refused) as refusal:
        await Socket.open(server.url + "/ws", headers=headers)
    assert refusal.value.status == 403
    assert names in refusal.value.body and SECRET not in refusal.value.body
    after = moved(before, await scrape(server))
    assert sum(value for name, value in after.items() if name.startswith("requests_refused_total")) == 1


@on_loop
async def test_a_cookie_of_our_own_page_opens_the_door(server: ServerProcess) -> None:
    headers = {"Cookie": f"session={SECRET}", "Origin": server.url}
    client = await Client.connect(server, headers=headers)
    assert (await client.ask("hello", client="with-a-cookie"))["type"] == "welcome"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (["Content-Type: application/json"], 201),
        (["Content-Type: application/json", "Cookie: a=b"], 403),
        (["Content-Type: application/json", "Cookie: a=b", "Origin: http://127.0.0.1"], 201),
        (["Content-Type: application/json", "Cookie: a=b", "Sec-Fetch-Site: same-origin"], 201),
        (["Content-Type: application/json", "Sec-Fetch-Site: cross-site"], 403),
        (["Content-Type: application/json", "Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:1"], 403),
        (["Content-Type: text/plain"], 415),
        (["Content-Type: application/x-www-form-urlencoded"], 415),
        (["Content-Type: multipart/form-data; boundary=x"], 415),
        ([], 415),
    ],
)
@on_loop
async def test_a_write_is_taken_as_json_from_our_pages_and_from_programs(
    server: ServerProcess, fields: list[str], status: int
) -> None:
    body = json.dumps({"title": "T"}).encode()
    answer = await exchange(
        server.port, head("POST /api/tasks", f"Content-Length: {len(body)}", *fields) + body
    )
    assert answer is not None and answer.status == status
    if status >= 400:
        assert set(json.loads(answer.body)["error"]) == {"code", "message", "retry", "details"}


PATHS = [
    "/",
    "/b/demo",
    "/static/style.css",
    "/api/boards",
    "/api/nope",
    "/nope",
    "/healthz",
    "/metrics",
    "/docs",
]


@pytest.mark.parametrize("path", PATHS)
@on_loop
async def test_every_answer_has_the_headers_that_keep_others_out(server: ServerProcess, path: str) -> None:
    for fields in ((), ("Origin: http://evil.example",)):
        answer = await exchange(server.port, head(f"GET {path}", *fields))
        assert answer is not None
        assert_guarded(answer.headers)
        assert "strict-transport-security" not in answer.headers, "it came without TLS"


def assert_guarded(headers: object) -> None:
    assert isinstance(headers, dict)
    policy = {part.split()[0]: part.split()[1:] for part in headers["content-security-policy"].split(";")}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["server"] == "boardcast"
    assert "access-control-allow-origin" not in headers


@on_loop
async def test_a_body_that_is_too_large_is_refused_with_the_same_headers_and_counted(
    server: ServerProcess,
) -> None:
    before = await scrape(server)
    for fields in (("Content-Length: 90000000",), ("Content-Length: 2000000", "Expect: 100-continue")):
        answer = await exchange(server.port, head("POST /api/tasks", *fields))
        assert answer is not None and answer.status == 413
        assert json.loads(answer.body)["error"]["code"] == "message_too_big"
        assert_guarded(dict(answer.headers))
    after = moved(before, await scrape(server))
    assert after["requests_refused_total{reason=body}"] == 2
    assert after["requests_answered_seconds_count{status=4xx}"] == 2


@on_loop
async def test_a_target_in_absolute_form_is_the_same_as_one_from_the_root(server: ServerProcess) -> None:
    """RFC 9112, 3.2.2: a server must take it. Which host is meant `Host` says."""
    for target, status in (("/healthz", 200), ("", 200), ("/api/tasks?limit=0", 400), ("/nope", 404)):
        answer = await exchange(server.port, head(f"GET http://127.0.0.1:{server.port}{target}"))
        assert answer is not None and answer.status == status, target


@on_loop
async def test_forwarded_headers_of_a_stranger_change_nothing(server: ServerProcess) -> None:
    answer = await exchange(
        server.port,
        head(
            "GET /healthz", "X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.7", "X-Real-Ip: 6.6.6.6"
        ),
    )
    assert answer is not None and "strict-transport-security" not in answer.headers
    origin = "Origin: https://evil.example"
    forwarded = await exchange(
        server.port,
        head("GET /api/boards", origin, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"),
    )
    assert forwarded is not None and forwarded.status == 403


@on_loop
async def test_behind_a_trusted_proxy_tls_is_known_and_addresses_have_their_own_limits(
    tmp_path: Path,
) -> None:
    settings = {"SERVER__TRUSTED_PROXIES": "127.0.0.0/8", "LIMITS__CONNECTIONS_PER_ADDRESS": "2"}
    with ServerProcess(tmp_path, **settings) as server:
        answer = await exchange(server.port, head("GET /healthz", "X-Forwarded-Proto: https"))
        assert answer is not None
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        here = {"X-Forwarded-For": "6.6.6.6, 198.51.100.7"}
        first = [await Client.connect(server, headers=here) for _ in range(2)]
        third = await Client.connect(server, headers={"X-Forwarded-For": "198.51.100.7"})
        told = await third.next()
        assert (told["code"], told["details"]["retry_after_ms"]) == ("rate_limited", 10_000)
        assert (await third.closed()).code == 4504
        elsewhere = await Client.connect(server, headers={"X-Forwarded-For": "198.51.100.8"})
        assert (await elsewhere.ask("hello", client="elsewhere"))["type"] == "welcome"
        assert (await first[0].ask("hello", client="who-was-first"))["type"] == "welcome"
        await first[1].close()
        again = await Client.connect(server, headers=here)
        assert (await again.ask("hello", client="after-one-left"))["type"] == "welcome"
        assert (await scrape(server))["boardcast_limits_reached_total{limit=connections_per_address}"] == 1


@on_loop
async def test_no_secret_is_ever_written_to_the_log(server: ServerProcess) -> None:
    """The fixture looks through all that the server has written, down to `debug`."""
    for line, *fields in (
        (f"GET /api/tasks?token={SECRET}",),
        (f"GET /?setup={SECRET}",),
        (f"GET /ws?token={SECRET}", *UPGRADE),
        (f"GET /nowhere?access_token={SECRET}",),
        ("GET /api/tasks", f"Authorization: Bearer {SECRET}"),
        ("GET /api/tasks", f"Cookie: session={SECRET}"),
        ("POST /api/tasks", f"Cookie: session={SECRET}"),
        ("GET /api/tasks", f"Authorization Bearer {SECRET}"),  # no colon: not HTTP any more
        ("GET /api/tasks", f"Author\x01ization: {SECRET}"),
        (f"GET /api/tasks {SECRET}",),
        (f"GET /api/tasks?x={SECRET}", "Host: evil.example"),
        (f"{SECRET} /api/tasks",),
    ):
        await exchange(server.port, head(line, *fields))
    client = await Client.connect(server)
    await client.send({"type": "hello", "id": 1, "client": "somebody-1", "token": SECRET})
    await client.send({"type": "hello", "id": 1, "client": "somebody-1", "password": SECRET})
    await client.send({"type": SECRET, "id": "last"})
    await client.reply("last")


@on_loop
async def test_metrics_are_on_the_port_that_was_made_for_them_and_not_on_the_other(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"SERVER__OPS_PORT": str(port), "SERVER__OPS_HOST": "127.0.0.1"}
    with ServerProcess(tmp_path, **settings) as server:
        public = await exchange(server.port, head("GET /metrics"))
        assert public is not None and public.status == 404 and b"boardcast_" not in public.body
        own = await exchange(port, head("GET /metrics"))
        assert own is not None and own.status == 200 and b"boardcast_" in own.body


async def half_sent(port: int, home: str, size: int) -> Socket:
    """A request whose body is on its way: all of it but the last byte."""
    fields = ("Content-Type: application/json", f"Content-Length: {size}", f"X-Forwarded-For: {home}")
    link = await connect(port)
    link.writer.write(head("POST /api/session", *fields) + b" " * (size - 1))
    await link.writer.drain()
    return link


def unread(port: int) -> bool:
    """Whether the kernel still has bytes for, or on their way to, whoever listens there."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if f":{port:04X}" in (local[8:], remote[8:]) and queues != "00000000:00000000":
            return True
    return False


@on_loop
async def test_bodies_on_their_way_are_bounded_for_each_address(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, SERVER__TRUSTED_PROXIES="127.0.0.1") as server:
        size = BODY_BYTES
        links = [await half_sent(server.port, "198.51.100.7", size) for _ in range(12)]
        other = await half_sent(server.port, "198.51.100.8", size)
        while unread(server.port):
            await scrape(server)
        for link in (*links, other):
            link.writer.write(b" ")
        answers = [await read_answer(link.reader) for link in links]
        refused = [answer for answer in answers if answer.status == 429]
        assert len(refused) == 12 - UnderWay.MOST_OF_HOME // size
        assert refused[0].headers["retry-after"] == "1" and b"rate_limited" in refused[0].body
        assert {answer.status for answer in answers} == {429, 400}
        assert (await read_answer(other.reader)).status == 400
        again = await half_sent(server.port, "198.51.100.7", size)
        again.writer.write(b" ")
        assert (await read_answer(again.reader)).status == 400, "what is complete, or gone, counts no more"


def test_what_is_under_way_is_given_back_to_the_last_byte() -> None:
    under_way = UnderWay()
    assert under_way.take("a", UnderWay.MOST_OF_HOME) and not under_way.take("a", 1)
    assert under_way.take(None, UnderWay.MOST - UnderWay.MOST_OF_HOME) and not under_way.take("b", 1)
    under_way.give("a", UnderWay.MOST_OF_HOME)
    assert under_way.take("b", UnderWay.MOST_OF_HOME) and not under_way.take("c", 1)
