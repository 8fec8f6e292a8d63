"""What must agree between settings that are each fine by themselves."""

import ipaddress
from collections.abc import Callable

from server.config.error import ConfigError, shown
from server.config.settings import Settings

MONGODB = ("mongodb://", "mongodb+srv://")
HIGHEST_PORT = 65_535
MQTT = ("mqtt://", "mqtts://")
REDIS = ("redis://", "rediss://")
Where = Callable[[str], str]
"""The place where a setting was given, by its key."""


def check(settings: Settings, where: Where) -> None:
    """Raise `ConfigError` for the first contradiction, naming both settings."""
    _check_open(settings, where)
    _check_identity(settings, where)
    _check_proxies(settings, where)
    _check_tls(settings, where)
    _check_store(settings, where)
    _check_broker(settings, where)
    _check_mqtt(settings, where)
    _check_workers(settings, where)
    _check_ports(settings, where)
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
        return
    if not settings.auth.open_to_network and not is_loopback(settings.server.host):
        raise ConfigError(
            "auth.open_to_network",
            f"is false, but auth.mode is 'open' and server.host {settings.server.host!r} can be reached "
            "from the network: whoever reaches it may change every board",
            where=where("server.host"),
            allowed="allowed: server.host 127.0.0.1, or auth.open_to_network true if that is meant",
        )


def _check_identity(settings: Settings, where: Where) -> None:
    identity = settings.identity
    if not identity.issuer:
        return
    for name, value in (("audience", identity.audience), ("jwks", identity.jwks)):
        if not value:
            raise ConfigError(
                f"identity.{name}",
                "is empty, but identity.issuer is given",
                where=where("identity.issuer"),
                allowed=f"needed: identity.{name}",
            )
    host = identity.jwks.removeprefix("http://").partition("/")[0].rpartition(":")[0]
    if identity.jwks.startswith("http://") and not is_loopback(host):
        raise ConfigError(
            "identity.jwks",
            f"got {shown(identity.jwks)}: whoever is on the way could put keys of their own there",
            where=where("identity.jwks"),
            allowed="allowed: https://<address>, or the path of a file",
        )


def _check_proxies(settings: Settings, where: Where) -> None:
    for proxy in settings.server.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise ConfigError(
                "server.trusted_proxies",
                f"got {shown(proxy)}: {error}",
                where=where("server.trusted_proxies"),
                allowed="allowed: addresses as 10.0.0.5 and networks as 10.1.0.0/16",
            ) from error


def _check_tls(settings: Settings, where: Where) -> None:
    tls = settings.tls
    if bool(tls.certificate) != bool(tls.key):
        given, lacking = ("certificate", "key") if tls.certificate else ("key", "certificate")
        raise ConfigError(
            f"tls.{lacking}",
            f"is empty, but tls.{given} is given",
            where=where(f"tls.{given}"),
            allowed="allowed: both, or neither for plain HTTP",
        )


def _check_store(settings: Settings, where: Where) -> None:
    url = settings.store.url
    if url and not _is_file(url) and not _has_host(url, MONGODB):
        raise ConfigError(
            "store.url",
            f"got {shown(url)}",
            where=where("store.url"),
            allowed="allowed: sqlite:///<path of a file>, empty for one in server.data, or "
            "mongodb://<host>/<database>",
        )


def _check_broker(settings: Settings, where: Where) -> None:
    url = settings.broker.url
    if url == "local://":
        return
    path = url.removeprefix("unix://").partition("?")[0].rpartition("@")[2]
    if not _has_host(url, REDIS) and (not url.startswith("unix://") or not path.startswith("/")):
        raise ConfigError(
            "broker.url",
            f"got {shown(url)}",
            where=where("broker.url"),
            allowed="allowed: local://, redis://<host>:<port>, rediss://<host>:<port> or unix://<path>",
        )
    if not is_shared_store(settings.store.url):
        raise ConfigError(
            "broker.url",
            f"got {shown(url)}, but store.url is SQLite, which belongs to one process: others would be "
            "told of changes that they do not have",
            where=where("broker.url"),
            allowed="allowed: broker.url local://, or store.url mongodb://<host>/<database>",
        )


def _check_mqtt(settings: Settings, where: Where) -> None:
    """The patterns are judged by what uses them; here is what would be a surprise."""
    mqtt = settings.mqtt
    if mqtt.url and (not _has_host(mqtt.url, MQTT) or "@" in mqtt.url):
        raise ConfigError(
            "mqtt.url",
            f"got {shown(mqtt.url)}",
            where=where("mqtt.url"),
            allowed="allowed: mqtt://<host>:<port> or mqtts://<host>:<port>; name and password are "
            "mqtt.username and mqtt.password",
        )
    for key in ("commands", "results"):
        topic = getattr(mqtt, key)
        if topic and topic in mqtt.telemetry:
            raise ConfigError(
                f"mqtt.{key}",
                f"got {shown(topic)}, which is in mqtt.telemetry",
                where=where(f"mqtt.{key}"),
                allowed="needed: topics of their own",
            )


def is_shared_store(url: str) -> bool:
    """Whether several processes can work on the store of this URL at once."""
    return url.startswith(MONGODB)


def is_shared_broker(url: str) -> bool:
    """Whether the broker of this URL joins several processes."""
    return url.startswith((*REDIS, "unix://"))


def _is_file(url: str) -> bool:
    path = url.removeprefix("sqlite:///")
    return path not in (url, "") and not path.endswith("/")


def _has_host(url: str, schemes: tuple[str, ...]) -> bool:
    """A URL of one of the schemes that names a host. The rest is for the driver to read."""
    scheme, _, rest = url.partition("://")
    host = rest.rpartition("@")[2].partition("/")[0].partition("?")[0]
    return f"{scheme}://" in schemes and host[:1] not in ("", ":") and not any(map(str.isspace, url))


def _check_workers(settings: Settings, where: Where) -> None:
    if settings.server.workers == 1:
        return
    lacking = []
    if not is_shared_store(settings.store.url):
        lacking.append("store.url is SQLite, which belongs to one process")
    if not is_shared_broker(settings.broker.url):
        lacking.append("broker.url is local://, which joins no processes")
    if lacking:
        raise ConfigError(
            "server.workers",
            f"got {shown(settings.server.workers)}, but {' and '.join(lacking)}",
            where=where("server.workers"),
            allowed="allowed: server.workers 1, or store.url mongodb://<host>/<database> and broker.url "
            "redis://<host>:<port>",
        )


def _check_ports(settings: Settings, where: Where) -> None:
    """As far as it is known before the processors are counted: the rest shows when the ports are bound."""
    server = settings.server
    workers = 1 if server.workers == "auto" else server.workers
    last = server.ops_port + workers - 1
    if server.ops_port and (server.ops_port <= server.port <= last or last > HIGHEST_PORT):
        raise ConfigError(
            "server.ops_port",
            f"got {server.ops_port}, so that the workers take the ports up to {last}",
            where=where("server.ops_port"),
            allowed=f"must leave out server.port, which is {server.port}, and end by {HIGHEST_PORT}",
        )


def _check_sizes(settings: Settings, where: Where) -> None:
    server, limits, delivery, devices = settings.server, settings.limits, settings.delivery, settings.devices
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
        ("devices.waiting_points", devices.waiting_points, "the points of a batch", 1000),
        ("devices.minute_days", devices.minute_days, "devices.raw_days", devices.raw_days),
        ("devices.hour_days", devices.hour_days, "devices.minute_days", devices.minute_days),
    ]
    for key, value, other, least in at_least:
        if value < least:
            raise _too_small(key, value, f"must be at least {other}, which is {least}", where)


def _too_small(key: str, value: float, relation: str, where: Where) -> ConfigError:
    return ConfigError(key, f"got {value}", where=where(key), allowed=relation)
