"""What one board's watch knows from before: how far its devices' readings go, and what was kept of states."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from server.devices.kept_states import KeptStates
from server.devices.watch import Key, Watch
from server.document import BoardState
from server.model.telemetry import Heard

KEPT_AT_ONCE = 50
"""States that are written together."""


class Ears(Protocol):
    """Who knows what devices have sent, to any instance. May raise `Failed`."""

    async def __call__(self, board: str, devices: Sequence[str]) -> Sequence[Heard]: ...


class Memory:
    """Every method but `apply` may raise `Failed`."""

    def __init__(self, board: str, watch: Watch, ears: Ears, kept: KeptStates) -> None:
        self._board = board
        self._watch = watch
        self._ears = ears
        self._kept = kept

    async def begin(self, state: BoardState, now: int) -> None:
        """Before anything is watched: how far the readings of all devices go."""
        devices = [device.id for device in state.sorted_devices()]
        self._watch.newest.know(await self._ears(self._board, devices))

    async def lend(self, state: BoardState, now: int) -> None:
        """What had begun when the states were kept goes on here, also while no device comes in."""
        watch = self._watch
        for key, kept in (await self._kept.of(self._board)).items() if watch.needs_points else ():
            if kept.alarm.since >= 0:
                watch.take_back(key, kept, state, now, lent=True)
        for task, waiting in (await self._kept.tasks(self._board)).items() if watch.waits.tasks else ():
            watch.waits.take_back(task, waiting, watch.newest, now)

    async def device(self, state: BoardState, device: str, now: int) -> None:
        """What is known of a device that comes in."""
        self._watch.newest.know(await self._ears(self._board, [device]))
        for key, kept in (await self._kept.of(self._board, device)).items():
            self._watch.take_back(key, kept, state, now)

    async def heard(self, state: BoardState, keys: Sequence[Key]) -> dict[Key, Heard]:
        """The newest of the metric of each of these that there is anything of."""
        told = await self._ears(self._board, sorted({device for _, device in keys}))
        by = {(one.device, one.metric): one for one in told}
        metrics = {rule: state.rules[rule].metric for rule, _ in keys if rule in state.rules}
        return {key: one for key in keys if (one := by.get((key[1], metrics.get(key[0], "")))) is not None}

    async def keep(self, now: int) -> None:
        """Write down what was learnt."""
        watch = self._watch
        states, watch.changed = list(watch.changed), set()
        tasks, watch.waits.changed = list(watch.waits.changed), set()
        try:
            while states:
                some = states[-KEPT_AT_ONCE:]
                await asyncio.gather(*(self._keep(key, now) for key in some))
                del states[-len(some) :]
            while tasks:
                await self._keep_task(tasks[-1], now)
                del tasks[-1]
        finally:
            watch.changed.update(states)
            watch.waits.changed.update(tasks)

    async def _keep(self, key: Key, now: int) -> None:
        state = self._watch.states.get(key)
        if state is not None:
            await self._kept.keep(self._board, key, state, now)

    async def _keep_task(self, task: str, now: int) -> None:
        waiting = self._watch.waits.tasks.get(task)
        if waiting is not None:
            await self._kept.keep_task(self._board, task, waiting, now)
