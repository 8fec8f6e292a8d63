"""`Idempotency-Key`: a write that is sent again is applied once. `base`: nobody's change is lost unseen."""

from types import SimpleNamespace

import pytest

from tests.api.client import Client
from tests.support import Client as Person

BOARD = "/api/boards/demo"


async def seq_of(client: Client, board: str = BOARD) -> int:
    return int((await client.get(board)).body["seq"])


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/boards", {"name": "New"}, 201),
        ("PATCH", BOARD, {"name": "Renamed"}, 200),
        ("DELETE", BOARD, None, 204),
        ("POST", BOARD + "/tasks", {"title": "Once"}, 201),
        ("PATCH", BOARD + "/tasks/t", {"title": "Twice"}, 200),
        ("DELETE", BOARD + "/tasks/t", None, 204),
        ("POST", BOARD + "/tasks/t/comments", {"text": "Hello"}, 201),
        ("POST", "/api/tasks", {"title": "Once"}, 201),
    ],
)
async def test_a_write_sent_again_under_its_key_is_one_change_and_gets_the_same_answer(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    await client.post("/api/tasks", {"id": "t", "title": "T"})
    first = await client.send(method, path, body, Idempotency_Key="key")
    again = await client.send(method, path, body, Idempotency_Key="key")
    assert (first.status, again.status, again.body) == (status, status, first.body)
    assert again.headers.get("ETag") == first.headers.get("ETag")


@pytest.mark.gen_test
async def test_a_task_that_was_deleted_since_does_not_turn_a_retry_into_a_refusal(client: Client) -> None:
    first = await client.post("/api/tasks", {"title": "Once"}, Idempotency_Key="key")
    await client.delete(f"/api/tasks/{first.body['id']}")
    again = await client.post("/api/tasks", {"title": "Once"}, Idempotency_Key="key")
    assert (again.status, again.body["id"]) == (201, first.body["id"])
    assert (await client.get(f"/api/tasks/{first.body['id']}")).status == 404


@pytest.mark.gen_test
async def test_a_body_written_another_way_is_the_same_request(client: Client) -> None:
    url = "/api/tasks"
    first = await client.post(url, b'{"title":"A","priority":"low"}', Idempotency_Key="key")
    spaced = await client.post(url, b'{ "priority": "low", "title": "A" }', Idempotency_Key="key")
    packed = await client.in_msgpack().post(url, {"title": "A", "priority": "low"}, Idempotency_Key="key")
    assert (spaced.status, spaced.body) == (packed.status, packed.body) == (201, first.body)
    args = ({"reps": 1, "force": 2}, {"force": 2, "reps": 1})
    device = [{"id": "d", "name": "D", "metadata": {key: str(given[key]) for key in given}} for given in args]
    made = [await client.post(f"{BOARD}/devices", one, Idempotency_Key="device") for one in device]
    assert [one.status for one in made] == [201, 201]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", BOARD + "/tasks", {"title": "Other"}),
        ("POST", BOARD + "/tasks/t/comments", {"text": "First"}),
        ("PATCH", BOARD + "/tasks/t", {"title": "First"}),
        ("DELETE", BOARD + "/tasks/t", None),
        ("PATCH", BOARD, {"name": "First"}),
        ("DELETE", BOARD, None),
    ],
)
async def test_a_key_that_named_another_request_is_a_conflict_and_does_nothing(
    client: Client, method: str, path: str, body: object
) -> None:
    await client.post("/api/tasks", {"id": "t", "title": "T"})
    await client.post(BOARD + "/tasks", {"title": "First"}, Idempotency_Key="key")
    before = await seq_of(client)
    reply = await client.send(method, path, body, Idempotency_Key="key")
    assert (reply.status, reply.code) == (409, "conflict")
    assert "Idempotency-Key" in reply.body["error"]["message"]
    assert await seq_of(client) == before


@pytest.mark.gen_test
async def test_the_same_body_under_the_same_key_for_another_thing_is_a_conflict(client: Client) -> None:
    for task in ("t", "u"):
        await client.post("/api/tasks", {"id": task, "title": "T"})
    for method, body, status in (("PATCH", {"title": "Z"}, 200), ("DELETE", None, 204)):
        first = await client.send(method, "/api/tasks/t", body, Idempotency_Key=f"key-{method}")
        other = await client.send(method, "/api/tasks/u", body, Idempotency_Key=f"key-{method}")
        assert (first.status, other.status) == (status, 409)
    assert (await client.get("/api/tasks/u")).body["title"] == "T"


@pytest.mark.gen_test
async def test_the_key_of_a_refused_write_is_free_again(client: Client) -> None:
    refused = await client.post("/api/tasks", {"title": "x", "column": "later"}, Idempotency_Key="key")
    assert refused.status == 404
    made = {"mutation": "m", "op": "column.create", "args": {"column": "later", "title": "Later"}}
    await client.post(BOARD + "/mutations", made)
    again = await client.post("/api/tasks", {"title": "x", "column": "later"}, Idempotency_Key="key")
    assert (again.status, again.body["column"]) == (201, "later")


@pytest.mark.gen_test
async def test_a_write_that_changes_nothing_is_kept_by_its_name_like_any_other(client: Client) -> None:
    made = await client.post("/api/tasks", {"id": "t", "title": "T"})
    for body, key in (({"title": "T"}, "same"), ({}, "empty")):
        first = await client.patch("/api/tasks/t", body, Idempotency_Key=key)
        again = await client.patch("/api/tasks/t", body, Idempotency_Key=key)
        assert (first.status, again.body, again.headers["ETag"]) == (200, first.body, first.headers["ETag"])
        (change,) = (await client.get(f"{BOARD}/changes?limit=1")).body["items"]
        assert (change["mutation"], change["set"], change["was"]) == (key, {}, {})
        assert (change["seq"], change["at"]) == (first.body["seq"], first.body["updated_at"])
    assert first.body["seq"] == made.body["seq"] + 2
    assert (await client.patch("/api/tasks/t", {"title": "U"}, Idempotency_Key="same")).code == "conflict"


@pytest.mark.gen_test
async def test_writes_without_a_key_are_two_writes(client: Client) -> None:
    first, second = [await client.post("/api/tasks", {"title": "Same"}) for _ in range(2)]
    assert first.body["id"] != second.body["id"]


@pytest.mark.gen_test
async def test_a_field_that_somebody_else_changed_since_base_is_a_conflict_with_its_value(
    client: Client, address: SimpleNamespace
) -> None:
    seen = (await client.post("/api/tasks", {"id": "t", "title": "A"})).body["seq"]
    ann = await Person.hello(address)
    assert (await ann.mutate("demo", "task.update", task="t", title="Ann's"))["type"] == "ack"
    mine = await client.patch(f"/api/tasks/t?base={seen}", {"title": "Mine", "priority": "high"})
    assert (mine.status, mine.code) == (409, "conflict")
    assert mine.body["error"]["details"]["current"] == "Ann's"
    task = (await client.get("/api/tasks/t")).body
    assert (task["title"], task["priority"]) == ("Ann's", "none")
    for base, fields in ((seen, {"priority": "high"}), (task["seq"], {"title": "Mine"})):
        assert (await client.patch(f"/api/tasks/t?base={base}", fields)).status == 200
    await ann.close()


@pytest.mark.gen_test
async def test_a_board_renamed_by_somebody_else_since_base_is_a_conflict(
    client: Client, address: SimpleNamespace
) -> None:
    seen = await seq_of(client)
    ann = await Person.hello(address)
    await ann.mutate("demo", "board.update", name="Ann's")
    mine = await client.patch(f"{BOARD}?base={seen}", {"name": "Mine"})
    assert (mine.status, mine.body["error"]["details"]["current"]) == (409, "Ann's")
    await ann.close()
