"""A device's line to the server: connects, sends its backlog, sends again what was not settled, obeys."""

import asyncio
import random
import time
from collections.abc import Callable

import structlog
from msgspec import UNSET, MsgspecError
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from server.cli.simulated.speech import Speech
from server.model.device_messages import CommandMessage, CommandResult, Stored
from server.model.messages import Bye, ErrorMessage
from server.simulation.backlog import Backlog, refused_of, size_of
from server.simulation.tally import Tally

log = structlog.stdlib.get_logger("simulate")
GATHER_S = 0.1
"""What is read within this time goes out as one batch, however often the device reads."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
"""Before another attempt: a random part of the first, doubled with each failure up to the other."""
CONNECT_S = 10.0
PING_S = 20.0
LEAST_REFUSAL = 4500
"""Close codes from here on mean: do not come back by yourself."""
Obey = Callable[[str], str]
"""Does what a command of that name says; what came of it."""


class Refused(Exception):
    """The server does not want this device; the text says why."""


class Line:
    """`connected` and `backlog` are to be read. Call `wake` when there is more in the backlog.

    A batch leaves the backlog when the server says that it is settled. With each new socket, and after an
    error that may be temporary, everything that is not settled is sent again, in order.
    """

    def __init__(self, address: tuple[str, str], speech: Speech, backlog: Backlog, tally: Tally) -> None:
        """`address`: URL and token."""
        self.backlog = backlog
        self.connected = False
        self.obey: Obey = lambda name: f"did {name}"
        self._url, self._token = address
        self._speech, self._tally = speech, tally
        self._awake, self._room = asyncio.Event(), asyncio.Event()
        self._sent_at: dict[int, float] = {}
        self._highest = 0  # number of the last batch that was ever sent
        self._resume_at = 0.0
        self._bound_s = FIRST_PAUSE_S
        self._rng = random.Random()

    def wake(self) -> None:
        self._awake.set()

    async def room(self) -> None:
        """Wait until something is settled."""
        self._room.clear()
        await self._room.wait()

    # -- life

    async def run(self) -> None:
        """Until it is cancelled. Raises `Refused`."""
        while True:
            try:
                socket = await self._connect()
                try:
                    await self._converse(socket)
                finally:
                    self.connected = False
                    socket.close(1000)
                self._judge(socket)
            except (OSError, HTTPClientError, WebSocketClosedError) as error:
                log.debug("no connection", reason=str(error))
            await self._pause()
            self._tally.reconnects += 1

    async def _connect(self) -> WebSocketClientConnection:
        headers = {"Authorization": f"Bearer {self._token}"}
        request = HTTPRequest(self._url, headers=headers, connect_timeout=CONNECT_S)
        try:
            socket = await websocket_connect(
                request, subprotocols=[self._speech.subprotocol], ping_interval=PING_S, ping_timeout=PING_S
            )
        except HTTPClientError as error:
            if 400 <= error.code < 500 and error.code not in (408, 429):
                raise Refused(_reason(error)) from error
            raise
        if socket.protocol is not None:
            socket.protocol.set_nodelay(True)
        self.connected = True
        self._resume_at = 0.0
        self.backlog.resend()
        self._sent_at.clear()
        self._awake.set()
        return socket

    async def _pause(self) -> None:
        """Full jitter, and no sooner than the server asked for."""
        wait_s = self._rng.uniform(0, self._bound_s)
        self._bound_s = min(2 * self._bound_s, LONGEST_PAUSE_S)
        await asyncio.sleep(max(wait_s, self._resume_at - time.monotonic()))

    def _judge(self, socket: WebSocketClientConnection) -> None:
        code = socket.close_code
        if code is not None and code >= LEAST_REFUSAL:
            raise Refused(f"closed with {code}: {socket.close_reason or 'no reason given'}")

    async def _converse(self, socket: WebSocketClientConnection) -> None:
        """Until the socket is closed."""
        speaking = asyncio.create_task(self._speak(socket))
        hearing = asyncio.create_task(self._hear(socket))
        try:
            await asyncio.wait([speaking, hearing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (speaking, hearing):
                task.cancel()
            ends = await asyncio.gather(speaking, hearing, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, WebSocketClosedError):
                raise end

    # -- sending

    async def _speak(self, socket: WebSocketClientConnection) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()  # before it sleeps: what comes meanwhile wakes it, a later time to resume too
            gather_s = 0 if self.backlog.fills_a_batch else GATHER_S
            await asyncio.sleep(max(gather_s, self._resume_at - time.monotonic()))
            while self._resume_at <= time.monotonic() and (batch := self.backlog.next()) is not None:
                self._tally.resent += batch.seq <= self._highest
                self._highest = max(self._highest, batch.seq)
                self._sent_at[batch.seq] = time.monotonic()
                await self._send(socket, batch)

    async def _send(self, socket: WebSocketClientConnection, message: object) -> None:
        frame = self._speech.encode(message)
        await socket.write_message(frame if self._speech.binary else frame.decode(), self._speech.binary)

    # -- hearing

    async def _hear(self, socket: WebSocketClientConnection) -> None:
        while (frame := await socket.read_message()) is not None:
            try:
                answer = self._speech.decode(frame.encode() if isinstance(frame, str) else frame)
            except MsgspecError as error:
                self._tally.said(f"something that is no answer: {error}")
                continue
            match answer:
                case Stored():
                    self._settle(answer)
                case CommandMessage():
                    self._tally.commands += 1
                    done = self.obey(answer.name)
                    await self._send(socket, CommandResult(command=answer.command, ok=True, result=done))
                case ErrorMessage():
                    self._refused(answer)
                case Bye():
                    self._resume_at = time.monotonic() + answer.retry_after_ms / 1000

    def _settle(self, stored: Stored) -> None:
        self._bound_s = FIRST_PAUSE_S
        done = self.backlog.settled(stored.boot, stored.seq)
        rejected = [] if stored.rejected is UNSET else stored.rejected
        refused = refused_of(done, rejected)
        self._tally.rejected += refused
        self._tally.settled += sum(map(size_of, done)) - refused
        self._tally.batches += len(done)
        for refusal in rejected:
            self._tally.said(refusal.message)
        for batch in done:
            sent_at = self._sent_at.pop(batch.seq, None)
            if sent_at is not None:
                self._tally.trips.add(time.monotonic() - sent_at)
        self._room.set()
        self._awake.set()

    def _refused(self, error: ErrorMessage) -> None:
        self._tally.said(error.message)
        if error.retry is True:
            details = {} if error.details is UNSET else error.details
            wait_s = max(GATHER_S, details.get("retry_after_ms", 1000) / 1000)
            self._resume_at = time.monotonic() + wait_s
            self.backlog.resend(slowly=True)
            self._awake.set()


def _reason(error: HTTPClientError) -> str:
    """Status and words of a refused upgrade."""
    body = error.response.body.decode(errors="replace").strip() if error.response else ""
    return f"HTTP {error.code}" + (f": {body[:200]}" if body else "")
