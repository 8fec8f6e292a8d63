"""The broker of many instances: Redis pub/sub (or Valkey's), one channel for each board.

Two links, each with a connection and a keeper of its own, so that neither waits for the other.

*Publishing.* `offer` puts a message into a queue (`queue_bytes`, counted with what each costs), a task sends
what has gathered as one pipeline of PUBLISHes (at most 256 KiB) and takes the answers before it sends the
next: when there is little to do a pipeline is one message. Nobody waits for it but the queue.

*Subscribing.* `subscribe` and `unsubscribe` change a set of wishes; a task brings the connection in line,
512 channels in one command. Each confirmation, expected or not, is told by `confirmed`. What has arrived is
handed on in one go, up to 100 messages, then the loop gets a turn.

A link is in one of these states, and `up` means that both are in the last:

- *connecting*: the name looked up, TCP, TLS, AUTH, SELECT, within `connect_s`. A name server that hangs
  holds a thread of the link's own, and nobody else;
- *greeting*: connected; publishing waits for the answer to a PUBLISH, subscribing for the confirmation of all
  channels that are wanted, so that a missing permission or a stopped server shows here;
- *working*; owes it no answer for `ping_s`, it is sent a PING;
- *down*: closed, refused, or silent. The next attempt comes after a random pause (full jitter: a part of
  `first_pause_s`, doubled with each failure up to `longest_pause_s`).

What happens when …

- **the server is stopped, or the network swallows everything**: an owed answer does not come for
  `silence_s`; the connection is aborted. Noticed ≤ `ping_s` + `silence_s` + a tick after (1.75 s). A server
  that is stopped before the greeting is noticed the same way. redis-py's own health check does not see it.
- **the connection is closed** (restart, CLIENT KILL, output buffer full because we are slow): both links read
  all the time and notice at once. All wanted channels are subscribed again and confirmed again.
- **the publishing link is down**: what is queued, and what was sent but not answered, is dropped and counted;
  so is what is offered until it works again. The hole in the log's numbers shows it to the others.
- **the queue is full**: the new message is dropped and counted.
- **login, permission or certificate are wrong**: as a link that is down, with that reason. The log gets one
  line when the broker goes down, one when the reason becomes one of another kind, one when it is up.
- **a message is for a channel no longer wanted, or of this broker itself**: it is not handed on. Each payload
  begins with 8 random bytes that name its broker.
- **close**: nothing is received from that moment on; what is queued may go out for `flush_s`.

Redis delivers PUBLISH across its databases; so that two installations on one server are kept apart by the
number in the URL, the channels of database 2 begin with `boardcast@2` instead of `boardcast`. Two that share
the number, too, are kept apart by the name that each has from its store: `boardcast.<name>:`. A user for it
needs little: `ACL SETUSER boardcast on >secret resetchannels &boardcast* +publish +subscribe +unsubscribe
+ping` (and `+select` for another database than 0).

Not supported: Redis Cluster and sharded pub/sub (`SSUBSCRIBE`), Sentinel.
"""

import asyncio
import itertools
import random
import secrets

import structlog

from server.brokers import Confirmed, Failed, Receive
from server.brokers.redis.address import Address
from server.brokers.redis.keeper import Keeper, Life
from server.brokers.redis.link import Link, LinkDown
from server.brokers.redis.publisher import Publisher
from server.brokers.redis.settings import Deadlines
from server.brokers.redis.subscriber import Subscriber
from server.metrics import Metrics

__all__ = ["Deadlines", "RedisBroker"]

log = structlog.stdlib.get_logger("broker")
DEFAULT_DEADLINES = Deadlines()


class RedisBroker:
    """`prefix` begins the names of all channels. Raises `Failed` for a URL that cannot be right."""

    def __init__(
        self,
        url: str,
        *,
        metrics: Metrics,
        rng: random.Random | None = None,
        queue_bytes: int = 8 * 1024 * 1024,
        prefix: str = "boardcast",
        deadlines: Deadlines = DEFAULT_DEADLINES,
    ) -> None:
        self._address = Address(url)
        self._deadlines = deadlines
        self._metrics = metrics
        self._rng = rng or random.Random()
        self._prefix = prefix if self._address.db == 0 else f"{prefix}@{self._address.db}"
        self._sender = secrets.token_bytes(8)
        self._publisher = Publisher(queue_bytes=queue_bytes, greeting=self._own)
        self._subscriber = Subscriber(self._own, self._sender, self._came_back)
        self._publishing = self._keeper("publish", self._publisher)
        self._subscribing = self._keeper("subscribe", self._subscriber)
        self._probes: dict[bytes, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._open = False
        self._logged: str | None = "not tried"

    def _keeper(self, link: str, life: Life) -> Keeper:
        return Keeper(
            Link(self._address, self._deadlines),
            life,
            changed=self._changed,
            lost=self._metrics.broker_links_lost(link),
            rng=self._rng,
            deadlines=self._deadlines,
        )

    # -- life

    def keep_apart(self, installation: str) -> None:
        self._prefix = f"{self._prefix}.{installation}" if installation else self._prefix
        self._publisher.greeting = self._subscriber.own = self._own

    async def start(self, receive: Receive, confirmed: Confirmed) -> None:
        """Returns when both links have been tried, after `connect_s` at the latest."""
        self._subscriber.tell(receive, confirmed)
        self._open = True
        self._tasks = [
            asyncio.create_task(keeper.run(), name=f"broker {name}")
            for name, keeper in (("publish", self._publishing), ("subscribe", self._subscribing))
        ]
        try:
            async with asyncio.timeout(self._deadlines.connect_s):
                await self._publishing.tried.wait()
                await self._subscribing.tried.wait()
        except TimeoutError:
            self._tell_log()
        except BaseException:  # whoever waits for the start has given up
            await self.close()
            raise

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._subscriber.forget_all()
        before = self.dropped
        try:
            async with asyncio.timeout(self._deadlines.flush_s):
                await self._publisher.flush()
        except TimeoutError:
            pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._fail_probes("the broker is closed")
        if self.dropped > before:
            log.warning("the broker is closed before all was sent", messages=self.dropped - before)

    # -- the broker

    def subscribe(self, channel: str) -> None:
        if self._open:
            self._subscriber.want(self._name(channel), channel)

    def unsubscribe(self, channel: str) -> None:
        if self._open:
            self._subscriber.unwant(self._name(channel))

    def reaches(self, channel: str) -> bool:
        """Always: who listens elsewhere is not known here."""
        return True

    def offer(self, channel: str, message: bytes) -> None:
        if self._open:
            self._publisher.offer(self._name(channel), self._sender + message)

    @property
    def _own(self) -> bytes:
        """The channel that only we listen to."""
        return f"{self._prefix}/{self._sender.hex()}".encode()

    def _name(self, channel: str) -> bytes:
        return f"{self._prefix}:{channel}".encode()

    @property
    def up(self) -> bool:
        return self._open and self._problem is None

    @property
    def dropped(self) -> int:
        return self._publisher.dropped

    # -- states

    @property
    def _problem(self) -> LinkDown | None:
        return self._publishing.problem or self._subscribing.problem

    def _changed(self) -> None:
        """A link was tried, works, or is down: probes need not wait any more, and the log may hear of it."""
        problem = self._problem
        if problem is not None:
            self._fail_probes(str(problem))
        if self._publishing.tried.is_set() and self._subscribing.tried.is_set():
            self._tell_log()

    def _tell_log(self) -> None:
        """One line for each change of state, not for each attempt."""
        problem = self._problem
        state = None if problem is None else problem.kind
        if not self._open or state == self._logged:
            return
        self._logged = state
        if problem is None:
            log.info("the broker is up", redis=self._address.shown)
        else:
            log.warning(
                "the broker is down; what others change comes by the store",
                redis=self._address.shown,
                reason=str(problem),
            )

    # -- probes

    async def probe(self) -> None:
        """Through the queue, as every message goes."""
        if not self._open:
            raise Failed("the broker is not started, or closed")
        if (problem := self._problem) is not None:
            raise Failed(str(problem))
        number = b"%d" % next(self._numbers)
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._probes[number] = back
        try:
            if not self._publisher.offer(self._own, number):
                raise Failed("the publishing queue is full: messages come faster than Redis takes them")
            async with asyncio.timeout(self._deadlines.probe_s):
                await back
        except TimeoutError:
            raise Failed(f"our own message did not come back within {self._deadlines.probe_s:g} s") from None
        finally:
            del self._probes[number]

    def _came_back(self, number: bytes) -> None:
        back = self._probes.get(number)
        if back is not None and not back.done():
            back.set_result(None)

    def _fail_probes(self, reason: str) -> None:
        for back in self._probes.values():
            if not back.done():
                back.set_exception(Failed(reason))
