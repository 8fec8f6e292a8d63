"""`backup`, `restore`, `export`, `import`: the data as a whole. See docs/operations.md."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from server.app import mint
from server.cli.group import CONFIGURATION, FAILED, data_options, fail, load
from server.cli.people import note_by_hand
from server.cli.progress import Line
from server.config import Config
from server.data import DataError
from server.data.copies import back_up
from server.data.copies import restore as put_back
from server.data.export import Source
from server.data.export import export as write_export
from server.data.files import whole_file
from server.data.format import is_id
from server.data.intake import Outcome, Target, take_in
from server.errors import in_words
from server.stores import Failed, Head, TooNew, Unusable
from server.stores.sqlite.archive import Archive
from server.stores.sqlite.intake import Intake

MOST_LISTED = 20
FILE = click.Path(path_type=Path)


@contextmanager
def _told(what: str) -> Iterator[Line]:
    """Progress while it goes on, one line and the exit code when it fails."""
    progress = Line()
    try:
        yield progress
    except TooNew as error:
        progress.clear()
        fail(CONFIGURATION, f"data: {error}")
    except Unusable as error:
        progress.clear()
        fail(CONFIGURATION, f"configuration: {error}")
    except BrokenPipeError:
        raise  # whoever read has gone; click ends quietly
    except (DataError, Failed, OSError) as error:
        progress.clear()
        fail(FAILED, f"cannot {what}: {in_words(error)}")
    finally:
        progress.clear()


def _file_of(config: Config, what: str, instead: str) -> Path:
    """The database's file; the command ends when the data is not in one."""
    if config.shares_store:
        fail(FAILED, f"cannot {what}: the data is in MongoDB (store.url); {instead} does that")
    return config.sqlite_path


def _source(config: Config) -> AbstractContextManager[Source]:
    if config.shares_store:
        from server.stores.mongo.offline import Offline

        return Offline.open(config.store.url)
    return Archive.open(config.sqlite_path)


def _target(config: Config) -> AbstractContextManager[Target]:
    if config.shares_store:
        from server.stores.mongo.offline import Offline

        return Offline.open(config.store.url)
    return Intake.open(config.sqlite_path)


@click.command()
@data_options
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@click.argument("file", type=FILE)
def backup(file: Path, force: bool, config: Path | None, **flags: object) -> None:
    """Copy everything to FILE, also while the server runs, and check the copy."""
    database = _file_of(load(config, flags), "back up", "mongodump")
    with _told("back up") as progress:
        heads = back_up(database, file, force=force, progress=progress)
    click.echo(f"{file}: {_sum(heads)}, {file.stat().st_size / 1e6:.1f} MB, checked")
    _list(heads)


@click.command()
@data_options
@click.argument("file", type=FILE)
def restore(file: Path, config: Path | None, **flags: object) -> None:
    """Put the backup FILE in the place of the data. Stop the server first; start it afterwards."""
    database = _file_of(load(config, flags), "restore", "mongorestore, with the servers stopped,")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    with _told("restore") as progress:
        restored = put_back(file, database, mint=mint, stamp=stamp, progress=progress)
    click.echo(f"restored to {database}: {_sum(restored.heads)}")
    _list(restored.heads)
    if restored.former is not None:
        click.echo(f"what was there before is kept as {restored.former}")


@click.command()
@data_options
@click.option("--board", "boards", multiple=True, metavar="ID", help="Only this board. May be repeated.")
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@click.argument("file", type=FILE, default=Path("-"))
def export(file: Path, force: bool, boards: tuple[str, ...], config: Path | None, **flags: object) -> None:
    """Write boards as lines of JSON to FILE, or to standard output, also while the server runs."""
    loaded = load(config, flags)
    with _told("export") as progress, _source(loaded) as source:
        if str(file) == "-":
            with _standard_output() as out:
                heads = write_export(source, boards, out, progress)
        else:
            own = None if loaded.shares_store else loaded.sqlite_path
            with whole_file(file, force=force, database=own) as partial, partial.open("wb") as out:
                heads = write_export(source, boards, out, progress)
    if loaded.auth.mode == "accounts":
        with _told("note the export in the audit record"):
            note_by_hand(loaded, [(board, "export", str(file)) for board in heads])
    click.echo(f"{file}: {_sum(heads)}", err=True)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        # What is buffered cannot be written later either: Python would try at the end, and exit with 120.
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is needed
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise


def _id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_id(value):
        raise click.BadParameter("an id is 1-64 of A-Z a-z 0-9 _ -")
    return value


@click.command("import")
@data_options
@click.option(
    "--as", "rename", metavar="ID", callback=_id, help="The id for the board, when FILE holds a single one."
)
@click.argument("file", type=FILE)
def import_(file: Path, rename: str | None, config: Path | None, **flags: object) -> None:
    """Take in the boards of FILE, or of standard input. Stop the server first; start it afterwards.

    A board that is here already is continued; nothing is stored twice.
    """
    loaded = load(config, flags)
    refused = False
    with _told("import") as progress, _opened(file) as stream:
        for outcome in take_in(_target(loaded), stream, rename=rename, mint=mint, progress=progress):
            progress.clear()
            refused |= outcome.done == "refused"
            click.echo(_sentence(outcome), err=outcome.done == "refused")
    if refused:
        sys.exit(FAILED)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as stream:
        yield stream


def _sentence(outcome: Outcome) -> str:
    board, there, head = outcome.board, outcome.there, outcome.head
    match outcome.done:
        case "imported":
            return f"{board}: imported, {_count(head, 'change')}"
        case "continued":
            return f"{board}: continued from change {there} to {head}"
        case "skipped" if there == head:
            return f"{board}: skipped, all {_count(head, 'change')} are here already"
        case "skipped":
            return f"{board}: skipped, here it has gone on from change {head} to {there}"
        case "refused":
            return (
                f"{board}: refused, the board of that id here is another one from change {outcome.differs} "
                "on; --as takes it in under another id"
            )


def _sum(heads: Mapping[str, Head]) -> str:
    changes = sum(head.seq for head in heads.values())
    return f"{_count(len(heads), 'board')}, {_count(changes, 'change')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list(heads: Mapping[str, Head]) -> None:
    for board, head in list(heads.items())[:MOST_LISTED]:
        click.echo(f"  {board}: {_count(head.seq, 'change')}")
    if len(heads) > MOST_LISTED:
        click.echo(f"  and {len(heads) - MOST_LISTED} more")
