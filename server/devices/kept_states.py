"""What rules have learnt of devices, kept in the store's entries, so that a restart does not forget it.

One entry for each device and rule, of kind `rule-state`, by `<board>/<device>/<rule>`. Nothing depends on it
but patience: whether an alarm is on the log says, and a state that was lost begins anew.
"""

from collections.abc import Mapping

import msgspec

from server.devices.rules import RuleState
from server.devices.watch import Key
from server.stores import Refused
from server.stores.entries import Entries

KIND = "rule-state"
KEPT_MS = 30 * 86_400_000
"""A device that has not come back for so long is learnt anew."""
PAGE = 500


class KeptStates:
    """Methods raise `Failed` when the store does not answer."""

    def __init__(self, store: Entries) -> None:
        self._store = store
        self._versions: dict[str, int] = {}

    async def of(self, board: str, device: str) -> Mapping[Key, RuleState]:
        """The states that were kept of one device; those that cannot be read any more are left out."""
        prefix = f"{board}/{device}/"
        found: dict[Key, RuleState] = {}
        for entry in await self._store.entries(KIND, prefix=prefix, limit=PAGE):
            self._versions[entry.key] = entry.version
            try:
                state = msgspec.msgpack.decode(entry.value, type=RuleState)
            except msgspec.MsgspecError:
                continue
            found[entry.key.removeprefix(prefix), device] = state
        return found

    async def keep(self, board: str, key: Key, state: RuleState, now: int) -> None:
        """Whoever keeps last is right: a device is with one instance at a time."""
        rule, device = key
        name, value = f"{board}/{device}/{rule}", msgspec.msgpack.encode(state)
        version = self._versions.get(name, 0)
        for _ in range(3):
            try:
                version = await self._store.put_entry(
                    KIND, name, value, version=version, expires_at=now + KEPT_MS
                )
            except Refused:
                there = await self._store.entry(KIND, name)
                version = 0 if there is None else there.version
                continue
            self._versions[name] = version
            return

    def forget(self, board: str) -> None:
        """The board is not watched here any more."""
        for name in [name for name in self._versions if name.startswith(f"{board}/")]:
            del self._versions[name]
