"""The connection to an MQTT broker that `config.yaml` names. What is not used is not even imported."""

import hashlib
import socket
from typing import TYPE_CHECKING

from msgspec import structs

from server.boards.registry import Boards
from server.config import Config, ConfigError
from server.devices.mqtt.settings import Failed, MqttSettings
from server.devices.service import Devices
from server.hub import Hub
from server.metrics import Metrics

if TYPE_CHECKING:
    from server.devices.mqtt.bridge import Bridge


def mqtt_of(config: Config, devices: Devices, boards: Boards, hub: Hub, metrics: Metrics) -> "Bridge | None":
    """The bridge to `mqtt.url`, not yet started; None: there is none. Raises `ConfigError`."""
    settings = mqtt_settings(config)
    if settings is None:
        return None
    try:
        from server.devices.mqtt.bridge import Bridge
    except ImportError as error:
        raise ConfigError(
            "mqtt.url", "needs what is not installed", allowed="pip install 'boardcast[mqtt]'"
        ) from error
    return Bridge(settings, devices.ingest, boards, hub, metrics=metrics, clock=devices.clock)


def mqtt_settings(config: Config) -> MqttSettings | None:
    """As the bridge wants them; None: there is none. Raises `ConfigError` for what cannot be right."""
    if not config.mqtt.url:
        return None
    given = structs.asdict(config.mqtt) | {
        "client_id": _client_id(config),
        "share": f"boardcast-{_hash(config.store_url)}" if config.shares_store else "",
        "default_board": config.boards.default_board,
        "most_bytes": config.limits.frame_bytes,
    }
    settings = MqttSettings(**given)
    try:
        settings.check()
    except Failed as error:
        key, _, problem = str(error).partition(": ")
        raise ConfigError(key, problem) from error
    return settings


def _client_id(config: Config) -> str:
    """Our name at the broker, the same after a restart; "": there is none that would be."""
    if config.mqtt.client_id:
        return config.mqtt.client_id
    if config.server.instance:
        return f"boardcast-{config.server.instance}"
    if config.shares_store:  # several may have this store
        return ""
    return f"boardcast-{_hash(f'{socket.gethostname()}:{config.sqlite_path.resolve()}')}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
