"""Devices over HTTP: the registry, their tokens, commands to them."""

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET, structs

from handlers.api.endpoint import (
    Answer,
    Call,
    Endpoint,
    board_of,
    etag_of,
    id_in_path,
    page_of,
    submit,
)
from handlers.api.queries import BaseQuery, PageQuery, SeqQuery
from server.boards.live import LiveBoard
from server.errors import Conflict, LimitExceeded, NotFound, Unavailable
from server.model import device_commands as d
from server.model import device_http as h
from server.model.devices import Device, DeviceCommand
from server.model.http import Page
from server.stores import Failed

ONLINE_MS = 60_000
"""A device without a socket is online for so long after something came from it."""


async def views(call: Call, live: LiveBoard, devices: Sequence[Device]) -> list[h.DeviceView]:
    """Devices with what is not in the log: whether they are here, and since when not."""
    app = call.app
    try:
        heard = await app.store.telemetry.newest(live.board, [device.id for device in devices])
    except Failed as error:
        raise Unavailable("the store does not answer") from error
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


def _device(live: LiveBoard, device: str) -> Device:
    found = live.state.device(device)
    if found is None:
        raise NotFound("device", device)
    return found


async def _one(call: Call, live: LiveBoard, device: str) -> h.DeviceView:
    (view,) = await views(call, live, [live.state.devices[device].value])
    return view


async def list_devices(call: Call) -> Answer:
    live = await board_of(call)
    page = page_of(live.state.sorted_devices(), call.query.skip, call.query.limit)
    page["items"] = await views(call, live, page["items"])
    return Answer(body=page)  # no ETag: whether they are online is not in the log


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
    live = await board_of(call)
    device = await live.surely(partial(_device, live, call.path["device"]))
    (view,) = await views(call, live, [device])
    return Answer(body=view)


async def update_device(call: Call) -> Answer:
    device = id_in_path(call, "device")
    live = await submit(call, call.path["board"], d.DeviceUpdate(device=device, **structs.asdict(call.body)))
    etag = etag_of(live)
    return Answer(body=await _one(call, live, device), etag=etag)


async def delete_device(call: Call) -> Answer:
    live = await submit(call, call.path["board"], d.DeviceDelete(device=id_in_path(call, "device")))
    return Answer(etag=etag_of(live))


async def make_device_token(call: Call) -> Answer:
    """The earlier one counts no more when this is answered."""
    live = await board_of(call)
    device = await live.surely(partial(_device, live, call.path["device"]))
    return Answer(body=h.DeviceToken(token=await call.app.devices.tokens.issue(live.board, device.id)))


# -- commands


async def list_commands(call: Call) -> Answer:
    live = await board_of(call)
    device = await live.surely(partial(_device, live, call.path["device"]))
    commands = [command for command in live.state.commands.values() if command.device == device.id]
    return Answer(body=page_of(commands, call.query.skip, call.query.limit), etag=etag_of(live))


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


TAG = "Devices"
_ALL = "/api/boards/{board}/devices"
_ONE = _ALL + "/{device}"
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=_ALL,
        call=list_devices,
        query=PageQuery,
        answer=Page[h.DeviceView],
        refusals=(NotFound,),
        summary="Devices of a board, in order of creation",
        tag=TAG,
        of_board=False,
    ),
    Endpoint(
        method="POST",
        path=_ALL,
        call=create_device,
        query=BaseQuery,
        body=h.NewDevice,
        answer=h.DeviceMade,
        status=201,
        located=True,
        refusals=(NotFound, Conflict, LimitExceeded),
        summary="Register a device; its token is shown this once",
        tag=TAG,
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        call=read_device,
        query=SeqQuery,
        answer=h.DeviceView,
        refusals=(NotFound,),
        summary="One device",
        tag=TAG,
        of_board=False,
    ),
    Endpoint(
        method="PATCH",
        path=_ONE,
        call=update_device,
        query=BaseQuery,
        body=h.DeviceEdit,
        answer=h.DeviceView,
        refusals=(NotFound, Conflict, LimitExceeded),
        summary="Rename, tag, describe, disable or enable a device",
        tag=TAG,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        call=delete_device,
        query=BaseQuery,
        answer=None,
        status=204,
        refusals=(NotFound, Conflict),
        summary="Delete a device; `device.restore` brings it back",
        tag=TAG,
    ),
    Endpoint(
        method="POST",
        path=_ONE + "/token",
        call=make_device_token,
        answer=h.DeviceToken,
        refusals=(NotFound,),
        summary="A new token for a device, in place of the one it had",
        tag=TAG,
        of_board=False,
        keyed=False,
    ),
    Endpoint(
        method="GET",
        path=_ONE + "/commands",
        call=list_commands,
        query=PageQuery,
        answer=Page[DeviceCommand],
        refusals=(NotFound,),
        summary="Commands to a device and what has become of them; of what is over the last ones",
        tag=TAG,
    ),
    Endpoint(
        method="POST",
        path=_ONE + "/commands",
        call=send_command,
        query=BaseQuery,
        body=h.NewCommand,
        answer=DeviceCommand,
        status=201,
        refusals=(NotFound, Conflict, LimitExceeded),
        summary="Send a command to a device, at once or when it is back",
        tag=TAG,
    ),
)
