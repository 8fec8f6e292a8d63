"""Plays a script on a cluster: each fault begins when its time has come, and heals itself."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from tests.cluster.faults import Step
from tests.cluster.history import History, Wrong
from tests.cluster.instance import Instance
from tests.cluster.pubsub import Messages
from tests.services.mongo import MongoServer
from tests.services.proxy import REPLIES, Proxy
from tests.services.redis import RedisServer

Service = RedisServer | MongoServer
STALLED_S = 3.0
"""The next fault comes after so long without the acks that it waits for: a standstill must not last."""
STOP_S = 30.0
"""A graceful stop that takes longer, with a store that answers, is none."""


class Ways:
    """The proxies of one instance: to Redis and to the store. `share`: of pub/sub messages that are lost."""

    def __init__(self, redis: tuple[str, int], store: tuple[str, int], rng: random.Random) -> None:
        self.share = 0.0
        self.redis_turn, self.store_turn = asyncio.Lock(), asyncio.Lock()
        self._rng = rng
        self.redis = Proxy(redis, lambda: Messages(self._copies))
        self.store = Proxy(store)

    def _copies(self) -> int:
        """Where some are lost a few come twice."""
        if not self.share:
            return 1
        luck = self._rng.random()
        return 0 if luck < self.share else 2 if luck > 0.95 else 1


class Player:
    """`play` returns when every fault has healed. `played`: how many of each kind there were."""

    def __init__(
        self,
        instances: Sequence[Instance],
        ways: Sequence[Ways],
        services: Mapping[str, Service],
        history: History,
    ) -> None:
        self.played: Counter[str] = Counter()
        self._instances = instances
        self._ways = ways
        self._services = services
        self._service_turns = {name: asyncio.Lock() for name in services}
        self._history = history

    async def play(self, script: Sequence[Step]) -> None:
        async with asyncio.TaskGroup() as group:
            for step in script:
                await self._history.until(partial(self._is_due, step), STALLED_S)
                group.create_task(self._befall(step))

    def _is_due(self, step: Step) -> bool:
        return self._history.acked >= step.after

    async def _befall(self, step: Step) -> None:
        who, _, what = step.kind.partition(" ")
        if what in ("redis", "store") and who in ("restart", "stop"):
            turn, fault = self._service_turns[what], self._service_fails
        elif what in ("redis", "messages"):
            turn, fault = self._ways[step.instance].redis_turn, self._way_to_redis_fails
        elif what:
            turn, fault = self._ways[step.instance].store_turn, self._way_to_store_fails
        else:
            turn, fault = self._instances[step.instance].turn, self._instance_fails
        async with turn:
            self._history.note(str(step))
            await fault(step)
            self._history.note(f"{step.kind}, instance {step.instance}, is over")
        self.played[step.kind] += 1

    async def _instance_fails(self, step: Step) -> None:
        instance = self._instances[step.instance]
        if step.kind == "stop":
            instance.pause()
            await asyncio.sleep(step.lasts_s)
            instance.resume()
            return
        if step.kind == "terminate":
            await self.terminate(instance)
        else:
            await instance.kill()
        await asyncio.sleep(step.lasts_s)
        await instance.start()

    async def terminate(self, instance: Instance) -> None:
        """A graceful stop, which must be one."""
        try:
            async with asyncio.timeout(STOP_S):
                code = await instance.terminate()
        except TimeoutError:
            await instance.kill()
            self._history.tell(self._history.script, Wrong(f"{instance.name} did not stop in {STOP_S} s"))
        else:
            if code:
                self._history.tell(self._history.script, Wrong(f"{instance.name} stopped with {code}"))

    async def _service_fails(self, step: Step) -> None:
        fault, _, name = step.kind.partition(" ")
        service = self._services[name]
        if fault == "stop":
            service.hold()
            await asyncio.sleep(step.lasts_s)
            service.go_on()
            return
        await asyncio.to_thread(service.kill)
        await asyncio.sleep(step.lasts_s)
        await asyncio.to_thread(service.start)

    async def _way_to_redis_fails(self, step: Step) -> None:
        ways = self._ways[step.instance]
        if step.kind == "drop messages":
            ways.share = 0.2 + 0.8 * step.amount
            await asyncio.sleep(step.lasts_s)
            ways.share = 0.0
            return
        await _fail(ways.redis, step)

    async def _way_to_store_fails(self, step: Step) -> None:
        await _fail(self._ways[step.instance].store, step)


async def _fail(way: Proxy, step: Step) -> None:
    match step.kind.partition(" ")[0]:
        case "cut":
            way.refuse()
            way.cut()
        case "delay":
            way.delay(0.01 + step.amount * 0.3)
        case "throttle":
            way.throttle(20_000 + step.amount * 200_000)
        case "halve":
            way.cut_in_reply(1 + int(step.amount * 5))
        case "lose" if step.kind == "lose answers":
            way.lose(REPLIES)
        case "lose":
            way.lose()
    await asyncio.sleep(step.lasts_s)
    way.heal()
