"""The embedded store: one SQLite file, one writer thread, nothing to install."""

from server.stores.sqlite.lock import Locked
from server.stores.sqlite.schema import SchemaTooNew
from server.stores.sqlite.store import SqliteStore

__all__ = ["Locked", "SchemaTooNew", "SqliteStore"]
