"""Which file a connection has open. A file that is deleted, or put in the place of another, is not that one.

SQLite would go on writing to a file that has no name any more: acknowledged, and gone with the process.
"""

import os
from pathlib import Path


class Moved(Exception):
    """The file of that name is not the one that was opened."""


class Identity:
    """Remembers the file at `path`; `check` before anything is believed to be in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None

    def remember(self) -> None:
        """The connection was just opened."""
        self._known = self._now()

    def must_exist(self) -> None:
        """Raises `Moved` when there is no file: opening it would make an empty one."""
        if self._now() is None:
            raise Moved(f"{self._path} is gone; put it back, or restore a copy")

    def check(self) -> None:
        """Raises `Moved` when the name stands for another file now, or for none. Costs one stat."""
        if self._now() != self._known:
            raise Moved(f"{self._path} is not the file any more that was opened")

    def _now(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - half the cost of Path.stat, once a transaction
        except OSError:
            return None
        return status.st_dev, status.st_ino
