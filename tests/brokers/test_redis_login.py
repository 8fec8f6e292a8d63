"""How a broker finds Redis and is let in: URLs, sockets, users, certificates. No secret is ever shown."""

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from server.brokers import Failed
from server.brokers.redis import Deadlines, RedisBroker
from server.brokers.redis.names import Names
from server.metrics import Metrics
from tests.brokers.instance import Instance, instances
from tests.brokers.lines import Lines
from tests.brokers.on_redis import DOWN, NOTICED_S, UP
from tests.services.redis import RedisServer

SECRET = "s3cr3t"


async def works(*urls: str) -> None:
    """A message goes from an instance on the first URL to one on the last."""
    them = iter([urls[0], urls[-1]])
    async with instances(lambda: RedisBroker(next(them), metrics=Metrics()), 2) as (ann, bob):
        await bob.listen("b1")
        ann.broker.offer("b1", b"hello")
        await bob.hears("b1", b"hello")
        await ann.broker.probe()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://host", "not a URL of Redis"),
        ("host:6379", "not a URL of Redis"),
        (f"redis://:{SECRET}/x@host", "special characters of a password are written as %xx"),
        (f"redis://:12/{SECRET}@host", "special characters of a password are written as %xx"),
        (f"redis://:12?{SECRET}@host", "special characters of a password are written as %xx"),
        (f"redis://:12#{SECRET}@host", "special characters of a password are written as %xx"),
        (f"redis://:{SECRET}@host/0#x", "nothing behind a #"),
        (f"redis://:{SECRET}@host:0", "a port is a number from 1 to 65535"),
        (f"redis://:{SECRET}@host/zero", "must be the number of a database, got '/zero'"),
        (f"redis://:{SECRET}@host?db=zero", "not a URL of Redis"),
        (
            f"redis://:{SECRET}@host?socket_timeout=5",
            "the option 'socket_timeout' is none of client_name, db,",
        ),
        (f"redis://:{SECRET}@host?ssl_ca_certs=/ca.pem", "'ssl_ca_certs' is for rediss:// only"),
        (f"rediss://:{SECRET}@host?ssl_cert_reqs=perhaps", "an option does not fit"),
        (f"unix://:{SECRET}@", "the path of the socket is missing"),
    ],
)
def test_a_url_that_cannot_be_right_names_the_setting_and_no_secret(url: str, problem: str) -> None:
    with pytest.raises(Failed) as caught:
        RedisBroker(url, metrics=Metrics())
    assert str(caught.value).startswith("broker.url: ")
    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_a_wrong_password_is_one_line_without_it_and_can_be_mended(
    tmp_path: Path, lines: Lines
) -> None:
    with RedisServer(tmp_path, requirepass="another") as server:
        ann = Instance(RedisBroker(f"redis://:{SECRET}@127.0.0.1:{server.port}/0", metrics=Metrics()))
        await ann.start()
        ann.broker.subscribe("b1")
        line = await lines.until(DOWN)
        assert not ann.broker.up
        assert "refuses the login" in line["reason"] and "invalid username-password" in line["reason"]
        assert line["redis"] == f"redis://127.0.0.1:{server.port}/0"
        with pytest.raises(Failed, match="invalid username-password"):
            await ann.broker.probe()
        server.command("CONFIG", "SET", "requirepass", SECRET)
        await lines.until(UP)
        await ann.until(lambda: ann.confirmed == ["b1"])
        await ann.broker.close()
        assert [line["level"] for line in lines.all] == ["warning", "info"]
        assert SECRET not in str(lines.all)


@pytest.mark.parametrize("place", ["tcp", "unix"])
async def test_a_missing_password_is_told(tmp_path: Path, lines: Lines, place: str) -> None:
    with RedisServer(tmp_path, requirepass=SECRET) as server:
        url = server.url if place == "tcp" else server.unix_url
        async with instances(lambda: RedisBroker(url, metrics=Metrics()), 1):
            line = await lines.until(DOWN)
            assert "refuses the login" in line["reason"] and "Authentication required" in line["reason"]


async def test_a_wrong_password_is_told_over_a_unix_socket(tmp_path: Path, lines: Lines) -> None:
    with RedisServer(tmp_path, requirepass="another") as server:
        url = f"unix://:{SECRET}@{server.socket}"
        async with instances(lambda: RedisBroker(url, metrics=Metrics()), 1):
            line = await lines.until(DOWN)
            assert "refuses the login" in line["reason"] and "invalid username-password" in line["reason"]
            assert line["redis"] == server.unix_url


async def test_a_missing_permission_is_told(tmp_path: Path, lines: Lines) -> None:
    with RedisServer(tmp_path) as server:
        server.command("ACL", "SETUSER", "deaf", "on", f">{SECRET}", "&*", "+publish", "+ping")
        url = f"redis://deaf:{SECRET}@127.0.0.1:{server.port}"
        async with instances(lambda: RedisBroker(url, metrics=Metrics()), 1):
            line = await lines.until(DOWN)
            assert "a permission" in line["reason"] and "'subscribe'" in line["reason"]


async def test_the_permissions_that_are_documented_are_enough(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        permissions = ["resetchannels", "&boardcast*", "+publish", "+subscribe", "+unsubscribe", "+ping"]
        server.command("ACL", "SETUSER", "boardcast", "on", f">{SECRET}", *permissions)
        await works(f"redis://boardcast:{SECRET}@127.0.0.1:{server.port}")


async def test_a_unix_socket_and_tcp_lead_to_the_same_place(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        await works(server.unix_url, server.url)


async def test_databases_keep_installations_apart(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        await works(f"{server.url}/2", f"{server.unix_url}?db=2")
        them = iter([f"{server.url}/2", server.url, f"{server.url}/2"])
        async with instances(lambda: RedisBroker(next(them), metrics=Metrics()), 3) as (ann, bob, cleo):
            await bob.listen("b1")
            await cleo.listen("b1")
            ann.broker.offer("b1", b"in 2")
            await cleo.hears("b1", b"in 2")
            cleo.broker.offer("b1", b"in 2, too")
            await bob.broker.probe()
            assert bob.received == []


class Resolver:
    """In the place of `socket.getaddrinfo`: knows `names`; hangs unless it `answers`."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.names = names
        self.asked: list[str] = []
        self.answers = threading.Event()
        self.answers.set()
        self._really = socket.getaddrinfo

    def __call__(self, host: str, port: object, *args: Any, flags: int = 0, **kind: Any) -> list[Any]:
        if host not in self.names or flags & socket.AI_NUMERICHOST:
            return self._really(host, port, *args, flags=flags, **kind)  # type: ignore[arg-type]
        self.asked.append(host)
        assert self.answers.wait(30)
        if not self.names[host]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 0)) for place in self.names[host]]


class Certificates:
    """A CA of the tests, and a certificate for 127.0.0.1 and localhost that it signed."""

    def __init__(self, folder: Path) -> None:
        self.ca, self.cert, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        ca_key, request, names = folder / "ca.key", folder / "request.pem", folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
        self._openssl(
            f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout {ca_key} -out {self.ca}"
        )
        self._openssl(f"req -newkey rsa:2048 -nodes -subj /CN=redis -keyout {self.key} -out {request}")
        self._openssl(
            f"x509 -req -in {request} -CA {self.ca} -CAkey {ca_key} -CAcreateserial -days 2"
            f" -extfile {names} -out {self.cert}"
        )

    @staticmethod
    def _openssl(words: str) -> None:
        subprocess.run(["openssl", *words.split()], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_server(tmp_path: Path, certificates: Certificates) -> Iterator[RedisServer]:
    files = {
        "cert-file": certificates.cert,
        "key-file": certificates.key,
        "ca-cert-file": certificates.ca,
    }
    with RedisServer(tmp_path, tls=files, requirepass=SECRET) as server:
        yield server


async def test_tls_with_a_ca_of_ones_own(tls_server: RedisServer, certificates: Certificates) -> None:
    await works(f"rediss://:{SECRET}@127.0.0.1:{tls_server.port}?ssl_ca_certs={certificates.ca}")


async def test_tls_by_name_and_to_the_address_that_takes_us(
    tls_server: RedisServer, certificates: Certificates, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is on the second address of the name only. Another name is not that of the certificate."""
    resolver = Resolver({"localhost": ["127.0.0.2", "127.0.0.1"], "other": ["127.0.0.1"]})
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    where = f"{tls_server.port}?ssl_ca_certs={certificates.ca}"
    await works(f"rediss://:{SECRET}@localhost:{where}")
    assert [line["level"] for line in lines.all] == ["info", "info"]
    async with instances(lambda: RedisBroker(f"rediss://:{SECRET}@other:{where}", metrics=Metrics()), 1):
        line = await lines.until(DOWN)
        assert "Hostname mismatch" in line["reason"]


async def test_a_name_server_that_hangs_holds_nobody_else(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver({"hangs": ["127.0.0.1"]})
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    resolver.answers.clear()
    hasty = Deadlines(connect_s=0.05)
    async with instances(lambda: RedisBroker("redis://hangs:1", metrics=Metrics(), deadlines=hasty), 1):
        await lines.until(DOWN)
    resolver.answers.set()
    await asyncio.get_running_loop().shutdown_default_executor()  # no thread of the process's own waited


async def test_a_name_is_asked_for_once_however_many_give_up_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver({"hangs": ["127.0.0.1", "::1"], "nowhere": []})
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    resolver.answers.clear()
    names = Names("hangs")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await names.addresses()
    resolver.answers.set()
    assert await names.addresses() == ["127.0.0.1", "::1"]
    assert resolver.asked == ["hangs"]
    assert await Names("127.0.0.1").addresses() == ["127.0.0.1"]
    with pytest.raises(OSError, match="not known"):
        await Names("nowhere").addresses()
    assert resolver.asked == ["hangs", "nowhere"], "an address is no name"


async def test_a_certificate_of_an_unknown_ca_is_refused(tls_server: RedisServer, lines: Lines) -> None:
    url = f"rediss://:{SECRET}@127.0.0.1:{tls_server.port}"
    async with instances(lambda: RedisBroker(url, metrics=Metrics()), 1) as (ann,):
        line = await lines.until(DOWN)
        assert "TLS with Redis fails" in line["reason"] and "CERTIFICATE_VERIFY_FAILED" in line["reason"]
        assert not ann.broker.up


async def test_a_ca_file_that_is_not_there_is_named(tls_server: RedisServer, lines: Lines) -> None:
    url = f"rediss://:{SECRET}@127.0.0.1:{tls_server.port}?ssl_ca_certs=/nowhere/ca.pem"
    async with instances(lambda: RedisBroker(url, metrics=Metrics()), 1):
        line = await lines.until(DOWN)
        assert "/nowhere/ca.pem" in line["reason"]


async def test_a_held_server_is_noticed_and_left_over_tls(
    tls_server: RedisServer, certificates: Certificates, lines: Lines
) -> None:
    url = f"rediss://:{SECRET}@127.0.0.1:{tls_server.port}?ssl_ca_certs={certificates.ca}"
    async with instances(lambda: RedisBroker(url, metrics=Metrics()), 1) as (ann,):
        await ann.listen("b1")
        tls_server.hold()
        for _ in range(100):
            ann.broker.offer("b1", b"x" * 10_000)
        await lines.until(DOWN, within_s=NOTICED_S)
        tls_server.go_on()
        await lines.until(UP, 2)
        await ann.broker.probe()
