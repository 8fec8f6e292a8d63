"""Devices of a board, made over HTTP as anybody makes them; a device that is there gets a new token."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from server.errors import in_words

AT_ONCE = 8
"""Requests under way."""
REQUEST_S = 30.0


class NotEnrolled(Exception):
    """A device could not be made; the text says why."""


class Newcomer(Struct, frozen=True):
    """A device to be made."""

    id: str
    name: str
    tags: list[str]
    metadata: dict[str, str]


class Enrolled(Struct):
    """What is of interest in the answer."""

    token: str


class Office:
    """Makes devices on one board. `url`: of the server; `token`: of whoever may, "" where nobody signs in."""

    def __init__(self, url: str, board: str, token: str) -> None:
        self._url = f"{url}/api/boards/{board}"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._client = AsyncHTTPClient()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def enrol(self, newcomers: Sequence[Newcomer]) -> list[str]:
        """The token of each. Raises `NotEnrolled` for the first that cannot be made."""
        first = [
            await self._enrol(newcomer) for newcomer in newcomers[:1]
        ]  # no use in trying more if it fails
        tokens = await asyncio.gather(*map(self._enrol, newcomers[1:]), return_exceptions=True)
        for token in tokens:
            if isinstance(token, BaseException):
                raise token
        return [*first, *(token for token in tokens if isinstance(token, str))]

    async def _enrol(self, newcomer: Newcomer) -> str:
        async with self._turns:
            answer = await self._post("/devices", newcomer)
            if answer.code == 409:
                answer = await self._renewed(newcomer.id)
        try:
            answer.rethrow()
            return msgspec.json.decode(answer.body, type=Enrolled).token
        except HTTPClientError as error:
            raise NotEnrolled(f"cannot make {newcomer.id}: {_said(answer, error)}") from error
        except msgspec.MsgspecError as error:
            raise NotEnrolled(f"cannot make {newcomer.id}: no token in the answer: {error}") from error

    async def _renewed(self, device: str) -> HTTPResponse:
        """A new token for one that is there; one that was deleted is brought back first."""
        answer = await self._post(f"/devices/{device}/token", None)
        if answer.code == 404:
            name = f"m_{secrets.token_hex(8)}"
            await self._post(
                "/mutations", {"mutation": name, "op": "device.restore", "args": {"device": device}}
            )
            answer = await self._post(f"/devices/{device}/token", None)
        return answer

    async def _post(self, path: str, body: object) -> HTTPResponse:
        request = HTTPRequest(
            self._url + path,
            "POST",
            self._headers,
            body=b"" if body is None else msgspec.json.encode(body),
            request_timeout=REQUEST_S,
        )
        try:
            return await self._client.fetch(request, raise_error=False)
        except OSError as error:
            raise NotEnrolled(f"no server at {self._url}: {in_words(error)}") from error


def _said(answer: HTTPResponse, error: HTTPClientError) -> str:
    """The server's own words where it has some."""
    try:
        found: Any = msgspec.json.decode(answer.body)
        return f"{answer.code} {found['error']['message']}"
    except (msgspec.MsgspecError, LookupError, TypeError):
        return str(error)
