"""Puts another file in the place of the database. For who holds the directory's lock."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from server.stores import Failed
from server.stores.sqlite import reads, schema, writes

BUSY_S = 5.0


def renew(path: Path, mint: Callable[[], str]) -> None:
    """Make a copy ready to be served: the newest schema, a new epoch from `mint` for each board.

    It stays one file that needs no other, and is on disk. Raises `SchemaTooNew`, `Failed`.
    """
    try:
        with closing(schema.connect(path, BUSY_S)) as connection:
            schema.migrate(connection, path, schema.MIGRATIONS)
            connection.execute("begin immediate")
            for board in reads.boards(connection):
                writes.set_epoch(connection, board, mint())
            connection.execute("commit")
            connection.execute("pragma journal_mode = delete").fetchone()
    except sqlite3.Error as error:
        raise Failed(f"the copy {path} cannot be written: {error}") from error
    sync(path)


def put_in_place(new: Path, path: Path, former: Path) -> bool:
    """Make `new` the database at `path`, and keep the one that was there as `former`. Was there one?

    Whenever this is cut short there is a whole database at `path`, the old one or the new one. Raises
    `Failed` when another process has the old one open; then nothing has changed.
    """
    there = path.exists()
    if there:
        _fold_log(path)
        _keep(path, former)
    # A log can only be left of a database that is damaged, or gone. It must not be played into the new one.
    with suppress(FileNotFoundError):
        _beside(path, "-wal").rename(_beside(former, "-wal"))
    _beside(path, "-shm").unlink(missing_ok=True)
    new.replace(path)
    sync(path.parent)
    return there


def discard(path: Path) -> None:
    """Remove a database file that nobody needs, with what SQLite may have left beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        _beside(path, suffix).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """See to it that the file, or the names in the directory, are on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _fold_log(path: Path) -> None:
    """Bring what is in the write-ahead log into the file, unless the file is damaged: then both are kept."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as connection:
            busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise Failed(f"the database {path} cannot be closed: {error}") from error
    except sqlite3.DatabaseError:
        return
    # The last one to close a database removes its log.
    if busy or _beside(path, "-wal").exists():
        raise Failed(f"another process has the database {path} open; end it first")


def _keep(path: Path, former: Path) -> None:
    try:
        os.link(path, former)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        shutil.copy2(path, former)
        sync(former)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
