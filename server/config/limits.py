"""The settings that bound memory and growth."""

from typing import Annotated

from msgspec import Meta

from server.config.kinds import Bytes, Count, Seconds, Section


class LimitsSection(Section, frozen=True, kw_only=True):
    title = "How much there may be, else `limit_exceeded`; and how fast, else `rate_limited`"

    frame_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            le=1024**2,
            description="Bytes in one frame from a client. A larger one closes its socket with 1009.",
        ),
    ] = 65_536
    resume_changes: Annotated[
        Count,
        Meta(
            description="Changes that a returning client is sent one by one. When it missed more it gets "
            "a snapshot.",
        ),
    ] = 1000
    boards: Annotated[Count, Meta(description="Boards in the store.")] = 10_000
    tasks_per_board: Annotated[Count, Meta(description="Tasks on one board.")] = 10_000
    columns_per_board: Annotated[Count, Meta(description="Columns on one board.")] = 100
    labels_per_board: Annotated[Count, Meta(description="Labels that one board defines.")] = 200
    members_per_board: Annotated[Count, Meta(description="Members of one board.")] = 1000
    labels_per_task: Annotated[Count, Meta(description="Labels on one task.")] = 50
    assignees_per_task: Annotated[Count, Meta(description="People assigned to one task.")] = 50
    checklist_items: Annotated[Count, Meta(description="Checklist items of one task.")] = 100
    comments_per_task: Annotated[Count, Meta(description="Comments on one task.")] = 1000
    devices_per_board: Annotated[Count, Meta(description="Devices of one board.")] = 2000
    rules_per_board: Annotated[Count, Meta(description="Rules of one board.")] = 100
    connections: Annotated[
        Count,
        Meta(
            description="Open sockets of this process. The next one is closed with 4504. The operating "
            "system's limit of open files must be higher.",
        ),
    ] = 20_000
    connections_per_address: Annotated[
        Count,
        Meta(
            description="Open sockets, and as many connections for HTTP, of one client address (IPv6: of one "
            "/64 network). The next one is closed with 4504. A proxy counts as its clients when it is one of "
            "`server.trusted_proxies`; this machine itself is not counted.",
        ),
    ] = 1000
    connections_per_user: Annotated[
        Count, Meta(description="Open sockets of one user. The next one is closed with 4504.")
    ] = 500
    waiting_connections: Annotated[
        Count,
        Meta(
            description="Connections that ask for nothing: before their first request, or between two. Past "
            "it the one that has waited longest is closed.",
        ),
    ] = 4096
    first_request_s: Annotated[
        Seconds,
        Meta(description="Seconds that a new connection has for its first request before it is closed."),
    ] = 10.0
    messages_per_second: Annotated[
        Count,
        Meta(
            description="Messages a second of all sockets of one user, or HTTP requests of one address. Past "
            "`burst_s` seconds' worth they get `rate_limited`. Visitors who show nothing use what their "
            "address may, in this and the next three.",
        ),
    ] = 5000
    mutations_per_second: Annotated[
        Count,
        Meta(
            description="Mutations a second of one user, over HTTP of one address. Past `burst_s` seconds' "
            "worth they get `rate_limited`.",
        ),
    ] = 2000
    received_bytes_per_second: Annotated[
        Bytes,
        Meta(
            description="Bytes a second from all sockets of one user. Past `burst_s` seconds' worth a socket "
            "is not read for a moment; bodies of HTTP requests get `rate_limited`.",
        ),
    ] = 4_194_304
    answered_bytes_per_second: Annotated[
        Bytes,
        Meta(
            description="Bytes a second of what one user asks for: snapshots, pages of comments, answers "
            "over HTTP. Past `burst_s` seconds' worth a request for more gets `rate_limited`.",
        ),
    ] = 16_777_216
    burst_s: Annotated[
        Seconds,
        Meta(
            description="Seconds of the four rates above whose worth may be used at once by whoever was "
            "quiet before. A client that comes back with much to send needs it.",
        ),
    ] = 10.0
    joins_per_connection: Annotated[
        Count, Meta(description="Boards that one socket may have joined at once.")
    ] = 100
    pending_per_connection: Annotated[
        Count,
        Meta(
            description="Mutations of one socket that are not yet answered. Past it they get "
            "`rate_limited`. At most `inbox_per_board`.",
        ),
    ] = 1024
    pending_bytes_per_connection: Annotated[
        Bytes,
        Meta(
            description="Bytes of frames of one socket whose messages are not yet answered. Past it its "
            "mutations get `rate_limited`. At least `frame_bytes`.",
        ),
    ] = 1_048_576
    inbox_per_board: Annotated[
        Count,
        Meta(
            description="Mutations that wait for one board, all sockets together. Past it they get "
            "`rate_limited`.",
        ),
    ] = 8192
    bad_messages: Annotated[
        Count,
        Meta(
            description="Messages of one socket that cannot be understood, until it is closed with 4500.",
        ),
    ] = 100


class DeliverySection(Section, frozen=True, kw_only=True):
    title = "What is kept for a reader that is slower than its board; per socket"

    log_bytes: Annotated[
        Bytes,
        Meta(
            description="Bytes of changes and answers that wait for a socket. Past it the changes of a "
            "board are replaced by one `resync`. At least twice `limits.frame_bytes`.",
        ),
    ] = 1_048_576
    log_hard_bytes: Annotated[
        Bytes,
        Meta(
            description="Bytes that wait for a socket until it is closed with 4008 and the client "
            "resumes. More than `log_bytes`. A slow reader takes about this much memory at "
            "most, and the first part of a snapshot for each board that it has just joined.",
        ),
    ] = 4_194_304
    ephemeral_bytes: Annotated[
        Bytes,
        Meta(
            description="Bytes that may wait while presence is still queued; past it presence is dropped "
            "first. At most `log_bytes`.",
        ),
    ] = 65_536
