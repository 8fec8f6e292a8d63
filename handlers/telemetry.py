"""`POST /api/telemetry`: what a device sends without a socket. The hot path of small devices, so it is
short.
"""

import asyncio

import msgspec
from msgspec import UNSET
from tornado.httputil import HTTPServerRequest

from handlers.answering import AnsweringAtOnce
from handlers.api.answers import failure
from handlers.base import bearer
from handlers.codecs import JSON, MSGPACK, is_msgpack, wants_msgpack
from server.devices.lanes import Settled
from server.errors import BoardcastError, Unauthenticated, Unavailable
from server.model.http import ErrorBody, Taken
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
        if self.app.draining:
            raise Unavailable("the server is going away")

    async def post(self) -> None:
        devices = self.app.devices
        token = device_token(self.request)
        guest = devices.known(token) or await devices.admit(token)
        told = decode_body(self.request.body, binary=is_msgpack(self.request.headers))
        answered: asyncio.Future[Settled | BoardcastError] = asyncio.get_running_loop().create_future()
        devices.ingest.offer(guest.source, told, answered.set_result)
        outcome = await answered
        if isinstance(outcome, BoardcastError):
            raise outcome
        self._answer(_taken(told, outcome))

    def _answer(self, body: Taken | ErrorBody) -> None:
        if wants_msgpack(self.request.headers):
            self.set_header("Content-Type", MSGPACK)
            self.finish(msgspec.msgpack.encode(body))
        else:
            self.set_header("Content-Type", JSON)
            self.finish(msgspec.json.encode(body))

    def compute_etag(self) -> str | None:
        return None

    def tell(self, error: BoardcastError) -> None:
        self._answer(failure(error))


def _taken(told: Telling, outcome: Settled) -> Taken:
    rejected = outcome.rejected or UNSET
    if told.boot:
        return Taken(boot=told.boot, seq=outcome.mark, rejected=rejected)
    return Taken(stored=outcome.stored, rejected=rejected)
