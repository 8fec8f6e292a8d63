"""The ordinary task API, as one types it into curl."""

import pytest

from tests.api.client import Client


@pytest.mark.gen_test
async def test_a_task_is_created_listed_read_changed_and_deleted(client: Client) -> None:
    created = await client.post("/api/tasks", {"title": "Buy milk"})
    assert created.status == 201
    task = created.body["id"]
    assert created.headers["Location"] == f"/api/boards/demo/tasks/{task}"
    assert created.body["title"] == "Buy milk" and created.body["completed"] is False

    read = await client.get(f"/api/tasks/{task}")
    assert (read.status, read.body) == (200, created.body)
    assert (await client.get(created.headers["Location"])).body == created.body

    changed = await client.patch(f"/api/tasks/{task}", {"completed": True, "title": "Buy oat milk"})
    assert (changed.status, changed.body["column"], changed.body["title"]) == (200, "done", "Buy oat milk")

    listed = await client.get("/api/tasks?limit=500")
    assert [one["id"] for one in listed.body["items"]][-1] == task

    assert (await client.delete(f"/api/tasks/{task}")).status == 204
    gone = await client.get(f"/api/tasks/{task}")
    assert (gone.status, gone.code) == (404, "not_found")
    assert task in gone.body["error"]["message"]


@pytest.mark.gen_test
async def test_lists_have_one_shape_and_keep_the_order_of_creation(client: Client) -> None:
    for number in range(5):
        await client.post("/api/tasks", {"title": f"T{number}", "id": f"t{number}", "after": None})
    everything = (await client.get("/api/tasks?limit=500")).body
    part = (await client.get(f"/api/tasks?skip={everything['total'] - 5}&limit=2")).body
    assert [one["id"] for one in part["items"]] == ["t0", "t1"]
    assert (part["total"], part["skip"], part["limit"]) == (everything["total"], everything["total"] - 5, 2)


@pytest.mark.gen_test
async def test_lists_are_filtered(client: Client) -> None:
    await client.post("/api/boards", {"board": "b", "name": "B"})
    url = "/api/boards/b/tasks"
    await client.post(url, {"id": "x", "title": "Apples", "assignees": ["ann"]})
    await client.post(url, {"id": "y", "title": "Pears", "description": "no APPLE", "column": "done"})
    for query, ids in (
        ("column=done", ["y"]),
        ("completed=false", ["x"]),
        ("assignee=ann", ["x"]),
        ("q=apple", ["x", "y"]),
        ("q=apple&completed=true", ["y"]),
        ("label=none", []),
    ):
        assert [one["id"] for one in (await client.get(f"{url}?{query}")).body["items"]] == ids, query


@pytest.mark.gen_test
async def test_the_same_key_creates_once_and_another_body_under_it_is_a_conflict(client: Client) -> None:
    first = await client.post("/api/tasks", {"title": "Once"}, Idempotency_Key="k1")
    again = await client.post("/api/tasks", {"title": "Once"}, Idempotency_Key="k1")
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    other = await client.post("/api/tasks", {"title": "Twice"}, Idempotency_Key="k1")
    assert (other.status, other.code) == (409, "conflict")
    assert "Idempotency-Key" in other.body["error"]["message"]


@pytest.mark.gen_test
async def test_base_refuses_what_another_client_changed_since(client: Client) -> None:
    created = await client.post("/api/tasks", {"id": "t", "title": "A"})
    result = await client.patch(f"/api/tasks/t?base={created.body['seq']}", {"title": "B"})
    assert result.status == 200


@pytest.mark.gen_test
async def test_an_answer_about_a_board_has_an_etag_that_saves_sending_it_again(client: Client) -> None:
    first = await client.get("/api/tasks")
    again = await client.get("/api/tasks", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, None)
    await client.post("/api/tasks", {"title": "x"})
    assert (await client.get("/api/tasks", If_None_Match=first.headers["ETag"])).status == 200


@pytest.mark.gen_test
async def test_msgpack_goes_in_and_out(client: Client) -> None:
    packed = client.in_msgpack()
    created = await packed.post("/api/tasks", {"title": "Übung"})
    assert (created.status, created.headers["Content-Type"]) == (201, "application/msgpack")
    assert (await client.get(f"/api/tasks/{created.body['id']}")).body == created.body


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code", "names"),
    [
        ("POST", "/api/tasks", b"{", {}, 400, "bad_request", "body"),
        ("POST", "/api/tasks", b"", {}, 400, "bad_request", "body"),
        (
            "POST",
            "/api/tasks",
            b"title=x",
            {"Content_Type": "text/plain"},
            415,
            "bad_request",
            "Content-Type",
        ),
        ("POST", "/api/tasks", {"title": "x", "colour": 1}, {}, 400, "bad_request", "colour"),
        ("POST", "/api/tasks", {"title": ""}, {}, 400, "bad_request", "title"),
        ("POST", "/api/tasks", {"title": 5}, {}, 400, "bad_request", "title"),
        ("POST", "/api/tasks", {}, {}, 400, "bad_request", "title"),
        ("POST", "/api/tasks", {"title": "x", "column": "gone"}, {}, 404, "not_found", "column"),
        (
            "POST",
            "/api/tasks",
            {"title": "x"},
            {"Idempotency_Key": "a b"},
            400,
            "bad_request",
            "Idempotency-Key",
        ),
        ("GET", "/api/tasks?limit=1000000000", None, {}, 400, "bad_request", "limit"),
        ("GET", "/api/tasks?skip=-1", None, {}, 400, "bad_request", "skip"),
        ("GET", "/api/tasks?nonsense=1", None, {}, 400, "bad_request", "nonsense"),
        ("GET", "/api/tasks?skip=1&skip=2", None, {}, 400, "bad_request", "query"),
        ("GET", "/api/tasks/a%2Fb", None, {}, 404, "not_found", "task"),
        ("GET", "/api/boards/nope/tasks", None, {}, 404, "not_found", "nope"),
        ("GET", "/api/nope", None, {}, 404, "not_found", "/api/nope"),
        ("PUT", "/api/tasks", {"title": "x"}, {}, 405, "bad_request", "PUT"),
        ("PATCH", "/api/tasks/nope", {"title": "x"}, {}, 404, "not_found", "nope"),
        ("DELETE", "/api/tasks/nope", None, {}, 404, "not_found", "nope"),
    ],
)
async def test_bad_input_gets_the_one_shape_with_the_right_status(
    client: Client,
    method: str,
    path: str,
    body: object,
    headers: dict[str, str],
    status: int,
    code: str,
    names: str,
) -> None:
    reply = await client.send(method, path, body, **headers)
    assert (reply.status, reply.code) == (status, code)
    assert names in reply.body["error"]["message"]
    assert set(reply.body["error"]) == {"code", "message", "retry", "details"}
    if status == 405:
        assert reply.headers["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.gen_test
async def test_a_seq_that_never_comes_is_waited_for_and_then_unavailable(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.api.asking.SECONDS_FOR_SEQ", 0.05)
    reply = await client.get("/api/tasks?seq=100000")
    assert (reply.status, reply.code, reply.body["error"]["retry"]) == (503, "unavailable", True)
