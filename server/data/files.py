"""Files that are there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.data import DataError
from server.errors import in_words
from server.stores.sqlite.replace import discard, sync

OWN = ("", "-wal", "-shm", "-journal", ".restoring")
"""What is added to the name of a database in the names of the files that live with it."""


@contextmanager
def whole_file(path: Path, *, force: bool, database: Path | None) -> Iterator[Path]:
    """An empty file beside `path` to write to; it becomes `path`, on disk, when the block ends well.

    `force`: `path` may be there, and is replaced. `database`: what it must not be a part of. Raises
    `DataError` when it must not be written.
    """
    _refuse(path, force, database)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        # For the owner alone: a copy of the data must not be easier to read than the data.
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield partial
        sync(partial)
        _refuse(path, force, database)
        partial.replace(path)
        sync(path.parent)
    except OSError as error:
        reason = in_words(OSError(*error.args[:2]))  # without the name beside it, which nobody knows
        raise DataError(f"{path} cannot be written: {reason}") from error
    finally:
        discard(partial)


def is_part_of(path: Path, database: Path) -> bool:
    """Is it the database itself, or a file that lives with it?"""
    own = [database.with_name(database.name + suffix) for suffix in OWN]
    own.append(database.with_name("boardcast.lock"))
    return path.resolve() in {file.resolve() for file in own}


def _refuse(path: Path, force: bool, database: Path | None) -> None:
    if database is not None and is_part_of(path, database):
        raise DataError(f"{path} belongs to the running data; choose another file")
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a file")
    if path.exists() and not force:
        raise DataError(f"{path} is there already; --force replaces it")
    if not path.parent.is_dir():
        raise DataError(f"there is no directory {path.parent}")
