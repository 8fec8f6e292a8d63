"""`POST /api/boards/{board}/mutations`: what the socket can do, for programs that have none."""

import pytest

from tests.api.client import Client

URL = "/api/boards/demo/mutations"


def mutation(name: str, op: str, /, base: int | None = None, **args: object) -> dict[str, object]:
    given: dict[str, object] = {"mutation": name, "op": op, "args": args}
    return given if base is None else given | {"base": base}


@pytest.fixture(params=["json", "msgpack"])
def either(client: Client, request: pytest.FixtureRequest) -> Client:
    return client.in_msgpack() if request.param == "msgpack" else client


async def results(client: Client, *mutations: object) -> list[dict[str, object]]:
    reply = await client.post(URL, list(mutations))
    assert reply.status == 200, reply
    return list(reply.body["results"])


@pytest.mark.gen_test
async def test_one_mutation_is_answered_as_a_list_of_one(either: Client) -> None:
    head = (await either.get("/api/boards/demo")).body["seq"]
    reply = await either.post(URL, mutation("m", "task.create", task="t", title="T"))
    assert reply.body == {"results": [{"type": "ack", "mutation": "m", "seq": head + 1}]}
    assert reply.headers["ETag"].endswith(f':{head + 1}"')


@pytest.mark.gen_test
async def test_each_has_its_answer_in_order_and_a_refusal_touches_only_itself(either: Client) -> None:
    head = (await either.get("/api/boards/demo")).body["seq"]
    answers = await results(
        either,
        mutation("m1", "task.create", task="t", title="T"),
        mutation("m2", "task.create", task="t", title="again"),
        mutation("m3", "task.update", task="gone", title="x"),
        mutation("m4", "task.update", task="t", titel="x"),
        mutation("m5", "task.fly", task="t"),
        mutation("m6", "task.update", task="t", title="U"),
    )
    assert [one["mutation"] for one in answers] == ["m1", "m2", "m3", "m4", "m5", "m6"]
    assert [one.get("seq") for one in answers] == [head + 1, None, None, None, None, head + 2]
    codes = [one.get("code") for one in answers]
    assert codes == [None, "conflict", "not_found", "bad_request", "bad_request", None]
    assert "args.titel" in str(answers[3]["message"]) and "task.fly" in str(answers[4]["message"])
    assert (await either.get("/api/tasks/t")).body["title"] == "U"


@pytest.mark.gen_test
async def test_the_same_names_again_are_duplicates_with_the_same_numbers(either: Client) -> None:
    batch = [mutation(f"m{number}", "task.create", task=f"t{number}", title="T") for number in range(3)]
    first = await results(either, *batch)
    assert await results(either, *batch) == [one | {"duplicate": True} for one in first]


@pytest.mark.gen_test
async def test_a_name_that_another_request_has_used_is_a_conflict_and_loses_nothing(either: Client) -> None:
    order = {"title": "Ship it"}
    assert (await either.post("/api/tasks", order, Idempotency_Key="n")).status == 201
    for name in ("n", "m"):
        answers = [
            await results(either, mutation(name, "task.create", task=f"t{name}", title=title))
            for title in ("one", "two")
        ]
        assert ["code" in answer for [answer] in answers] == [name == "n", True]
        (refused,) = answers[1]
        assert (refused["code"], refused["details"]) == ("conflict", {"field": "mutation"})
    assert (await either.get("/api/tasks/tm")).body["title"] == "one"
    assert (await either.get("/api/tasks/tn")).status == 404


@pytest.mark.gen_test
async def test_a_key_is_not_taken_for_mutations_that_have_names(client: Client) -> None:
    reply = await client.post(URL, mutation("m", "task.create", task="t", title="T"), Idempotency_Key="k")
    assert (reply.status, reply.body["error"]["details"]) == (400, {"field": "Idempotency-Key"})
    assert (await client.get("/api/tasks/t")).status == 404


@pytest.mark.gen_test
async def test_a_base_is_taken_where_it_is_judged_alone(client: Client) -> None:
    await client.post("/api/tasks", {"id": "t", "title": "T"})
    for method, path, body in (
        ("POST", "/api/tasks", {"title": "x"}),
        ("DELETE", "/api/tasks/t", None),
        ("DELETE", "/api/boards/demo", None),
    ):
        reply = await client.send(method, path + "?base=1", body)
        assert (reply.status, reply.body["error"]["message"]) == (400, "base: unknown parameter"), path
    assert (await client.patch("/api/tasks/t?base=1", {"title": "U"})).status == 200


@pytest.mark.gen_test
async def test_a_name_that_comes_twice_in_one_request_is_applied_once(client: Client) -> None:
    same = mutation("m", "task.create", task="t", title="T")
    first, second = await results(client, same, same)
    assert second == first | {"duplicate": True}


@pytest.mark.gen_test
async def test_the_largest_batch_is_taken_whole_and_a_larger_one_not_at_all(client: Client) -> None:
    batch = [mutation(f"m{number}", "task.create", task=f"t{number}", title="T") for number in range(500)]
    answers = await results(client, *batch)
    numbers = [int(str(one["seq"])) for one in answers]
    assert numbers == list(range(numbers[0], numbers[0] + 500))
    reply = await client.post(URL, [*batch, mutation("more", "task.create", task="more", title="T")])
    assert (reply.status, reply.code) == (400, "bad_request")
    assert (await client.get("/api/tasks/more")).status == 404


@pytest.mark.gen_test
async def test_nothing_to_do_is_done(client: Client) -> None:
    assert await results(client) == []


@pytest.mark.gen_test
async def test_each_is_refused_on_a_board_that_is_not_there_and_one_can_make_it(client: Client) -> None:
    url = "/api/boards/new/mutations"
    refused = await client.post(url, [mutation("m", "task.create", task="t", title="T")])
    assert (refused.status, refused.body["results"][0]["code"]) == (200, "not_found")
    made = await client.post(
        url, [mutation("m0", "board.create", name="New"), mutation("m", "task.create", task="t", title="T")]
    )
    assert [one["seq"] for one in made.body["results"]] == [1, 2]


@pytest.mark.gen_test
async def test_base_is_each_mutations_own(client: Client) -> None:
    seen = (await client.post("/api/tasks", {"id": "t", "title": "A"})).body["seq"]
    first, second = await results(
        client,
        mutation("m1", "task.update", base=seen, task="t", title="B"),
        mutation("m2", "task.update", base=10**9, task="t", title="C"),
    )
    assert (first["type"], second["type"]) == ("ack", "ack")
