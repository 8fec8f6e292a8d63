"""What becomes of a deleted device: it can be brought back for a while; then what it sent is forgotten."""

from pathlib import Path

import pytest

from server.app import App
from server.devices.gone import KIND, RESTORABLE_MS, Forgetting
from server.devices.kept_states import KeptStates
from server.devices.rules import begin
from server.errors import Unauthenticated
from server.model import device_commands as d
from tests.devices.desks import BOARD, Desks, desks
from tests.support import on_loop


def forgetting(made: Desks, app: App, later_ms: int, told: list[tuple[str, str]]) -> Forgetting:
    return Forgetting(
        app.store,
        app.boards,
        app.devices.tokens,
        app.devices.telemetry,
        lambda board, device: told.append((board, device)),
        clock=lambda: app.clerk.now() + later_ms,
    )


@on_loop
async def test_what_a_deleted_device_sent_is_forgotten_when_nobody_brings_it_back(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        (app,) = made.apps
        await made.do(d.DeviceCreate(device="other", name="Other"))
        for device in ("boiler", "other"):
            for value in range(120):
                await made.send(app, value, device=device)
        token = await app.devices.tokens.issue(BOARD, "boiler")
        await KeptStates(app.store).keep(BOARD, ("r1", "boiler"), begin(0), app.clerk.now())
        await made.do(d.DeviceDelete(device="boiler"))
        told: list[tuple[str, str]] = []
        await forgetting(made, app, RESTORABLE_MS - 60_000, told).step()
        assert (len(await app.store.telemetry.newest(BOARD)), told) == (2, [])
        await forgetting(made, app, RESTORABLE_MS + 60_000, told).step()
        assert [one.device for one in await app.store.telemetry.newest(BOARD)] == ["other"]
        assert not (await app.store.telemetry.raw(BOARD, "boiler", "temp", 0, 2**50, 10)).t
        assert not await KeptStates(app.store).of(BOARD)
        assert told == [(BOARD, "boiler")]
        assert not await app.store.entries(KIND)
        with pytest.raises(Unauthenticated):
            await app.devices.tokens.authenticate(token)


@on_loop
async def test_a_device_that_was_brought_back_keeps_what_it_sent_and_its_token(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        (app,) = made.apps
        await made.send(app, 1.0)
        token = await app.devices.tokens.issue(BOARD, "boiler")
        await made.do(d.DeviceDelete(device="boiler"))
        assert app.devices.hidden(BOARD) == {"boiler"}
        with pytest.raises(Unauthenticated):
            await app.devices.admit(token)
        await made.do(d.DeviceRestore(device="boiler"))
        assert not app.devices.hidden(BOARD)
        await forgetting(made, app, RESTORABLE_MS + 60_000, []).step()
        assert not await app.store.entries(KIND)
        assert [one.v for one in await app.store.telemetry.newest(BOARD)] == [1.0]
        assert (await app.devices.admit(token)).source.device == "boiler"


@on_loop
async def test_one_that_is_deleted_again_waits_from_then_on(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        (app,) = made.apps
        await made.do(d.DeviceDelete(device="boiler"))
        (first,) = await app.store.entries(KIND)
        await made.do(d.DeviceRestore(device="boiler"))
        await made.do(d.DeviceDelete(device="boiler"))
        (second,) = await app.store.entries(KIND)
        assert int(second.value) >= int(first.value) and second.version == first.version + 1
