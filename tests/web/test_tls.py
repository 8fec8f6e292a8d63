"""TLS without a proxy: sockets, requests, HSTS, a certificate changed under way, and files that are wrong."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import websockets

from tests.support import PATIENCE_S, ROOT, ServerProcess, on_loop
from tests.web.tls import Pair, any_certificate, serial_of


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("pair"), serial=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pair: Pair) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("tls"), **pair.settings) as server:
        yield server
    assert "Traceback" not in server.output()


def fetch(server: ServerProcess, path: str, context: ssl.SSLContext, **headers: str) -> Any:
    request = urllib.request.Request(f"https://localhost:{server.port}{path}", headers=headers)
    return urllib.request.urlopen(request, context=context, timeout=PATIENCE_S)


def test_requests_come_by_tls_and_browsers_are_told_to_stay_with_it(
    server: ServerProcess, pair: Pair
) -> None:
    with fetch(server, "/api/boards/demo", pair.trust()) as answer:
        assert json.load(answer)["board"] == "demo"
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert f"listening on https://127.0.0.1:{server.port}" in server.output()


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@on_loop
async def test_a_board_is_worked_on_by_tls(server: ServerProcess, pair: Pair, codec: str) -> None:
    pack = json.dumps if codec == "json" else msgpack.packb
    read = json.loads if codec == "json" else msgpack.unpackb
    at = f"wss://localhost:{server.port}/ws"
    protocol = [websockets.Subprotocol(f"boardcast.v1.{codec}")]
    options: dict[str, Any] = {"ssl": pair.trust(), "compression": None, "max_size": None}
    async with websockets.connect(at, subprotocols=protocol, **options) as link:
        await link.send(pack({"type": "hello", "id": 1, "client": f"by-tls-{codec}"}))
        assert read(await link.recv())["type"] == "welcome"
        await link.send(pack({"type": "join", "id": 2, "board": "demo"}))
        assert read(await link.recv())["type"] == "joined"
        mutations = [
            {"type": "mutate", "id": n, "board": "demo", "mutation": f"m{n}", "op": "task.create"}
            | {"args": {"task": f"{codec}-{n}", "title": "T", "description": "x" * 4000}}
            for n in range(200)
        ]
        for mutation in mutations:
            await link.send(pack(mutation))
        acked: list[int] = []
        while len(acked) < len(mutations):
            message = read(await link.recv())
            if message["type"] == "ack":
                acked.append(message["id"])
        assert acked == list(range(200))


@on_loop
async def test_a_page_that_came_without_tls_is_another_site(server: ServerProcess, pair: Pair) -> None:
    at = f"wss://localhost:{server.port}/ws"
    plain = websockets.Origin(f"http://localhost:{server.port}")
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(at, ssl=pair.trust(), origin=plain)
    assert refusal.value.response.status_code == 403
    ours = websockets.Origin(f"https://localhost:{server.port}")
    async with websockets.connect(at, ssl=pair.trust(), origin=ours):
        pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_that_are_safe_are_spoken(server: ServerProcess, version: ssl.TLSVersion) -> None:
    context = any_certificate()
    context.minimum_version = context.maximum_version = version
    with fetch(server, "/healthz", context) as answer:
        assert answer.status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_older_versions_are_not(server: ServerProcess) -> None:
    context = any_certificate()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        fetch(server, "/healthz", context)


@on_loop
async def test_plain_http_and_garbage_on_the_port_hurt_nobody(server: ServerProcess) -> None:
    for data in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(3000), b"\x16\x03\x01\x02\x00\x01"):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(data)
        with contextlib.suppress(OSError):
            writer.write_eof()
            while await reader.read(1000):
                pass
        writer.close()
    with await asyncio.to_thread(fetch, server, "/healthz", any_certificate()) as answer:
        assert answer.status == 200


def test_a_renewed_certificate_is_shown_after_sighup_and_a_broken_one_never(tmp_path: Path) -> None:
    pair = Pair(tmp_path, serial=10)
    with ServerProcess(tmp_path / "data", **pair.settings) as server:
        old = socket.create_connection(("127.0.0.1", server.port))
        with old, any_certificate().wrap_socket(old) as kept:
            assert serial_of(server.port) == 10
            pair.key.write_text("no key at all")
            hang_up(server, "the certificate was not changed")
            assert serial_of(server.port) == 10
            pair.renew(serial=11, passphrase=b"secret")
            hang_up(server, "the key has a passphrase")
            assert serial_of(server.port) == 10
            pair.renew(serial=12)
            hang_up(server, "the certificate was read again")
            assert serial_of(server.port) == 12
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert kept.recv(100).startswith(b"HTTP/1.1 200"), "connections that are open stay open"
        assert server.stop() == 0


def hang_up(server: ServerProcess, until: str) -> None:
    """SIGHUP, and wait until the server has said what came of it."""
    before = server.output().count(until)
    os.kill(server.pid, signal.SIGHUP)
    server.said(until, before + 1)


@pytest.mark.parametrize("what", ["missing", "garbage", "another key", "directory"])
def test_files_that_cannot_be_used_are_named_at_the_start(tmp_path: Path, what: str) -> None:
    (tmp_path / "other").mkdir()
    pair, other = Pair(tmp_path, serial=1), Pair(tmp_path / "other", serial=2)
    key = {"missing": tmp_path / "nowhere.pem", "another key": other.key, "directory": tmp_path}.get(
        what, pair.key
    )
    if what == "garbage":
        key.write_text("-----BEGIN NOTHING-----")
    given = {"BOARDCAST_TLS__CERTIFICATE": str(pair.certificate), "BOARDCAST_TLS__KEY": str(key)}
    for command in ("serve", "check"):
        done = subprocess.run(
            [sys.executable, "-m", "server", command, "--port", "0", "--data", str(tmp_path / "data")],
            cwd=ROOT,
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "tls.key" in done.stderr and str(key) in done.stderr
        assert "Traceback" not in done.stderr


def test_a_certificate_without_its_key_is_a_wrong_configuration(tmp_path: Path) -> None:
    pair = Pair(tmp_path, serial=1)
    command = [sys.executable, "-m", "server", "check"]
    given = os.environ | {"BOARDCAST_TLS__CERTIFICATE": str(pair.certificate)}
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "tls.key: is empty, but tls.certificate is given" in done.stderr
