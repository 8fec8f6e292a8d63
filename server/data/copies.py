"""`backup` and `restore`: the whole database as one file."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct

from server.data import DataError, Progress
from server.data.files import is_part_of, whole_file
from server.data.fold import fold
from server.stores import Failed, Head
from server.stores.sqlite.archive import Archive
from server.stores.sqlite.lock import alone
from server.stores.sqlite.replace import discard, put_in_place, renew

RECENT = 1_000
"""Changes that are looked at with each board: as many as a server reads with it (`limits.resume_changes`)."""


class Restored(Struct, frozen=True):
    """`former`: where the data that was there before is kept, None when there was none."""

    heads: Mapping[str, Head]
    former: Path | None


def back_up(database: Path, file: Path, *, force: bool, progress: Progress) -> Mapping[str, Head]:
    """Copy what `database` holds at this moment to `file`, beside a running server; the heads in the copy.

    Raises `DataError`, `Failed`, OSError; then there is no `file`, or the one that was there.
    """
    with whole_file(file, force=force, database=database) as written:
        with Archive.open(database) as source:
            heads = source.copy_to(written, partial(progress, "copying"))
        with Archive.open(written, kept=True, name=file) as copy:
            if _verified(copy, file, progress) != heads:
                raise DataError(f"{file} would not hold what was copied; is the disk sound?")
    return heads


def restore(
    file: Path, database: Path, *, mint: Callable[[], str], stamp: str, progress: Progress
) -> Restored:
    """Put a backup in the place of `database`, each board under a new epoch from `mint`.

    The former database is kept beside it, with `stamp` in its name. Raises `Locked` while a server runs,
    `DataError`, `Failed`, OSError; then the data is as it was.
    """
    if is_part_of(file, database):
        raise DataError(f"{file} is the data itself; choose a backup of it")
    if not file.is_file():
        raise DataError(f"{file} is not a file" if file.exists() else f"there is no file {file}")
    database.parent.mkdir(parents=True, exist_ok=True)
    with alone(database.parent):
        new = database.with_name(f"{database.name}.restoring")
        discard(new)  # what a restore that was killed has left
        try:
            heads = _fetch(file, new, progress)
            renew(new, mint)
            _adopt(new, database)
            former = _free_name(database, stamp)
            kept = put_in_place(new, database, former)
        finally:
            discard(new)
    return Restored(heads, former if kept else None)


def _fetch(file: Path, new: Path, progress: Progress) -> Mapping[str, Head]:
    with Archive.open(file, kept=True) as source:
        source.copy_to(new, partial(progress, "copying"))
    with Archive.open(new, kept=True, name=file) as copy:  # what was checked is what will be served
        return _verified(copy, file, progress)


def _verified(copy: Archive, name: Path, progress: Progress) -> Mapping[str, Head]:
    """That a server could load every board of it; the heads."""
    progress("checking", 0, 0)
    heads = copy.check()
    for number, board in enumerate(heads, 1):
        loaded = copy.load(board, RECENT)
        if loaded is None:
            raise Failed(f"{name} is damaged: board {board} cannot be found")
        try:
            fold(board, loaded)
        except Exception as error:
            raise Failed(f"{name} is damaged: board {board} cannot be made of it: {error!r}") from error
        progress("checking boards", number, len(heads))
    return heads


def _adopt(new: Path, database: Path) -> None:
    """Whoever could read and write the former database can do so with the new one, also after `sudo`."""
    like = (database if database.exists() else database.parent).stat()
    new.chmod((like.st_mode if database.exists() else 0o600) & 0o777)
    with suppress(PermissionError):
        os.chown(new, like.st_uid, like.st_gid)


def _free_name(database: Path, stamp: str) -> Path:
    name = f"{database.name}.replaced-{stamp}"
    number = 1
    while database.with_name(name).exists():
        number += 1
        name = f"{database.name}.replaced-{stamp}-{number}"
    return database.with_name(name)
