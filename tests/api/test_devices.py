"""Devices over HTTP: registered, changed, told, and rules tried on what they have sent."""

from typing import Any

import pytest

from server.app import App, now_ms
from server.devices import trials
from server.stores.telemetry import Batch
from tests.api.client import Client

DEVICES = "/api/boards/demo/devices"
MIN = 60_000
HOT = {
    "id": "hot",
    "device": "*",
    "metric": "temp",
    "when": {"kind": "above", "value": 80},
    "then": {"column": "todo", "title": "Too warm"},
}


async def made(client: Client, **more: Any) -> str:
    reply = await client.post(DEVICES, {"name": "Boiler", "id": "boiler", **more})
    assert reply.status == 201, reply
    return str(reply.body["token"])


async def store(app: App, *values: float, ago_min: int) -> None:
    """A value a minute, the first one so long ago, as if they had come then."""
    start = now_ms() - ago_min * MIN
    times = [start + n * MIN for n in range(len(values))]
    batch = Batch.of("demo", "boiler", {"temp": (times, list(values))}, at=times[-1])
    await app.store.telemetry.keep([batch])


@pytest.mark.gen_test
async def test_a_device_is_registered_changed_and_deleted(client: Client) -> None:
    reply = await client.post(DEVICES, {"name": "Boiler", "tags": ["heat"], "metadata": {"room": "K12"}})
    device = reply.body["device"]
    assert reply.headers["Location"] == f"{DEVICES}/{device['id']}"
    assert reply.body["token"].startswith("bcd_")
    assert (device["name"], device["tags"], device["metadata"]) == ("Boiler", ["heat"], {"room": "K12"})
    assert (device["online"], device["last_seen"], device["instance"]) == (False, None, None)
    listed = await client.get(DEVICES)
    assert (listed.body["items"], listed.body["total"]) == ([device], 1)
    changed = await client.patch(reply.headers["Location"], {"name": "Kettle", "disabled": True})
    assert (changed.body["name"], changed.body["disabled"], changed.body["tags"]) == (
        "Kettle",
        True,
        ["heat"],
    )
    assert (await client.get(reply.headers["Location"])).body == changed.body
    assert (await client.delete(reply.headers["Location"])).status == 204
    assert (await client.get(reply.headers["Location"])).code == "not_found"
    assert (await client.post(f"{DEVICES}/{device['id']}/token", None)).code == "not_found"
    for path in ("telemetry/newest", "telemetry?metric=temp", "telemetry.csv?metric=temp"):
        reply = await client.get(f"{DEVICES}/{device['id']}/{path}")
        assert (reply.code, reply.body["error"]["details"]["field"]) == ("not_found", "device"), path
    again = await client.post(DEVICES, {"name": "Kettle", "id": device["id"]})
    assert (again.code, "device.restore brings it back" in again.body["error"]["message"]) == (
        "conflict",
        True,
    )


@pytest.mark.gen_test
async def test_a_token_is_shown_once_and_replaced_by_the_next(client: Client, instance: App) -> None:
    first = await made(client)
    second = (await client.post(f"{DEVICES}/boiler/token", None)).body["token"]
    tokens = instance.devices.tokens
    assert (await tokens.authenticate(second)).device == "boiler"
    with pytest.raises(Exception, match="replaced"):
        await tokens.authenticate(first)
    assert "bcd_" not in str((await client.get(DEVICES)).body)
    assert "bcd_" not in str((await client.get("/api/boards/demo/changes")).body)


@pytest.mark.gen_test
async def test_what_a_device_sent_last_is_when_it_was_seen(client: Client, instance: App) -> None:
    await made(client)
    await store(instance, 20.0, ago_min=10)
    away = (await client.get(f"{DEVICES}/boiler")).body
    assert away["online"] is False and now_ms() - away["last_seen"] >= 10 * MIN
    await store(instance, 21.0, ago_min=0)
    assert (await client.get(f"{DEVICES}/boiler")).body["online"] is True


@pytest.mark.gen_test
@pytest.mark.parametrize("path", ["", "/boiler", "/boiler/telemetry?metric=temp", "/boiler/telemetry/newest"])
async def test_an_answer_about_devices_is_sent_again_when_the_board_or_a_reading_has_changed(
    client: Client, instance: App, path: str
) -> None:
    await made(client)
    await store(instance, 20.0, ago_min=10)

    async def seen(known: str = "none") -> tuple[int, str]:
        reply = await client.get(DEVICES + path, If_None_Match=known)
        return reply.status, reply.headers["ETag"]

    status, first = await seen()
    board = (await client.get("/api/boards/demo")).headers["ETag"].strip('"')
    assert status == 200 and first.startswith(f'"{board}:')
    assert await seen(first) == (304, first)
    await store(instance, 21.0, ago_min=5)
    status, second = await seen(first)
    assert status == 200 and second.startswith(f'"{board}:')
    await client.patch(DEVICES + "/boiler", {"name": "Kettle"})
    status, third = await seen(second)
    assert status == 200 and not third.startswith(f'"{board}:')
    assert await seen(third) == (304, third)


@pytest.mark.gen_test
async def test_a_command_waits_and_is_listed_and_the_same_key_sends_it_once(client: Client) -> None:
    await made(client)
    url = f"{DEVICES}/boiler/commands"
    sent = await client.post(url, {"name": "stop", "args": {"slowly": True}}, idempotency_key="k1")
    assert (sent.status, sent.body["state"], sent.body["args"]) == (201, "queued", {"slowly": True})
    again = await client.post(url, {"name": "stop", "args": {"slowly": True}}, idempotency_key="k1")
    assert again.body == sent.body
    assert [one["id"] for one in (await client.get(url)).body["items"]] == [sent.body["id"]]
    for body, field in (
        ({"name": "st op"}, "name"),
        ({"name": "stop", "args": {"a b": 1}}, "args"),
        ({"name": "stop", "args": {"a": {"b": 1}}}, "args"),
        ({"name": "stop", "expires_at": 5}, "expires_at"),
    ):
        refused = await client.post(url, body)
        assert (refused.status, refused.code) == (400, "bad_request")
        assert field in refused.body["error"]["details"]["field"]
    assert (await client.post(f"{DEVICES}/nobody/commands", {"name": "stop"})).code == "not_found"


@pytest.mark.gen_test
async def test_a_rule_is_tried_on_the_past_before_it_is_saved(client: Client, instance: App) -> None:
    await made(client)
    await store(instance, 70, 90, 70, 71, 95, 70, ago_min=300)
    await store(instance, 99, 70, ago_min=100)
    found = (await client.post("/api/boards/demo/rules/trial", {"rule": HOT})).body
    assert (found["cards"], found["points"], found["more"]) == (2, 8, False)
    (device,) = found["devices"]
    assert device["device"] == "boiler"
    turns = [turn["turn"] for turn in device["turns"]]
    assert turns == ["opened", "cleared", "returned", "cleared", "opened", "cleared"]
    assert device["turns"][0]["reason"] == "temp is 90: above 80"
    assert (await client.get("/api/boards/demo/rules")).body["items"] == [], "nothing was saved"
    since = now_ms() - 200 * MIN
    assert (await client.post("/api/boards/demo/rules/trial", {"rule": HOT, "from": since})).body[
        "cards"
    ] == 1


@pytest.mark.gen_test
async def test_of_a_long_past_the_newest_part_is_tried_on_all_who_have_the_metric(
    client: Client, instance: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "MOST_POINTS", 1000)
    await made(client)
    for number in range(30):  # they have nothing to be tried on, and cost nothing
        await made(client, id=f"other-{number}")
    await store(instance, *[70] * 2900, 95, *[70] * 99, ago_min=3000)
    found = (await client.post("/api/boards/demo/rules/trial", {"rule": HOT})).body
    assert (found["cards"], found["more"]) == (1, True)
    (device,) = found["devices"]
    assert device["device"] == "boiler"
    assert 900 <= device["points"] <= 1000
    assert device["since"] > now_ms() - 1002 * MIN and device["until"] > now_ms() - MIN


@pytest.mark.gen_test
async def test_a_trial_that_makes_no_sense_is_refused_with_the_field(client: Client) -> None:
    url = "/api/boards/demo/rules/trial"
    silly = HOT | {"when": {"kind": "above", "value": 80, "clear": 90}}
    refused = await client.post(url, {"rule": silly})
    assert refused.body["error"]["details"]["field"] == "rule.when.clear"
    assert (await client.post(url, {"rule": HOT, "from": 5, "to": 4})).body["error"]["details"][
        "field"
    ] == "from"
    assert (await client.post(url, {"rule": HOT, "device": "nobody"})).code == "not_found"
