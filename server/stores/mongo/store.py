"""`MongoStore`: the `Store` protocol on a MongoDB that several instances share."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

import msgspec

from server.model.records import Change, Record
from server.stores import Brief, Failed, Head, Loaded
from server.stores.entries import Entry, checked, following
from server.stores.mongo import documents, schema
from server.stores.mongo.entries import Drawer
from server.stores.mongo.link import Link
from server.stores.mongo.loading import Loading
from server.stores.mongo.log import Log
from server.stores.mongo.shelves import AT_ONCE, Row, Shelves
from server.stores.mongo.telemetry import MongoTelemetry

log = logging.getLogger(__name__)


class MongoStore:
    """Boards in the database that `url` names in its path (`boardcast` when it names none).

    `url`: `mongodb://` or `mongodb+srv://`, with what the server needs: user, password, TLS, replica set.
    What decides about safety and time (concerns, retries, timeouts) is set here, whatever the URL says.
    `deadline_s`: how long a call may take before it raises `Failed`; `start` and `close` take what they need.
    """

    shared = True

    def __init__(self, url: str, *, deadline_s: float = 5.0) -> None:
        self._url = url
        self._deadline_s = deadline_s
        self._link: Link | None = None
        self._log: Log | None = None
        self._shelves: Shelves | None = None
        self._loading: Loading | None = None
        self._telemetry: MongoTelemetry | None = None

    async def start(self) -> None:
        """Raises `Failed` for a server that cannot be reached or written to, `TooNew`."""
        link = Link(self._url, self._deadline_s)
        try:
            abilities = await schema.prepare(link)
        except BaseException:
            await link.close()
            raise
        self._link, self._log, self._shelves = link, Log(link, abilities), Shelves(link)
        self._loading = Loading(link, self._log, self._shelves)
        self._telemetry = MongoTelemetry(link)

    @property
    def telemetry(self) -> MongoTelemetry:
        """What devices measured. Raises `Failed` before `start`."""
        if self._telemetry is None:
            raise Failed("the store is not open")
        return self._telemetry

    async def close(self) -> None:
        """Finish accepted writes, let go of the server."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def append(
        self, board: str, first: int, changes: Sequence[Change], *, trimmed: bool = False
    ) -> None:
        """See `Store.append`. Raises ValueError for changes that are not numbered from `first` on.

        `trimmed`: change 1 may have lost its content, and the epoch with it; one must be minted then.
        """
        if not changes:
            return
        entry = documents.entry(board, first, changes, trimmed=trimmed)
        link, entries, shelves = self._parts()
        async with link.in_time():
            if first == 1:
                await shelves.expect(board)
            await entries.append(entry)
        if entry.epoch is not None:
            await _begin(link, shelves, board, entry.epoch)

    async def load(self, board: str, recent: int) -> Loaded | None:
        if self._loading is None:
            raise Failed("the store is not open")
        return await self._loading.load(board, recent)

    async def read(self, board: str, after: int, limit: int) -> list[Change]:
        link, entries, _ = self._parts()
        async with link.in_time():
            return await entries.between(board, after, after + limit)

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
        link, entries, _ = self._parts()
        upward = since is not None
        async with link.in_time():
            if task is not None:
                found = await entries.touching(
                    board, task, after=since or 0, before=before, upward=upward, limit=skip + limit
                )
                return found[skip:]
            last = (await entries.heads([board])).get(board, 0)
            if before is not None:
                last = min(last, before - 1)
            if since is not None:
                since += skip
                return await entries.between(board, since, min(last, since + limit))
            last -= skip
            return (await entries.between(board, max(last - limit, 0), last))[::-1]

    async def count(self, board: str, *, since: int | None, before: int | None, task: str) -> int:
        link, entries, _ = self._parts()
        async with link.in_time():
            found = entries.touching(board, task, after=since or 0, before=before, upward=True)
            return len(await found)

    async def heads(self, boards: Collection[str]) -> dict[str, Head]:
        if not boards:
            return {}
        link, entries, shelves = self._parts()
        async with link.in_time():
            wanted = list(boards)
            rows, seqs = await asyncio.gather(shelves.rows(wanted, whole=False), entries.heads(wanted))
            return await self._heads(rows, seqs)

    async def boards(self) -> Mapping[str, Head]:
        link, entries, shelves = self._parts()
        async with link.in_time():
            rows = await shelves.rows(None, whole=False)
            wanted = None if entries.knows_all else [row.board for row in rows]
            return await self._heads(rows, await entries.heads(wanted))

    async def board_ids(self) -> list[str]:
        """A board that has an epoch has a log. One without may be about to be created: its log is asked."""
        link, entries, shelves = self._parts()
        async with link.in_time():
            rows = await shelves.rows(None, whole=False)
            begun = await entries.epochs([row.board for row in rows if row.epoch is None])
        return [row.board for row in rows if row.epoch is not None or row.board in begun]

    async def briefs(self, boards: Collection[str]) -> dict[str, Brief]:
        """First the records, then the heads: what is written in between shows as a head beyond the mark."""
        if not boards:
            return {}
        link, entries, shelves = self._parts()
        async with link.in_time():
            rows = await shelves.rows(list(boards))
            heads = await self._heads(rows, await entries.heads(boards))
        known = {row.board: row for row in rows}
        empty = Row("", None, 0, {})
        return {
            board: Brief(head, (row := known.get(board, empty)).mark, documents.board_of(board, row.document))
            for board, head in heads.items()
        }

    async def _heads(self, rows: Sequence[Row], seqs: Mapping[str, int]) -> dict[str, Head]:
        """In the order of `rows`, as far as there are any; then those that only have a log."""
        known = {row.board: row for row in rows}
        ordered = [
            known.get(board) or Row(board, None, 0, {})
            for board in dict.fromkeys([*known, *seqs])
            if board in seqs
        ]
        epochs = await self._epochs(ordered)
        return {row.board: Head(epochs[row.board], seqs[row.board]) for row in ordered}

    async def _epochs(self, rows: Sequence[Row]) -> dict[str, str]:
        _, entries, _ = self._parts()
        first = await entries.epochs([row.board for row in rows if row.epoch is None])
        return {row.board: row.epoch or first.get(row.board, "") for row in rows}

    async def names(self, board: str, names: Collection[str]) -> dict[str, int]:
        if not names:
            return {}
        link, entries, _ = self._parts()
        async with link.in_time():
            return await entries.names(board, names)

    async def materialise(self, board: str, mark: int, records: Sequence[Record]) -> None:
        """See `Store.materialise`. Each hundred records have `deadline_s` of their own."""
        link, entries, shelves = self._parts()
        async with link.in_time():
            head = (await entries.heads([board])).get(board, 0)
        if head < mark:
            # Records may not be ahead of the log.
            raise Failed(
                f"the log of board {board} ends at {head}, before {mark}: an older copy was put back"
            )
        own, others = documents.newest(records)
        for record in own:
            async with link.in_time():
                await shelves.write_board(board, record, msgspec.to_builtins(record))
        for _, kind in groupby(sorted(others, key=documents.shelf), key=documents.shelf):
            kept = list(kind)
            for start in range(0, len(kept), AT_ONCE):
                async with link.in_time():
                    await shelves.write(board, kept[start : start + AT_ONCE])
        async with link.in_time():
            await shelves.raise_mark(board, mark)

    async def mint_epoch(self, board: str, epoch: str) -> None:
        link, _, shelves = self._parts()
        async with link.in_time():
            await shelves.set_epoch(board, epoch)

    async def entry(self, kind: str, key: str) -> Entry | None:
        checked(kind, key)
        link, _, _ = self._parts()
        async with link.in_time():
            return await Drawer(link).find(kind, key)

    async def put_entry(
        self, kind: str, key: str, value: bytes, *, version: int, expires_at: int | None = None
    ) -> int:
        checked(kind, key)
        entry = Entry(key, value, following(version), expires_at)
        link, _, _ = self._parts()
        async with link.in_time():
            await Drawer(link).put(kind, entry, version)
        return entry.version

    async def drop_entry(self, kind: str, key: str, *, version: int | None = None) -> None:
        checked(kind, key)
        link, _, _ = self._parts()
        async with link.in_time():
            await Drawer(link).drop(kind, key, version)

    async def entries(
        self, kind: str, *, prefix: str = "", after: str = "", skip: int = 0, limit: int = 500
    ) -> list[Entry]:
        link, _, _ = self._parts()
        async with link.in_time():
            return await Drawer(link).find_all(kind, prefix, after, skip, limit)

    async def count_entries(self, kind: str, *, prefix: str = "") -> int:
        link, _, _ = self._parts()
        async with link.in_time():
            return await Drawer(link).count(kind, prefix)

    async def drop_expired(self, now_ms: int) -> None:
        link, _, _ = self._parts()
        async with link.in_time():
            await Drawer(link).drop_expired(now_ms)

    async def installation(self) -> str:
        link, _, _ = self._parts()
        return await schema.installation(link)

    async def ping(self) -> None:
        link, _, _ = self._parts()
        await schema.touch(link)

    @property
    def writes_waiting(self) -> int:
        """Exchanges of appends that wait for a thread, or for the server."""
        return 0 if self._link is None else self._link.writes_waiting

    def _parts(self) -> tuple[Link, Log, Shelves]:
        if self._link is None or self._log is None or self._shelves is None:
            raise Failed("the store is not open")
        return self._link, self._log, self._shelves


async def _begin(link: Link, shelves: Shelves, board: str, epoch: str) -> None:
    """For speed only: without it the epoch is read from change 1."""
    try:
        async with link.in_time():
            await shelves.begin(board, epoch)
    except Failed as error:
        log.info("the epoch of the new board %s will be read from its log: %s", board, error)
