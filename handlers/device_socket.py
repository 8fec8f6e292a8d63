"""`/ws/device`: the upgrade with a device's token, and frames to and from a `DeviceLine`."""

from handlers.telemetry import device_token
from handlers.websocket import BoardSocket, Conversation
from server.app import App
from server.devices.service import Guest
from server.outbox import Transport


class DeviceSocket(BoardSocket):
    """One device. It is let in before the upgrade: a token that does not count gets 401, not a socket."""

    def initialize(self, app: App) -> None:
        super().initialize(app)
        self.guest: Guest | None = None

    async def prepare(self) -> None:  # type: ignore[override]
        super().prepare()
        self.guest = await self.app.devices.admit(device_token(self.request))

    def connect(self, transport: Transport) -> Conversation | None:
        assert self.guest is not None, "let in by `prepare`"
        return self.app.connect_device(transport, self.codec, self.guest)
