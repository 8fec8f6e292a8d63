"""Which mutation is which change: the names in the log, and that none is stored twice.

An index that each append keeps costs more than the append: the names of many clients lie far apart in it, and
each one makes a page of the file new. So the table `names` holds those up to `boards.named`, and takes in
what came since when that has become `MOST` changes, in order. The writer remembers the names in between; a
reader looks through their changes.
"""

import sqlite3
from collections.abc import Collection, Sequence

import msgspec

from server.stores.sqlite import reads
from server.stores.sqlite.appends import Append

MOST = 2_048
"""Changes of all boards that wait for the index: 0.3 ms to look through, 6 to 10 ms to take in."""

_encode = msgspec.json.Encoder().encode
_found = msgspec.json.Decoder(dict[str, int]).decode

STRIDE = 100_000
"""Changes of a board that `recover` takes in at once: more wait only in the file of an older version."""

_BEHIND = """select json_group_array(board) from boards b
    where named < (select coalesce(max(seq), 0) from changes c where c.board = b.board)"""
_INDEX = """insert or ignore into names (board, name, seq) select c.board, c.name, c.seq
    from json_each(:boards) w cross join boards b on b.board = w.value
    cross join changes c on c.board = b.board and c.seq > b.named and c.seq <= b.named + :most
    where c.name is not null order by 1, 2, 3"""
_INDEXED = """update boards
    set named = min(named + :most, (select coalesce(max(seq), 0) from changes c where c.board = boards.board))
    where board in (select value from json_each(:boards))"""
FIND = """select json_group_object(name, seq) from (
    select n.name, n.seq from json_each(:wanted) w cross join names n on n.board = :board and n.name = w.value
    union all select name, seq from changes where board = :board
        and seq > (select named from boards where board = :board)
        and name in (select value from json_each(:wanted)))"""


class Fresh:
    """The names that are durable and wait for the index, as the writer's thread knows them.

    `most`: changes that may wait; 0 where others write the file, too, who could not know of them. They are
    not `known` at first, nor when a write has failed: then `recover` leaves none.
    """

    def __init__(self, most: int) -> None:
        self.known = False
        self._most = most
        self._names: dict[str, set[str]] = {}
        self._changes = 0

    def holds(self, board: str, name: str) -> bool:
        return name in self._names.get(board, ())

    @property
    def boards(self) -> set[str]:
        """Those with changes that wait."""
        return set(self._names)

    def is_enough(self, more: Sequence[Append]) -> bool:
        """Whether the transaction that stores `more` is to take in what waits, and these."""
        return self._changes + sum(len(append.rows) for append in more) >= self._most

    def durable(self, stored: Sequence[Append]) -> None:
        """The transaction that stores them is committed."""
        if self.is_enough(stored):
            self._clear()
            return
        for append in stored:
            self._names.setdefault(append.board, set()).update(append.names)
            self._changes += len(append.rows)

    def recover(self, connection: sqlite3.Connection) -> None:
        """Take in what waits on any board: nobody remembers its names. Raises sqlite3.Error."""
        while _recover_some(connection):
            pass
        self._clear()

    def _clear(self) -> None:
        """The index has all of them."""
        self._names, self._changes, self.known = {}, 0, True


def _recover_some(connection: sqlite3.Connection) -> bool:
    """A transaction of it; whether there was anything."""
    connection.execute("begin immediate")
    try:
        (behind,) = connection.execute(_BEHIND).fetchone()
        _take_in(connection, behind, STRIDE)
        connection.execute("commit")
    finally:
        if connection.in_transaction:
            connection.execute("rollback")
    return bool(behind != "[]")


def index(connection: sqlite3.Connection, boards: Collection[str]) -> None:
    """Take in what waits on `boards`, inside a transaction."""
    _take_in(connection, _encode(list(boards)).decode(), reads.MOST)


def _take_in(connection: sqlite3.Connection, boards: str, most: int) -> None:
    values = {"boards": boards, "most": most}
    connection.execute(_INDEX, values)
    connection.execute(_INDEXED, values)


def find(connection: sqlite3.Connection, board: str, wanted: Collection[str]) -> dict[str, int]:
    """See `Store.names`."""
    values = {"wanted": _encode(list(wanted)).decode(), "board": board}
    (found,) = connection.execute(FIND, values).fetchone()
    return _found(found)
