"""What the URL of a store means. It is judged before anybody is asked; nothing of its login is shown."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import split_options

from server.stores import Unusable

EXAMPLE = "it looks like mongodb://user:password@host:27017/database, with user and password percent-encoded"
WITH_LOOKUP = "mongodb+srv"
_PARTS = re.compile(
    r"(?P<scheme>[^:]*)://((?P<login>[^@/?]*)@)?(?P<hosts>[^@/?]+)(/(?P<path>[^?@]*))?(\?(?P<query>[^@]*))?"
)
"""An @ anywhere else may stand in a password, and what is behind it be taken for a host or a name."""
_PORT = re.compile(r":(\d*)\Z")
HIGHEST_PORT = 65_535


class Address:
    """Raises `Unusable` when `url` is none that the driver understands, or has what it would pass over.

    `hosts`: for messages.
    """

    def __init__(self, url: str) -> None:
        parts = _PARTS.fullmatch(url)
        if parts is None:
            raise _nonsense()
        self.url = url
        self.hosts: str = parts["hosts"]
        self._login: str = parts["login"] or ""
        if "." in unquote(parts["path"] or ""):
            raise Unusable("store.url: names a database with a dot, which there cannot be")
        _check_hosts(parts["scheme"], self.hosts)
        self._check_with_the_driver(parts["scheme"], parts["query"] or "")

    def without_login(self, error: BaseException) -> str:
        """What the driver says, when there is nothing to be given away."""
        return type(error).__name__ if self._login else str(error)

    def _check_with_the_driver(self, scheme: str, query: str) -> None:
        try:
            with no_warnings():
                if query:
                    split_options(query, validate=True, warn=True)
                if scheme != WITH_LOOKUP:  # else it would ask a name server
                    MongoClient[dict[str, object]](self.url, connect=False).close()
        except UserWarning as warning:
            raise Unusable(f"store.url: an option cannot be used: {warning}") from None
        except (PyMongoError, ValueError, TypeError, OSError) as error:
            raise _nonsense("" if self._login else f": {error}") from None


def _check_hosts(scheme: str, hosts: str) -> None:
    if scheme == WITH_LOOKUP and ("," in hosts or _PORT.search(hosts)):
        raise Unusable("store.url: mongodb+srv:// has one host and no port: they are looked up")
    for host in hosts.split(","):
        port = _PORT.search(host)
        if port is not None and not 1 <= int(port[1] or 0) <= HIGHEST_PORT:
            raise Unusable(f"store.url: a port is a number from 1 to {HIGHEST_PORT}, got {port[1]!r}")


@contextmanager
def no_warnings() -> Iterator[None]:
    """The driver warns of an option that it passes over: in the block it raises that UserWarning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def _nonsense(detail: str = "") -> Unusable:
    return Unusable(f"store.url: not a MongoDB URL that can be used; {EXAMPLE}{detail}")
