"""Whoever sends too much is told so and when to try again; their order is kept, and nobody else notices."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sockets import PING, PONG
from tests.support import CODECS, Client, Message, ServerProcess, on_loop
from tests.test_metrics import scrape
from tests.web.raw import exchange, head

TIGHT = {
    "LIMITS__BURST_S": "1",
    "LIMITS__MESSAGES_PER_SECOND": "200",
    "LIMITS__MUTATIONS_PER_SECOND": "20",
    "LIMITS__RECEIVED_BYTES_PER_SECOND": "200000",
    "LIMITS__ANSWERED_BYTES_PER_SECOND": "20000",
    "LIMITS__CONNECTIONS_PER_USER": "2",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("rates"), **TIGHT) as server:
        yield server
    assert "Traceback" not in server.output()


def create(board: str, number: int) -> Message:
    args = {"task": f"t-{number}", "title": f"{number}"}
    return {
        "type": "mutate",
        "id": number,
        "board": board,
        "mutation": f"m-{number}",
        "op": "task.create",
    } | {"args": args}


async def met(server: ServerProcess, limit: str) -> float:
    return (await scrape(server))[f"boardcast_limits_reached_total{{limit={limit}}}"]


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_mutations_past_the_rate_are_refused_in_order_and_stored_in_order(
    server: ServerProcess, codec: str
) -> None:
    """The client does what the protocol says: it begins again with the one that failed, when told to."""
    board, client = f"order-{codec}", await Client.hello(server, codec)
    assert (await client.mutate(board, "board.create", name="Order"))["type"] == "ack"
    waiting, acked, refusals = list(range(60)), [], 0
    while waiting:
        await client.send(*(create(board, number) for number in waiting))
        answers = [await client.reply(number) for number in waiting]
        acked += [answer["id"] for answer in answers if answer["type"] == "ack"]
        refused = [answer for answer in answers if answer["type"] == "error"]
        assert [answer["id"] for answer in refused] == waiting[len(waiting) - len(refused) :]
        assert all(answer["code"] == "rate_limited" and answer["retry"] for answer in refused)
        waiting = [answer["id"] for answer in refused]
        refusals += len(refused)
        if refused:
            await asyncio.sleep(refused[0]["details"]["retry_after_ms"] / 1000)
    assert acked == list(range(60)) and refusals > 0
    joined = await client.ask("join", board=board)
    assert [task["title"] for task in joined["snapshot"]["tasks"]] == [str(number) for number in range(60)]


@on_loop
async def test_two_sockets_of_one_user_share_what_the_user_has(server: ServerProcess) -> None:
    first, second = [await Client.hello(server, client="one-and-the-same") for _ in range(2)]
    other = await Client.hello(server)
    await first.send(*({"type": "ping", "id": number} for number in range(400)))
    assert (await first.reply(399))["type"] == "pong", "a frame is granted or refused as a whole"
    refused = await second.ask("ping")
    assert (refused["code"], refused["retry"]) == ("rate_limited", True)
    assert refused["details"]["retry_after_ms"] >= 100
    assert (await other.ask("ping"))["type"] == "pong"
    assert await met(server, "messages") >= 1


@on_loop
async def test_one_user_has_so_many_connections_and_not_more(server: ServerProcess) -> None:
    first, _ = [await Client.hello(server, client="has-two-already") for _ in range(2)]
    third = await Client.connect(server)
    told = await third.ask("hello", client="has-two-already")
    assert (told["code"], told["details"]["retry_after_ms"]) == ("rate_limited", 10_000)
    assert (await third.closed()).code == 4504
    await first.close()
    assert (await Client.hello(server, client="has-two-already")).welcome["type"] == "welcome"


@on_loop
async def test_snapshots_asked_for_again_and_again_are_too_much_at_last(server: ServerProcess) -> None:
    writer, reader = await Client.hello(server), await Client.hello(server)
    await writer.mutate("large", "board.create", name="Large")
    await writer.mutate("large", "task.create", task="t", title="T", description="x" * 15_000)
    answers = [await reader.ask("join", board="large") for _ in range(5)]
    kinds = [answer.get("code", answer["type"]) for answer in answers]
    assert kinds[0] == "joined" and kinds[-1] == "rate_limited", kinds
    assert answers[-1]["details"]["retry_after_ms"] >= 100
    page = await reader.ask("comments", board="large", task="t")
    assert page["code"] == "rate_limited"
    ack = await reader.mutate("large", "task.update", task="t", title="still works")
    assert ack["type"] == "ack"


@on_loop
async def test_bytes_past_the_rate_wait_in_the_kernel_and_none_is_lost(server: ServerProcess) -> None:
    sender, other = await Client.hello(server), await Client.hello(server)
    await sender.mutate("bytes", "board.create", name="Bytes")
    before = await met(server, "received_bytes")
    texts = [f"{number:015000}" for number in range(19)]
    for number, text in enumerate(texts):
        args = {"task": f"t-{number}", "title": "T", "description": text}
        await sender.send(create("bytes", number) | {"args": args})
    assert (await other.ask("ping"))["type"] == "pong"
    assert [(await sender.reply(number))["type"] for number in range(19)] == ["ack"] * 19
    assert await met(server, "received_bytes") > before


@pytest.mark.parametrize("opcode", [PING, PONG])
@on_loop
async def test_a_flood_of_control_frames_is_slowed_down(server: ServerProcess, opcode: int) -> None:
    flooder, other = await Client.hello(server), await Client.hello(server)
    before = await met(server, "messages")
    for number in range(2000):
        await flooder.socket.send(str(number).encode(), opcode)
    while await met(server, "messages") == before:
        assert (await other.ask("ping"))["type"] == "pong"
    flooder.socket.cut()


@on_loop
async def test_over_http_an_address_is_told_when_to_come_back(tmp_path: Path) -> None:
    tight = TIGHT | {"SERVER__TRUSTED_PROXIES": "127.0.0.1", "LIMITS__MUTATIONS_PER_SECOND": "3"}
    with ServerProcess(tmp_path, **tight) as server:
        body = json.dumps({"title": "T"}).encode()
        fields = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        here, there = "X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 198.51.100.8"
        post = [await exchange(server.port, head("POST /api/tasks", here, *fields) + body) for _ in range(8)]
        statuses = [answer.status for answer in post if answer is not None]
        assert statuses[:3] == [201] * 3 and statuses[-1] == 429, statuses
        refused = post[-1]
        assert refused is not None and int(refused.headers["retry-after"]) >= 1
        error = json.loads(refused.body)["error"]
        assert (error["code"], error["retry"]) == ("rate_limited", True)
        other = await exchange(server.port, head("POST /api/tasks", there, *fields) + body)
        assert other is not None and other.status == 201
        batch = json.dumps(
            [
                {"mutation": f"m{n}", "op": "task.create", "args": {"task": f"b{n}", "title": "T"}}
                for n in range(9)
            ]
        ).encode()
        sized = (
            "Content-Type: application/json",
            f"Content-Length: {len(batch)}",
            "X-Forwarded-For: 198.51.100.9",
        )
        many = await exchange(server.port, head("POST /api/boards/demo/mutations", *sized) + batch)
        assert many is not None and many.status == 200
        results = [result.get("code", result["type"]) for result in json.loads(many.body)["results"]]
        assert results[0] == "ack" and results[-1] == "rate_limited", results


@on_loop
async def test_health_is_answered_to_an_address_that_asks_too_much(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path, **TIGHT | {"LIMITS__MESSAGES_PER_SECOND": "2"}) as server:
        asked = [await exchange(server.port, head("GET /api/tasks")) for _ in range(8)]
        assert asked[-1] is not None and asked[-1].status == 429
        for path in ("/healthz", "/readyz"):
            found = await exchange(server.port, head(f"GET {path}"))
            assert found is not None and found.status == 200, path


@on_loop
async def test_another_name_of_a_visitor_is_no_other_budget(tmp_path: Path) -> None:
    """Who shows nothing is whoever they say: what they use counts for their address."""
    tight = {"SERVER__TRUSTED_PROXIES": "127.0.0.1", "LIMITS__MESSAGES_PER_SECOND": "5"}
    for mode in ("open", "accounts"):
        with ServerProcess(tmp_path / mode, AUTH__MODE=mode, **tight) as server:

            async def visitor(address: str) -> Client:
                client = await Client.connect(server, headers={"X-Forwarded-For": address})
                await client.ask("hello", client=f"client-{secrets.token_hex(4)}", name="Visitor")
                return client

            first, second = [await visitor("198.51.100.7") for _ in range(2)]
            elsewhere = await visitor("198.51.100.8")
            await first.send(*({"type": "ping", "id": number} for number in range(300)))
            assert (await first.reply(0))["type"] == "pong", mode
            assert (await second.ask("ping"))["code"] == "rate_limited", mode
            assert (await elsewhere.ask("ping"))["type"] == "pong", mode
