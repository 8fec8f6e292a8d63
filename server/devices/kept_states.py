"""What rules have learnt of devices, and how far waiting tasks have come: in the store's entries, so that a
restart forgets nothing.

One entry for each device and rule, of kind `rule-state`, by `<board>/<device>/<rule>`; one for each task, of
kind `task-waiting`, by `<board>/<task>`. Nothing depends on them but patience: whether an alarm is on the log
says, and a state that was lost begins anew.
"""

from collections.abc import AsyncIterator, Mapping

import msgspec

from server.devices.rules import RuleState
from server.devices.waits import Waiting
from server.devices.watch import Key
from server.stores import Refused
from server.stores.entries import Entries, Entry

STATE, TASK = "rule-state", "task-waiting"
KEPT_MS = 30 * 86_400_000
"""A device that has not come back for so long is learnt anew."""
PAGE = 500


class KeptStates:
    """Methods raise `Failed` when the store does not answer. What cannot be read any more is left out."""

    def __init__(self, store: Entries) -> None:
        self._store = store
        self._versions: dict[tuple[str, str], int] = {}

    async def of(self, board: str, device: str = "") -> Mapping[Key, RuleState]:
        """The states that were kept of one device, or of all devices of the board."""
        found: dict[Key, RuleState] = {}
        async for entry in self._all(STATE, f"{board}/{device}/" if device else f"{board}/"):
            try:
                state = msgspec.msgpack.decode(entry.value, type=RuleState)
            except msgspec.MsgspecError:
                continue
            _, of, rule = entry.key.split("/")
            found[rule, of] = state
        return found

    async def tasks(self, board: str) -> Mapping[str, Waiting]:
        """The tasks of the board that wait for telemetry, and how far they had come."""
        found: dict[str, Waiting] = {}
        async for entry in self._all(TASK, f"{board}/"):
            try:
                found[entry.key.partition("/")[2]] = msgspec.msgpack.decode(entry.value, type=Waiting)
            except msgspec.MsgspecError:
                continue
        return found

    async def _all(self, kind: str, prefix: str) -> AsyncIterator[Entry]:
        last = ""
        while True:
            page = await self._store.entries(kind, prefix=prefix, after=last, limit=PAGE)
            for entry in page:
                self._versions[kind, entry.key] = entry.version
                yield entry
            if len(page) < PAGE:
                return
            last = page[-1].key

    async def keep(self, board: str, key: Key, state: RuleState, now: int) -> None:
        """Whoever keeps last is right: a device is with one instance at a time."""
        rule, device = key
        await self._put(STATE, f"{board}/{device}/{rule}", msgspec.msgpack.encode(state), now)

    async def keep_task(self, board: str, task: str, waiting: Waiting, now: int) -> None:
        """As `keep`."""
        await self._put(TASK, f"{board}/{task}", msgspec.msgpack.encode(waiting), now)

    async def _put(self, kind: str, name: str, value: bytes, now: int) -> None:
        version = self._versions.get((kind, name), 0)
        for _ in range(3):
            try:
                version = await self._store.put_entry(
                    kind, name, value, version=version, expires_at=now + KEPT_MS
                )
            except Refused:
                there = await self._store.entry(kind, name)
                version = 0 if there is None else there.version
                continue
            self._versions[kind, name] = version
            return

    async def drop(self, board: str, device: str) -> None:
        """The device is gone for good."""
        async for entry in self._all(STATE, f"{board}/{device}/"):
            await self._store.drop_entry(STATE, entry.key)
            self._versions.pop((STATE, entry.key), None)

    def forget(self, board: str) -> None:
        """The board is not watched here any more."""
        for name in [name for name in self._versions if name[1].startswith(f"{board}/")]:
            del self._versions[name]
