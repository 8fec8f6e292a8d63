"""Whose pages may ask, and under which name: Host, Origin, and what browsers say of a page's site."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from handlers.headers import header
from server.config import Config
from server.errors import BoardcastError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OUR_SITE = ("same-origin", "none")
"""Sec-Fetch-Site of our own pages, and of an address that somebody typed in."""


class Refused(BoardcastError):
    """The address or the page that asks is not allowed. `reason`, for the metrics: host, origin or cookie."""

    code, status, retry = "forbidden", 403, False

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_host(host: str, config: Config) -> None:
    """Raises `Refused` for a Host that is not ours: a name that another site's DNS may point at us.

    Numeric addresses are fine: no DNS is asked for them.
    """
    name = _name_in(host)
    known = name in ("localhost", config.server.host.lower()) or name in config.server.hosts
    if not known and not _is_numeric(name):
        raise Refused(
            "host", f"the Host {host[:200]!r} is not allowed; the setting server.hosts lists further ones"
        )


@lru_cache(maxsize=64)
def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=64)
def _is_numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(origin: str | None, host: str, config: Config, *, secure: bool = False) -> None:
    """Raises `Refused` when a page of another site asks. No Origin: it is no page that asks.

    `secure`: the request came by TLS; then a page that did not is of another site, even under our name.
    """
    if origin is None or origin in config.server.origins:
        return
    try:
        parts = urlsplit(origin)
    except ValueError:
        parts = urlsplit("")
    schemes = ("https",) if secure else ("http", "https")
    if parts.scheme not in schemes or parts.netloc.lower() != host.lower():
        raise Refused(
            "origin",
            f"the Origin {origin[:200]!r} is not allowed; the setting server.origins lists further ones",
        )


def check_site(headers: Mapping[str, str], method: str, config: Config, *, upgrade: bool = False) -> None:
    """What Origin alone does not tell. Raises `Refused` when

    - the browser says that a page of another site asks, be it without Origin, and not by going here;
    - a change, or an `upgrade`, comes with a cookie and nothing tells which page sent it.
    """
    origin, site = header(headers, "Origin"), header(headers, "Sec-Fetch-Site")
    if origin is not None and origin in config.server.origins:
        return
    acts = upgrade or method not in SAFE_METHODS
    visits = header(headers, "Sec-Fetch-Mode") == "navigate" and not acts
    if site is not None and site not in OUR_SITE and not visits:
        raise Refused(
            "origin",
            f"a page of another site asks (Sec-Fetch-Site: {site[:40]}); "
            "the setting server.origins lists those that may",
        )
    if acts and origin is None and site is None and "Cookie" in headers:
        raise Refused(
            "cookie", "a cookie without an Origin is not enough here; programs send a token (Authorization)"
        )
