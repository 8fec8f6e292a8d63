"""Between an MQTT broker and the devices of the boards: its life, and the way of a message.

    message ─ topic ─ payload ─ lane of its device ─ admitted? ─ ingest, as for HTTP and sockets ─ PUBACK
    command ─ queue ─ PUBLISH to the device's topic

States: *connecting*, *working*, *down*: the next attempt comes after a random part of a bound that doubles
with each failure (full jitter). Away or wrong it harms nothing but itself; `problem` says what is wrong, for
`/readyz`.

Whose a message is, the topic alone says: there is no token. The broker's accounts decide who publishes where.
"""

import asyncio
import math
import random
import secrets
from collections.abc import Callable

import structlog

from server.boards.registry import Boards
from server.devices.desk import Line
from server.devices.ingest import Ingest
from server.devices.lanes import Answer
from server.devices.mqtt.lanes import Lanes
from server.devices.mqtt.link import KEEPALIVE_S, Incoming, Link
from server.devices.mqtt.payloads import readings, result
from server.devices.mqtt.reach import Reach
from server.devices.mqtt.settings import Failed, MqttSettings
from server.devices.source import Source
from server.errors import BoardcastError, MessageTooBig
from server.hub import Hub
from server.metrics import Metrics
from server.model.device_messages import CommandResult
from server.model.messages import User
from server.wire.devices import Telling

log = structlog.stdlib.get_logger("mqtt")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HELD_S = 10.0
"""A connection that held for so long was a good one: the next attempt comes soon. Two of one name, who drive
each other out, do not get there."""
FLUSH_S = 2.0
"""How long `close` lets what was received be stored."""
SWEEP_S = 1.0


class Bridge:
    """`start` it on a running loop, `close` it once. Raises `Failed` for settings that cannot be right."""

    def __init__(
        self,
        settings: MqttSettings,
        ingest: Ingest,
        boards: Boards,
        hub: Hub,
        *,
        metrics: Metrics,
        clock: Callable[[], int],
        rng: random.Random | None = None,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        self._settings, self._ingest, self._boards, self._hub = settings, ingest, boards, hub
        self._metrics, self._clock = metrics, clock
        self._rng = rng or random.Random()
        self._keepalive_s = keepalive_s
        self._topics = settings.topics
        self._run = secrets.token_hex(4)
        self._reach = Reach(self, self._topics, settings.idle_s, metrics.mqtt_commands_dropped)
        self._lanes = Lanes(self, most=settings.pending_messages)
        self._bound_s = FIRST_PAUSE_S
        self._since = math.inf  # when the connection began to work
        self._tasks: list[asyncio.Task[None]] = []
        self.problem: str | None = "not connected yet"
        self._logged: str | None = ""
        settings.check()

    # -- life

    def start(self) -> None:
        """Connect, now and whenever it is needed. A broker that is away is no failure."""
        self._tasks = [
            asyncio.create_task(self._stay_connected(), name="mqtt"),
            asyncio.create_task(self._sweep(), name="mqtt sweep"),
        ]

    async def close(self) -> None:
        """Receive nothing more; what was received may be stored. Idempotent."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            await self._lanes.close(FLUSH_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._reach.cut()

    def problem_now(self) -> str | None:
        """Why messages would not arrive; None: they would."""
        return self.problem

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._since = math.inf
            try:
                async with Link(self._settings, self._received, keepalive_s=self._keepalive_s) as link:
                    await link.subscribe(self._topics.filters)
                    self._working()
                    await self._live(link)
            except Failed as error:
                self._is_down(str(error))
            except Exception:
                log.exception("the mqtt connection failed")
                self._is_down("internal error")
            finally:
                self._reach.cut()
            if loop.time() - self._since >= HELD_S:
                self._bound_s = FIRST_PAUSE_S
            await asyncio.sleep(self._rng.uniform(0, self._bound_s))
            self._bound_s = min(2 * self._bound_s, LONGEST_PAUSE_S)

    async def _live(self, link: Link) -> None:
        """Until it ends; always raises."""
        publishing = asyncio.create_task(self._publish(link), name="mqtt publish")
        ending = asyncio.create_task(link.ended(), name="mqtt end")
        try:
            await asyncio.wait([publishing, ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (publishing, ending):
                task.cancel()
            ends = await asyncio.gather(publishing, ending, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _working(self) -> None:
        self.problem = None
        self._since = asyncio.get_running_loop().time()
        self._metrics.mqtt_connected.value = 1
        if self._logged is not None:
            self._logged = None
            log.info("mqtt is up", broker=self._settings.shown, topics=self._topics.filters)

    def _is_down(self, reason: str) -> None:
        self.problem = reason
        self._metrics.mqtt_connected.value = 0
        if self._logged != reason:
            self._logged = reason
            log.warning("mqtt is down; it is tried again", broker=self._settings.shown, reason=reason)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._reach.sweep(asyncio.get_running_loop().time())

    async def _publish(self, link: Link) -> None:
        while True:
            order = await self._reach.order()
            left_ms = None if order.expires_at is None else order.expires_at - self._clock()
            if left_ms is None or left_ms > 0:
                expires_s = None if left_ms is None else left_ms // 1000 + 1
                await link.publish(order.topic, order.payload, expires_s=expires_s)
                self._metrics.mqtt_commands_published.value += 1
            self._reach.published()

    # -- a message

    def _received(self, message: Incoming) -> None:
        """Never raises."""
        try:
            outcome = self._take(message)
        except BoardcastError as error:
            log.debug("mqtt message refused", topic=message.topic[:200], reason=error.message)
            outcome = "refused"
        except Exception:
            log.exception("an mqtt message failed", topic=message.topic[:200])
            outcome = "refused"
        if outcome is not None:
            self.count(outcome)
            message.done()

    def _take(self, message: Incoming) -> str | None:
        """What became of it; None: it is on its way."""
        found = self._topics.match(message.topic)
        if found is None:
            return "unknown"
        if message.retained:
            return "retained"
        if len(message.payload) > self._settings.most_bytes:
            raise MessageTooBig(self._settings.most_bytes)
        told: Telling | CommandResult
        if found.kind == "results":
            told = result(message.payload)
        else:
            told = readings(message.payload, found.metric, self._clock())
        self._lanes.put((found.board, found.device), told, message.done, kept=message.qos > 0)
        return None

    # -- what lanes and reach need

    async def admit(self, board: str, device: str) -> tuple[Source, str]:
        """See `Gate`."""
        name = device
        if self._ingest.desk is not None:
            name = await self._ingest.desk.admit(board, device)
        return await self._ingest.source(board, device), name

    def heard(self, board: str, device: str, name: str) -> None:
        """See `Gate`."""
        self._reach.heard(board, device, name, asyncio.get_running_loop().time())

    def offer(self, source: Source, told: Telling, answer: Answer) -> None:
        """See `Gate`."""
        self._ingest.offer(source, told, answer)

    def settled(self, board: str, device: str, result: CommandResult) -> None:
        """See `Gate`."""
        if self._ingest.desk is not None:
            self._ingest.desk.settled(board, device, result)

    def count(self, outcome: str) -> None:
        """See `Gate`."""
        self._metrics.mqtt_messages_received(outcome).value += 1

    def arrived(self, board: str, device: str, name: str, line: Line) -> None:
        """See `Hall`. The device is among the people of its board, which stays in memory."""
        self._boards.hold(board)
        self._hub.people.join(board, self._session(device), User(device, name), "device")
        self._metrics.mqtt_devices_reachable.value += 1
        if self._ingest.desk is not None:
            self._ingest.desk.arrived(board, device, line)

    def left(self, board: str, device: str, line: Line) -> None:
        """See `Hall`."""
        self._metrics.mqtt_devices_reachable.value -= 1
        self._hub.people.leave(board, self._session(device))
        self._boards.release(board)
        if self._ingest.desk is not None:
            self._ingest.desk.left(board, device, line)

    def _session(self, device: str) -> str:
        """Names its presence by MQTT; no socket has such a name."""
        return f"m_{self._run}_{device}"
