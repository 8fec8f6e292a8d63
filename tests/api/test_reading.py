"""Reads: as far as asked, no more than changed, in pages, and the history of it all."""

import asyncio
from types import SimpleNamespace

import pytest

from server.app import App
from tests.api.client import Client
from tests.support import Client as Person

BOARD = "/api/boards/b"
LISTS = ("", "/tasks", "/tasks/t1", "/tasks/t1/comments", "/changes")


@pytest.fixture
def furnished(client: Client, io_loop: object) -> Client:
    """A board of eight changes: made, three tasks, two comments, a move, a rename."""

    async def furnish() -> None:
        await client.post("/api/boards", {"board": "b", "name": "B"})
        for number in range(3):
            await client.post(BOARD + "/tasks", {"id": f"t{number}", "title": f"T{number}"})
        for text in ("one", "two"):
            await client.post(BOARD + "/tasks/t1/comments", {"text": text})
        await client.patch(BOARD + "/tasks/t1", {"column": "done"})
        await client.patch(BOARD, {"name": "C"})

    io_loop.run_sync(furnish)  # type: ignore[attr-defined]
    return client


async def seqs(client: Client, query: str) -> tuple[list[int], int]:
    body = (await client.get(f"{BOARD}/changes?{query}")).body
    return [change["seq"] for change in body["items"]], body["total"]


@pytest.mark.gen_test
async def test_history_goes_back_from_the_newest_or_on_from_where_one_was(furnished: Client) -> None:
    assert await seqs(furnished, "") == ([8, 7, 6, 5, 4, 3, 2, 1], 8)
    assert await seqs(furnished, "limit=3") == ([8, 7, 6], 8)
    assert await seqs(furnished, "limit=3&before=6") == ([5, 4, 3], 5)
    assert await seqs(furnished, "limit=3&before=4") == ([3, 2, 1], 3)
    assert await seqs(furnished, "since=0&limit=3") == ([1, 2, 3], 8)
    assert await seqs(furnished, "since=5") == ([6, 7, 8], 3)
    assert await seqs(furnished, "since=8") == ([], 0)
    assert await seqs(furnished, "since=9") == ([], 0)
    assert await seqs(furnished, "since=2&before=5") == ([3, 4], 2)
    for nothing in ("before=0", "before=1", "since=5&before=3"):
        assert await seqs(furnished, nothing) == ([], 0)


@pytest.mark.gen_test
async def test_history_comes_in_pages_like_any_list(furnished: Client) -> None:
    body = (await furnished.get(BOARD + "/changes?skip=1&limit=2")).body
    assert {key: value for key, value in body.items() if key != "items"} == {
        "total": 8,
        "skip": 1,
        "limit": 2,
    }
    for question, whole in (
        ("", [8, 7, 6, 5, 4, 3, 2, 1]),
        ("since=2&", [3, 4, 5, 6, 7, 8]),
        ("before=6&", [5, 4, 3, 2, 1]),
        ("before=40&", [8, 7, 6, 5, 4, 3, 2, 1]),
        ("since=2&before=8&", [3, 4, 5, 6, 7]),
        ("task=t1&", [7, 6, 5, 3]),
        ("task=t1&since=3&", [5, 6, 7]),
        ("task=t1&before=7&", [6, 5, 3]),
    ):
        for skip in (0, 1, 3, 4, 20):
            found = await seqs(furnished, f"{question}skip={skip}&limit=3")
            assert found == (whole[skip : skip + 3], len(whole)), (question, skip)


@pytest.mark.gen_test
async def test_history_of_one_task_says_who_did_what_and_what_was_there(furnished: Client) -> None:
    assert await seqs(furnished, "task=t1&since=0") == ([3, 5, 6, 7], 4)
    assert await seqs(furnished, "task=nope") == ([], 0)
    moved = (await furnished.get(f"{BOARD}/changes?task=t1&limit=1")).body["items"][0]
    assert (moved["op"], moved["set"]["column"], moved["was"]["column"]) == ("task.update", "done", "todo")
    assert moved["actor"]["kind"] == "user" and moved["client"] == "http"


@pytest.mark.gen_test
async def test_comments_come_in_pages_in_order_of_creation(furnished: Client) -> None:
    whole = (await furnished.get(BOARD + "/tasks/t1/comments")).body
    assert ([one["text"] for one in whole["items"]], whole["total"]) == (["one", "two"], 2)
    part = (await furnished.get(BOARD + "/tasks/t1/comments?skip=1&limit=1")).body
    assert part == {"items": whole["items"][1:], "total": 2, "skip": 1, "limit": 1}


@pytest.mark.gen_test
async def test_a_list_of_boards_shows_what_each_of_them_shows_and_loads_none(
    furnished: Client, instance: App
) -> None:
    boards = instance.boards
    alone = [(await furnished.get(f"/api/boards/{name}")).body for name in ("demo", "b")]
    assert (await furnished.get("/api/boards")).body["items"] == alone
    for live in list(boards._live.values()):
        await live.stop()  # writes its records
    boards._live.clear()
    assert (await furnished.get("/api/boards")).body["items"] == alone
    assert len(boards) == 0


@pytest.mark.gen_test
async def test_boards_come_in_pages_in_order_of_creation(furnished: Client) -> None:
    whole = (await furnished.get("/api/boards")).body
    assert ([one["board"] for one in whole["items"]], whole["total"]) == (["demo", "b"], 2)
    part = (await furnished.get("/api/boards?skip=1&limit=1")).body
    assert (part["items"], part["total"], part["skip"]) == ([whole["items"][1]], 2, 1)


@pytest.mark.gen_test
@pytest.mark.parametrize("path", LISTS)
async def test_what_has_not_changed_is_not_sent_again(furnished: Client, path: str) -> None:
    first = await furnished.get(BOARD + path)
    etag = first.headers["ETag"]
    assert etag.endswith(':8"')
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        for method in ("GET", "HEAD"):
            again = await furnished.send(method, BOARD + path, If_None_Match=known)
            assert (again.status, again.body, again.headers["ETag"]) == (304, None, etag), known
    assert (await furnished.get(BOARD + path, If_None_Match='"other"')).status == 200
    await furnished.post(BOARD + "/tasks", {"title": "x"})
    assert (await furnished.get(BOARD + path, If_None_Match=etag)).status == 200


@pytest.mark.gen_test
@pytest.mark.parametrize("path", LISTS)
async def test_a_read_waits_for_the_change_that_it_asks_for(
    furnished: Client, address: SimpleNamespace, path: str
) -> None:
    waiting = asyncio.ensure_future(furnished.get(f"{BOARD}{path}?seq=9"))
    ann = await Person.hello(address)
    assert not waiting.done()
    assert (await ann.mutate("b", "task.update", task="t0", title="Z"))["seq"] == 9
    reply = await waiting
    assert (reply.status, reply.headers["ETag"].endswith(':9"')) == (200, True)
    await ann.close()


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "path", ["/", "/docs", "/healthz", "/readyz", "/ws", "/api/boards", *(BOARD + path for path in LISTS)]
)
async def test_head_has_the_headers_of_get_and_nothing_else(furnished: Client, path: str) -> None:
    get, head = [await furnished.send(method, path) for method in ("GET", "HEAD")]
    assert (head.status, head.body) == (get.status, None)
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert head.headers.get(name) == get.headers.get(name), name


@pytest.mark.gen_test
async def test_head_tells_who_watches_what_get_would_tell(client: Client, instance: App) -> None:
    scrape = await client.send("HEAD", "/metrics")
    assert (scrape.status, scrape.body) == (200, None)
    assert scrape.headers["Content-Type"].startswith("text/plain; version=")
    assert (await client.send("HEAD", "/readyz")).status == 200
    instance.leaving = True
    assert (await client.send("HEAD", "/readyz")).status == 503


@pytest.mark.gen_test
async def test_head_of_what_is_not_there_is_404_without_a_body(client: Client) -> None:
    for path in ("/api/tasks/nope", "/api/nope", "/nope"):
        reply = await client.send("HEAD", path)
        assert (reply.status, reply.body) == (404, None)


@pytest.mark.gen_test
async def test_options_names_the_methods_and_opens_nothing_to_other_sites(client: Client) -> None:
    for path, methods in (
        ("/api/tasks", "GET, POST, HEAD, OPTIONS"),
        ("/api/tasks/t", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        ("/api/boards/demo/mutations", "POST, OPTIONS"),
        ("/api/telemetry", "POST, OPTIONS"),
        *((path, "GET, HEAD, OPTIONS") for path in ("/", "/ws", "/docs", "/metrics", "/static/page/main.js")),
    ):
        reply = await client.send("OPTIONS", path)
        assert (reply.status, reply.body, reply.headers["Allow"]) == (204, None, methods)
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]


@pytest.mark.gen_test
async def test_the_answer_is_in_the_codec_that_is_asked_for(client: Client) -> None:
    json, packed = "application/json", "application/msgpack"
    for accept, given in (
        (packed, packed),
        (json, json),
        ("*/*", json),
        ("text/html", json),
        (f"{json}, {packed}", json),
        (f"{packed};q=0.9, {json};q=0.1", packed),
        (f"{packed};q=0.5, {json}", json),
        (f"{packed};q=0", json),
    ):
        reply = await client.get("/api/tasks", Accept=accept)
        assert (reply.headers["Content-Type"], reply.headers["Vary"]) == (given, "Accept"), accept


@pytest.mark.gen_test
async def test_who_sends_msgpack_and_asks_for_nothing_gets_msgpack(client: Client) -> None:
    body = b"\x81\xa5title\xa1x"
    reply = await client.send("POST", "/api/tasks", body, Content_Type="application/msgpack")
    assert (reply.status, reply.headers["Content-Type"]) == (201, "application/msgpack")


@pytest.mark.gen_test
async def test_a_list_is_in_order_of_creation_and_not_made_for_who_knows_it(
    furnished: Client, instance: App
) -> None:
    await furnished.delete(BOARD + "/tasks/t0")
    restore = {"mutation": "m", "op": "task.restore", "args": {"task": "t0"}}
    await furnished.post(BOARD + "/mutations", restore)
    listed = await furnished.get(BOARD + "/tasks")
    assert [task["id"] for task in listed.body["items"]] == ["t0", "t1", "t2"]
    found = await furnished.get(BOARD + "/tasks?q=T1")
    assert [task["id"] for task in found.body["items"]] == ["t1"]
    async with instance.searches.turn:  # a search would have to wait
        known = await furnished.get(BOARD + "/tasks?q=T1", If_None_Match=found.headers["ETag"])
        assert known.status == 304
