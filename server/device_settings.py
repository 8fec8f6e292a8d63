"""What `config.yaml` says about devices, as their parts want it."""

from server.config import Config
from server.devices.ingest import IngestSettings
from server.devices.line import LineSettings
from server.devices.service import DeviceSettings
from server.devices.source import Limits
from server.devices.upkeep import Keeping
from server.devices.windows import parse


def device_settings(config: Config) -> DeviceSettings:
    given = config.devices
    return DeviceSettings(
        ingest=IngestSettings(
            device=Limits(parse(given.device_points), parse(given.device_backlog)),
            board=Limits(parse(given.board_points), parse(given.board_backlog)),
            backlog_after_ms=round(given.backlog_after_s * 1000),
            metrics_per_device=given.metrics_per_device,
            waiting_points=given.waiting_points,
        ),
        keeping=Keeping(raw_days=given.raw_days, minute_days=given.minute_days, hour_days=given.hour_days),
        line=LineSettings(
            heartbeat_s=config.server.heartbeat_s,
            heartbeat_timeout_s=config.server.heartbeat_timeout_s,
            bad_messages=config.limits.bad_messages,
        ),
    )
