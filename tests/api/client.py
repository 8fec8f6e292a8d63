"""Requests as a program makes them, in either codec."""

import json
from typing import Any, NamedTuple

import msgpack
from tornado.httpclient import HTTPResponse

JSON, MSGPACK = "application/json", "application/msgpack"


class Reply(NamedTuple):
    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.body["error"]["code"])


class Client:
    """`get("/api/tasks")`, `post("/api/tasks", {...})` …; `headers` in lower case with underscores."""

    def __init__(self, http_client: Any, base_url: str, *, binary: bool = False) -> None:
        self._http = http_client
        self._url = base_url
        self._binary = binary

    def in_msgpack(self) -> "Client":
        return Client(self._http, self._url, binary=True)

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            given.setdefault("Content-Type", MSGPACK if self._binary else JSON)
            data = body if isinstance(body, bytes) else self._encode(body)
        elif method in ("POST", "PATCH"):
            data = b""
        if self._binary:
            given["Accept"] = MSGPACK
        response: HTTPResponse = await self._http.fetch(
            self._url + path,
            method=method,
            body=data,
            headers=given,
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        return Reply(response.code, self._decode(response), response.headers)

    def _encode(self, body: object) -> bytes:
        return msgpack.packb(body) if self._binary else json.dumps(body).encode()

    def _decode(self, response: HTTPResponse) -> Any:
        if not response.body:
            return None
        if response.headers["Content-Type"] == MSGPACK:
            return msgpack.unpackb(response.body)
        if response.headers["Content-Type"].startswith("text/"):
            return response.body.decode()
        return json.loads(response.body)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, **headers)

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        return await self.send("POST", path, body, **headers)

    async def patch(self, path: str, body: object, **headers: str) -> Reply:
        return await self.send("PATCH", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Reply:
        return await self.send("DELETE", path, **headers)
