"""A device on a real socket, a person on another, and a server that dies in between."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from tests.devices.tokens import Device, ask
from tests.fold import Fold
from tests.services.mongo import database_url
from tests.services.redis import RedisServer
from tests.support import PATIENCE_S, Client, Message, ServerProcess, on_loop

HOT = {
    "id": "hot",
    "device": "*",
    "metric": "temp",
    "when": {"kind": "above", "value": 80},
    "then": {"column": "todo", "title": "Too warm", "complete_on_clear": True, "command": {"name": "stop"}},
}
QUIET = {
    "id": "quiet",
    "device": "*",
    "metric": "temp",
    "when": {"kind": "silent", "for_ms": 1500},
    "then": {"column": "todo", "title": "Silent"},
}


def call(server: ServerProcess, path: str, body: Message | None = None) -> Message:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if body is not None else {}
    status, answer = ask(server, "/api/boards/demo" + path, data, headers)
    assert status < 300, (answer, server.output()[-3000:])
    return answer  # type: ignore[no-any-return]


class Person:
    """Somebody on the board, who sees what is sent and nothing else."""

    def __init__(self, client: Client) -> None:
        self.client, self.fold = client, Fold()

    @classmethod
    async def join(cls, server: ServerProcess) -> "Person":
        person = cls(await Client.hello(server))
        person.fold.take(await person.client.ask("join", board="demo"))
        return person

    @property
    def cards(self) -> list[Message]:
        return [task for task in self.fold.tasks.values() if task["alarm"] is not None]

    @property
    def commands(self) -> list[Message]:
        return list(self.fold.parts["commands"].values())

    async def sees(self, what: Callable[[], bool]) -> None:
        while not what():
            message = await self.client.next()
            if message["type"] == "changes":
                self.fold.take(message)

    async def does(self, op: str, **args: object) -> None:
        ack = await self.client.mutate("demo", op, **args)
        assert ack["type"] == "ack", ack


@on_loop
async def test_a_fault_opens_a_card_stops_the_device_and_completes_when_it_has_cooled(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        token = call(server, "/devices", {"id": "boiler", "name": "Boiler"})["token"]
        device = await Device.open(server, token, "msgpack")
        person, setter = await Person.join(server), await Person.join(server)
        await setter.does("rule.set", rule=HOT)
        await setter.does("task.create", task="cool", title="Cool it", done_when=COLD)
        assert (await device.tell({"values": {"temp": 90}}))["type"] == "stored"
        command = await device.next()
        assert (command["type"], command["name"], command["args"]) == ("command", "stop", {})
        await person.sees(lambda: [c["state"] for c in person.commands] == ["sent"])
        (card,) = person.cards
        assert (card["title"], card["device"], card["alarm"]) == ("Too warm: Boiler", "boiler", "hot")
        assert person.commands[0]["task"] == card["id"]
        await device.send({"type": "command_result", "command": command["command"], "ok": True, "result": 0})
        await person.sees(lambda: person.commands[0]["state"] == "done")
        await device.tell({"values": {"temp": 30}})
        await person.sees(lambda: person.fold.tasks["cool"]["completed"])
        assert person.cards[0]["completed"], "it is not too warm any more either"
        seen = call(server, "/devices/boiler")
        assert (seen["online"], seen["instance"]) == (True, person.client.welcome["server"]["instance"])
        for one in (device, person.client, setter.client):
            await one.close()
        assert "Traceback" not in server.output()


COLD = {"device": "boiler", "metric": "temp", "below": 50, "completes": True}


@on_loop
async def test_a_new_token_and_a_disabled_device_end_the_socket(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        token = call(server, "/devices", {"id": "boiler", "name": "Boiler"})["token"]
        device = await Device.open(server, token)
        token = rotated(server)
        assert (await device.closed()).code == 4501
        device = await Device.open(server, token)
        owner = await Person.join(server)
        await owner.does("device.update", device="boiler", disabled=True)
        assert (await device.closed()).code == 4503
        await owner.client.close()


def rotated(server: ServerProcess) -> str:
    status, answer = ask(server, "/api/boards/demo/devices/boiler/token", b"")
    assert status == 200, answer
    return str(answer["token"])


@on_loop
async def test_a_killed_server_notices_who_has_fallen_silent_though_nobody_looks(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path)
    with server:
        token = call(server, "/devices", {"id": "boiler", "name": "Boiler"})["token"]
        device, owner = await Device.open(server, token), await Person.join(server)
        await owner.does("rule.set", rule=QUIET)
        await device.tell({"values": {"temp": 20}})
        await owner.does("command.send", command="k", device="boiler", name="blink")
        assert (await device.next())["command"] == "k"
        server.kill()
        server.start()
        person = await Person.join(server)
        await person.sees(lambda: bool(person.cards))
        assert "nothing has come for 1500 ms" in person.cards[0]["description"]
        assert person.commands[0]["state"] == "sent", "it is not sent again"
        device = await Device.open(server, token)
        await device.tell({"values": {"temp": 21}})
        await person.sees(lambda: person.cards[0]["alarm_at"] is None)
        await device.close()
        await person.client.close()


@on_loop
async def test_what_one_instance_hears_and_does_the_other_goes_on_with_when_it_dies(tmp_path: Path) -> None:
    """Two processes on one store and broker: the device is with the first, the people are with the second."""
    with RedisServer(tmp_path / "redis") as redis:
        settings = {"BROKER__URL": redis.url, "STORE__URL": database_url(str(tmp_path))}
        one, two = (ServerProcess(tmp_path / name, **settings) for name in ("one", "two"))
        with one, two:
            token = call(one, "/devices", {"id": "boiler", "name": "Boiler"})["token"]
            device = await Device.open(one, token)
            person, setter = await Person.join(two), await Person.join(two)
            await setter.does("rule.set", rule=HOT)
            await device.tell({"values": {"temp": 90}})
            assert (await device.next())["name"] == "stop", "the rule told it"
            await person.sees(lambda: [card["alarm"] for card in person.cards] == ["hot"])
            await setter.does("command.send", command="k", device="boiler", name="blink")
            assert (await device.next())["command"] == "k", "sent by way of the other instance"
            await device.send({"type": "command_result", "command": "k", "ok": True})
            await person.sees(lambda: "done" in [c["state"] for c in person.commands])
            where = call(one, "/devices/boiler")["instance"]
            async with asyncio.timeout(PATIENCE_S):  # presence comes by the broker, and may come late
                while (view := await asyncio.to_thread(call, two, "/devices/boiler"))["instance"] != where:
                    pass
            assert view["online"]
            await setter.does("rule.set", rule=QUIET)
            await device.tell({"values": {"temp": 91}})
            one.kill()
            await person.sees(lambda: {card["alarm"] for card in person.cards} == {"hot", "quiet"})
            device = await Device.open(two, token)
            await device.tell({"values": {"temp": 20}})
            await person.sees(lambda: all(card["alarm_at"] is None for card in person.cards))
            assert len(person.cards) == 2
            await device.close()
            await person.client.close()
            await setter.client.close()
