"""What the log says while a store takes nothing: once that it is so, and once that it is over."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from server.app import App
from server.errors import BoardcastError
from server.model import commands as c
from server.stores import Failed
from server.stores.sqlite import SqliteStore
from tests.devices.desks import BOARD, Desks, Shared, desks
from tests.support import PATIENCE_S, on_loop


class Full(Shared):
    """Its disk is full while `full`; all can be read."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.full = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name != "append":
            return found

        async def append(*args: Any) -> None:
            if self.full:
                raise Failed("the disk is full")
            await found(*args)

        return append


async def stored(made: Desks, app: App) -> None:
    """Something, as soon as there is room again; the board is read again first."""
    mark = str(made.state(app).seq)
    async with asyncio.timeout(PATIENCE_S):
        while made.state(app).info.value.description != mark:  # type: ignore[union-attr]
            with suppress(BoardcastError):
                await made.do(c.BoardUpdate(description=mark), app)
            await asyncio.sleep(0)


@on_loop
async def test_a_full_disk_is_said_once_for_a_board_however_much_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with desks(tmp_path) as made:
        app = await made.open(store := Full(made.store))
        with caplog.at_level(logging.WARNING, "server.boards.replica"):
            for _ in range(2):
                store.full = True
                for _ in range(20):
                    with pytest.raises(BoardcastError):
                        await made.do(c.TaskCreate(task="t", title="T"), app)
                store.full = False
                await stored(made, app)
    one = [f"board {BOARD} takes no changes for now: the disk is full", f"board {BOARD} takes changes again"]
    assert caplog.messages == one * 2
