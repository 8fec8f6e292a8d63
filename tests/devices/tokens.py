"""Tokens for devices of a server that does not run yet, and devices on real sockets."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.devices.tokens import Tokens
from server.stores.sqlite import SqliteStore
from tests.sockets import Socket
from tests.support import PATIENCE_S, Client, Message, ServerProcess


async def enrol(server: ServerProcess, *devices: str, board: str = "demo") -> list[str]:
    """Puts devices on the board, and a token for each into the data of the server, which runs."""
    owner = await Client.hello(server)
    for device in devices:
        ack = await owner.mutate(board, "device.create", device=device, name=device.title())
        assert ack["type"] == "ack", ack
    await owner.close()
    return await issue(server.data, *devices, board=board)


async def issue(data: Path, *devices: str, board: str = "demo") -> list[str]:
    """A token for each device; the server may run."""
    store = SqliteStore(data / "boardcast.db", exclusive=False)
    await store.start()
    try:
        return [await Tokens(store).issue(board, device) for device in devices]
    finally:
        await store.close()


class Device(Client):
    """A device on a socket of its own; batches count up by themselves."""

    boot: str
    seq: int

    @classmethod
    async def open(cls, server: ServerProcess, token: str, codec: str = "json") -> "Device":
        headers = {"Authorization": f"Bearer {token}"}
        protocol = f"boardcast.v1.{codec}"
        socket = await Socket.open(server.url + "/ws/device", protocols=[protocol], headers=headers)
        device = cls(socket, codec)
        device.boot, device.seq = f"b{secrets.token_hex(4)}", 0
        return device

    def batch(self, *points: Message) -> Message:
        self.seq += 1
        return {"type": "telemetry", "boot": self.boot, "seq": self.seq, "points": list(points)}

    async def tell(self, *points: Message) -> Message:
        """Sends one batch and returns the answer."""
        await self.send(self.batch(*points))
        return await self.next()


def post(
    server: ServerProcess, token: str, body: object, *, raw: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    """`POST /api/telemetry`: status and body."""
    given = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} | headers
    data = json.dumps(body).encode() if raw is None else raw
    return ask(server, "/api/telemetry", data, given)


def ask(
    server: ServerProcess, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Any request: status and JSON body."""
    request = urllib.request.Request(server.url + path, data=data, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            body = answer.read()
            kind = answer.headers["Content-Type"]
            return answer.status, json.loads(body) if kind == "application/json" else body.decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())
