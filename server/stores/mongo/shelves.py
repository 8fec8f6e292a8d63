"""The documents beside the log: boards, tasks and comments as they are materialised."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct
from pymongo import ASCENDING, ReplaceOne, ReturnDocument

from server.model.records import BoardRecord, CommentRecord, TaskRecord
from server.stores import Failed
from server.stores.mongo.documents import Document, record_document, shelf
from server.stores.mongo.failures import Duplicate
from server.stores.mongo.link import Link
from server.stores.mongo.schema import upsert

PAGE = 250
"""Documents per reply: some milliseconds of decoding between two turns of the loop."""
AT_ONCE = 100
"""Records per write."""
MOST_ROUNDS = 5
"""Other instances may insert the same records at the same moment; each does it once."""

Kept = TaskRecord | CommentRecord


class Row(Struct, frozen=True):
    """A document of `boards`. `epoch`: None while it is the first one."""

    board: str
    epoch: str | None
    mark: int
    document: Document


class Shelves:
    """Methods run inside `Link.in_time` and raise `Failed`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._boards = link.collection("boards")
        self._meta = link.collection("meta")

    # -- boards

    async def row(self, board: str) -> Row:
        rows = await self.rows([board])
        return rows[0] if rows else _row({"_id": board})

    async def rows(self, boards: Sequence[str] | None, *, whole: bool = True) -> list[Row]:
        """Those of `boards`, or all, in order of creation. `whole`: with what is materialised."""
        which: Document = {} if boards is None else {"_id": {"$in": list(boards)}}
        fields = None if whole else {"epoch": 1, "mark": 1, "number": 1}
        found = await self._link.call(
            self._link.lookups, lambda: self._boards.find(which, fields, batch_size=PAGE).to_list(None)
        )
        return [_row(document) for document in sorted(found, key=_by_number)]

    async def expect(self, board: str) -> None:
        """The board is about to be created: give it its place among the others."""
        link = self._link
        if await link.call(link.lookups, lambda: self._boards.find_one({"_id": board}, {"_id": 1})):
            return
        number = await self._next_number()
        document = {**_which(board), "number": number, "mark": 0, "seq": 0}
        with suppress(Duplicate):  # another instance creates it, too
            await link.call(link.lookups, lambda: self._boards.insert_one(document))

    async def _next_number(self) -> int:
        counter = await self._link.call(
            self._link.lookups,
            lambda: self._meta.find_one_and_update(
                {"_id": "boards"},
                {"$inc": {"value": 1}},
                return_document=ReturnDocument.AFTER,
            ),
        )
        if counter is None:
            raise Failed(f"{self._link.server}: meta.boards is gone; start the server again")
        return int(counter["value"])

    async def begin(self, board: str, epoch: str) -> None:
        """Note the epoch of a board that was created, unless it has been given another one since."""
        which = {**_which(board), "epoch": None}
        link = self._link
        await link.call(link.lookups, lambda: self._boards.update_one(which, {"$set": {"epoch": epoch}}))

    async def set_epoch(self, board: str, epoch: str) -> None:
        change = {
            "$set": {"epoch": epoch},
            "$setOnInsert": {"number": 0, "mark": 0, "seq": 0},
        }
        await upsert(self._link, self._boards, _which(board), change)

    async def raise_mark(self, board: str, mark: int) -> None:
        which = {**_which(board), "mark": {"$lt": mark}}
        link = self._link
        await link.call(link.loads, lambda: self._boards.update_one(which, {"$set": {"mark": mark}}))

    # -- records

    async def write_board(self, board: str, record: BoardRecord, body: Document) -> None:
        """Keep it when it is newer. `body`: the record as a document."""
        which = {**_which(board), "seq": {"$lt": record.seq}}
        change = {"$set": {"seq": record.seq, "record": body}}
        await self._link.call(self._link.loads, lambda: self._boards.update_one(which, change))

    async def write(self, board: str, records: Sequence[Kept]) -> None:
        """Keep those that are newer than what is there; all of one kind.

        What is not there is inserted. When another instance has inserted one meanwhile it is looked at
        again: it may be older than ours.
        """
        documents = {f"{board}/{record.value.id}": record_document(board, record) for record in records}
        for _ in range(MOST_ROUNDS):
            there = await self._there(shelf(records[0]), list(documents))
            newer = {key: d for key, d in documents.items() if key in there and there[key] < d["seq"]}
            missing = [document for key, document in documents.items() if key not in there]
            try:
                await self._write(shelf(records[0]), missing, list(newer.values()))
            except Duplicate:
                continue
            return
        raise Failed(f"others write the records of board {board} all the time")

    async def _there(self, kind: str, keys: Sequence[str]) -> Mapping[str, int]:
        """The seqs of the records that are kept already."""
        collection = self._link.collection(kind)
        found = await self._link.call(
            self._link.loads,
            lambda: collection.find({"_id": {"$in": keys}}, {"seq": 1}, batch_size=len(keys) + 1).to_list(
                None
            ),
        )
        return {document["_id"]: document["seq"] for document in found}

    async def _write(self, kind: str, missing: Sequence[Document], newer: Sequence[Document]) -> None:
        collection, link = self._link.collection(kind), self._link
        if newer:
            replacements = [
                ReplaceOne({"_id": d["_id"], "board": d["board"], "seq": {"$lt": d["seq"]}}, d) for d in newer
            ]
            await link.call(link.loads, lambda: collection.bulk_write(replacements, ordered=False))
        if missing:
            await link.call(link.loads, lambda: collection.insert_many(missing, ordered=False))

    async def read(self, board: str, kind: str) -> list[Document]:
        """All documents of the board in `tasks` or `comments`, tombstones too. Takes the time of each page by
        itself, unlike the others.
        """
        collection = self._link.collection(kind)
        cursor = collection.find({"board": board}, batch_size=PAGE).sort(
            [("board", ASCENDING), ("id", ASCENDING)]
        )
        found: list[Document] = []
        try:
            while len(found) % PAGE == 0:
                async with self._link.in_time():
                    page = await self._link.call(self._link.loads, lambda: cursor.to_list(PAGE))
                if not page:
                    break
                found += page
        except Failed:
            with suppress(Failed):
                async with self._link.in_time():
                    await self._link.call(self._link.loads, cursor.close)
            raise
        return found


def _which(board: str) -> Document:
    """One document, on one shard."""
    return {"_id": board, "board": board}


def _row(document: Document) -> Row:
    return Row(document["_id"], document.get("epoch"), document.get("mark", 0), document)


def _by_number(document: Document) -> tuple[int, str]:
    return document.get("number", 0), document["_id"]
