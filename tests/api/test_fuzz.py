"""Schemathesis reads `/openapi.json` and tries to surprise a real server with what it allows and forbids."""

from collections.abc import Iterator
from typing import Any

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("fuzz")) as process:
        yield process
        assert "Traceback" not in process.output() and '"error"' not in process.output()


def waits(case: Case) -> bool:
    """A board that is nowhere near `?seq=` is waited for, and then 503 is right (test_reading)."""
    seq = str((case.query or {}).get("seq", ""))
    return seq.isdigit() and int(seq) > 0


@schema.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_undocumented(case: Case, server: ServerProcess) -> None:
    if waits(case):
        return
    response = case.call(base_url=server.url)
    case.validate_response(response, checks=CHECKS)
