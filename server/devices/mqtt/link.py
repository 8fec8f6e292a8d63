"""One connection to the MQTT broker. aiomqtt and paho, their exceptions too, stay in here.

A message of QoS 1 is acknowledged when it was dealt with, not when it came: what was not stored when this
process dies, the broker sends again. aiomqtt 2.5 has no words for that; the client of paho inside it does.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import cast

import aiomqtt
from msgspec import Struct
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from server.devices.mqtt.acks import Acks
from server.devices.mqtt.settings import Failed, MqttSettings

KEEPALIVE_S = 10
"""A broker that says nothing is asked after so long, and given up after twice that."""
ANSWER_S = 5.0
SESSION_S = 86_400
"""How long the broker keeps messages for an instance that is away (MQTT 5)."""
REFUSED = 0x80
"""Reason codes from here on are refusals."""
HEADERS_BYTES = 4096
"""Of a message, beside its payload."""
NO_RETAINED = 2
"""Of a subscription: what was kept at the topic from before is not sent."""

logger = logging.getLogger("boardcast.mqtt")
logger.setLevel(logging.CRITICAL)  # what goes wrong is told by the part that knows what it means


class Incoming(Struct, frozen=True):
    """A message. Call `done` once it was dealt with, whatever came of it."""

    topic: str
    payload: bytes
    qos: int
    retained: bool
    done: Callable[[], None]


Receive = Callable[[Incoming], None]
"""Must not raise, must not wait."""


class Link:
    """`async with`: open. Raises `Failed`, as every method does, when it cannot be, or is no longer."""

    def __init__(self, settings: MqttSettings, receive: Receive, *, keepalive_s: int = KEEPALIVE_S) -> None:
        self._settings = settings
        self._receive = receive
        self._acks = Acks()
        self._open = False
        host, port = settings.address
        v5 = settings.protocol == "v5"
        kept = bool(settings.client_id)
        self._client = aiomqtt.Client(
            host,
            port,
            username=settings.username or None,
            password=settings.password or None,
            identifier=settings.client_id or None,
            protocol=aiomqtt.ProtocolVersion.V5 if v5 else aiomqtt.ProtocolVersion.V311,
            clean_start=not kept if v5 else 3,  # 3: not said, as before MQTT 5
            clean_session=None if v5 else not kept,
            properties=_connect_properties(settings) if v5 else None,
            tls_context=settings.tls,
            keepalive=keepalive_s,
            timeout=ANSWER_S,
            logger=logger,
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", partial(_Tap, self._arrived)),
        )
        self._v5 = v5
        self._client._client.manual_ack_set(True)

    async def __aenter__(self) -> "Link":
        try:
            await self._client.__aenter__()
        except (aiomqtt.MqttError, ValueError) as error:
            raise Failed(f"no connection: {error}") from error
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        with suppress(aiomqtt.MqttError, OSError):  # it is gone, which is what we want
            await self._client.__aexit__(None, None, None)

    async def subscribe(self, filters: list[str]) -> None:
        """To all of them."""
        share = f"$share/{self._settings.share}/" if self._settings.share else ""
        names = [share + name for name in filters]
        try:
            if self._v5:
                options = SubscribeOptions(qos=self._settings.qos, retainHandling=NO_RETAINED)
                answers = await self._client.subscribe([(name, options) for name in names])
            else:
                answers = await self._client.subscribe([(name, self._settings.qos) for name in names])
        except aiomqtt.MqttError as error:
            raise Failed(f"cannot subscribe: {error}") from error
        for name, answer in zip(names, answers, strict=True):
            code = answer.value if isinstance(answer, ReasonCode) else answer
            if not isinstance(code, int) or code >= REFUSED:
                raise Failed(f"the broker refuses the subscription to {name}: {answer}")

    async def publish(self, topic: str, payload: bytes, *, expires_s: int | None) -> None:
        """Once the broker has it. `expires_s`: after that it is worth nothing."""
        properties = None
        if self._v5 and expires_s is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expires_s
        try:
            await self._client.publish(topic, payload, qos=1, properties=properties)
        except (aiomqtt.MqttError, ValueError) as error:
            raise Failed(f"cannot publish: {error}") from error

    async def ended(self) -> None:
        """Wait for the end; always raises `Failed`."""
        try:
            async for _ in self._client.messages:
                pass  # never: they are taken before they get there
        except aiomqtt.MqttError as error:
            raise Failed(f"connection lost: {error.__cause__ or error}") from error

    # -- receiving

    def _arrived(self, message: aiomqtt.Message) -> None:
        mid, qos = message.mid, message.qos
        if qos:
            self._acks.received(mid)
        done = partial(self._done, mid) if qos else _nothing
        self._receive(Incoming(str(message.topic), message.payload, qos, message.retain, done))

    def _done(self, mid: int) -> None:
        if self._open:
            for ready in self._acks.done(mid):
                self._client._client.ack(ready, 1)


def _nothing() -> None:
    """QoS 0 wants no answer."""


def _connect_properties(settings: MqttSettings) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_S if settings.client_id else 0
    properties.ReceiveMaximum = min(settings.pending_messages, 65_535)
    properties.MaximumPacketSize = settings.most_bytes + HEADERS_BYTES
    return properties


class _Tap(asyncio.Queue[aiomqtt.Message]):
    """Stands where aiomqtt keeps messages until they are asked for: they are handed on at once."""

    def __init__(self, arrived: Callable[[aiomqtt.Message], None], maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self._arrived = arrived

    def put_nowait(self, item: aiomqtt.Message) -> None:
        self._arrived(item)
