"""A client's own order is kept: after a retryable error its later mutations wait for the one that failed."""

from collections.abc import Iterator

import pytest

from tests.support import CODECS, Client, Message, ServerProcess, on_loop

PENDING = 32
BATCH = 100
"""More than `PENDING` in one frame, so that the last of them must be refused."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data = tmp_path_factory.mktemp("order")
    with ServerProcess(data, LIMITS__PENDING_PER_CONNECTION=str(PENDING)) as server:
        yield server
    assert "Traceback" not in server.output()


def create(board: str, number: int) -> Message:
    body = {"board": board, "mutation": f"m-{number}", "op": "task.create"}
    return {"type": "mutate", "id": number, **body, "args": {"task": f"t-{number}", "title": "T"}}


async def overload(server: ServerProcess, codec: str, board: str) -> tuple[Client, list[Message]]:
    """Sends `BATCH` mutations at once; returns the client and the answers in the order of the mutations."""
    client = await Client.hello(server, codec)
    await client.mutate(board, "board.create", name="Order")
    await client.send(*(create(board, number) for number in range(BATCH)))
    return client, [await client.reply(number) for number in range(BATCH)]


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_too_many_unanswered_mutations_are_rate_limited(server: ServerProcess, codec: str) -> None:
    _, answers = await overload(server, codec, f"many-{codec}")
    accepted = [answer["type"] for answer in answers].index("error")
    assert accepted >= PENDING
    assert all(answer["type"] == "ack" for answer in answers[:accepted])
    for answer in answers[accepted:]:
        assert (answer["type"], answer["code"], answer["retry"]) == ("error", "rate_limited", True)
        assert answer["details"]["retry_after_ms"] >= 0


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_a_later_mutation_waits_until_the_failed_one_is_sent_again(
    server: ServerProcess, codec: str
) -> None:
    board = f"wait-{codec}"
    client, answers = await overload(server, codec, board)
    failed = [answer["type"] for answer in answers].index("error")
    await client.send(create(board, failed + 1))
    overtaking = await client.reply(failed + 1)
    assert (overtaking["type"], overtaking["code"], overtaking["retry"]) == ("error", "rate_limited", True)
    await client.send(create(board, failed), create(board, failed + 1))
    again, then = await client.reply(failed), await client.reply(failed + 1)
    assert (again["type"], then["type"]) == ("ack", "ack")
    assert then["seq"] == again["seq"] + 1


@pytest.mark.parametrize("codec", CODECS)
@on_loop
async def test_the_order_holds_on_one_board_and_binds_one_client(server: ServerProcess, codec: str) -> None:
    board = f"only-{codec}"
    client, answers = await overload(server, codec, board)
    assert answers[-1]["type"] == "error"
    assert (await client.mutate(f"{board}-2", "board.create", name="Another"))["type"] == "ack"
    other = await Client.hello(server, codec)
    assert (await other.mutate(board, "task.create", task="mine", title="T"))["type"] == "ack"
