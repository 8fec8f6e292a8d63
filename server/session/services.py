"""What a session is given: its bounds and what it works with."""

from collections.abc import Callable

from msgspec import Struct

from server.accounts.desk import Accounts
from server.boards.registry import Boards
from server.budgets import Budgets
from server.devices.service import Devices
from server.hub import Hub
from server.metrics import Metrics
from server.model.messages import ServerInfo
from server.policy import Policy


class SessionSettings(Struct, frozen=True, kw_only=True):
    """See `server` and `limits` in config.yaml. Seconds end in `_s`."""

    heartbeat_s: float
    heartbeat_timeout_s: float
    hello_timeout_s: float
    frame_bytes: int
    resume_changes: int
    connections_per_address: int
    connections_per_user: int
    joins_per_connection: int
    pending_per_connection: int
    pending_bytes_per_connection: int
    bad_messages: int


class Services(Struct, frozen=True, kw_only=True):
    """What a session works with. `clock`: milliseconds since 1970. `accounts`: None in `open` mode."""

    boards: Boards
    budgets: Budgets
    hub: Hub
    policy: Policy
    settings: SessionSettings
    server: ServerInfo
    clock: Callable[[], int]
    metrics: Metrics
    devices: Devices
    accounts: Accounts | None = None
