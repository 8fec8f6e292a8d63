"""Schemathesis reads `/openapi.json` and tries to surprise a real server with what it allows and forbids.

Once a server that is open, once one with accounts, with an administrator's token. A few examples of each
operation; 300 with `BOARDCAST_CHAOS=1`.
"""

import json
import os
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgpack
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from handlers.api import ENDPOINTS
from handlers.api.openapi import document
from tests.support import ServerProcess

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
    unsupported_method,
]
"""Not among them: that all which the document allows is accepted. JSON Schema takes 5.0 for an integer."""
EXAMPLES = 300 if os.environ.get("BOARDCAST_CHAOS") == "1" else 15
PASSWORD = "correct horse 1"
NEVER_USED = b"\xc1"
"""The one byte that msgpack gives no meaning."""


@schemathesis.serializer("application/msgpack")
def pack(_: object, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        packed: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    except (OverflowError, ValueError, TypeError):  # JSON has numbers that msgpack has not
        return NEVER_USED
    return packed


@schemathesis.deserializer("application/msgpack")
def unpack(_: object, response: schemathesis.Response) -> Any:
    return msgpack.unpackb(response.content)


schema = schemathesis.openapi.from_dict(document(ENDPOINTS))


class Target(NamedTuple):
    url: str
    headers: Mapping[str, str]


@pytest.fixture(scope="module", params=["open", "accounts"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    mode: str = request.param
    with ServerProcess(tmp_path_factory.mktemp(mode), AUTH__MODE=mode) as process:
        target = Target(process.url, administrator(process) if mode == "accounts" else {})
        yield target
        status, who = process.get("/api/me", **target.headers)
        assert (status, json.loads(who)["admin"]) == (200, True), "the token has counted to the end"
        assert "Traceback" not in process.output() and '"error"' not in process.output()


def administrator(server: ServerProcess) -> Mapping[str, str]:
    """What comes with each request of a program of whoever set the server up."""
    (line,) = [line for line in server.output().splitlines() if "/account/setup#" in line]
    account = {"login": "ada", "name": "Ada", "password": PASSWORD}
    answer = post(server, "/api/setup", {"code": line.partition("#")[2].split()[0], **account})
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    wanted = {"name": "fuzz", "write": True}
    made = json.load(post(server, "/api/me/tokens", wanted, Cookie=cookie, Origin=server.url))
    return {"Authorization": f"Bearer {made['text']}"}


def post(server: ServerProcess, path: str, body: object, **headers: str) -> Any:
    given = {"Content-Type": "application/json", **headers}
    return urllib.request.urlopen(urllib.request.Request(server.url + path, json.dumps(body).encode(), given))


def waits(case: Case) -> bool:
    """A board that is nowhere near `?seq=` is waited for, and then 503 is right (test_reading)."""
    seq = str((case.query or {}).get("seq", ""))
    return seq.isascii() and seq.isdigit() and int(seq) > 0


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_undocumented(case: Case, target: Target) -> None:
    if waits(case):
        return
    response = case.call(base_url=target.url, headers=dict(target.headers))
    case.validate_response(response, checks=CHECKS)
