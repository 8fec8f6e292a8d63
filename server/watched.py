"""A store that tells how its work goes, so that its health is known without asking again and again."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from server.model.records import Change, Record
from server.stores import Brief, Failed, Head, Loaded, Refused, Store
from server.stores.entries import Entry
from server.stores.telemetry import TelemetryStore

T = TypeVar("T")


class WatchedStore:
    """Does what `store` does. An append that was answered is reported to `worked` with the seconds it took,
    a call that failed to `troubled`. What reads well proves nothing: the disk may be full.
    """

    def __init__(
        self, store: Store, worked: Callable[[float], None], troubled: Callable[[Exception], None]
    ) -> None:
        self._store = store
        self.shared = store.shared
        self._worked = worked
        self._troubled = troubled
        self.start, self.close = store.start, store.close
        self.ping = store.ping
        self.foretold: Callable[[str, Sequence[Change]], Awaitable[None]] | None = None
        """Called before changes are stored; what it raises is as if the store had raised it."""

    async def append(self, board: str, first: int, changes: Sequence[Change]) -> None:
        begun = time.monotonic()
        try:
            if self.foretold is not None:
                await self.foretold(board, changes)
            await self._store.append(board, first, changes)
        except Refused:
            self._worked(time.monotonic() - begun)
            raise
        except Failed as error:
            self._troubled(error)
            raise
        self._worked(time.monotonic() - begun)

    async def installation(self) -> str:
        return await self._heed(self._store.installation())

    async def load(self, board: str, recent: int) -> Loaded | None:
        return await self._heed(self._store.load(board, recent))

    async def read(self, board: str, after: int, limit: int) -> list[Change]:
        return await self._heed(self._store.read(board, after, limit))

    async def history(
        self,
        board: str,
        *,
        since: int | None,
        before: int | None,
        task: str | None,
        limit: int,
        skip: int = 0,
    ) -> list[Change]:
        return await self._heed(
            self._store.history(board, since=since, before=before, task=task, limit=limit, skip=skip)
        )

    async def count(self, board: str, *, since: int | None, before: int | None, task: str) -> int:
        return await self._heed(self._store.count(board, since=since, before=before, task=task))

    async def heads(self, boards: Collection[str]) -> dict[str, Head]:
        return await self._heed(self._store.heads(boards))

    async def names(self, board: str, names: Collection[str]) -> dict[str, int]:
        return await self._heed(self._store.names(board, names))

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        await self._heed(self._store.materialise(board, mark, records))

    async def mint_epoch(self, board: str, epoch: str) -> None:
        await self._heed(self._store.mint_epoch(board, epoch))

    async def boards(self) -> Mapping[str, Head]:
        return await self._heed(self._store.boards())

    async def board_ids(self) -> list[str]:
        return await self._heed(self._store.board_ids())

    async def briefs(self, boards: Collection[str]) -> dict[str, Brief]:
        return await self._heed(self._store.briefs(boards))

    async def entry(self, kind: str, key: str) -> Entry | None:
        return await self._heed(self._store.entry(kind, key))

    async def put_entry(
        self, kind: str, key: str, value: bytes, *, version: int, expires_at: int | None = None
    ) -> int:
        return await self._heed(
            self._store.put_entry(kind, key, value, version=version, expires_at=expires_at)
        )

    async def drop_entry(self, kind: str, key: str, *, version: int | None = None) -> None:
        await self._heed(self._store.drop_entry(kind, key, version=version))

    async def entries(
        self, kind: str, *, prefix: str = "", after: str = "", skip: int = 0, limit: int = 500
    ) -> list[Entry]:
        return await self._heed(self._store.entries(kind, prefix=prefix, after=after, skip=skip, limit=limit))

    async def count_entries(self, kind: str, *, prefix: str = "") -> int:
        return await self._heed(self._store.count_entries(kind, prefix=prefix))

    async def drop_expired(self, now_ms: int) -> None:
        await self._heed(self._store.drop_expired(now_ms))

    @property
    def telemetry(self) -> TelemetryStore:
        return self._store.telemetry

    @property
    def writes_waiting(self) -> int:
        return self._store.writes_waiting

    async def _heed(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except Failed as error:
            self._troubled(error)
            raise
