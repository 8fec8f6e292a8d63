"""`POST /api/telemetry`: what a device sends without a socket. The hot path of small devices, so it is
short.
"""

import asyncio
from typing import Any

import msgspec
from msgspec import UNSET
from tornado.httputil import HTTPServerRequest

from handlers.answering import AnsweringAtOnce
from handlers.api.handler import JSON, MSGPACK, WrongContentType, WrongMethod
from handlers.base import bearer, error_body
from server.devices.lanes import Settled
from server.errors import BoardcastError, Unauthenticated, Unavailable
from server.model.http import Taken
from server.wire.devices import Telling, decode_body

LONGEST_TOKEN = 256


def device_token(request: HTTPServerRequest) -> str:
    """What a device shows. Raises `Unauthenticated` when that cannot be a token."""
    token = bearer(request.headers)
    if not token or len(token) > LONGEST_TOKEN or not token.isascii():
        raise Unauthenticated("a device comes with its token: Authorization: Bearer bcd_…")
    return token


class TelemetryPost(AnsweringAtOnce):
    """One batch; the answer comes when it is durable."""

    def prepare(self) -> None:
        super().prepare()
        if self.request.method != "POST" and self.request.method not in self.allowed:
            known = ", ".join(self.allowed)
            raise WrongMethod("method", f"{self.request.method} is not possible here; possible are {known}")
        if self.app.draining:
            raise Unavailable("the server is going away")

    async def post(self) -> None:
        devices = self.app.devices
        token = device_token(self.request)
        guest = devices.known(token) or await devices.admit(token)
        told = decode_body(self.request.body, binary=self._is_binary())
        answered: asyncio.Future[Settled | BoardcastError] = asyncio.get_running_loop().create_future()
        devices.ingest.offer(guest.source, told, answered.set_result)
        outcome = await answered
        if isinstance(outcome, BoardcastError):
            raise outcome
        self._answer(_taken(told, outcome))

    def _content_type(self) -> str:
        return self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def _is_binary(self) -> bool:
        given = self._content_type()
        if given not in (JSON, MSGPACK):
            raise WrongContentType("Content-Type", f"{given[:80]!r} is neither {JSON} nor {MSGPACK}")
        return given == MSGPACK

    def _wants_msgpack(self) -> bool:
        accept = self.request.headers.get("Accept", "").lower()
        return MSGPACK in accept or (JSON not in accept and self._content_type() == MSGPACK)

    def _answer(self, body: Taken) -> None:
        if self._wants_msgpack():
            self.set_header("Content-Type", MSGPACK)
            self.finish(msgspec.msgpack.encode(body))
        else:
            self.set_header("Content-Type", JSON)
            self.finish(msgspec.json.encode(body))

    def compute_etag(self) -> str | None:
        return None

    def refuse(self, error: BoardcastError) -> None:
        retry_after: Any = error.details.get("retry_after_ms")
        if isinstance(retry_after, int):
            self.set_header("Retry-After", str(-(-retry_after // 1000)))
        if error.status == WrongMethod.status:
            self.set_header("Allow", ", ".join(self.allowed))
        self.set_status(error.status)
        self.set_header("Content-Type", JSON)
        self.finish(error_body(error))


def _taken(told: Telling, outcome: Settled) -> Taken:
    rejected = outcome.rejected or UNSET
    if told.boot:
        return Taken(boot=told.boot, seq=outcome.mark, rejected=rejected)
    return Taken(stored=outcome.stored, rejected=rejected)
