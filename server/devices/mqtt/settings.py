"""What the connection to the MQTT broker is told: the section `mqtt`, and what comes from other sections."""

import ssl
from urllib.parse import urlsplit

from msgspec import Struct

from server.devices.mqtt.topics import Topics

PORTS = {"mqtt": 1883, "mqtts": 8883}


class Failed(Exception):
    """MQTT cannot work with what it was given, or does not work now; says why, for an operator."""


class MqttSettings(Struct, frozen=True, kw_only=True):
    """As in the configuration, and:

    `client_id`: our name at the broker; "": any, and it keeps nothing for us. `share`: the name under which
    several instances share the messages; "": there is one. `default_board`: of topics without a board.
    `most_bytes`: of a message.
    """

    url: str
    username: str
    password: str
    ca_file: str
    protocol: str
    telemetry: tuple[str, ...]
    commands: str
    results: str
    qos: int
    pending_messages: int
    idle_s: float
    client_id: str
    share: str
    default_board: str
    most_bytes: int

    def check(self) -> None:
        """Raises `Failed` for what cannot be right, whatever the broker says."""
        _ = self.address, self.tls, self.topics

    @property
    def shown(self) -> str:
        """For logs."""
        return self.url

    @property
    def address(self) -> tuple[str, int]:
        """Host and port. Raises `Failed`."""
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError):
            host, port = None, 0
        if not host:
            raise Failed("mqtt.url: wanted is mqtt://<host>:<port> or mqtts://<host>:<port>")
        return host, port

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Raises `Failed`."""
        if not self.url.startswith("mqtts://"):
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            raise Failed(f"mqtt.ca_file: {self.ca_file} cannot be used: {error}") from error

    @property
    def topics(self) -> Topics:
        """Raises `Failed` for a bad pattern."""
        try:
            return Topics(
                self.telemetry, commands=self.commands, results=self.results, board=self.default_board
            )
        except ValueError as error:
            raise Failed(f"mqtt: {error}") from error
