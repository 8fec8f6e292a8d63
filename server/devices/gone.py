"""Devices that were deleted, and what is still to be done about them: their telemetry is forgotten.

A deleted device may be brought back (`device.restore`), so it keeps what it has for `RESTORABLE_MS`. Which
ones wait is kept in the store's entries, of kind `device-gone`, by `<board>/<device>`, with the time. Each
is written before the log holds the deletion: a device is rather noted for nothing than forgotten about.
Whether it is deleted says the board, once the time is over. Each step may be done twice, by this instance or
another.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from msgspec import UNSET

from server.boards.registry import Boards
from server.devices.kept_states import KeptStates
from server.devices.tokens import Tokens
from server.errors import Unavailable
from server.model.records import Change
from server.stores import Failed, Refused, Store
from server.stores.entries import Entry
from server.stores.telemetry import TelemetryStore

log = structlog.stdlib.get_logger("devices")
KIND = "device-gone"
RESTORABLE_MS = 7 * 86_400_000
PAGE = 500
AT_ONCE = 50
"""Batches that are dropped in one write, as in `upkeep`."""
PAUSE_S = 0.02
LOOK_S = 600.0


class NotedGone:
    """Methods raise `Failed` when the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def before(self, board: str, changes: Sequence[Change]) -> None:
        """Changes are about to be stored."""
        for change in changes:
            if change.op == "device.delete" and change.set is not UNSET and change.set.devices is not UNSET:
                for device in change.set.devices:
                    await self._note(f"{board}/{device}", change.at)

    async def _note(self, key: str, at: int) -> None:
        there = await self._store.entry(KIND, key)
        with suppress(Refused):  # another instance has noted it just now
            version = 0 if there is None else there.version
            await self._store.put_entry(KIND, key, str(at).encode(), version=version)

    async def over(self, now: int) -> list[Entry]:
        """Those that were deleted so long ago that nobody brings them back any more."""
        found: list[Entry] = []
        last = ""
        while True:
            page = await self._store.entries(KIND, after=last, limit=PAGE)
            found += [entry for entry in page if int(entry.value) <= now - RESTORABLE_MS]
            if len(page) < PAGE:
                return found
            last = page[-1].key

    async def done(self, entry: Entry) -> None:
        """Unless it was deleted once more meanwhile."""
        with suppress(Refused):
            await self._store.drop_entry(KIND, entry.key, version=entry.version)


class Forgetting:
    """`telemetry` raises `Failed` while there is no store; `forgotten`: called for each device that is gone
    for good; `clock`: milliseconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        boards: Boards,
        tokens: Tokens,
        telemetry: Callable[[], TelemetryStore],
        forgotten: Callable[[str, str], None],
        clock: Callable[[], int],
    ) -> None:
        self._noted = NotedGone(store)
        self._kept = KeptStates(store)
        self._boards = boards
        self._tokens = tokens
        self._telemetry = telemetry
        self._forgotten = forgotten
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="deleted devices")

    async def stop(self) -> None:
        """Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self) -> None:
        while True:
            try:
                await self.step()
            except (Failed, Unavailable) as error:
                log.info("deleted devices wait for the store", reason=str(error))
            except Exception:
                log.exception("deleted devices could not be forgotten; it is tried again")
            await asyncio.sleep(LOOK_S)

    async def step(self) -> None:
        """All that is due now. Raises `Failed`, `Unavailable`."""
        for entry in await self._noted.over(self._clock()):
            board, _, device = entry.key.partition("/")
            if await self._is_deleted(board, device):
                await self._forget(board, device)
            await self._noted.done(entry)

    async def _is_deleted(self, board: str, device: str) -> bool:
        live = self._boards.hold(board)
        try:
            await live.ready()
            return live.state.device(device) is None
        finally:
            self._boards.release(board)

    async def _forget(self, board: str, device: str) -> None:
        await self._tokens.revoke(board, device)
        await self._kept.drop(board, device)
        dropped = 1
        while dropped:
            dropped = await self._telemetry().forget(board, device, AT_ONCE)
            await asyncio.sleep(PAUSE_S)
        self._forgotten(board, device)
        log.info("what a deleted device had sent is forgotten", board=board, device=device)
