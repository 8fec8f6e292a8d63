"""Devices over HTTP: the registry, their tokens, commands to them."""

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET, structs

from handlers.api.answers import etag_of, etag_with, page_of
from handlers.api.asking import board_of, id_in_path, submit
from handlers.api.endpoint import Answer, Call, Endpoint, note, row
from handlers.api.queries import BaseQuery, PageQuery, SeqQuery
from server.boards.live import LiveBoard
from server.errors import Conflict, LimitExceeded, NotFound
from server.model import device_commands as d
from server.model import device_http as h
from server.model.devices import Device, DeviceCommand
from server.model.http import Page
from server.stores import answering

ONLINE_MS = 60_000
"""A device without a socket is online for so long after something came from it."""


async def views(call: Call, live: LiveBoard, devices: Sequence[Device]) -> list[h.DeviceView]:
    """Devices with what is not in the log: whether they are here, and since when not."""
    app = call.app
    with answering():
        heard = await app.store.telemetry.newest(live.board, [device.id for device in devices])
    seen: dict[str, int] = {}
    for one in heard:
        seen[one.device] = max(seen.get(one.device, 0), one.at)
    where = app.hub.people.devices(live.board)
    now = app.clerk.now()
    return [_view(device, seen.get(device.id), where.get(device.id), now) for device in devices]


def _view(device: Device, seen: int | None, instance: str | None, now: int) -> h.DeviceView:
    lately = seen is not None and now - seen < ONLINE_MS
    return h.DeviceView(
        **structs.asdict(device), online=instance is not None or lately, last_seen=seen, instance=instance
    )


async def need_device(call: Call) -> tuple[LiveBoard, Device]:
    """The device that the path names, and its board. Raises `NotFound`."""
    live, device = await board_of(call), call.path["device"]

    def found() -> Device:
        one = live.state.device(device)
        if one is None:
            raise NotFound("device", device)
        return one

    return live, await live.surely(found)


async def _one(call: Call, live: LiveBoard, device: str) -> h.DeviceView:
    (view,) = await views(call, live, [live.state.devices[device].value])
    return view


async def list_devices(call: Call) -> Answer:
    live = await board_of(call)
    page = page_of(call, live.state.sorted_devices())
    shown = structs.replace(page, items=await views(call, live, page.items))
    return Answer(body=shown, etag=etag_with(live, shown))


async def create_device(call: Call) -> Answer:
    body: h.NewDevice = call.body
    device = call.make_id("d") if body.id is UNSET else body.id
    command = d.DeviceCreate(device=device, name=body.name, tags=body.tags, metadata=body.metadata)
    live = await submit(call, call.path["board"], command)
    etag = etag_of(live)
    token = await call.app.devices.tokens.issue(live.board, device)
    return Answer(
        body=h.DeviceMade(device=await _one(call, live, device), token=token),
        etag=etag,
        location=f"/api/boards/{live.board}/devices/{device}",
    )


async def read_device(call: Call) -> Answer:
    live, device = await need_device(call)
    (view,) = await views(call, live, [device])
    return Answer(body=view, etag=etag_with(live, view))


async def update_device(call: Call) -> Answer:
    device = id_in_path(call, "device")
    live = await submit(call, call.path["board"], d.DeviceUpdate(device=device, **structs.asdict(call.body)))
    shown = await _one(call, live, device)
    return Answer(body=shown, etag=etag_with(live, shown))


async def delete_device(call: Call) -> Answer:
    live = await submit(call, call.path["board"], d.DeviceDelete(device=id_in_path(call, "device")))
    return Answer(etag=etag_of(live))


async def make_device_token(call: Call) -> Answer:
    """The earlier one counts no more when this is answered."""
    live, device = await need_device(call)
    token = await call.app.devices.tokens.issue(live.board, device.id)
    await note(call, "device token made", device.id)
    return Answer(body=h.DeviceToken(token=token), etag=etag_of(live))


# -- commands


async def list_commands(call: Call) -> Answer:
    live, device = await need_device(call)
    commands = [command for command in live.state.commands.values() if command.device == device.id]
    return Answer(body=page_of(call, commands), etag=etag_of(live))


async def send_command(call: Call) -> Answer:
    body: h.NewCommand = call.body
    device = id_in_path(call, "device")
    fields = {name: value for name, value in structs.asdict(body).items() if name != "id"}
    command = call.make_id("k") if body.id is UNSET else body.id
    live = await submit(call, call.path["board"], d.CommandSend(command=command, device=device, **fields))
    sent = live.state.commands.get(command)
    if sent is None:  # sent again under the same key, long after it was over
        raise NotFound("command", command)
    return Answer(body=sent, etag=etag_of(live))


_row = partial(row, "Devices")
_ALL = "/api/boards/{board}/devices"
_ONE = _ALL + "/{device}"
ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "GET",
        _ALL,
        list_devices,
        "Devices of a board, in order of creation",
        Page[h.DeviceView],
        query=PageQuery,
    ),
    _row(
        "POST",
        _ALL,
        create_device,
        "Register a device; its token is shown this once",
        h.DeviceMade,
        body=h.NewDevice,
        status=201,
        located=True,
        refusals=(Conflict, LimitExceeded),
    ),
    _row("GET", _ONE, read_device, "One device", h.DeviceView, query=SeqQuery),
    _row(
        "PATCH",
        _ONE,
        update_device,
        "Rename, tag, describe, disable or enable a device",
        h.DeviceView,
        query=BaseQuery,
        body=h.DeviceEdit,
        refusals=(Conflict, LimitExceeded),
    ),
    _row(
        "DELETE",
        _ONE,
        delete_device,
        "Delete a device; for 7 days `device.restore` brings it back with all that it sent",
        refusals=(Conflict,),
    ),
    _row(
        "POST",
        _ONE + "/token",
        make_device_token,
        "A new token for a device, in place of the one it had",
        h.DeviceToken,
        keyed=False,
    ),
    _row(
        "GET",
        _ONE + "/commands",
        list_commands,
        "Commands to a device and what has become of them; of what is over the last ones",
        Page[DeviceCommand],
        query=PageQuery,
    ),
    _row(
        "POST",
        _ONE + "/commands",
        send_command,
        "Send a command to a device, at once or when it is back",
        DeviceCommand,
        body=h.NewCommand,
        status=201,
        refusals=(Conflict, LimitExceeded),
    ),
)
