"""The shipped nginx.conf in a real nginx, before three real instances: sockets, requests, a rolling restart.

60 clients; 1,000 with `BOARDCAST_CHAOS=1`.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rolling import Site, roll
from tests.services.nginx import need_nginx
from tests.sockets import Socket
from tests.support import CODECS, PATIENCE_S, Client, on_loop

CHAOS = os.environ.get("BOARDCAST_CHAOS") == "1"
CLIENTS = 1000 if CHAOS else 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need_nginx()
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


def curl(site: Site, path: str, *arguments: str) -> tuple[int, Any]:
    """Status and body of a request through nginx."""
    command = ["curl", "-s", "-S", "-w", "\\n%{http_code}", "--max-time", str(PATIENCE_S), *arguments]
    done = subprocess.run([*command, site.nginx.url + path], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body.startswith("{") else body


async def come_in(site: Site, codec: str = "json", **headers: str) -> Client:
    """A client that came in through nginx and has been welcomed."""
    protocol = f"boardcast.v1.{codec}"
    socket = await Socket.open(site.nginx.url + "/ws", protocols=[protocol], headers=headers)
    client = Client(socket, codec)
    client.welcome = await client.ask("hello", client="client-" + os.urandom(6).hex(), name="Guest")
    return client


@on_loop
async def test_sockets_come_through_to_every_instance_and_meet_on_one_board(site: Site) -> None:
    clients = [await come_in(site, CODECS[number % 2], Origin=site.nginx.url) for number in range(6)]
    assert {client.welcome["server"]["instance"] for client in clients} == {
        "boardcast-1",
        "boardcast-2",
        "boardcast-3",
    }
    for client in clients:
        assert (await client.ask("join", board="demo"))["type"] == "joined"
    ack = await clients[0].mutate("demo", "task.create", task="through-nginx", title="T")
    assert ack["type"] == "ack"
    for client in clients:
        while (message := await client.next())["type"] != "changes":
            pass
        assert message["changes"][0]["task"] == "through-nginx"


def test_requests_come_through_with_their_refusals(site: Site) -> None:
    json_body = ["-H", "Content-Type: application/json", "-d"]
    assert curl(site, "/api/tasks", *json_body, '{"id": "curled", "title": "T"}')[0] == 201
    for _ in range(6):  # whichever instance answers
        status, task = curl(site, "/api/tasks/curled?seq=1")
        assert (status, task["title"]) == (200, "T")
    status, refusal = curl(site, "/api/tasks", *json_body, '{"title": 1}')
    assert (status, refusal["error"]["code"]) == (400, "bad_request")
    large = site.nginx.folder / "large.json"
    large.write_text(json.dumps({"title": "x" * (2 << 20)}))
    status, refusal = curl(site, "/api/tasks", *json_body, f"@{large}")
    assert (status, refusal["error"]["code"]) == (413, "message_too_big")
    assert "<!doctype html>" in curl(site, "/")[1].lower()


def test_other_pages_are_refused_through_nginx_as_well(site: Site) -> None:
    status, refusal = curl(site, "/api/tasks", "-H", "Origin: http://evil.example")
    assert status == 403 and "server.origins" in refusal["error"]["message"]
    status, refusal = curl(site, "/api/tasks", "-H", "Host: evil.example")
    assert status == 403 and "server.hosts" in refusal["error"]["message"]


def test_visitors_see_that_it_lives_and_nothing_of_its_parts(site: Site) -> None:
    assert curl(site, "/healthz")[0] == 200
    for path in ("/metrics", "/readyz"):
        assert curl(site, path)[0] == 404
        assert site.instances[0].get(path)[0] == 200


def test_with_all_instances_away_the_refusal_has_the_shape_of_any_other(site: Site) -> None:
    for instance in site.instances:
        instance.kill()
    try:
        status, refusal = curl(site, "/api/tasks")
        assert status == 503
        assert (refusal["error"]["code"], refusal["error"]["retry"]) == ("unavailable", True)
    finally:
        for instance in site.instances:
            instance.start()
        while curl(site, "/healthz")[0] != 200:  # nginx spares them for the time of `fail_timeout`
            pass


@on_loop
async def test_an_instance_that_is_gone_is_not_noticed(site: Site) -> None:
    gone = site.instances[1]
    gone.kill()
    try:
        for _ in range(6):
            assert (await asyncio.to_thread(curl, site, "/healthz"))[0] == 200
            await come_in(site)
    finally:
        gone.start()


@on_loop
async def test_a_rolling_restart_loses_nothing_and_everybody_is_soon_back(site: Site) -> None:
    outcome = await roll(site, CLIENTS, pause_s=CLIENTS / 20)
    if CHAOS:
        print(f"\n{CLIENTS} clients, all back after {outcome.back_s} s, {outcome.acked} acknowledged")
    assert not outcome.lost
    assert outcome.answered and outcome.acked > CLIENTS
    assert outcome.back_s is not None, "all are back in time"
    for instance in site.instances:
        assert "Traceback" not in instance.output()
