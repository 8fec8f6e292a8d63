"""Every metric, named once: `boardcast_<noun>_<verb>_<unit>`, base units, labels from enums, never an id.

What they mean: docs/metrics.md.
"""

from collections.abc import Iterable
from itertools import product

from server.metrics.families import Families

LATENCY_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
APPENDS = ("stored", "refused", "failed")
CLASSES = ("log", "latest", "ephemeral")
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
LINKS = ("publish", "subscribe")
REFUSALS = ("host", "origin", "cookie", "body", "headers", "malformed")
"""Why a request was not even looked at."""
LIMITS = (
    *("connections", "connections_per_address", "connections_per_user", "waiting_connections"),
    *("first_request", "slow_requests"),
    *("messages", "mutations", "received_bytes", "answered_bytes"),
)
"""What clients run into."""
MQTT_OUTCOMES = ("stored", "refused", "dropped", "unknown", "retained")
UNKNOWN_OP = "unknown"
"""Stands for whatever a client named that is no operation."""
CLIENT_CLOSES = ("1000", "1001", "1005", "1006", "other")
"""What clients close with that says something: 1005 without a code, 1006 without a Close frame."""


class Traffic:
    """Connections, messages and bytes of one codec."""

    def __init__(self, metrics: "Metrics", codec: str) -> None:
        self._open = metrics.connections_open(codec)
        self._opened = metrics.connections_opened(codec)
        self._received = metrics.messages_received(codec)
        self._received_bytes = metrics.messages_received_bytes(codec)
        self._sent = metrics.messages_sent(codec)
        self._sent_bytes = metrics.messages_sent_bytes(codec)

    def opens(self) -> None:
        self._open.value += 1
        self._opened.value += 1

    def ends(self) -> None:
        self._open.value -= 1

    def receives(self, messages: int, size: int) -> None:
        """A frame of `size` bytes that held so many messages."""
        self._received.value += messages
        self._received_bytes.value += size

    def sends(self, size: int, members: int = 1) -> None:
        """A frame of `size` bytes is handed to so many connections."""
        self._sent.value += members
        self._sent_bytes.value += size * members


class Metrics(Families):
    """All metrics of one instance, at 0. What an enum foresees is made by `foresee`, before it happens."""

    def __init__(self) -> None:
        super().__init__()
        self._traffic: dict[str, Traffic] = {}
        self._declare_sockets()
        self._declare_queues()
        self._declare_boards()
        self._declare_devices()
        self._declare_parts()
        self._declare_mqtt()

    def _declare_sockets(self) -> None:
        count, gauge = self._counter, self._gauge
        self.connections_open = gauge("connections_open", "Open WebSockets.", "codec")
        self.connections_opened = count("connections_opened", "WebSockets that were opened.", "codec")
        self.connections_closed = count(
            "connections_closed", "WebSockets that ended, by who closed and with which code.", "side", "code"
        )
        self.messages_received = count("messages_received", "Messages in frames of clients.", "codec")
        self.messages_received_bytes = count(
            "messages_received_bytes", "Payload of frames of clients.", "codec"
        )
        self.messages_sent = count("messages_sent", "Messages handed to connections to be sent.", "codec")
        self.messages_sent_bytes = count(
            "messages_sent_bytes", "Bytes of the frames handed to connections.", "codec"
        )
        self.messages_refused = count(
            "messages_refused", "Messages but mutations that were answered with an error.", "code"
        )
        self.requests_answered = self._spread(
            "requests_answered_seconds", "HTTP requests, until they were answered.", LATENCY_S, "status"
        )
        self.requests_failed = count(
            "requests_failed", "HTTP requests that were answered with an error, by its code.", "code"
        )
        self.requests_refused = count(
            "requests_refused", "HTTP requests and upgrades that were not let in, by reason.", "reason"
        )
        self.limits_reached = count("limits_reached", "Times that a client met a limit.", "limit")
        for reason in REFUSALS:
            self.requests_refused(reason)
        for limit in LIMITS:
            self.limits_reached(limit)

    def _declare_queues(self) -> None:
        self.queues_held = self._gauge("queues_held_bytes", "Bytes of the log waiting for readers.")()
        self.queues_longest = self._gauge("queues_longest_bytes", "Of which for the slowest reader.")()
        self.messages_dropped = self._counter(
            "messages_dropped", "Messages that were not sent to slow readers, by class of delivery.", "class"
        )
        self.resyncs_sent = self._counter("resyncs_sent", "Readers told to join a board again.")()
        for name in CLASSES:
            self.messages_dropped(name)

    def _declare_boards(self) -> None:
        count, spread = self._counter, self._spread
        self.boards_live = self._gauge("boards_live", "Boards held in memory.")()
        self.mutations_answered = count(
            "mutations_answered",
            "Mutations by operation and ack, duplicate or code of the error.",
            "op",
            "outcome",
        )
        self.mutations_acknowledged = spread(
            "mutations_acknowledged_seconds", "From a frame in to its ack written, over sockets.", LATENCY_S
        )()
        self.batches_appended = spread(
            "batches_appended_seconds", "Until the store answered an append.", LATENCY_S, "outcome"
        )
        self.batches_appended_changes = spread("batches_appended_changes", "Changes per append.", BATCH)()
        self.batches_delivered = spread(
            "batches_delivered_seconds", "From durable to written to all members.", LATENCY_S
        )()
        self.catchups_started = count(
            "catchups_started", "Times that a board asked the log what it missed."
        )()
        self.catchups_failed = count("catchups_failed", "Attempts at it that the store did not answer.")()
        for outcome in APPENDS:
            self.batches_appended(outcome)

    def _declare_devices(self) -> None:
        count = self._counter
        self.devices_connected = self._gauge("devices_connected", "Open sockets of devices.")()
        self.points_received = count("points_received", "Points in batches of devices, good or not.")()
        self.points_stored = count("points_stored", "Values that were made durable.")()
        self.points_refused = count("points_refused", "Points and values that can never be stored.", "code")
        self.points_waiting = self._gauge("points_waiting", "Points that wait to be stored.")()
        self.batches_settled = count("batches_settled", "Batches by what became of them.", "outcome")
        self.batches_stored = self._spread(
            "batches_stored_seconds", "Until the store answered a write of batches.", LATENCY_S
        )()
        self.rollups_made = count("rollups_made", "Minutes of telemetry that were made from points.")()

    def _declare_parts(self) -> None:
        gauge, count = self._gauge, self._counter
        self.server_info = gauge("server_info", "Always 1; the label tells the version.", "version")
        self.server_draining = gauge("server_draining", "1 while the server takes its leave.")()
        self.store_up = gauge("store_up", "1 when the store is believed to take writes.")()
        self.store_writes_waiting = gauge("store_writes_waiting", "Writes that wait for the disk.")()
        self.broker_up = gauge("broker_up", "1 when messages of other instances are believed to arrive.")()
        self.broker_dropped = count("broker_messages_dropped", "Messages dropped by the broker.")()
        self.broker_links_lost = count("broker_links_lost", "Links to Redis that worked and failed.", "link")
        for link in LINKS:
            self.broker_links_lost(link)
        self.parts_state = gauge("parts_state", "1 for the state that a part is in.", "part", "state")
        self.probes_failed = count("probes_failed", "Probes without a good answer in time.", "part")
        self.probes_answered = self._spread(
            "probes_answered_seconds", "Until a probe was answered.", LATENCY_S, "part"
        )
        self.loop_lagged = self._spread(
            "loop_lagged_seconds", "How late the event loop woke up a timer.", LATENCY_S
        )()

    def _declare_mqtt(self) -> None:
        gauge, count = self._gauge, self._counter
        self.mqtt_connected = gauge("mqtt_connected", "1 while there is a connection to the MQTT broker.")()
        self.mqtt_devices_reachable = gauge(
            "mqtt_devices_reachable", "Devices that were heard of by MQTT lately."
        )()
        self.mqtt_messages_received = count(
            "mqtt_messages_received", "Messages of the MQTT broker, by what became of them.", "outcome"
        )
        self.mqtt_commands_published = count(
            "mqtt_commands_published", "Commands given to the MQTT broker."
        )()
        self.mqtt_commands_dropped = count(
            "mqtt_commands_dropped", "Commands that could not wait for it: too many did."
        )()
        for outcome in MQTT_OUTCOMES:
            self.mqtt_messages_received(outcome)

    def foresee(
        self,
        *,
        codecs: Iterable[str],
        ops: Iterable[str],
        errors: Iterable[str],
        closes: Iterable[int],
        parts: Iterable[str],
    ) -> None:
        """Show what can happen as 0 before it does, so that a first error is an increase."""
        known = list(errors)
        for codec in codecs:
            self.traffic(codec)
        for op, outcome in product(ops, ("ack", "duplicate", *known)):
            self.mutations_answered(op, outcome)
        for error in known:
            self.messages_refused(error)
            self.requests_failed(error)
            self.points_refused(error)
        for outcome in ("stored", "known", *known):
            self.batches_settled(outcome)
        for code in closes:
            self.connections_closed("server", str(code))
        for name in CLIENT_CLOSES:
            self.connections_closed("client", name)
        for status in STATUSES:
            self.requests_answered(status)
        for part in parts:
            self.probes_answered(part)
            self.probes_failed(part)

    # -- counting

    def traffic(self, codec: str) -> Traffic:
        """The counters of a codec; the same object each time."""
        traffic = self._traffic.get(codec)
        if traffic is None:
            traffic = self._traffic[codec] = Traffic(self, codec.lower())
        return traffic

    def connection_closed(self, ours: int | None, theirs: int | None, *, told: bool) -> None:
        """The end of a WebSocket. `ours`: the code we closed with first; else `theirs`, None: it gave none;
        `told`: there was a Close frame at all."""
        if ours is not None:
            self.connections_closed("server", str(ours)).value += 1
            return
        code = str(theirs or 1005) if told else "1006"
        self.connections_closed("client", code if code in CLIENT_CLOSES else "other").value += 1
