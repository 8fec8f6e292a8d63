"""A client as the protocol wants it: one outgoing queue in order, retries by name, a copy of the board.

It asks at random instances: when its connection ends, when it has waited too long, and now and then for no
reason, with mutations still unanswered.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence

from tests.cluster import history as h
from tests.cluster.instance import Instance
from tests.cluster.intents import Intents
from tests.fold import Fold
from tests.sockets import Closed, Refused, Socket
from tests.support import CODECS, Message, decode, encode

WINDOW = 4
"""Mutations without an answer at a time."""
OPENING_S = 4.0
"""For a connection, its `hello` and its `join`: a stopped instance takes longer."""
WANDER = 0.01
"""How often an answer makes it go to another instance."""


class Client:
    """Member of one board. `think` gives it mutations; `run` connects and reads until it is cancelled."""

    def __init__(self, story: h.Story, history: h.History, fleet: Sequence[Instance], seed: str) -> None:
        self.story = story
        self.pending: list[h.Item] = []
        self._rng = random.Random(seed)
        self._history = history
        self._fleet = fleet
        self._codec = self._rng.choice(CODECS)
        self._intents = Intents(story.client, self._rng)
        self._patience_s = 2.0 + 4.0 * self._rng.random()
        self._socket: Socket | None = None
        self._sent: dict[int, float] = {}
        self._ready = False  # the instance has welcomed it, and did not say goodbye
        self._failed = False  # something has to be sent again before anything else
        self._joining: float | None = None
        self._retry_s = 0.1
        self._waking: asyncio.TimerHandle | None = None

    # -- what the person does

    async def think(self, pause_s: float, enough: Callable[[], bool]) -> None:
        """Mutations, one each `pause_s` or so, now and then several at once, until there are `enough`."""
        while not enough():
            if len(self.pending) < 2 * WINDOW and self.story.view.head > 0:
                for _ in range(self._rng.choice((1, 1, 1, 3))):
                    item = self._intents.next(self.story.view)
                    self.story.items.append(item)
                    self.pending.append(item)
                await self._send()
            await asyncio.sleep(self._rng.random() * 2 * pause_s)

    # -- connections

    async def run(self) -> None:
        while True:
            instance = self._rng.choice(self._fleet)
            self._retry_s = 0.1
            if instance.url:
                await self._visit(instance)
            await asyncio.sleep(self._retry_s * (0.5 + self._rng.random()))

    async def _visit(self, instance: Instance) -> None:
        self._sent = {}
        self._ready = self._failed = False
        why = "cancelled"
        try:
            await self._converse(instance)
        except (Closed, Refused, OSError, EOFError, TimeoutError) as end:
            why = f"{type(end).__name__} {end}"
        finally:
            socket, self._socket = self._socket, None
            if socket is not None:
                self._tell(h.Gone(why))
                socket.cut()
                with contextlib.suppress(OSError):
                    await socket.writer.wait_closed()

    async def _converse(self, instance: Instance) -> None:
        async with asyncio.timeout(OPENING_S):
            protocol = f"boardcast.v1.{self._codec}"
            socket = await Socket.open(instance.url + "/ws", protocols=[protocol])
        Socket.opened.remove(socket)  # this client cuts it itself
        self._socket = socket
        self._tell(h.Connected(instance.name))
        await self._write({"type": "hello", "id": "hello", "client": self.story.client, "name": "Guest"})
        await self._join()
        while True:
            async with asyncio.timeout_at(self._due()):
                opcode, payload = await socket.receive()
            frame = decode(self._codec, opcode, payload)
            for message in frame if isinstance(frame, list) else [frame]:
                await self._take(message)
            if self._rng.random() < WANDER:
                raise Closed(1000, "wandering")
            await self._send()

    def _due(self) -> float | None:
        """When the oldest thing that is unanswered has taken too long."""
        if self._joining is not None:
            return self._joining + OPENING_S
        return min(self._sent.values(), default=None)

    async def _write(self, *messages: Message) -> None:
        assert self._socket is not None
        await self._socket.send(*encode(self._codec, messages[0] if len(messages) == 1 else list(messages)))

    async def _join(self) -> None:
        view = self.story.view
        since = {} if view.since is None else {"since": view.since}
        self._joining = asyncio.get_running_loop().time()
        await self._write({"type": "join", "id": "join", "board": self.story.board, **since})

    async def _send(self) -> None:
        """All that is pending, in order, as far as the window goes; after a failure, when all is answered."""
        if self._socket is None or not self._ready or self._failed:
            return
        due = asyncio.get_running_loop().time() + self._patience_s
        fresh = [item for item in self.pending[:WINDOW] if item.number not in self._sent]
        for item in fresh:
            self._sent[item.number] = due
            self._tell(h.Sent(item.number))
        if fresh:
            with contextlib.suppress(Closed):  # whoever receives is told, too
                await self._write(*(self._mutate(item) for item in fresh))

    def _mutate(self, item: h.Item) -> Message:
        message = {"type": "mutate", "id": item.number, "board": self.story.board, "mutation": item.name}
        base = {} if item.base is None else {"base": item.base}
        return {**message, "op": item.op, "args": item.args, **base}

    # -- what the server says

    def _tell(self, event: h.Event) -> None:
        self._history.tell(self.story, event)

    async def _take(self, message: Message) -> None:
        match message["type"]:
            case "welcome":
                self._ready = True
            case "joined":
                self._joining = None
                self._joined(message)
            case "tasks":
                self._fold(message)
            case "changes":
                self._tell(h.Saw(tuple(change["seq"] for change in message["changes"])))
                self._fold(message)
            case "ack" | "error" if isinstance(message.get("id"), int):
                self._answered(message)
            case "error" if message.get("id") == "join" and message["retry"]:
                raise Closed(1000, f"not let in: {message['message']}")
            case "resync":
                self._tell(h.Resync())
                await self._join()
            case "bye":
                self._ready = False
                self._retry_s = message["retry_after_ms"] / 1000
            case "presence":
                pass
            case other:
                self._tell(h.Wrong(f"got {other}: {message}"))
                raise Closed(1000, "that is wrong")

    def _joined(self, message: Message) -> None:
        changes = None
        if message["mode"] == "changes":
            changes = tuple(change["seq"] for change in message["changes"])
        self._tell(h.Joined(message["epoch"], message["seq"], changes))
        self._fold(message)

    def _fold(self, message: Message) -> None:
        """What does not fit is told by the events already; this client starts again from a snapshot."""
        try:
            self.story.view.take(message)
        except AssertionError as error:
            self._tell(h.Wrong(f"cannot fold what came: {error}"))
            self.story.view = Fold()
            raise Closed(1000, "starting again") from None

    def _answered(self, message: Message) -> None:
        number = message["id"]
        if self._sent.pop(number, None) is None:
            self._tell(h.Wrong(f"an answer to what was not asked: {message}"))
            return
        item = self.story.items[number]
        if message["type"] == "ack":
            self._tell(h.Acked(number, message["seq"], message.get("duplicate", False)))
        else:
            self._tell(h.Failed(number, message["code"], message["retry"], message["message"]))
        if message["type"] == "ack" or not message["retry"]:
            self.pending.remove(item)
        else:
            self._failed = True
        if self._failed and not self._sent:
            self._rest()

    def _rest(self) -> None:
        """After a failure: here again, or at another instance."""
        if self._rng.random() < 0.3:
            raise Closed(1000, "perhaps another instance fares better")
        self._waking = asyncio.get_running_loop().call_later(
            0.05 + 0.3 * self._rng.random(), self._awake, self._socket
        )

    def _awake(self, socket: Socket | None) -> None:
        if socket is self._socket and socket is not None:
            self._failed = False
            self._resending = asyncio.ensure_future(self._send())
