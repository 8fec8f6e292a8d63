"""What a broker URL means: where Redis is and how to log in there. Its secrets are never shown."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from server.brokers import Failed

EXAMPLE = "such as redis://user:password@host:6379/0, rediss://host or unix:///run/redis.sock?db=0"
KNOWN = {
    "db",
    "username",
    "password",
    "client_name",
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_password",
    "ssl_check_hostname",
    "ssl_cert_reqs",
}

TLS_FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")


class NamedTls(SSLConnection):
    """`host` may be an address; the certificate is to be of `name`."""

    name = ""

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "server_hostname": self.name}


class Address:
    """Raises `Failed`, naming the setting, when `url` is not one that this broker understands."""

    def __init__(self, url: str) -> None:
        self._options = _options(url)
        self.db = int(self._options.pop("db", 0))
        self._kind: type[AbstractConnection] = self._options.pop("connection_class", Connection)
        if self._kind is SSLConnection:
            self._kind = NamedTls
        self.host: str | None = None if "path" in self._options else self._options.get("host", "localhost")
        """None: a Unix socket."""
        self.shown = _shown(url, self._options, self.db)
        """For logs: the scheme and the place, no user, no password."""
        self.tls_files = [str(self._options[name]) for name in TLS_FILES if name in self._options]

    def connection(self, connect_s: float) -> AbstractConnection:
        """A connection that is not open, in the older protocol (RESP2): there PING and the messages of a
        subscription come as plain lists, without the detour of push messages.
        """
        try:
            connection = self._kind(
                **self._options,
                db=self.db,
                protocol=2,
                socket_connect_timeout=connect_s,
                socket_timeout=None,
                retry=Retry(NoBackoff(), 0),
                driver_info=None,
            )
        except (RedisError, TypeError, ValueError) as error:
            raise Failed(f"broker.url: an option does not fit: {error}") from None
        if isinstance(connection, NamedTls):
            connection.name = self.host or ""
        return connection


def _options(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError:  # its text may hold a part of the password
        raise _nonsense() from None
    try:
        _check(parts, options)
    except Failed:
        if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # what is named may be a part of the password
            raise _nonsense() from None
        raise
    return options


def _nonsense() -> Failed:
    return Failed(
        f"broker.url: not a URL of Redis, {EXAMPLE}; special characters of a password are written as %xx"
    )


def _check(parts: SplitResult, options: Mapping[str, Any]) -> None:
    tls, unix = parts.scheme == "rediss", parts.scheme == "unix"
    for name in sorted(parse_qs(parts.query, keep_blank_values=True)):
        if name not in KNOWN:
            raise Failed(f"broker.url: the option {name!r} is none of {', '.join(sorted(KNOWN))}")
        if name.startswith("ssl_") and not tls:
            raise Failed(f"broker.url: the option {name!r} is for rediss:// only")
    if parts.port == 0:
        raise Failed("broker.url: a port is a number from 1 to 65535, got 0")
    if parts.fragment:
        raise Failed(f"broker.url: there must be nothing behind a #; a URL is {EXAMPLE}")
    if unix and not options.get("path"):
        raise Failed(f"broker.url: the path of the socket is missing; a URL is {EXAMPLE}")
    if not unix and not (parts.path.strip("/") or "0").isdecimal():
        raise Failed(f"broker.url: the path must be the number of a database, got {parts.path!r}")


def _shown(url: str, options: Mapping[str, Any], db: int) -> str:
    scheme = urlsplit(url).scheme
    if scheme == "unix":
        return f"unix://{options['path']}"
    return f"{scheme}://{options.get('host', 'localhost')}:{options.get('port', 6379)}/{db}"
