"""The log: appends, heads, names and all that is read of changes."""

import asyncio
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from pymongo import ASCENDING, DESCENDING

from server.model.records import Change
from server.stores import Failed, Refused
from server.stores.mongo.documents import Document, Entry, changes_of, log_id
from server.stores.mongo.failures import Duplicate
from server.stores.mongo.link import Lane, Link
from server.stores.mongo.names import Known
from server.stores.mongo.schema import Abilities, newest_of

PAGE = 1024
"""Changes per query: a millisecond or two of decoding between two turns of the loop."""
NAMES_PAGE = 4096
"""Changes whose names are read at once."""
TASK_PAGE = 16
"""Documents at once when looking for what touched a task."""
MOST_KNOWN = 20_000
"""Boards of which it is remembered where their log ends."""
FORWARD = [("board", DESCENDING), ("last", ASCENDING)]
BACKWARD = [("board", ASCENDING), ("last", DESCENDING)]


class Log:
    """Methods run inside `Link.in_time` and raise `Failed`."""

    def __init__(self, link: Link, abilities: Abilities) -> None:
        self._link = link
        self._abilities = abilities
        self._entries = link.collection("log")
        self._parts = link.collection("parts")
        self._ends: dict[str, int] = {}  # a number with which a document ends, as seen in this era
        self._known = None if abilities.unique_names else Known()
        self._sure: set[str] = set()  # boards of which what is `_known` was compared with the log in this era
        self._seen_era = link.era

    # -- appending

    async def append(self, entry: Entry) -> None:
        """Raises `Refused` when nothing was written and nothing will be."""
        board = entry.board
        if len(set(entry.names)) < len(entry.names):
            raise Refused(f"board {board}: a name twice in one append")
        era = self._era()
        if self._known is not None and self._ends.get(board) != entry.first - 1:
            await self._recall(self._known, board)
            await self._learn(self._known, board)  # one query then tells both: where it ends, and the names
        if self._ends.get(board) != entry.first - 1 and not await self._follows(entry):
            raise Refused(f"board {board}: {entry.first} is not the next number")
        await self._must_be_new(entry)
        self._ends.pop(board, None)
        await self._insert(entry)
        if era != self._link.era and not await self._follows(entry):
            await self._take_back(entry)
            raise Refused(f"board {board}: an older copy was put back")
        self._remember(board, entry.last, era)
        if self._known is not None:
            self._known.add(board, entry.first, entry.keys)

    def _era(self) -> int:
        """Forget what was seen in another one."""
        if self._seen_era != self._link.era:
            self._seen_era = self._link.era
            self._ends.clear()
            self._sure.clear()
        return self._seen_era

    async def _follows(self, entry: Entry) -> bool:
        """Whether an append ends right before this one."""
        which = {"board": entry.board, "last": entry.first - 1}
        lane = self._link.appends
        if entry.first == 1:
            return True
        return await self._link.call(lane, lambda: self._entries.find_one(which, {"_id": 1})) is not None

    async def _take_back(self, entry: Entry) -> None:
        """It was inserted behind a hole, while an older copy was put back: no log ever held it."""
        which = {"_id": log_id(entry.board, entry.first), "last": entry.last}
        await self._link.call(self._link.appends, lambda: self._entries.delete_one(which))

    async def _recall(self, known: Known, board: str) -> None:
        """Whether the log is still the one whose names are known."""
        reach = known.reach(board)
        if board in self._sure or reach == 0:
            return
        era, which = self._link.era, {"board": board, "last": reach}
        find = partial(self._entries.find_one, which, {"first": 1, "names": 1})
        found = await self._link.call(self._link.appends, find)
        if found is None or not known.ends_with(board, found["first"], found["names"]):
            known.drop(board)
        if era == self._seen_era:
            self._sure.add(board)

    async def _must_be_new(self, entry: Entry) -> None:
        """Only where the server does not see to it. What comes before the append is all there by now."""
        known, board = self._known, entry.board
        if known is None or not entry.names:
            return
        suspects = entry.names
        if entry.first <= known.most // 2:
            while (reach := known.reach(board)) < entry.first - 1:
                await self._learn(known, board)
                if known.reach(board) == reach:
                    raise Failed(
                        f"board {board} is damaged: changes after {reach} are not all there; restore a copy"
                    )
            suspects = known.suspects(board, entry.names)
        if suspects and await self.names(board, suspects):
            raise Refused(f"board {board}: a name is known already")

    async def _learn(self, known: Known, board: str) -> None:
        """The names of what others appended, or some of them."""
        reach, era = known.reach(board), self._link.era
        which = {"board": board, "last": {"$gt": reach}, "first": {"$lte": reach + NAMES_PAGE}}
        found = await self._find(self._link.appends, which, {"first": 1, "names": 1}, FORWARD, NAMES_PAGE)
        for document in found:
            known.add(board, document["first"], document["names"])
            self._remember(board, document["first"] + len(document["names"]) - 1, era)

    async def _insert(self, entry: Entry) -> None:
        link = self._link
        if entry.parts:
            await self._insert_parts(entry)
        try:
            await link.call(link.appends, partial(self._entries.insert_one, entry.document))
        except Duplicate:
            if entry.parts:
                await self._drop_parts(entry)
            raise Refused(f"board {entry.board}: {entry.first} is taken, or a name is known") from None

    async def _insert_parts(self, entry: Entry) -> None:
        """They mean nothing until the document is there, which is not sent when one of them fails."""
        try:
            for part in entry.parts:
                await self._link.call(self._link.appends, partial(self._parts.insert_one, part))
        except (Failed, Duplicate):
            await self._drop_parts(entry)
            raise

    async def _drop_parts(self, entry: Entry) -> None:
        """The document never comes. What cannot be dropped takes room and harms nobody."""
        which = {"board": entry.board, "append": entry.append}
        with suppress(Failed):
            await self._link.call(self._link.lookups, lambda: self._parts.delete_many(which))

    def _remember(self, board: str, last: int, era: int) -> None:
        """`era`: when that was asked."""
        if era != self._era():
            return
        if len(self._ends) >= MOST_KNOWN:
            self._ends.clear()
        self._ends[board] = last

    # -- heads and names

    async def heads(self, boards: Some[str] | None) -> dict[str, int]:
        """The last number of each board that has a log; None: of all, if the server can tell."""
        wanted, era = None if boards is None else list(dict.fromkeys(boards)), self._link.era
        if wanted is None or (self._abilities.grouped and len(wanted) > 1):
            found = await self._grouped(wanted)
        else:
            found = await self._one_by_one(wanted)
        for board, last in found.items():
            self._remember(board, last, era)
        return found

    @property
    def knows_all(self) -> bool:
        """Whether `heads(None)` is possible."""
        return self._abilities.grouped

    async def _grouped(self, boards: Sequence[str] | None) -> dict[str, int]:
        pipeline = newest_of(boards)
        rows = await self._link.call(
            self._link.lookups, lambda: self._entries.aggregate(pipeline).to_list(None)
        )
        return {row["_id"]: row["last"] for row in rows}

    async def _one_by_one(self, boards: Sequence[str]) -> dict[str, int]:
        newest = await asyncio.gather(*(self._newest(board) for board in boards))
        return {board: last for board, last in zip(boards, newest, strict=True) if last}

    async def _newest(self, board: str) -> int:
        found = await self._link.call(
            self._link.lookups, lambda: self._entries.find_one({"board": board}, {"last": 1}, sort=BACKWARD)
        )
        return 0 if found is None else int(found["last"])

    async def epochs(self, boards: Sequence[str]) -> dict[str, str]:
        """The epochs that the boards were created with."""
        if not boards:
            return {}
        which = {"_id": {"$in": [log_id(board, 1) for board in boards]}}
        found = await self._find(self._link.lookups, which, {"board": 1, "epoch": 1})
        return {document["board"]: document["epoch"] for document in found}

    async def names(self, board: str, names: Some[str]) -> dict[str, int]:
        """The numbers of those that are known."""
        wanted = set(names)
        which = {"board": board, "names": {"$in": list(wanted)}}
        found = await self._find(self._link.appends, which, {"first": 1, "names": 1})
        return {
            name: seq
            for document in found
            for seq, name in enumerate(document["names"], document["first"])
            if name in wanted
        }

    # -- reading

    async def between(self, board: str, after: int, last: int) -> list[Change]:
        """The changes above `after` up to `last`, as many as there are, in order and without a hole."""
        changes: list[Change] = []
        while after < last:
            to = min(after + PAGE, last)
            which = {"board": board, "last": {"$gt": after}, "first": {"$lte": to}}
            page = await self._changes(board, which, after, to)
            changes += page
            if len(page) < to - after:
                break
            after = to
        return changes

    async def _changes(self, board: str, which: Document, after: int, last: int) -> list[Change]:
        era = self._link.era
        documents = await self._find(self._link.loads, which, None, FORWARD, PAGE + 2)
        changes: list[Change] = []
        for document in documents:
            changes += changes_of(board, await self._whole(document), after, last)
        if [change.seq for change in changes] != list(range(after + 1, after + 1 + len(changes))):
            raise Failed(f"board {board} is damaged: changes after {after} are not all there; restore a copy")
        for document in documents:
            self._remember(board, document["last"], era)
            if self._known is not None:
                self._known.add(board, document["first"], document["names"])
        return changes

    async def _whole(self, document: Document) -> Document:
        if "parts" not in document:
            return document
        which = {"board": document["board"], "append": document["append"]}
        lane = self._link.loads
        parts = await self._link.call(
            lane, lambda: self._parts.find(which, batch_size=1).sort("part", ASCENDING).to_list(None)
        )
        changes = [change for part in parts for change in part["changes"]]
        if len(changes) != document["last"] - document["first"] + 1:
            raise Failed(f"board {document['board']} is damaged: an append is not all there; restore a copy")
        return {**document, "changes": changes}

    async def touching(
        self, board: str, task: str, *, after: int, before: int | None, upward: bool, limit: int | None = None
    ) -> list[Change]:
        """The changes, or up to `limit` of them, that touched the task, above `after` and below `before`."""
        which: Document = {"board": board, "tasks": task, "last": {"$gt": after}}
        if before is not None:
            which["first"] = {"$lt": before}
        order = ASCENDING if upward else DESCENDING
        cursor = self._entries.find(which, batch_size=TASK_PAGE).sort([("first", order)])
        found: list[Change] = []
        try:
            while limit is None or len(found) < limit:
                page = await self._link.call(self._link.loads, lambda: cursor.to_list(TASK_PAGE))
                for document in page:
                    found += await self._touching_in(document, task, after, before, order)
                if len(page) < TASK_PAGE:
                    break
        finally:
            await self._link.call(self._link.loads, cursor.close)
        return found[:limit]

    async def _touching_in(
        self, document: Document, task: str, after: int, before: int | None, order: int
    ) -> list[Change]:
        last = document["last"] if before is None else before - 1
        changes = changes_of(document["board"], await self._whole(document), after, last)
        touching = [change for change in changes if change.task == task or task in (change.also or ())]
        return touching[::order]

    async def _find(
        self,
        lane: Lane,
        which: Document,
        fields: Mapping[str, int] | None,
        order: list[tuple[str, int]] | None = None,
        batch: int = 0,
    ) -> list[Document]:
        def send() -> "asyncio.Future[list[Document]]":
            cursor = self._entries.find(which, fields, batch_size=batch)
            return (cursor if order is None else cursor.sort(order)).to_list(None)

        return await self._link.call(lane, send)
