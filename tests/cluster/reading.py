"""What anybody can read at the end: the log over HTTP, and the board as a newcomer sees it."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence

from tests.cluster.instance import Instance
from tests.fold import Fold
from tests.sockets import Closed, Socket
from tests.support import Message, decode, encode

PAGE = 500
PATIENCE_S = 15
UNAVAILABLE = 503


class Unreadable(Exception):
    """An instance does not show what it must, and why."""


async def read_log(instance: Instance, board: str, patience_s: float = PATIENCE_S) -> list[Message]:
    """The whole log of a board, page by page. Raises `Unreadable`."""
    log: list[Message] = []
    more = True
    while more:
        path = f"/api/boards/{board}/changes?since={log[-1]['seq'] if log else 0}&limit={PAGE}"
        page = await asyncio.to_thread(_get, instance.url + path, patience_s)
        log.extend(page["items"])
        more = len(page["items"]) < page["total"]
    return log


async def read_logs(
    instance: Instance, boards: Sequence[str], patience_s: float = PATIENCE_S
) -> Mapping[str, list[Message]]:
    return {board: await read_log(instance, board, patience_s) for board in boards}


def _get(url: str, patience_s: float) -> Message:
    """What may be tried again is tried again, for a while."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=patience_s) as answer:
                page: Message = json.load(answer)
                return page
        except urllib.error.HTTPError as refusal:
            text = f"{url}: {refusal.code} {refusal.read().decode()}"
            if refusal.code != UNAVAILABLE or time.monotonic() > deadline:
                raise Unreadable(text) from None
        except OSError as error:
            raise Unreadable(f"{url}: {error}") from None


class Newcomer:
    """A client that asks and waits. Raises AssertionError when it gets another answer than it needs."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._come: deque[Message] = deque()

    @classmethod
    async def at(cls, instance: Instance, name: str) -> "Newcomer":
        socket = await Socket.open(instance.url + "/ws", protocols=["boardcast.v1.json"])
        self = cls(socket)
        await self.ask("welcome", type="hello", client=name)
        return self

    async def send(self, *messages: Message) -> None:
        await self._socket.send(*encode("json", list(messages)))

    async def receive(self) -> list[Message]:
        """What comes in one frame."""
        async with asyncio.timeout(PATIENCE_S):
            frame = decode("json", *await self._socket.receive())
        return frame if isinstance(frame, list) else [frame]

    async def ask(self, wanted: str, /, **request: object) -> Message:
        """The first message of the type `wanted` after this request."""
        await self.send({"id": 1, **request})
        return await self.next(wanted)

    async def next(self, wanted: str) -> Message:
        """The next message of this type; what came before it is forgotten."""
        while True:
            while self._come:
                message = self._come.popleft()
                assert message["type"] != "error", message
                if message["type"] == wanted:
                    return message
            self._come.extend(await self.receive())

    async def close(self) -> None:
        await self._socket.close()


async def make_board(instance: Instance, board: str) -> None:
    maker = await Newcomer.at(instance, "maker-of-boards")
    args = {"name": board}
    await maker.ask("ack", type="mutate", board=board, mutation=f"make-{board}", op="board.create", args=args)
    await maker.close()


async def look(instance: Instance, board: str) -> Fold:
    """The board as a newcomer at this instance gets it. Raises `Unreadable`."""
    fold = Fold()
    try:
        newcomer = await Newcomer.at(instance, "newcomer")
        fold.take(await newcomer.ask("joined", type="join", board=board))
        while not fold.complete:
            fold.take(await newcomer.next("tasks"))
        await newcomer.close()
    except (AssertionError, Closed, OSError, TimeoutError) as error:
        raise Unreadable(f"{board} cannot be joined at {instance.name}: {error!r}") from error
    return fold
