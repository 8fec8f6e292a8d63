"""What the file holds, how it came to be so (forward migrations), and how a connection is opened.

`changes.body` and `records.body` are JSON, so that people can query them; the views `tasks` and
`comments` spare them the paths.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from server.stores import Failed, TooNew

Migration = Sequence[str]
"""The statements that lead from one schema version to the next."""


class SchemaTooNew(TooNew):
    """The file was written by a newer program. `found` and `known`: schema versions."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"{path} has schema version {found}, this program knows up to {known}; "
            "run the newer version of Boardcast, or restore a copy made before the upgrade"
        )
        self.found = found
        self.known = known


# Values are read with json_extract, since ->> needs SQLite 3.38 and distributions in use have 3.37.
_TASK_FIELDS = (
    "title",
    "description",
    "completed",
    "column",
    "position",
    "priority",
    "assignees",
    "labels",
    "due_at",
    "checklist",
    "comments",
    "device",
    "alarm",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
)


def _tasks(fields: Sequence[str]) -> str:
    columns = ", ".join(f"json_extract(body, '$.value.{name}') as \"{name}\"" for name in fields)
    return f"""create view tasks as select board, id, seq, {columns}
        from records where kind = 'task' and not json_extract(body, '$.deleted')"""


_VERSION_1: Migration = (
    "create table meta (key text primary key, value) without rowid",
    """create table boards (
        number integer primary key, board text not null unique, epoch text not null, mark integer not null
    )""",
    """create table changes (
        board text not null, seq integer not null, name text, body text not null, primary key (board, seq)
    ) without rowid""",
    "create unique index changes_name on changes (board, name) where name is not null",
    """create table records (
        board text not null, kind text not null, id text not null, seq integer not null, body text not null,
        primary key (board, kind, id)
    ) without rowid""",
    _tasks(_TASK_FIELDS),
    """create view comments as select board, id, seq,
        json_extract(body, '$.value.task') as task, json_extract(body, '$.value.at') as at,
        json_extract(body, '$.value.actor.id') as author, json_extract(body, '$.value.actor.name') as name,
        json_extract(body, '$.value.text') as text, json_extract(body, '$.value.edited_at') as edited_at
        from records where kind = 'comment' and not json_extract(body, '$.deleted')""",
)

_VERSION_2: Migration = (
    """create table entries (
        kind text not null, key text not null, value blob not null, version integer not null,
        expires_at integer, primary key (kind, key)
    ) without rowid""",
    "create index entries_expiry on entries (expires_at) where expires_at is not null",
)

# See `telemetry`. Bodies of batches and chunks of rollups are JSON, as `server.stores.columns` writes them.
_VERSION_3: Migration = (
    """create table sources (
        source integer primary key, board text not null, device text not null, unique (board, device)
    )""",
    """create table batches (
        id integer primary key, source integer not null, boot text, seq integer, digest blob not null,
        at integer not null, first integer not null, last integer not null, points integer not null,
        body text not null, rejected blob not null
    )""",
    "create unique index batches_number on batches (source, boot, seq) where boot is not null",
    "create index batches_time on batches (source, last, first, points)",
    """create table newest (
        source integer not null, metric text not null, t integer not null, v real not null,
        at integer not null, primary key (source, metric)
    ) without rowid""",
    """create table stale (
        source integer not null, minute integer not null, at integer not null, rev integer not null,
        primary key (source, minute)
    ) without rowid""",
    "create index stale_at on stale (at)",
    """create table minutes (
        source integer not null, metric text not null, hour integer not null, body text not null,
        primary key (source, metric, hour)
    ) without rowid""",
    """create table hours (
        source integer not null, metric text not null, day integer not null, body text not null,
        primary key (source, metric, day)
    ) without rowid""",
    """create table boots (
        source integer not null, boot text not null, mark integer not null, primary key (source, boot)
    ) without rowid""",
)

_VERSION_4: Migration = ("drop view tasks", _tasks((*_TASK_FIELDS, "alarm_at", "done_when", "verified")))

# See `touched`.
_VERSION_5: Migration = (
    "alter table boards add column touched integer not null default 0",
    """create table touched (
        board text not null, task text not null, seq integer not null, primary key (board, task, seq)
    ) without rowid""",
    "drop view tasks",
    _tasks((*_TASK_FIELDS, "alarm_at", "alarm_cleared_at", "done_when", "verified")),
)

# See `naming`, where `recover` fills what is made here.
_VERSION_6: Migration = (
    "alter table boards add column named integer not null default 0",
    """create table names (
        board text not null, name text not null, seq integer not null, primary key (board, name)
    ) without rowid""",
    "drop index changes_name",
)

MIGRATIONS: Sequence[Migration] = (
    _VERSION_1,
    _VERSION_2,
    _VERSION_3,
    _VERSION_4,
    _VERSION_5,
    _VERSION_6,
)
"""Append only: the entry at index n leads from version n to n + 1."""

_PRAGMAS = (
    "pragma synchronous = full",  # NORMAL may lose acknowledged commits when the power fails
    "pragma wal_autocheckpoint = 2000",  # pages: 8 MB
    "pragma journal_size_limit = 67108864",  # bytes
    "pragma cache_size = -32768",  # KiB, negated
    "pragma temp_store = memory",
)


def reserve(path: Path) -> None:
    """Make a file that is not there yet readable for nobody but its owner: it will hold hashes of passwords.

    SQLite gives the files beside it the same mode. Raises OSError.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def connect(path: Path, busy_s: float) -> sqlite3.Connection:
    """A connection in WAL mode with full syncs; it may be handed from one thread to another.

    `busy_s`: how long a statement waits for a lock of another process. Raises sqlite3.Error or `Failed`.
    """
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        (mode,) = connection.execute("pragma journal_mode = wal").fetchone()
        if mode != "wal":
            raise Failed(f"{path} cannot use a write-ahead log (mode {mode}): is it on a network drive?")
        for pragma in _PRAGMAS:
            connection.execute(pragma).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Bring the file to the newest version known, in one transaction.

    Raises `SchemaTooNew`, `Failed` when the file is somebody else's database, or sqlite3.Error.
    """
    connection.execute("begin immediate")
    try:
        version = found_version(connection, path, len(migrations))
        for statement in (statement for migration in migrations[version:] for statement in migration):
            connection.execute(statement)
        if version < len(migrations):
            row = ("schema_version", len(migrations))
            connection.execute("insert or replace into meta values (?, ?)", row)
        connection.execute("commit")
    finally:
        if connection.in_transaction:
            connection.execute("rollback")


def found_version(connection: sqlite3.Connection, path: Path, known: int = len(MIGRATIONS)) -> int:
    """The file's schema version, 0 for one that is empty.

    Raises `SchemaTooNew`, or `Failed` when the file is somebody else's database.
    """
    version = _version(connection, path)
    if version > known:
        raise SchemaTooNew(path, version, known)
    return version


def _version(connection: sqlite3.Connection, path: Path) -> int:
    tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    if not tables:
        return 0
    if not {"meta", "boards", "changes"} <= tables:
        raise Failed(f"{path} is a SQLite database, but not one of Boardcast; choose another file")
    row = connection.execute("select value from meta where key = 'schema_version'").fetchone()
    if row is None or not isinstance(row[0], int):
        raise Failed(f"{path} has no schema version: it is damaged; restore a copy")
    return row[0]
