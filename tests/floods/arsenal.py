"""Hostile messages, frames and requests, generated from a seed: the same seed makes the same ones."""

import json
import random
from typing import Any

import msgpack

from tests.hostile import BAD_FIELDS, BOARD, NOT_MESSAGES, RAW_JSON, RAW_MSGPACK, REFUSED
from tests.rfc6455.cases import BINARY, CASES, TEXT, frame

ALPHABET = [
    "a",
    "Ω",
    "𝄞",
    '"',
    "\\",
    "\x00",
    "<b>",
    "../",
    "$ne",
    "{{x}}",
    "\u202e",
    "constructor",
    "__proto__",
]
PATHS = [
    "/",
    "/api/tasks",
    "/api/boards/%00/tasks",
    "/api/session",
    "/api/sign-up",
    "/api/reset",
    "/api/me",
    "/api/telemetry",
    "/ws",
    "/ws/device",
    "/static/../setup.cfg",
    "*",
    "/" * 9000,
]
FRAMES = [case.data for case in CASES if len(case.data) < 5000]
HEALTHY = [message for message, _ in BAD_FIELDS.values()] + [message for message, *_ in REFUSED.values()]


class Arsenal:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def payload(self, codec: str) -> bytes:
        """What stands in one frame of a client that has said hello."""
        rng = self.rng
        kind = rng.randrange(10)
        if kind < 3:
            return self.damaged(self._packed(codec, rng.choice(HEALTHY)))
        if kind < 5:
            return self._raw(codec)
        if kind < 6:
            return self._packed(codec, rng.choice(list(NOT_MESSAGES.values())))
        if kind < 8:
            return self._packed(codec, self.aimed())
        return self._packed(codec, rng.choice(HEALTHY))

    def aimed(self) -> dict[str, Any]:
        """Understood as far as its type, and about anything then."""
        rng = self.rng
        kinds = ("mutate", "join", "leave", "comments", "presence", "ping", "watch", "hello", "dance")
        message: dict[str, Any] = {"type": rng.choice(kinds), "id": rng.choice([1, "x", self.value(2)])}
        names = (
            "board",
            "task",
            "mutation",
            "op",
            "args",
            "since",
            "base",
            "before",
            "limit",
            "client",
            "token",
        )
        for name in rng.sample(names, rng.randrange(5)):
            message[name] = rng.choice([BOARD, "t", "task.update", self.value(3), self.value(3)])
        return message

    def value(self, depth: int) -> Any:
        """Any value that both codecs can carry."""
        rng = self.rng
        kind = rng.randrange(9 if depth else 6)
        if kind == 0:
            return rng.choice([None, True, False])
        if kind == 1:
            return rng.choice([0, -1, 1, 2**31, 2**53, 2**63 - 1, -(2**63)])
        if kind == 2:
            return rng.choice([0.5, -0.0, 1e308, 5e-324])
        if kind < 6:
            return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(20)))
        if kind < 8:
            return {rng.choice(ALPHABET): self.value(depth - 1) for _ in range(rng.randrange(4))}
        return [self.value(depth - 1) for _ in range(rng.randrange(6))]

    def damaged(self, payload: bytes) -> bytes:
        """Some bytes changed, cut out or doubled."""
        rng, body = self.rng, bytearray(payload)
        for _ in range(rng.randrange(1, 4)):
            at, size = rng.randrange(len(body) + 1), rng.randrange(1, 8)
            new = rng.choice([b"", rng.randbytes(size), bytes(body[at : at + size]) * 2])
            body[at : at + rng.randrange(size)] = new
        return bytes(body)

    def frames(self) -> bytes:
        """Frames that break the rules of WebSocket itself, or are just many and small."""
        rng = self.rng
        kind = rng.randrange(4)
        if kind == 0:
            return frame(TEXT, fin=False) + frame(0, b"", fin=False) * rng.randrange(3000)
        if kind == 1:
            return frame(rng.choice([9, 10]), rng.randbytes(rng.randrange(126))) * rng.randrange(500)
        if kind == 2:
            return rng.randbytes(rng.randrange(1, 2000))
        return rng.choice(FRAMES)

    def request(self) -> bytes:
        """Bytes where an HTTP request is expected."""
        rng = self.rng
        method = rng.choice(["GET", "POST", "PATCH", "BREW", "", "GET" * 50])
        path = rng.choice(PATHS)
        version = rng.choice(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTQ"])
        fields = ["Host: 127.0.0.1"] + [self.field() for _ in range(rng.randrange(4))]
        body = rng.randbytes(rng.randrange(200))
        return (
            "\r\n".join([f"{method} {path} {version}", *fields, "", ""]).encode("latin-1", "replace") + body
        )

    def field(self) -> str:
        rng = self.rng
        return rng.choice(
            [
                "Content-Length: " + rng.choice(["-1", "99999999999999", "1, 2", "0x10", "٣", "10"]),
                "Transfer-Encoding: " + rng.choice(["chunked", "gzip", "chunked, chunked", "x" * 2000]),
                'Cookie: a="' + "\\" * rng.randrange(15_000),
                "Cookie: " + ";" * rng.randrange(15_000),
                "Cookie: " + "a=b;" * rng.randrange(3000),
                "X: " + "\t " * rng.randrange(7000),
                "Accept: " + "a/b;q=0," * rng.randrange(1800),
                "If-None-Match: " + '"",' * rng.randrange(4000),
                "Sec-WebSocket-Protocol: " + "," * rng.randrange(15_000),
                "Sec-WebSocket-Extensions: " + "permessage-deflate;" * rng.randrange(700),
                "Authorization: Bearer " + "x" * rng.randrange(15_000),
                "X-Forwarded-For: " + "1," * rng.randrange(7000),
                "Expect: 100-continue",
                "no colon at all",
                " folded",
            ]
        )

    def _packed(self, codec: str, message: Any) -> bytes:
        return json.dumps(message).encode() if codec == "json" else msgpack.packb(message)

    def _raw(self, codec: str) -> bytes:
        if codec == "json":
            return self.rng.choice(list(RAW_JSON.values())).encode()
        return self.rng.choice(list(RAW_MSGPACK.values()))


def opcode_of(codec: str) -> int:
    return TEXT if codec == "json" else BINARY
