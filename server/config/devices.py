"""The settings of what devices send, and of how long it is kept."""

from typing import Annotated

from msgspec import Meta

from server.config.kinds import Count, Seconds, Section, Windows


class DevicesSection(Section, frozen=True, kw_only=True):
    title = "What devices may send, and how long it is kept. Limits hold for each process"

    device_points: Annotated[
        Windows,
        Meta(
            description="Points that one device may send, as `count:seconds` windows. Past it a batch "
            "gets `rate_limited` with `retry_after_ms`; it is not lost, the device has it still. Empty: "
            "no limit.",
        ),
    ] = "1000:1,20000:60"
    board_points: Annotated[Windows, Meta(description="The same for all devices of one board together.")] = (
        "20000:1,600000:60"
    )
    device_backlog: Annotated[
        Windows,
        Meta(
            description="Points of a backlog that one device may send, beside those of now: a device "
            "that was away loses nothing, and what it measures now is not held up.",
        ),
    ] = "2000:1,60000:60"
    board_backlog: Annotated[Windows, Meta(description="The same for all devices of one board together.")] = (
        "20000:1,600000:60"
    )
    backlog_after_s: Annotated[
        Seconds,
        Meta(description="Seconds after which a batch counts as backlog, by the newest of its points."),
    ] = 60.0
    metrics_per_device: Annotated[
        Count,
        Meta(
            description="Metrics that one device may have. Values of a further one are refused, the "
            "others of the batch are kept.",
        ),
    ] = 100
    waiting_points: Annotated[
        Count,
        Meta(
            description="Points that wait to be stored, and as many of backlogs; about 200 bytes of "
            "memory each. Past it batches get `rate_limited`. At least 1000.",
        ),
    ] = 200_000
    raw_days: Annotated[
        int,
        Meta(
            ge=8,
            le=3660,
            description="Days that single points are kept; more than the 7 that a point may come late. "
            "A point takes about 10 to 30 bytes.",
        ),
    ] = 14
    minute_days: Annotated[
        int,
        Meta(
            ge=8,
            le=36_600,
            description="Days that the minutes made from them are kept, about 50 bytes for each minute "
            "and metric. At least `raw_days`.",
        ),
    ] = 90
    hour_days: Annotated[
        int,
        Meta(
            ge=8,
            le=36_600,
            description="Days that the hours made from them are kept. At least `minute_days`.",
        ),
    ] = 3660
