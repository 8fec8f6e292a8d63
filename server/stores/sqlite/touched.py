"""The history of one task, by an index that is made when somebody asks.

An index that each append keeps would double what an append costs, and few ever ask for a task's history. So
`touched` holds which changes touched which task up to `boards.touched`, and a reader looks through the rest,
which is short: `index` brings it forward.
"""

import sqlite3
from typing import NamedTuple

from server.model.records import Change
from server.stores.sqlite.reads import MOST, decode_change, snapshot

SHORT = 2_000
"""Changes that are looked through at each question; some 2 ms."""
STRIDE = 4_096
"""Changes that are indexed by one write: some 15 ms for which appends wait."""

_BEHIND = """select (select coalesce(max(seq), 0) from changes c where c.board = b.board) - touched
    from boards b where board = ?"""
_INDEX = """insert or ignore into touched (board, task, seq)
    select board, json_extract(body, '$.task') as task, seq from changes
        where board = :board and seq between :first and :last and task is not null
    union all select board, also.key, seq from changes, json_each(body, '$.also') also
        where board = :board and seq between :first and :last and json_type(body, '$.also') is not null
    order by 2, 3"""
# What does not name it anywhere needs no parsing: half the time where there is much to look through.
_SEQS = """select seq from touched where board = :board and task = :task and seq between :first and :last
    union all select seq from changes where board = :board
        and seq between max(:first, (select touched + 1 from boards where board = :board)) and :last
        and instr(body, :quoted) > 0
        and (json_extract(body, '$.task') = :task or json_type(body, :path) is not null)"""


class Wanted(NamedTuple):
    """Changes of `board` that touched `task`, above `since` and below `before`."""

    board: str
    task: str
    since: int | None
    before: int | None

    @property
    def values(self) -> dict[str, str | int]:
        quoted = f'"{self.task}"'
        return {
            "board": self.board,
            "task": self.task,
            "quoted": quoted,
            "path": f"$.also.{quoted}",
            "first": (self.since or 0) + 1,
            "last": MOST if self.before is None else self.before - 1,
        }


def behind(connection: sqlite3.Connection, board: str) -> int:
    """How many changes of the board are not in the index."""
    row = connection.execute(_BEHIND, (board,)).fetchone()
    return 0 if row is None else row[0]


def index(connection: sqlite3.Connection, board: str) -> None:
    """Take the next `STRIDE` changes in, as many as there are."""
    row = connection.execute(
        """select touched, (select coalesce(max(seq), 0) from changes where board = :board)
        from boards where board = :board""",
        {"board": board},
    ).fetchone()
    if row is None or row[0] >= row[1]:
        return
    last = min(row[0] + STRIDE, row[1])
    connection.execute(_INDEX, {"board": board, "first": row[0] + 1, "last": last})
    connection.execute("update boards set touched = ? where board = ?", (last, board))


def history(connection: sqlite3.Connection, wanted: Wanted, limit: int, skip: int) -> list[Change]:
    """See `Store.history`."""
    order = "desc" if wanted.since is None else "asc"
    with snapshot(connection):
        rows = connection.execute(
            f"""select cast(body as blob)
            from (select * from ({_SEQS}) order by seq {order} limit :limit offset :skip)
            cross join changes using (seq) where board = :board order by seq {order}""",
            wanted.values | {"limit": limit, "skip": skip},
        )
        return [decode_change(body) for (body,) in rows]


def count(connection: sqlite3.Connection, wanted: Wanted) -> int:
    """See `Store.count`."""
    with snapshot(connection):
        found: int
        (found,) = connection.execute(f"select count(*) from ({_SEQS})", wanted.values).fetchone()
    return found
