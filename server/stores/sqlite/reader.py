"""A thread that reads, with a connection of its own.

In WAL mode readers and the writer do not wait for each other, and a read sees every commit before it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import msgspec

from server.stores import Failed

T = TypeVar("T")


class Reader:
    """`connect` makes the connection when it is first needed, and anew after a failure."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` after what was asked before. Raises `Failed`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._attempt, work)

    def stop(self) -> None:
        """Finish what was asked, close. Blocks."""
        self._thread.shutdown()
        self._close_connection()

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connection = self._connection or self._connect()
            return work(connection)
        except sqlite3.Error as error:
            self._close_connection()
            raise Failed(f"the database cannot be read: {error}") from error
        except msgspec.MsgspecError as error:
            raise Failed(f"the database holds something unreadable; restore a copy: {error}") from error

    def _close_connection(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
