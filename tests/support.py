"""What black-box tests stand on: a real server process, and people who talk to it over real sockets."""

import asyncio
import functools
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec

import msgpack

from tests.sockets import BINARY, TEXT, Closed, Refused, Socket, cut_all

__all__ = ["CODECS", "Client", "Closed", "Message", "Refused", "ServerProcess", "Socket", "on_loop"]

ROOT = Path(__file__).resolve().parent.parent
CODECS = ("json", "msgpack")
EPHEMERAL = ("presence", "telemetry")
PATIENCE_S = 30
"""How long a test waits for something that must come: only a hang takes this long."""

Message = dict[str, Any]
P = ParamSpec("P")


def on_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Runs an `async def` test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            try:
                await test(*args, **kwargs)
            finally:
                await cut_all()

        asyncio.run(main())

    return run


class ServerProcess:
    """`python -m server serve` as a process of its own, on a free port of 127.0.0.1.

    `settings`: environment of the server, `SERVER__HEARTBEAT_S="1"` for `BOARDCAST_SERVER__HEARTBEAT_S`.
    Started again it listens on the port it had, so that clients find it. `root`: the checkout that it is run
    from. Everything that it writes is in `output()`.
    """

    program = "server"

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.root = ROOT
        self.port = 0
        self.settings = settings
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._news = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> "ServerProcess":
        """Returns when the server has said that it listens. Raises AssertionError with its output else."""
        process = self.spawn()
        self._settled.wait(PATIENCE_S)
        if process.poll() is not None or not self.port:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.output()}")
        return self

    def spawn(self) -> "subprocess.Popen[str]":
        """Starts the process and does not wait for it."""
        assert self._process is None or self._process.poll() is not None, "it runs already"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOARDCAST_")}
        given = {f"BOARDCAST_{name}": value for name, value in self.settings.items()}
        flags = ["--port", str(self.port), "--data", str(self.data)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.program, "serve", *flags],
            cwd=self.root,
            env=inherited | given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._settled = settled = threading.Event()
        self._readers = [
            threading.Thread(target=self._drain, args=(stream, settled), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        return self._process

    def _drain(self, stream: Any, settled: threading.Event) -> None:
        with stream:
            for line in stream:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
                if found := re.match(r"listening on https?://127\.0\.0\.1:(\d+)$", line.rstrip()):
                    self.port = int(found[1])
                    settled.set()
        settled.set()

    def output(self) -> str:
        """All that the server has written so far, of all its starts."""
        return "".join(self._lines)

    def said(self, text: str, times: int = 1) -> None:
        """Waits until `text` is in the output so often."""
        with self._news:
            enough = self._news.wait_for(lambda: self.output().count(text) >= times, PATIENCE_S)
        assert enough, f"not said {times} times: {text}\n{self.output()}"

    def rss_mib(self) -> float:
        """The memory that the process holds now."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024

    def descriptors(self) -> int:
        """How many files and sockets the process has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body of a plain GET."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def terminate(self) -> None:
        """Asks for a graceful stop and does not wait for it."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once it is there, and `output` is complete."""
        assert self._process is not None
        code = self._process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    def stop(self) -> int:
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """`kill -9`: nothing is flushed, nobody is told."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "ServerProcess":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


def checkout(root: Path) -> Path:
    """A copy of what `server` is run from, to be changed: for `ServerProcess.root`."""
    for part in ("server", "handlers", "static"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def encode(codec: str, message: object) -> tuple[bytes, int]:
    """Payload and opcode of one frame."""
    if codec == "json":
        return json.dumps(message, separators=(",", ":")).encode(), TEXT
    return msgpack.packb(message), BINARY


def decode(codec: str, opcode: int, payload: bytes) -> Any:
    assert opcode == (TEXT if codec == "json" else BINARY), "the other kind of frame"
    return json.loads(payload) if codec == "json" else msgpack.unpackb(payload)


class Client:
    """Somebody on one socket. What arrived stays queued until it is asked for, in two queues: the log
    (changes, replies, everything whose order is promised) and the ephemeral (presence, telemetry)."""

    def __init__(self, socket: Socket, codec: str) -> None:
        self.socket = socket
        self.codec = codec
        self.welcome: Message = {}
        self.log: deque[Message] = deque()
        self.ephemeral: deque[Message] = deque()
        self._asked = 0

    @classmethod
    async def connect(
        cls, server: ServerProcess, codec: str = "json", *, headers: Mapping[str, str] | None = None
    ) -> "Client":
        """A socket on `/ws` that has not said hello."""
        protocol = f"boardcast.v1.{codec}"
        socket = await Socket.open(server.url + "/ws", protocols=[protocol], headers=headers)
        assert socket.protocol == protocol
        return cls(socket, codec)

    @classmethod
    async def hello(
        cls, server: ServerProcess, codec: str = "json", *, client: str = "", name: str = "Guest"
    ) -> "Client":
        """A socket on `/ws` that has been welcomed. `client`: a new one when not given."""
        self = await cls.connect(server, codec)
        self.welcome = await self.ask("hello", client=client or f"c-{secrets.token_hex(6)}", name=name)
        assert self.welcome["type"] == "welcome", self.welcome
        return self

    async def send(self, *messages: Message) -> None:
        """One frame: one message as a map, several as an array."""
        await self.socket.send(*encode(self.codec, messages[0] if len(messages) == 1 else list(messages)))

    async def _receive(self) -> None:
        """Takes one frame. Many changes in one message are queued one by one: only their order counts."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                opcode, payload = await self.socket.receive()
        except TimeoutError:
            raise AssertionError(f"nothing came for {PATIENCE_S} s") from None
        frame = decode(self.codec, opcode, payload)
        for message in frame if isinstance(frame, list) else [frame]:
            if message["type"] in EPHEMERAL:
                self.ephemeral.append(message)
            elif message["type"] == "changes":
                self.log.extend(message | {"changes": [change]} for change in message["changes"])
            else:
                self.log.append(message)

    async def next(self, *, ephemeral: bool = False) -> Message:
        """The next message of the log (or the next ephemeral one). Raises `Closed`."""
        queue = self.ephemeral if ephemeral else self.log
        while not queue:
            await self._receive()
        return queue.popleft()

    async def reply(self, id: str | int) -> Message:
        """The reply to the request `id`; what came before it is left in the queue."""
        seen = 0
        while True:
            while seen == len(self.log):
                await self._receive()
            if self.log[seen].get("id") == id:
                message = self.log[seen]
                del self.log[seen]
                return message
            seen += 1

    async def ask(self, type: str, **fields: object) -> Message:
        """Sends a request with an id of its own and returns the reply."""
        self._asked += 1
        id = f"ask-{self._asked}"
        await self.send({"type": type, "id": id, **fields})
        return await self.reply(id)

    async def mutate(self, board: str, op: str, /, **args: object) -> Message:
        """Sends one mutation with a name of its own and returns the ack or the error."""
        return await self.ask("mutate", board=board, mutation=secrets.token_hex(6), op=op, args=args)

    async def silent(self) -> None:
        """Asserts that nothing is left but what is ephemeral, all the server had to say being said."""
        pong = await self.ask("ping")
        assert pong["type"] == "pong" and not self.log, list(self.log)

    async def closed(self) -> Closed:
        """Reads on until the server closes, and returns how."""
        try:
            while True:
                await self._receive()
        except Closed as end:
            return end

    async def close(self) -> None:
        await self.socket.close()
