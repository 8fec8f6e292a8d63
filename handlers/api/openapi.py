"""`/openapi.json`, made from the table of endpoints and the types they name. Never written twice."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET, Struct, structs

from handlers.api.endpoint import Endpoint
from handlers.base import COOKIE
from server import __version__
from server.errors import (
    BadRequest,
    BoardcastError,
    Forbidden,
    Internal,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from server.model import account_http, accounts, device_http, devices, http, messages, records
from server.model.http import ErrorBody

Json = dict[str, Any]
REF = "#/components/schemas/{name}"
ID = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
ALWAYS: tuple[type[BoardcastError], ...] = (
    *(BadRequest, Unauthenticated, Forbidden, RateLimited, Internal, Unavailable),
)
"""What any endpoint may answer."""
ABOUT = """Live task boards, for programs. Whoever is on a board sees at once what is changed here.

Bodies are JSON, or msgpack by `Content-Type` and `Accept`. Errors have one shape, lists another; an unknown
field or parameter is refused. Times are milliseconds since 1970 UTC. `HEAD` is possible wherever `GET` is."""
SECURITY = {
    "device": {"type": "http", "scheme": "bearer", "description": "The token of a device, `bcd_…`."},
    "person": {"type": "http", "scheme": "bearer", "description": "An access token of a person, `bct_…`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The session of a browser. What it writes must come from a page of ours.",
    },
}
ANYONE: list[Json] = [{}, {"person": []}, {"session": []}]
"""Where there are accounts (`auth.mode`) most of it wants one of the two; else nobody is asked."""
RETRY_AFTER = {"Retry-After": "Seconds until it may be tried again."}
PARAMETERS = {
    "board": "The id of the board.",
    "task": "The id of the task.",
    "device": "The id of the device.",
    "user": "The id of the person.",
    "session": "The id of the session, as the list has it.",
    "token": "The id of the token, as the list has it.",
    "invitation": "The id of the invitation, as the list has it.",
    "If-None-Match": "An `ETag`. While what it names is as it was the answer is 304, without a body.",
    "Idempotency-Key": "A name for this write, 1-64 of A-Z a-z 0-9 _ -. Sent again under the same name it is "
    "applied once, and answered with the thing as it is now (or was last, when it has been deleted since); "
    "another request under that name is a `conflict`. Names are scoped by the board.",
}


def document(endpoints: Iterable[Endpoint]) -> Json:
    """The OpenAPI 3.1 document of `endpoints`."""
    endpoints = list(endpoints)
    kinds = list(_types(endpoints))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    found = dict(zip(map(repr, kinds), schemas, strict=True))
    _promise(components)
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, found)
    tags = dict.fromkeys(endpoint.tag for endpoint in endpoints)
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "Boardcast",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "security": ANYONE,
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }
    result: Json = portable(made)
    return result


def _types(endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    seen = {repr(ErrorBody)}
    yield ErrorBody
    for endpoint in endpoints:
        kinds = [endpoint.body, endpoint.answer, *(f.type for f in structs.fields(endpoint.query))]
        for kind in kinds:
            if kind is not None and repr(kind) not in seen:
                seen.add(repr(kind))
                yield kind


def _promise(components: dict[str, Json]) -> None:
    """In what goes out a field with a default is there all the same; msgspec has in mind what comes in."""
    named = {
        name: kind
        for module in (devices, http, messages, records, accounts, account_http, device_http)
        for name, kind in vars(module).items()
    }
    for name, schema in components.items():
        kind = named.get(name)
        config = getattr(kind, "__struct_config__", None)
        if kind is None or config is None or config.forbid_unknown_fields or config.omit_defaults:
            continue
        absent = {field.name for field in structs.fields(kind) if field.default is UNSET}
        schema["required"] = [field for field in schema["properties"] if field not in absent]
        for field in schema["properties"].values():
            field.pop("default", None)


def portable(value: Any) -> Any:
    """What msgspec writes for Python, as other languages have it: anchors of patterns, indented texts."""
    if isinstance(value, list):
        return [portable(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: portable(item) for key, item in value.items()}
    if isinstance(pattern := made.get("pattern"), str):
        made["pattern"] = re.sub(r"^\\A|\\Z$", lambda anchor: "^" if anchor[0] == r"\A" else "$", pattern)
    if isinstance(text := made.get("description"), str):
        made["description"] = inspect.cleandoc(text)
    return made


# -- one operation


def _operation(endpoint: Endpoint, schemas: Mapping[str, Any]) -> Json:
    operation: Json = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [*_path(endpoint), *_query(endpoint.query, schemas), *_headers(endpoint)],
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.device:
        operation["security"] = [{"device": []}]
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(schemas[repr(endpoint.body)])}
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    where = "default_" if endpoint.path.startswith("/api/tasks") else ""
    return where + (endpoint.name or endpoint.call.__name__)


def _parameter(name: str, place: str, schema: Json, description: str) -> Json:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
    }


def _path(endpoint: Endpoint) -> list[Json]:
    names = re.findall(r"{(\w+)}", endpoint.path)
    return [_parameter(name, "path", ID, PARAMETERS[name]) for name in names]


def _query(kind: type[Struct], schemas: Mapping[str, Any]) -> list[Json]:
    made = []
    for field in structs.fields(kind):
        schema = _plain(schemas[repr(field.type)])
        description = schema.pop("description", field.encode_name)
        if field.default is not None and field.default is not NODEFAULT:
            schema["default"] = field.default
        required = field.default is NODEFAULT
        made.append({**_parameter(field.encode_name, "query", schema, description), "required": required})
    return made


def _plain(schema: Json) -> Json:
    """A query parameter is absent or has a value; there is no null in a query."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    return dict(options[0] if len(options) == 1 else schema)


def _headers(endpoint: Endpoint) -> list[Json]:
    if endpoint.method == "GET":
        wanted = {"If-None-Match": {"type": "string"}} if endpoint.of_board else {}
    else:
        wanted = {"Idempotency-Key": ID} if endpoint.keyed else {}
    return [_parameter(name, "header", schema, PARAMETERS[name]) for name, schema in wanted.items()]


# -- its answers


def _responses(endpoint: Endpoint, schemas: Mapping[str, Any]) -> Json:
    responses: Json = {str(endpoint.status): _success(endpoint, schemas)}
    if endpoint.method == "GET" and endpoint.of_board:
        responses["304"] = {"description": "Not changed since `If-None-Match`."}
    responses["405"] = _refusal(
        "`bad_request`: The path has other methods.", {"Allow": "The methods that it has."}
    )
    responses["413"] = _refusal("`message_too_big`: The body is larger than 1 MiB.")
    responses["431"] = _refusal("`bad_request`: The headers are larger than 16 KiB.")
    if endpoint.body is not None:
        responses["415"] = _refusal("`bad_request`: The body is neither JSON nor msgpack, or packed.")
    for error in (*ALWAYS, *endpoint.refusals):
        text = inspect.cleandoc(error.__doc__ or "")
        also = " Or the Host or the Origin is not allowed." if error is Forbidden else ""
        later = RETRY_AFTER if error in (RateLimited, Unavailable) else {}
        responses[str(error.status)] = _refusal(f"`{error.code}`: {text}{also}", later)
    return dict(sorted(responses.items()))


def _success(endpoint: Endpoint, schemas: Mapping[str, Any]) -> Json:
    good: Json = {"description": endpoint.summary + "."}
    if endpoint.answer is not None:
        schema = schemas[repr(endpoint.answer)]
        good["content"] = {endpoint.media: {"schema": schema}} if endpoint.media else _content(schema)
    headers = {}
    if endpoint.of_board:
        headers["ETag"] = "Names the state of the board, its epoch and its seq, and what else is shown."
    if endpoint.located:
        headers["Location"] = "Where it can be read."
    return good | _answered_with(headers)


def _refusal(description: str, headers: Mapping[str, str] | None = None) -> Json:
    content = _content({"$ref": REF.format(name="ErrorBody")})
    return {"description": description, "content": content} | _answered_with(headers or {})


def _answered_with(headers: Mapping[str, str]) -> Json:
    if not headers:
        return {}
    shown = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"headers": shown}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}, "application/msgpack": {"schema": schema}}
