"""Routes, types and `/openapi.json` say the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tornado.web import Application

from handlers.api import ENDPOINTS
from handlers.api.openapi import document
from handlers.routes import Routes
from tests.accounts.town import PASSWORD, Town, Visitor, instance
from tests.api.client import Client, Reply
from tests.support import on_loop

DOCUMENT = document(ENDPOINTS)
VERBS = {"get", "post", "patch", "delete"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]})


def answer_schema(method: str, path: str, status: int) -> dict[str, Any]:
    answer = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
    content = answer["content"]
    schema: dict[str, Any] = (content.get("application/json") or content["text/csv"])["schema"]
    return schema


def test_every_endpoint_is_documented_and_nothing_else_is() -> None:
    assert sorted((endpoint.method, endpoint.path) for endpoint in ENDPOINTS) == sorted(
        (method, path) for method, path, _ in operations()
    )


def test_every_path_of_the_document_is_a_route_with_these_methods(app: Application) -> None:
    assert isinstance(app, Routes)
    documented = {path: {method.upper() for method in item} for path, item in DOCUMENT["paths"].items()}
    assert documented.pop("/api/telemetry") == {"POST"}  # for devices, with a handler of its own
    assert dict(app.api) == documented


def test_operations_have_names_of_their_own_a_group_and_a_summary() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)
    groups = {tag["name"] for tag in DOCUMENT["tags"]}
    assert all(operation["summary"] and set(operation["tags"]) <= groups for _, _, operation in operations())


def test_references_lead_somewhere_and_every_schema_is_used_and_sound() -> None:
    prefix = "#/components/schemas/"
    schemas = DOCUMENT["components"]["schemas"]
    used = {reference.removeprefix(prefix) for reference in references(DOCUMENT)}
    assert used == set(schemas)
    for name in schemas:
        validator({"$ref": prefix + name})


def test_no_pattern_needs_python() -> None:
    text = json.dumps(DOCUMENT)
    assert r"\\A" not in text and r"\\Z" not in text


def test_path_parameters_are_those_of_the_path_and_every_parameter_is_described() -> None:
    for _, path, operation in operations():
        parameters = operation["parameters"]
        names = [one["name"] for one in parameters if one["in"] == "path"]
        assert names == re.findall(r"{(\w+)}", path)
        for one in parameters:
            assert one["description"][0].isupper() and "description" not in one["schema"], (path, one)


def test_what_a_body_may_hold_is_what_the_type_takes() -> None:
    by_name = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}
    for method, path, operation in operations():
        assert ("requestBody" in operation) == (by_name[method, path].body is not None)
    new_task = DOCUMENT["components"]["schemas"]["NewTask"]
    assert new_task["required"] == ["title"] and new_task["additionalProperties"] is False


async def walk(client: Client) -> list[tuple[str, str, Reply]]:
    """Every operation once, with answers that have something in them."""
    one, task = "/api/boards/{board}", "/api/boards/{board}/tasks/{task}"
    device = one + "/devices/{device}"
    when, then = (
        {"kind": "above", "value": 20},
        {"column": "c1", "title": "Warm", "command": {"name": "stop"}},
    )
    rule = {"id": "r", "device": "*", "metric": "temp", "when": when, "then": then}
    done_when = {"device": "d", "metric": "temp", "below": 5, "for_ms": 1000}
    columns = [{"id": "c1", "title": "C", "wip_limit": 3}, {"id": "c2", "title": "D", "done": True}]
    full = {
        "id": "t",
        "title": "T",
        "labels": [],
        "assignees": ["ann"],
        "due_at": 5,
        "checklist": [{"id": "i", "text": "x", "done": True}],
        "priority": "high",
    }
    mutations = [
        {"mutation": "m1", "op": "label.create", "args": {"label": "l", "name": "L", "color": "#aabbcc"}},
        {"mutation": "m2", "op": "nonsense", "args": {}},
        {"mutation": "m4", "op": "device.create", "args": {"device": "d", "name": "D"}},
        {"mutation": "m3", "op": "member.set", "args": {"user": "ann", "role": "viewer"}},
        {"mutation": "m4", "op": "rule.set", "args": {"rule": rule}},
    ]
    asked: list[tuple[str, str, object]] = [
        ("POST", "/api/boards", {"board": "b", "name": "B", "columns": columns}),
        ("POST", one + "/devices", {"id": "d", "name": "D", "tags": ["x"], "metadata": {"room": "K"}}),
        ("PATCH", device, {"name": "E"}),
        ("POST", device + "/commands", {"name": "stop", "args": {"now": True, "in": [1, 2.5, None]}}),
        ("POST", one + "/tasks", full | {"done_when": done_when}),
        ("POST", one + "/mutations", mutations),
        ("PATCH", task, {"title": "U", "labels_add": ["l"], "column": "c2", "done_when": None}),
        ("POST", task + "/comments", {"text": "hello"}),
        ("PATCH", one, {"name": "C"}),
        ("POST", "/api/tasks", {"id": "t", "title": "T"}),
        ("PATCH", "/api/tasks/{task}", {"due_at": None}),
        (
            "POST",
            "/api/telemetry",
            {"boot": "b1", "seq": 1, "points": [{"values": {"temp": 21.5, "on": True}}]},
        ),
        ("POST", one + "/rules/trial", {"rule": rule}),
        *(
            ("GET", path, None)
            for method, path, _ in operations()
            if method == "GET" and (method, path) not in set(of_accounts())
        ),
        ("DELETE", "/api/tasks/{task}", None),
        ("DELETE", task, None),
        ("POST", device + "/token", None),
        ("DELETE", device, None),
        ("DELETE", one, None),
    ]
    names = {"board": "b", "task": "t", "device": "d"}
    needed = {"/telemetry": "?metric=temp", "/telemetry.csv": "?metric=temp"}
    seen = []
    for method, path, body in asked:
        query = needed.get(path.removeprefix("/api/boards/{board}/devices/{device}"), "")
        shown = {}
        if path == "/api/telemetry":
            (token,) = [reply.body["token"] for _, where, reply in seen if where == one + "/devices"]
            shown = {"Authorization": f"Bearer {token}"}
        seen.append((method, path, await client.send(method, path.format_map(names) + query, body, **shown)))
    return seen


async def walk_with_accounts(town: Town) -> list[tuple[str, str, Reply]]:
    """Every operation that needs accounts, once."""
    seen: list[tuple[str, str, Reply]] = []
    ada, made = town.ada, {"board": "b"}

    async def ask(who: Visitor, method: str, path: str, body: object = None) -> Any:
        reply = await who.send(method, path.format(**made), body)
        seen.append((method, path, reply))
        return reply.body

    setup = {"code": town.app.setup_code, "login": "ada", "name": "Ada", "password": PASSWORD}
    await ask(ada, "POST", "/api/setup", setup)
    await ask(ada, "POST", "/api/session", {"login": "ada", "password": PASSWORD})
    await ada.ok("POST", "/api/boards", {"board": "b", "name": "B"})
    here = "/api/boards/{board}/invitations"
    for base in ("/api/invitations", here):
        for _ in range(2):
            invitation = await ask(ada, "POST", base, {})
        await ask(ada, "GET", base)
        made["invitation"] = invitation["invitation"]["id"]
        await ask(ada, "DELETE", base + "/{invitation}")
    text = (await ask(ada, "POST", here, {"role": "viewer", "uses": 2}))["path"].partition("#")[2]
    await ask(ada, "POST", "/api/welcome", {"invitation": text})
    bob, new = Visitor(town.url), {"login": "bob", "name": "Bob", "password": PASSWORD}
    made["user"] = (await ask(bob, "POST", "/api/sign-up", new | {"invitation": text}))["id"]
    await ask(ada, "POST", "/api/invitations/accept", {"invitation": text})
    members = "/api/boards/{board}/members"
    await ask(ada, "POST", members, {"login": "bob", "role": "editor"})
    await ask(ada, "PATCH", members + "/{user}", {"role": "owner"})
    await ask(ada, "DELETE", members + "/{user}")
    for path in (
        "/api/me",
        "/api/entrance",
        members,
        "/api/boards/{board}/audit",
        "/api/audit",
        "/api/people",
    ):
        await ask(ada, "GET", path)
    await ask(ada, "PATCH", "/api/me", {"name": "Ada L."})
    made["token"] = (await ask(ada, "POST", "/api/me/tokens", {"name": "t", "boards": ["b"]}))["token"]["id"]
    await ask(ada, "GET", "/api/me/tokens")
    await ask(ada, "DELETE", "/api/me/tokens/{token}")
    listed = await ask(ada, "GET", "/api/me/sessions")
    made["session"] = next(one["id"] for one in listed["items"] if not one["current"])
    await ask(ada, "DELETE", "/api/me/sessions/{session}")
    await ask(ada, "POST", "/api/me/password", {"current": PASSWORD, "password": PASSWORD + "2"})
    person = await town.app.accounts.people.need(made["user"])  # type: ignore[union-attr]
    code = await town.app.accounts.reset_code(person)  # type: ignore[union-attr]
    await ask(bob, "POST", "/api/reset", {"code": code, "password": PASSWORD + "3"})
    await ask(ada, "DELETE", "/api/session")
    return seen


@on_loop
async def test_real_answers_about_accounts_are_as_documented(tmp_path: Path) -> None:
    async with instance(tmp_path, set_up=False) as town:
        seen = await walk_with_accounts(town)
    assert_documented(seen)
    assert {(method, path) for method, path, _ in seen} >= set(of_accounts())


def of_accounts() -> Iterator[tuple[str, str]]:
    """The operations that are refused where there are none."""
    for method, path, operation in operations():
        if set(operation["tags"]) & {"Account", "People"}:
            yield method, path


@pytest.mark.gen_test
async def test_real_answers_are_as_documented(client: Client) -> None:
    seen = await walk(client)
    assert {(method, path) for method, path, _ in seen} == {
        (method, path) for method, path, _ in operations()
    } - set(of_accounts())
    assert_documented(seen)


def assert_documented(seen: list[tuple[str, str, Reply]]) -> None:
    for method, path, reply in seen:
        assert reply.status < 300, (method, path, reply)
        answer = DOCUMENT["paths"][path][method.lower()]["responses"][str(reply.status)]
        assert all(name in reply.headers for name in answer.get("headers", ())), (method, path)
        if "content" in answer:
            validator(answer_schema(method, path, reply.status)).validate(reply.body)
        else:
            assert reply.body is None


@pytest.mark.gen_test
async def test_real_refusals_are_as_documented(client: Client) -> None:
    reply = await client.get("/api/tasks?skip=-1")
    schema = answer_schema("GET", "/api/tasks", reply.status)
    validator(schema).validate(reply.body)
    with pytest.raises(jsonschema_rs.ValidationError):
        validator(schema).validate({"error": "bad request"})


@pytest.mark.gen_test
async def test_the_document_is_served_and_the_page_beside_it(client: Client) -> None:
    served = await client.get("/openapi.json")
    assert (served.status, served.body) == (200, json.loads(json.dumps(DOCUMENT)))
