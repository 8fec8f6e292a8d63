"""Any endpoint's request and answer: codecs, query, body, `Idempotency-Key`, `ETag`, refusals."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Struct

from handlers.api.endpoint import Answer, Call, Endpoint, bad_key, failure
from handlers.base import BaseHandler
from server import wire
from server.app import App
from server.errors import BadRequest, BoardcastError, NotFound, Unavailable
from server.model.fields import Id

JSON, MSGPACK = "application/json", "application/msgpack"
WRITES = ("POST", "PATCH", "DELETE")


class WrongMethod(BadRequest):
    """The path exists, the method does not."""

    status = 405


class WrongContentType(BadRequest):
    """Neither JSON nor msgpack."""

    status = 415


class ApiHandler(BaseHandler):
    """One path; `rows` are its endpoints by method."""

    def initialize(self, app: App, rows: Mapping[str, Endpoint]) -> None:  # type: ignore[override]
        super().initialize(app)
        self.rows = rows

    def prepare(self) -> None:
        super().prepare()
        if self.request.method not in self.rows:
            known = ", ".join(self.rows)
            raise WrongMethod("method", f"{self.request.method} is not possible here; possible are {known}")
        if self.app.draining:
            raise Unavailable("the server is going away")

    async def _run(self, **path: str) -> None:
        endpoint = self.rows[str(self.request.method)]
        board = path.get("board")
        if board is not None and not _is_id(board):
            raise NotFound("board", board)
        body, digest = self._body(endpoint)
        call = Call(
            app=self.app,
            path=path,
            query=self._query(endpoint.query),
            body=body,
            key=self._key(),
            digest=digest,
        )
        self._answer(endpoint, await endpoint.call(call))

    get = post = patch = delete = put = _run

    # -- the request

    def _key(self) -> str | None:
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not _is_id(key):
            raise bad_key(key)
        return key

    def _query(self, kind: type[Struct]) -> Any:
        try:
            pairs = parse_qsl(self.request.query, keep_blank_values=True, errors="strict", max_num_fields=50)
        except ValueError as error:
            raise BadRequest("query", str(error)) from error
        given = dict(pairs)
        if len(given) != len(pairs):
            raise BadRequest("query", "a parameter is given twice")
        try:
            return msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise wire.explain(error) from None

    def _body(self, endpoint: Endpoint) -> tuple[Any, str]:
        """The body as the endpoint's type, and a digest of what is asked."""
        data = self.request.body
        asked = f"{self.request.method} {self.request.path}?{self.request.query}\n".encode()
        digest = hashlib.sha256(asked + data).hexdigest()[:16]
        if endpoint.body is None:
            if data:
                raise BadRequest("body", "there is none for this method")
            return None, digest
        return wire.parse_as(data, endpoint.body, binary=self._content_type() == MSGPACK), digest

    def _content_type(self) -> str:
        given = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if given not in (JSON, MSGPACK):
            raise WrongContentType("Content-Type", f"{given[:80]!r} is neither {JSON} nor {MSGPACK}")
        return given

    # -- the answer

    def _answer(self, endpoint: Endpoint, answer: Answer) -> None:
        self.set_status(endpoint.status)
        if answer.location is not None:
            self.set_header("Location", answer.location)
        if answer.live is not None:
            etag = f'"{answer.live.epoch}:{answer.live.head}"'
            self.set_header("ETag", etag)
            if self.request.method == "GET" and self.request.headers.get("If-None-Match") == etag:
                self.set_status(304)
                self.finish()
                return
        if answer.body is UNSET:
            self.clear_header("Content-Type")
            self.finish()
        else:
            self._send(answer.body)

    def _send(self, body: Any) -> None:
        binary = MSGPACK in self.request.headers.get("Accept", "")
        self.set_header("Content-Type", MSGPACK if binary else JSON)
        encode = msgspec.msgpack.encode if binary else msgspec.json.encode
        self.finish(encode(body))

    def compute_etag(self) -> str | None:
        """None: an answer about a board has its own, and the others need none."""
        return None

    def refuse(self, error: BoardcastError) -> None:
        self.set_status(error.status)
        if isinstance(error, WrongMethod):
            self.set_header("Allow", ", ".join(self.rows))
        retry_after = error.details.get("retry_after_ms")
        if isinstance(retry_after, int):
            self.set_header("Retry-After", str(-(-retry_after // 1000)))
        self._send(failure(error))


def _is_id(text: str) -> bool:
    try:
        msgspec.convert(text, Id)
    except msgspec.ValidationError:
        return False
    return True
