"""A thread that reads, with a connection of its own.

In WAL mode readers and the writer do not wait for each other, and a read sees every commit before it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from server.stores import Failed
from server.stores.sqlite.identity import Identity, Moved

T = TypeVar("T")


class Reader:
    """`connect` makes the connection when it is first needed, and anew after a failure."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], path: Path, name: str) -> None:
        self._connect = connect
        self._identity = Identity(path)
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
            return work(self._usable())
        except (sqlite3.Error, Moved) as error:
            self._close_connection()
            raise Failed(f"the database cannot be read: {error}") from error
        except msgspec.MsgspecError as error:
            raise Failed(f"the database holds something unreadable; restore a copy: {error}") from error

    def _usable(self) -> sqlite3.Connection:
        """The connection, made anew when another file was put in the place of the one it had."""
        if self._connection is not None:
            with suppress(Moved):
                self._identity.check()
                return self._connection
            self._close_connection()
        self._identity.must_exist()
        self._connection = self._connect()
        self._identity.remember()
        return self._connection

    def _close_connection(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
