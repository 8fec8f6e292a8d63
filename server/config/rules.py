"""What must agree between settings that are each fine by themselves."""

import ipaddress
from collections.abc import Callable

from server.config.error import ConfigError, shown
from server.config.settings import Settings

Where = Callable[[str], str]
"""The place where a setting was given, by its key."""


def check(settings: Settings, where: Where) -> None:
    """Raise `ConfigError` for the first contradiction, naming both settings."""
    _check_open(settings, where)
    _check_store(settings, where)
    _check_broker(settings, where)
    _check_sizes(settings, where)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address. A name other than localhost counts as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _check_open(settings: Settings, where: Where) -> None:
    if settings.auth.mode == "accounts":
        raise ConfigError(
            "auth.mode",
            "got 'accounts', which this version does not have",
            where=where("auth.mode"),
            allowed="allowed: open",
        )
    if not settings.auth.open_to_network and not is_loopback(settings.server.host):
        raise ConfigError(
            "auth.open_to_network",
            f"is false, but auth.mode is 'open' and server.host {settings.server.host!r} can be reached "
            "from the network: whoever reaches it may change every board",
            where=where("server.host"),
            allowed="allowed: server.host 127.0.0.1, or auth.open_to_network true if that is meant",
        )


def _check_store(settings: Settings, where: Where) -> None:
    url = settings.store.url
    if not url:
        return
    planned = "" if not url.startswith("mongodb") else ", and this version has no MongoDB store"
    path = url.removeprefix("sqlite:///")
    if path == url or not path or path.endswith("/"):
        raise ConfigError(
            "store.url",
            f"got {shown(url)}{planned}",
            where=where("store.url"),
            allowed="allowed: sqlite:///<path of a file>, or empty for one in server.data",
        )


def _check_broker(settings: Settings, where: Where) -> None:
    url = settings.broker.url
    if url != "local://":
        planned = "" if not url.startswith("redis") else ", and this version has no Redis broker"
        raise ConfigError(
            "broker.url", f"got {shown(url)}{planned}", where=where("broker.url"), allowed="allowed: local://"
        )


def _check_sizes(settings: Settings, where: Where) -> None:
    server, limits, delivery = settings.server, settings.limits, settings.delivery
    ordered: list[tuple[str, float, str, float]] = [
        ("server.heartbeat_timeout_s", server.heartbeat_timeout_s, "server.heartbeat_s", server.heartbeat_s),
        ("delivery.log_hard_bytes", delivery.log_hard_bytes, "delivery.log_bytes", delivery.log_bytes),
    ]
    for key, value, other, least in ordered:
        if value <= least:
            raise _too_small(key, value, f"must be more than {other}, which is {least}", where)
    at_least: list[tuple[str, float, str, float]] = [
        ("delivery.log_bytes", delivery.log_bytes, "twice limits.frame_bytes", 2 * limits.frame_bytes),
        ("delivery.log_bytes", delivery.log_bytes, "delivery.ephemeral_bytes", delivery.ephemeral_bytes),
        (
            "limits.inbox_per_board",
            limits.inbox_per_board,
            "limits.pending_per_connection",
            limits.pending_per_connection,
        ),
    ]
    for key, value, other, least in at_least:
        if value < least:
            raise _too_small(key, value, f"must be at least {other}, which is {least}", where)


def _too_small(key: str, value: float, relation: str, where: Where) -> ConfigError:
    return ConfigError(key, f"got {value}", where=where(key), allowed=relation)
