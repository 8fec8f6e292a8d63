"""Readings by a real mosquitto, published by its own client, end to end."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from tests.devices.tokens import ask, issue, post
from tests.services.mongo import MongoServer
from tests.services.mosquitto import Mosquitto
from tests.services.redis import RedisServer
from tests.support import PATIENCE_S, Client, Message, ServerProcess, on_loop
from tests.test_metrics import scrape

TOPIC = "boards/demo/devices/{}/{}"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


def serving(data: Path, broker: Mosquitto, **settings: str) -> ServerProcess:
    return ServerProcess(data, MQTT__URL=broker.url, **settings)


async def make(server: ServerProcess, *devices: str) -> Client:
    """Devices on the board `demo`; somebody who is on it."""
    ann = await Client.hello(server)
    for device in devices:
        made = await ann.mutate("demo", "device.create", device=device, name=device.title())
        assert made["type"] == "ack", made
    return ann


def values(server: ServerProcess, device: str, metric: str) -> list[float]:
    """What is stored, in order of time."""
    path = f"/api/boards/demo/devices/{device}/telemetry?metric={metric}&points=5000"
    status, body = ask(server, path)
    if status == 404 and body["error"]["details"]["field"] == "metric":
        return []  # nothing of it was stored yet
    assert status == 200, body
    return [point[1] for point in body["points"]]


async def until(wanted: object, found: Callable[..., object], *given: object) -> None:
    """Asks until the answer is the wanted one."""
    answer: object = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await asyncio.to_thread(found, *given)) != wanted:
                pass
    except TimeoutError:
        raise AssertionError(f"it stays {answer!r}, wanted is {wanted!r}") from None


def mqtt_state(server: ServerProcess) -> str:
    """The part `mqtt` of `/readyz`, which is ready whatever that is."""
    status, body = server.get("/readyz")
    assert status == 200, body
    return str(json.loads(body)["parts"]["mqtt"]).partition(":")[0]


async def outcomes(server: ServerProcess) -> dict[str, float]:
    found = await scrape(server)
    head = "boardcast_mqtt_messages_received_total{outcome="
    return {name[len(head) : -1]: value for name, value in found.items() if name.startswith(head) and value}


def batch(boot: str, seq: int, *points: float) -> Message:
    t = time.time_ns() // 1_000_000 - 60_000 + seq
    return {"boot": boot, "seq": seq, "points": [{"t": t, "values": {"temp": v}} for v in points]}


@on_loop
async def test_readings_of_every_form_are_stored_and_the_rest_is_counted(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with serving(tmp_path / "data", broker) as server:
        await until("up", mqtt_state, server)
        ann = await make(server, "f-7")
        await ann.ask("join", board="demo")

        def say(what: str, payload: Any, *options: str, device: str = "f-7") -> None:
            payload = payload if isinstance(payload, bytes | str) else json.dumps(payload)
            broker.publish(TOPIC.format(device, what), payload, *options)

        def publish() -> None:
            say("telemetry", {"temp": -21.5, "door": False})
            say("telemetry", msgpack.packb({"temp": -21.25}))
            say("telemetry/temp", "-21")
            say("telemetry/door", "ON", "-q", "0")
            say("telemetry", "4.5")
            for _ in range(2):
                say("telemetry", numbered)
            say("telemetry", {"temp": "warm", "door": True})
            say("telemetry", "{")
            say("telemetry", {"values": {}})
            say("telemetry", {"temp": "\ud800"})
            say("telemetry/temp", "warm")
            say("telemetry", {"temp": 1}, device="stranger")
            say("telemetry", {"temp": 1}, device="no%20id")
            say("telemetry/temp", "7", "-r")  # kept at the topic from now on

        numbered = batch("b1", 1, -20, -19.5)
        await asyncio.to_thread(publish)
        await until([-20, -19.5, -21.5, -21.25, -21, 7], values, server, "f-7", "temp")
        await until([0, 1, 1], values, server, "f-7", "door")
        assert values(server, "f-7", "value") == [4.5]
        here = {}
        while "f-7" not in here:
            here |= {one["user"]["id"]: one for one in (await ann.next(ephemeral=True))["joined"]}
        assert here["f-7"]["kind"] == "device", "it is among the people of the board"
        seen = await outcomes(server)
        assert seen.pop("stored") == 8
        assert seen == {"refused": 6, "unknown": 1}
        assert "Traceback" not in server.output()


@on_loop
async def test_what_was_published_while_the_server_was_away_or_killed_is_stored_once(
    tmp_path: Path, broker: Mosquitto
) -> None:
    server = serving(tmp_path / "data", broker)
    with server:
        await until("up", mqtt_state, server)
        await make(server, "f-7")
        numbered = [json.dumps(batch("b1", seq, seq)) for seq in range(1, 61)]
        for payload in numbered[:20]:
            await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "telemetry"), payload)
        server.kill()  # whatever it was doing with them
        for payload in numbered[20:40]:
            await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "telemetry"), payload)
        server.start()
        for payload in numbered[40:]:
            await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "telemetry"), payload)
        await until([float(seq) for seq in range(1, 61)], values, server, "f-7", "temp")
        assert "Traceback" not in server.output()


@on_loop
async def test_a_broker_that_is_away_or_silent_harms_nothing_else_and_comes_back(
    tmp_path: Path, broker: Mosquitto
) -> None:
    (token,) = await issue(tmp_path / "data", "f-7")
    with serving(tmp_path / "data", broker) as server:
        await until("up", mqtt_state, server)
        await make(server, "f-7")
        broker.stop()
        await until("down", mqtt_state, server)
        status, body = await asyncio.to_thread(post, server, token, {"temp": 1})
        assert (status, body) == (200, {"stored": 1})
        assert (await scrape(server))["boardcast_mqtt_connected"] == 0
        broker.start()
        await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "telemetry/temp"), "2")
        await until([1, 2], values, server, "f-7", "temp")
        said = [line for line in server.output().splitlines() if '"event":"mqtt is down' in line]
        assert len(said) <= 2, "once for each reason, not for each attempt"
        server.terminate()
        assert server.wait() == 0
        assert "Traceback" not in server.output()


def test_settings_that_cannot_be_right_end_the_start_with_a_line(tmp_path: Path) -> None:
    for settings, line in (
        ({"MQTT__URL": "tcp://h"}, "configuration: mqtt.url: got 'tcp://h'"),
        ({"MQTT__URL": "mqtt://h:99999"}, "configuration: mqtt.url: wanted is mqtt://<host>:<port>"),
        ({"MQTT__URL": "mqtt://h", "MQTT__TELEMETRY": "a/b"}, "configuration: mqtt: 'a/b' lacks {device}"),
    ):
        server = ServerProcess(tmp_path / "data", **settings)
        with pytest.raises(AssertionError, match="did not start"):
            server.start()
        assert server.wait() == 78
        assert line in server.output()


@on_loop
async def test_a_command_goes_to_the_device_once_it_is_heard_of_and_its_answer_to_the_card(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with serving(tmp_path / "data", broker, MQTT__IDLE_S="3") as server:
        await until("up", mqtt_state, server)
        ann = await make(server, "f-7")
        await ann.ask("join", board="demo")
        listening = await asyncio.create_subprocess_exec(
            *broker.subscriber(TOPIC.format("f-7", "commands"), "-C", "2"), stdout=asyncio.subprocess.PIPE
        )
        assert listening.stdout is not None
        await until(True, lambda: f"{TOPIC.format('f-7', 'commands')} (QoS 1)" in broker.output())
        for number in (1, 2):
            sent = await ann.mutate(
                "demo", "command.send", command=f"c{number}", device="f-7", name="defrost", args={"on": True}
            )
            assert sent["type"] == "ack", sent
            await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "telemetry/temp"), str(number))
            async with asyncio.timeout(PATIENCE_S):
                told = json.loads(await listening.stdout.readline())
            assert (told["command"], told["name"], told["args"]) == (f"c{number}", "defrost", {"on": True})
            answer = {"command": f"c{number}", "ok": True, "result": f"done {number}"}
            await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "results"), json.dumps(answer))
            while f"done {number}" not in str(await ann.next()):
                pass
            gone = False
            while not gone:  # silent for a while: the next command waits for its next message
                gone = bool((await ann.next(ephemeral=True))["left"])
        await listening.wait()
        found = await scrape(server)
        assert found["boardcast_mqtt_commands_published_total"] == 2
        assert found["boardcast_mqtt_devices_reachable"] == 0
        disabled = await ann.mutate("demo", "device.update", device="f-7", disabled=True)
        assert disabled["type"] == "ack", disabled
        await until(True, lambda: _refused(broker, server))
        assert "Traceback" not in server.output()


def _refused(broker: Mosquitto, server: ServerProcess) -> bool:
    """Whether what a disabled device says is refused, by now."""
    broker.publish(TOPIC.format("f-7", "telemetry/temp"), "9")
    return 'boardcast_mqtt_messages_received_total{outcome="refused"} 0.0' not in server.get("/metrics")[1]


@on_loop
async def test_several_instances_share_the_messages_and_each_is_stored_once(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with RedisServer(tmp_path / "redis") as redis, MongoServer(tmp_path / "mongo") as mongo:
        shared = {"STORE__URL": mongo.url(), "BROKER__URL": redis.url}
        with (
            serving(tmp_path / "1", broker, SERVER__INSTANCE="one", **shared) as one,
            serving(tmp_path / "2", broker, SERVER__INSTANCE="two", **shared) as two,
        ):
            for server in (one, two):
                await until("up", mqtt_state, server)
            await make(one, "f-7")
            for number in range(10):
                await asyncio.to_thread(broker.publish, TOPIC.format("f-7", "telemetry/temp"), str(number))
            # Each of the two says when its own came in: together they may be in another order.
            await until([*range(10)], lambda: sorted(values(two, "f-7", "temp")))
            for server in (one, two):
                assert await outcomes(server) == {"stored": 5}
            assert "Traceback" not in one.output() + two.output()
