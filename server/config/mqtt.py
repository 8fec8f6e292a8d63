"""The settings of the connection to an MQTT broker."""

from typing import Annotated, Literal

from msgspec import Meta

from server.config.kinds import Count, Seconds, Section

Topic = Annotated[
    str, Meta(max_length=256, extra={"allowed": "a topic with {device}, and perhaps {board} and {metric}"})
]


class MqttSection(Section, frozen=True, kw_only=True):
    title = "Devices that speak MQTT, by a broker that is there already; needs the extra `mqtt`"

    url: Annotated[
        str,
        Meta(
            description="The MQTT broker. Empty: none. `mqtts://` is with TLS. Whoever may publish to the "
            "topics below is believed to be the device that the topic names: the broker's accounts decide.",
            extra={"allowed": "empty, mqtt://<host>:<port> or mqtts://<host>:<port>"},
        ),
    ] = ""
    username: Annotated[
        str, Meta(description="Name at the broker. Empty: none.", extra={"allowed": "a name"})
    ] = ""
    password: Annotated[
        str,
        Meta(
            description="Give it as BOARDCAST_MQTT__PASSWORD: files and command lines are read by others.",
            extra={"allowed": "a password"},
        ),
    ] = ""
    ca_file: Annotated[
        str,
        Meta(
            description="File of the certificates that `mqtts://` trusts. Empty: those of the system.",
            extra={"allowed": "a file"},
        ),
    ] = ""
    protocol: Annotated[
        Literal["v5", "v3.1.1"],
        Meta(
            description="Version of MQTT. With `v5` we tell the broker how much may be under way, and "
            "commands expire at the broker, too.",
            extra={"allowed": "v5 or v3.1.1"},
        ),
    ] = "v5"
    client_id: Annotated[
        str,
        Meta(
            pattern=r"\A[A-Za-z0-9_-]{0,64}\Z",
            description="Our name at the broker, which keeps messages for it while we are away. Empty: made "
            "of `server.instance`; without that, of this machine and the data's place. Not two at once.",
            extra={"allowed": "empty, or 1-64 of A-Z a-z 0-9 _ -"},
        ),
    ] = ""
    telemetry: Annotated[
        tuple[Topic, ...],
        Meta(
            description="Topics of readings. With `{metric}` the payload is one value, else JSON or msgpack "
            "as `POST /api/telemetry` takes it. Without `{board}` they are of `boards.default_board`.",
        ),
    ] = ("boards/{board}/devices/{device}/telemetry", "boards/{board}/devices/{device}/telemetry/{metric}")
    commands: Annotated[
        str,
        Meta(
            description="Topic that commands to a device are published to. Empty: none are.",
            extra={"allowed": "empty, or a topic with {device} and perhaps {board}"},
        ),
    ] = "boards/{board}/devices/{device}/commands"
    results: Annotated[
        str,
        Meta(
            description="Topic of the answers to commands. Empty: there are none.",
            extra={"allowed": "empty, or a topic with {device} and perhaps {board}"},
        ),
    ] = "boards/{board}/devices/{device}/results"
    qos: Annotated[
        int,
        Meta(
            ge=0,
            le=1,
            description="What is asked for. 1: the broker keeps a message until it is stored here. 0: what "
            "comes while we are away, or faster than it can be stored, is lost.",
        ),
    ] = 1
    pending_messages: Annotated[
        Count,
        Meta(
            description="Messages that were received and are not stored yet. Past it those of QoS 0 are "
            "dropped and counted; the broker keeps back those of QoS 1 (all of them with `v5`).",
        ),
    ] = 1000
    idle_s: Annotated[
        Seconds,
        Meta(
            description="Seconds after its last message that a device counts as reachable. Longer leaves a "
            "command at the broker for a device that has gone; shorter keeps it here until the next message.",
        ),
    ] = 300.0
