"""Any endpoint's request and answer: codecs, query, body, `Idempotency-Key`, `ETag`, refusals."""

import time
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, structs

from handlers.answering import AnsweringAtOnce
from handlers.api.asking import stand
from handlers.api.endpoint import Answer, Call, Endpoint, digest_of
from handlers.api.queries import Query
from handlers.base import COOKIE, BaseHandler, bearer
from handlers.codecs import JSON, MSGPACK, is_msgpack, wants_msgpack
from handlers.headers import header
from server import wire
from server.accounts import guest, open_user
from server.app import App
from server.boards.submission import HTTP_CLIENT
from server.errors import BadRequest, BoardcastError, NotFound, Unauthenticated, Unavailable
from server.model.accounts import EVERYTHING, Grant, Identity
from server.model.fields import Id
from server.policy import RANK, ROUTES, Need

OPEN = Identity(user=open_user(HTTP_CLIENT, "HTTP"), way="open", grant=EVERYTHING)
GUEST = Identity(user=guest(HTTP_CLIENT, "Guest"), way="guest", grant=Grant())


class ApiHandler(AnsweringAtOnce):
    """One path; `rows` are its endpoints by method."""

    def initialize(self, app: App, rows: Mapping[str, Endpoint]) -> None:  # type: ignore[override]
        super().initialize(app)
        self.rows = rows

    def prepare(self) -> None:
        super().prepare()
        self.set_header("Vary", "Accept")
        method = self.request.method
        if method not in self.rows and method not in self.allowed:
            raise self.wrong_method()
        if self.app.draining:
            raise Unavailable("the server is going away")

    @property
    def allowed(self) -> list[str]:
        """The methods of this path."""
        return [*self.rows, *(["HEAD"] if "GET" in self.rows else []), "OPTIONS"]

    async def _run(self, **path: str) -> None:
        method = str(self.request.method)
        endpoint = self.rows["GET" if method == "HEAD" else method]
        what = f"{endpoint.method} {endpoint.path}"
        identity = await self._identity(ROUTES[what])
        need = self.app.policy.of_path(ROUTES[what], identity.user.id, path.get("user"))
        self.app.policy.admit(need, identity.grant, what)
        call = self._call(endpoint, path, identity)
        if need in RANK and not self.app.policy.open_mode:
            await stand(call, need, what)
        answer = await endpoint.call(call)
        if answer.stream is None:
            self._answer(endpoint, call, answer)
        else:
            await self._pour(answer, answer.stream)

    def _call(self, endpoint: Endpoint, path: Mapping[str, str], identity: Identity) -> Call:
        board = path.get("board")
        if board is not None and not _is_id(board):
            raise NotFound("board", board)
        key = self._key(endpoint)
        query = self._query(endpoint.query)
        body = self._body(endpoint)
        return Call(
            app=self.app,
            path=path,
            query=query,
            body=body,
            key=key,
            digest="" if key is None else self._digest(body),
            identity=identity,
            caller=self.caller,
            agent=header(self.request.headers, "User-Agent") or "",
            budget=self.budget,
            known=self._known() if endpoint.method == "GET" else "",
            gone=self.gone,
        )

    async def _identity(self, need: Need) -> Identity:
        """Who asks. Where anyone may, a session that has ended keeps nobody from signing in again."""
        if self.app.accounts is None:
            return OPEN
        text = bearer(self.request.headers) or self.get_cookie(COOKIE) or ""
        if not text:
            return GUEST
        try:
            return await self.app.accounts.identities.identify(text)
        except Unauthenticated:
            if need != "anyone":
                raise
            return GUEST

    get = head = post = patch = delete = put = _run

    # -- the request

    def _key(self, endpoint: Endpoint) -> str | None:
        key = header(self.request.headers, "Idempotency-Key")
        if not endpoint.keyed:
            if key is not None and endpoint.of_board and endpoint.method != "GET":
                raise BadRequest("Idempotency-Key", "is not taken here; a mutation has a name of its own")
            return None
        if key is not None and not _is_id(key):
            raise BadRequest("Idempotency-Key", f"{key[:80]!r} is not 1-64 of A-Z a-z 0-9 _ -")
        return key

    def _known(self) -> str:
        return (header(self.request.headers, "If-None-Match") or "").strip()

    def _query(self, kind: type[Query]) -> Any:
        if not self.request.query and _needs_nothing(kind):
            return kind()
        try:
            pairs = parse_qsl(self.request.query, keep_blank_values=True, errors="strict", max_num_fields=50)
        except UnicodeDecodeError as error:
            raise BadRequest("query", "is not text in UTF-8") from error
        except ValueError as error:
            raise BadRequest("query", str(error)) from error
        given = dict(pairs)
        if len(given) != len(pairs):
            raise BadRequest("query", "a parameter is given twice")
        try:
            query = msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise _of_parameter(wire.explain(error)) from None
        for name, sent_as in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
            if sent_as in given and getattr(query, name) is None:  # of the text "null"
                raise BadRequest(sent_as, "is absent or has a value")
        return query

    def _body(self, endpoint: Endpoint) -> Any:
        data = self.request.body
        if endpoint.body is None:
            if data:
                raise BadRequest("body", "there is none for this method")
            return None
        return wire.parse_as(data, endpoint.body, binary=is_msgpack(self.request.headers))

    def _digest(self, body: Any) -> str:
        request = self.request
        return digest_of(f"{request.method} {request.path}?{request.query}", body)

    # -- the answer

    def _answer(self, endpoint: Endpoint, call: Call, answer: Answer) -> None:
        self.set_status(endpoint.status)
        if answer.session is not None:
            self._set_session(answer.session)
        if answer.location is not None:
            self.set_header("Location", answer.location)
        if answer.etag is not None:
            self.set_header("ETag", answer.etag)
            if call.knows(answer.etag):
                self.set_status(304)
                self.finish()
                return
        if answer.body is UNSET:
            self.clear_header("Content-Type")
            self.finish()
        else:
            self._send(answer.body)

    def _set_session(self, text: str) -> None:
        """Scripts cannot read the cookie, and a browser sends it with requests of our own pages only."""
        days = self.app.config.auth.session_days if text else -1
        self.set_cookie(
            COOKIE,
            text,
            expires_days=days,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self.caller.secure,
        )

    async def _pour(self, answer: Answer, pieces: AsyncIterator[str]) -> None:
        """A long answer, as fast as it is read."""
        self.set_header("Content-Type", f"{answer.media}; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{answer.filename}"')
        if self.request.method == "HEAD":
            await self.flush()  # `finish` would say that there are no bytes of it
            self.finish()
            return
        async for piece in pieces:
            self.write(piece)
            await self.flush()
        self.finish()

    def _send(self, body: Any) -> None:
        binary = wants_msgpack(self.request.headers)
        self.set_header("Content-Type", MSGPACK if binary else JSON)
        encode = msgspec.msgpack.encode if binary else msgspec.json.encode
        encoded = encode(body)
        self.budget.answered(time.monotonic(), len(encoded))
        self.finish(encoded)

    def compute_etag(self) -> str | None:
        """None: an answer about a board has its own, and the others need none."""
        return None


class UnknownApi(ApiHandler):
    """Any path below `/api` that no endpoint has."""

    def initialize(self, app: App) -> None:  # type: ignore[override]
        super().initialize(app, {})

    def prepare(self) -> None:
        BaseHandler.prepare(self)
        raise NotFound("path", self.request.path)

    def _as_refusal(self, status: int) -> BoardcastError:
        """Whatever method it was: the path is what is wrong."""
        return NotFound("path", self.request.path)


@cache
def _needs_nothing(kind: type[Query]) -> bool:
    """Every parameter may be absent."""
    return not any(field.required for field in structs.fields(kind))


def _of_parameter(refusal: BadRequest) -> BadRequest:
    """A query has parameters, and no null."""
    problem = refusal.message.partition(": ")[2].replace(" | null", "")
    return BadRequest(str(refusal.details["field"]), problem.replace("unknown field", "unknown parameter"))


def _is_id(text: str) -> bool:
    try:
        msgspec.convert(text, Id)
    except msgspec.ValidationError:
        return False
    return True
