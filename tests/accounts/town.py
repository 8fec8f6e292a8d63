"""An instance with accounts in this process, and people who come to it with a browser's cookie or a token."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tornado.httpclient import AsyncHTTPClient

from handlers.listening import bind
from handlers.routes import application, serve
from server.app import App
from server.brokers.local import LocalBroker, LocalExchange
from server.config import Config
from tests.api.client import Reply
from tests.sockets import cut_all
from tests.support import Client

PASSWORD = "correct horse 1"


class Visitor:
    """Somebody with one browser, or one program. `token`: what a program shows instead of a cookie."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self.token = token
        self.cookie = ""
        self.id = ""

    @property
    def headers(self) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        return {"Cookie": f"boardcast={self.cookie}", "Origin": self.url} if self.cookie else {}

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        answer = await AsyncHTTPClient().fetch(
            self.url + path,
            method=method,
            body=b"" if data is None and method in ("POST", "PATCH") else data,
            headers={**self.headers, **kind, **headers},
            raise_error=False,
            allow_nonstandard_methods=True,
        )
        for line in answer.headers.get_list("Set-Cookie"):
            self.cookie = line.partition(";")[0].partition("=")[2].strip('"')
        is_json = answer.headers.get("Content-Type", "") == "application/json"
        return Reply(
            answer.code, json.loads(answer.body) if is_json and answer.body else None, answer.headers
        )

    async def get(self, path: str) -> Reply:
        return await self.send("GET", path)

    async def post(self, path: str, body: object) -> Reply:
        return await self.send("POST", path, body)

    async def ok(self, method: str, path: str, body: object = None) -> Any:
        reply = await self.send(method, path, body)
        assert reply.status < 300, (method, path, reply)
        return reply.body

    async def socket(self, headers: Mapping[str, str] | None = None, **hello: str) -> Client:
        """A greeted socket; the token goes into the hello, the cookie into the upgrade."""
        given = {} if self.token else self.headers
        client = await Client.connect(SimpleNamespace(url=self.url), headers=given | dict(headers or {}))  # type: ignore[arg-type]
        token = {"token": self.token} if self.token else {}
        client.welcome = await client.ask("hello", client="client-" + "0" * 8, **token, **hello)
        return client

    async def joined(self, board: str) -> Client:
        client = await self.socket()
        joined = await client.ask("join", board=board)
        assert joined["type"] == "joined", joined
        return client


class Town:
    """`ada` is the administrator."""

    def __init__(self, app: App, url: str) -> None:
        self.app = app
        self.url = url
        self.ada = Visitor(url)

    async def set_up(self) -> None:
        body = {"code": self.app.setup_code, "login": "ada", "name": "Ada", "password": PASSWORD}
        self.ada.id = (await self.ada.ok("POST", "/api/setup", body))["id"]

    async def person(self, login: str) -> Visitor:
        """Somebody new, by an invitation of Ada's."""
        made = await self.ada.ok("POST", "/api/invitations", {})
        text = made["path"].partition("#")[2]
        visitor = Visitor(self.url)
        body = {"login": login, "name": login.title(), "password": PASSWORD, "invitation": text}
        visitor.id = (await visitor.ok("POST", "/api/sign-up", body))["id"]
        return visitor

    async def again(self, login: str, password: str = PASSWORD) -> Visitor:
        """Somebody who is known, with another browser."""
        visitor = Visitor(self.url)
        body = {"login": login, "password": password}
        visitor.id = (await visitor.ok("POST", "/api/session", body))["id"]
        return visitor

    async def board(self, owner: Visitor, board: str, /, **roles: Visitor) -> None:
        """`roles`: a role → who gets it."""
        await owner.ok("POST", "/api/boards", {"board": board, "name": board.title()})
        for role, visitor in roles.items():
            mutation = {
                "mutation": f"m-{role}",
                "op": "member.set",
                "args": {"user": visitor.id, "role": role},
            }
            (result,) = (await owner.ok("POST", f"/api/boards/{board}/mutations", mutation))["results"]
            assert result["type"] == "ack", result

    async def token(self, owner: Visitor, **wanted: object) -> Visitor:
        made = await owner.ok("POST", "/api/me/tokens", {"name": "a program", **wanted})
        visitor = Visitor(self.url, made["text"])
        visitor.id = owner.id
        return visitor


@asynccontextmanager
async def instance(
    data: Path, *, exchange: LocalExchange | None = None, set_up: bool = True, **settings: str
) -> AsyncIterator[Town]:
    """A started instance on a port of its own. `settings`: as environment, `AUTH__SIGN_UP="open"`."""
    environ = {f"BOARDCAST_{name}": value for name, value in settings.items()}
    config = Config.load(None, {"BOARDCAST_AUTH__MODE": "accounts", **environ}, {"data": str(data)})
    app = App(config, broker=LocalBroker(exchange or LocalExchange()))
    await app.start()
    sockets = bind("127.0.0.1", 0)
    server = serve(application(app), sockets, app)
    town = Town(app, f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
    try:
        if set_up:
            await town.set_up()
        yield town
    finally:
        server.stop()
        await cut_all()
        await app.drain()
        await app.stop()
