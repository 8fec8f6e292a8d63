"""The statements for entries."""

import sqlite3

from server.stores import Refused
from server.stores.entries import Entry

_FIND = "select key, value, version, expires_at from entries where kind = ? and key = ?"
_LIST = """select key, value, version, expires_at from entries
    where kind = ? and key >= ? and key > ? and key < ? order by key limit ? offset ?"""
_COUNT = "select count(*) from entries where kind = ? and key >= ? and key < ?"
_ADD = "insert or ignore into entries (kind, key, value, version, expires_at) values (?, ?, ?, ?, ?)"
_REPLACE = (
    "update entries set value = ?, version = ?, expires_at = ? where kind = ? and key = ? and version = ?"
)
_AFTER_ALL = "\x7f"
"""Comes after every character of a key."""


def find(connection: sqlite3.Connection, kind: str, key: str) -> Entry | None:
    row = connection.execute(_FIND, (kind, key)).fetchone()
    return None if row is None else Entry(*row)


def find_all(
    connection: sqlite3.Connection, kind: str, prefix: str, after: str, skip: int, limit: int
) -> list[Entry]:
    rows = connection.execute(_LIST, (kind, prefix, after, prefix + _AFTER_ALL, limit, skip)).fetchall()
    return [Entry(*row) for row in rows]


def count(connection: sqlite3.Connection, kind: str, prefix: str) -> int:
    found: int
    (found,) = connection.execute(_COUNT, (kind, prefix, prefix + _AFTER_ALL)).fetchone()
    return found


def put(connection: sqlite3.Connection, kind: str, entry: Entry, expected: int) -> None:
    """Raises `Refused` when the entry has another version than `expected`."""
    if expected:
        replaced = (entry.value, entry.version, entry.expires_at, kind, entry.key, expected)
        written = connection.execute(_REPLACE, replaced).rowcount
    else:
        added = (kind, entry.key, entry.value, entry.version, entry.expires_at)
        written = connection.execute(_ADD, added).rowcount
    if written != 1:
        raise Refused(f"{kind} {entry.key}: not version {expected} any more")


def drop(connection: sqlite3.Connection, kind: str, key: str, expected: int | None) -> None:
    """Raises `Refused` when the entry has another version than `expected`."""
    if expected is None:
        connection.execute("delete from entries where kind = ? and key = ?", (kind, key))
        return
    statement = "delete from entries where kind = ? and key = ? and version = ?"
    if connection.execute(statement, (kind, key, expected)).rowcount != 1:
        raise Refused(f"{kind} {key}: not version {expected} any more")


def drop_expired(connection: sqlite3.Connection, now_ms: int) -> None:
    connection.execute("delete from entries where expires_at <= ?", (now_ms,))
