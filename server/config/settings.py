"""Every setting: its type, bounds, default and help.

`config.yaml` and `docs/configuration.md` are written from these classes (`server.config.reference`). A help
text gives the unit and what follows from a larger or smaller value.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from server.config.auth import AuthSection, IdentitySection
from server.config.devices import DevicesSection
from server.config.kinds import HostName, Name, Network, Origin, Seconds, Section
from server.config.limits import DeliverySection, LimitsSection
from server.config.mqtt import MqttSection
from server.config.tls import TlsSection


class ServerSection(Section, frozen=True, kw_only=True):
    title = "Where it listens, what it keeps, and how long it waits for clients"

    host: Annotated[
        str,
        Meta(
            pattern=r"\A\S+\Z",
            description="Address to listen on. Anything but a loopback address is reachable from the "
            "network.",
            extra={"allowed": "an address or host name"},
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65_535, description="TCP port. 0 picks a free one; the one chosen is printed.")
    ] = 8888
    origins: Annotated[
        tuple[Origin, ...],
        Meta(
            description="Further origins whose pages may connect, as `https://board.example`. A page of "
            "another origin gets 403.",
        ),
    ] = ()
    hosts: Annotated[
        tuple[HostName, ...],
        Meta(
            description="Further names under which the server may be asked for (the Host header), as "
            "`board.example`. Another name gets 403; that keeps other sites' pages from "
            "reaching in by DNS tricks.",
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Meta(
            description="Addresses or networks of the proxies in front, as `10.0.0.5` or `10.1.0.0/16`. "
            "Their X-Forwarded-For and X-Forwarded-Proto tell who asks, and whether by TLS; from anybody "
            "else these headers are ignored.",
        ),
    ] = ()
    heartbeat_s: Annotated[
        Seconds,
        Meta(
            description="Seconds between the server's pings. Smaller notices dead clients sooner, and "
            "costs traffic.",
        ),
    ] = 25.0
    heartbeat_timeout_s: Annotated[
        Seconds,
        Meta(
            description="Seconds without any frame from a client until its socket is closed with 4009. "
            "Longer than `heartbeat_s`.",
        ),
    ] = 50.0
    hello_timeout_s: Annotated[
        Seconds, Meta(description="Seconds that a new socket has for its `hello` before it is closed.")
    ] = 10.0
    drain_s: Annotated[
        Seconds,
        Meta(
            description="Seconds at most that a stop waits for appends under way and for clients to go. "
            "What is unanswered then is retried by its client.",
        ),
    ] = 10.0
    lame_duck_s: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds between a stop being asked for, when `/readyz` turns to 503, and its "
            "beginning. As long as a load balancer takes to notice that; 0 where it tries another server "
            "when a connection is refused, as nginx does.",
        ),
    ] = 0.0
    workers: Annotated[
        Annotated[int, Meta(ge=1, le=64)] | Literal["auto"],
        Meta(
            description="Processes that serve the port together; `auto`: as many as there are processors. "
            "More than one needs a `store.url` and a `broker.url` that can be shared.",
            extra={"allowed": "a whole number from 1 to 64, or auto"},
        ),
    ] = 1
    ops_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="A second TCP port, for `/metrics`, `/readyz` and `/healthz` alone; 0: none. With "
            "one, `/metrics` is there and not on `port`. The first worker has this one, the second the "
            "next, and so on.",
        ),
    ] = 0
    ops_host: Annotated[
        str,
        Meta(
            description="Address for `ops_port`. Empty: the same as `host`. `127.0.0.1` keeps it to this "
            "machine.",
            extra={"allowed": "an address"},
        ),
    ] = ""
    instance: Annotated[
        str,
        Meta(
            pattern=r"\A[A-Za-z0-9_-]{0,64}\Z",
            description="Name of this process in logs and in `welcome`. Empty: a random one at each "
            "start. Several workers have their number added: `name-1`.",
            extra={"allowed": "empty, or 1-64 of A-Z a-z 0-9 _ -"},
        ),
    ] = ""
    data: Annotated[
        str,
        Meta(
            min_length=1,
            description="Directory for everything that is kept, relative to the working directory. One "
            "process may use it at a time. Not used with a MongoDB.",
            extra={"allowed": "a directory"},
        ),
    ] = "data"


class StoreSection(Section, frozen=True, kw_only=True):
    title = "Where changes are made durable"

    url: Annotated[
        str,
        Meta(
            description="The store. Empty: `sqlite:///<server.data>/boardcast.db`. `sqlite:///a/b` is "
            "relative, `sqlite:////a/b` absolute. A MongoDB can be shared by several processes; its "
            "database is the URL's path, else `boardcast`.",
            extra={
                "allowed": "empty, sqlite:///<path>, mongodb://<host>/<database> or "
                "mongodb+srv://<host>/<database>"
            },
        ),
    ] = ""
    deadline_s: Annotated[
        Seconds,
        Meta(
            description="Seconds after which an answer of the store counts as missing. Clients then get "
            "`unavailable` and try again.",
        ),
    ] = 5.0


class BrokerSection(Section, frozen=True, kw_only=True):
    title = "How instances hear of each other's changes"

    url: Annotated[
        str,
        Meta(
            description="The broker. `local://` is this process alone. A Redis (or Valkey) joins processes "
            "that share a MongoDB; `rediss://` is with TLS. Environment variables keep passwords out of "
            "files and of the list of processes.",
            extra={"allowed": "local://, redis://<host>:<port>, rediss://<host>:<port> or unix://<path>"},
        ),
    ] = "local://"


class BoardsSection(Section, frozen=True, kw_only=True):
    title = "How boards are kept in memory and written"

    default_board: Annotated[
        Name, Meta(description="Id of the board that is shown at `/` and that `/api/tasks` speaks of.")
    ] = "demo"
    seed_demo: Annotated[
        bool,
        Meta(
            description="Create `default_board` with a few cards when the data directory is fresh.",
        ),
    ] = True
    idle_unload_s: Annotated[
        Seconds,
        Meta(
            description="Seconds that a board stays in memory after the last member left. Longer makes "
            "coming back quicker and takes memory.",
        ),
    ] = 60.0
    heads_check_s: Annotated[
        Seconds,
        Meta(
            description="Seconds between comparisons of the boards in use with the store: one query for all "
            "of them. Bounds how long a lost broker message can go unnoticed, and how late the changes come "
            "of an instance that alone is cut off from the broker. At most 1 where there are accounts.",
        ),
    ] = 2.0
    materialise_s: Annotated[
        Seconds,
        Meta(
            description="Seconds between writings of changed tasks to their own rows. Longer writes less, "
            "and leaves more log to replay when a board is loaded.",
        ),
    ] = 1.0
    batch_changes: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Changes at most in one append. Larger is faster under load, and delays the first "
            "of the batch.",
        ),
    ] = 512


class LogSection(Section, frozen=True, kw_only=True):
    title = "The server's own log, on standard error"

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(
            description="The least important level that is written. `debug` has a line for each message.",
            extra={"allowed": "debug, info, warning or error"},
        ),
    ] = "info"
    format: Annotated[
        Literal["auto", "console", "json"],
        Meta(
            description="`console` for people, `json` for machines, `auto`: console on a terminal, else "
            "json.",
            extra={"allowed": "auto, console or json"},
        ),
    ] = "auto"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All sections. The server is given a `Config`, which is this with the way to load it."""

    server: ServerSection = ServerSection()
    tls: TlsSection = TlsSection()
    auth: AuthSection = AuthSection()
    identity: IdentitySection = IdentitySection()
    store: StoreSection = StoreSection()
    broker: BrokerSection = BrokerSection()
    boards: BoardsSection = BoardsSection()
    limits: LimitsSection = LimitsSection()
    delivery: DeliverySection = DeliverySection()
    devices: DevicesSection = DevicesSection()
    mqtt: MqttSection = MqttSection()
    log: LogSection = LogSection()
