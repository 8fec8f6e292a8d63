"""A process to be killed: `python -m tests.stores.appender <place> <directory>`.

Appends to three boards at once until it dies, and prints `<board> <number>` for each acknowledged append.
"""

import asyncio
import sys
from pathlib import Path

from server.stores import Store
from tests.stores.places import PLACES, opened
from tests.stores.samples import created, task_record, updates

BATCH = 7


async def append(store: Store, board: str) -> None:
    heads = await store.heads([board])
    head = heads[board].seq if heads else 0
    if head == 0:
        await store.append(board, 1, [created()])
        head = 1
    while True:
        await store.append(board, head + 1, updates(head + 1, head + BATCH))
        head += BATCH
        print(board, head, flush=True)
        await store.materialise(board, head, [task_record(head)])


async def main(place: str, directory: Path) -> None:
    async with opened(PLACES[place](directory)) as store:
        await asyncio.gather(*(append(store, board) for board in ("b1", "b2", "b3")))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
