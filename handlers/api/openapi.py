"""`/openapi.json`, made from the table of endpoints and the types they name. Never written twice."""

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs

from handlers.api.endpoint import Endpoint
from server import __version__
from server.errors import BadRequest, BoardcastError, Internal, RateLimited, Unavailable
from server.model.http import ErrorBody

REF = "#/components/schemas/{name}"
ALWAYS: tuple[type[BoardcastError], ...] = (BadRequest, RateLimited, Internal, Unavailable)
"""What any endpoint may answer."""


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `endpoints`."""
    endpoints = list(endpoints)
    schemas, components = msgspec.json.schema_components(list(_types(endpoints)), ref_template=REF)
    found = dict(zip(map(repr, _types(endpoints)), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, found)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Boardcast",
            "version": __version__,
            "description": "Live task boards. Bodies are JSON, or msgpack by Content-Type and Accept.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _types(endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    seen = {repr(ErrorBody)}
    yield ErrorBody
    for endpoint in endpoints:
        kinds = [endpoint.body, endpoint.answer, *(f.type for f in structs.fields(endpoint.query))]
        for kind in kinds:
            if kind is not None and repr(kind) not in seen:
                seen.add(repr(kind))
                yield kind


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.path.rsplit("{", 1)[-1].partition("/")[2] or endpoint.path.split("/")[-2]],
        "parameters": [*_path(endpoint), *_query(endpoint.query, schemas), *_headers(endpoint)],
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(schemas[repr(endpoint.body)])}
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    where = "default_" if endpoint.path.startswith("/api/tasks") else ""
    return where + endpoint.call.__name__


def _path(endpoint: Endpoint) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
    names = re.findall(r"{(\w+)}", endpoint.path)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query(kind: type[Struct], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": field.name, "in": "query", "required": False, "schema": _plain(schemas[repr(field.type)])}
        for field in structs.fields(kind)
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is absent or has a value; there is no null in a query."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    return options[0] if len(options) == 1 else schema


def _headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    text = {"type": "string"}
    if endpoint.method == "GET":
        return [{"name": "If-None-Match", "in": "header", "required": False, "schema": text}]
    key = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": key}]


def _responses(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.answer is not None:
        good["content"] = _content(schemas[repr(endpoint.answer)])
    responses: dict[str, Any] = {str(endpoint.status): good}
    if endpoint.method == "GET":
        responses["304"] = {"description": "Not changed since `If-None-Match`"}
    if endpoint.body is not None:
        responses["413"] = _refusal("The body is too large")
        responses["415"] = _refusal("Neither JSON nor msgpack")
    for error in (*ALWAYS, *endpoint.refusals):
        responses[str(error.status)] = _refusal(f"`{error.code}`: {inspect.cleandoc(error.__doc__ or '')}")
    return responses


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": _content({"$ref": REF.format(name="ErrorBody")})}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}, "application/msgpack": {"schema": schema}}
