"""A connection to a real mosquitto: what is not dealt with comes again, and each failure is told as one."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.devices.mqtt.link import Incoming, Link
from server.devices.mqtt.settings import Failed, MqttSettings
from tests.brokers.test_redis_login import Certificates
from tests.services.mosquitto import Mosquitto, need
from tests.support import PATIENCE_S, on_loop


def settings(broker: Mosquitto, **changes: object) -> MqttSettings:
    given: dict[str, object] = {
        "url": broker.url,
        "username": "",
        "password": "",
        "ca_file": "",
        "protocol": "v5",
        "telemetry": ("{device}/t",),
        "commands": "{device}/c",
        "results": "",
        "qos": 1,
        "pending_messages": 100,
        "idle_s": 60.0,
        "client_id": "",
        "share": "",
        "default_board": "demo",
        "most_bytes": 65_536,
    }
    return MqttSettings(**(given | changes))  # type: ignore[arg-type]


class Inbox:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Incoming] = asyncio.Queue()

    async def next(self) -> Incoming:
        async with asyncio.timeout(PATIENCE_S):
            return await self.messages.get()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.mark.parametrize("protocol", ["v5", "v3.1.1"])
@on_loop
async def test_what_was_not_dealt_with_comes_again_and_nothing_else(broker: Mosquitto, protocol: str) -> None:
    inbox = Inbox()
    chosen = settings(broker, client_id=f"keeper-{protocol[1]}", protocol=protocol)
    topic = f"again{protocol[1]}/t"
    async with Link(chosen, inbox.messages.put_nowait) as link:
        await link.subscribe([topic])
        for number in ("1", "2", "3"):
            await asyncio.to_thread(broker.publish, topic, number)
        first, second, third = [await inbox.next() for _ in range(3)]
        first.done()
        third.done()  # waits for the second
    await asyncio.to_thread(broker.publish, topic, "4")  # while we are away
    async with Link(chosen, inbox.messages.put_nowait) as link:
        again = [await inbox.next() for _ in range(3)]
        for message in again:
            message.done()
        second.done()  # of another connection: counts for nothing
    assert [message.payload for message in again] == [b"2", b"3", b"4"]
    assert inbox.messages.empty()


@on_loop
async def test_what_was_kept_at_a_topic_from_before_is_not_news(broker: Mosquitto) -> None:
    await asyncio.to_thread(broker.publish, "kept/t", "old", "-r")
    inbox = Inbox()
    async with Link(settings(broker), inbox.messages.put_nowait) as link:
        await link.subscribe(["kept/t"])
        await asyncio.to_thread(broker.publish, "kept/t", "new")
        assert (await inbox.next()).payload == b"new"
    async with Link(settings(broker, protocol="v3.1.1"), inbox.messages.put_nowait) as link:
        await link.subscribe(["kept/t"])
        assert (await inbox.next()).retained


@on_loop
async def test_two_that_share_get_each_message_once(broker: Mosquitto) -> None:
    ann, bob = Inbox(), Inbox()
    shared = settings(broker, share="both")
    async with Link(shared, ann.messages.put_nowait) as one, Link(shared, bob.messages.put_nowait) as other:
        await one.subscribe(["shared/+"])
        await other.subscribe(["shared/+"])
        for number in range(4):
            await asyncio.to_thread(broker.publish, "shared/t", str(number))
        async with asyncio.timeout(PATIENCE_S):
            got = [await inbox.messages.get() for inbox in (ann, bob, ann, bob)]
    assert sorted(message.payload for message in got) == [b"0", b"1", b"2", b"3"]


@on_loop
async def test_a_command_reaches_the_one_who_listens_at_its_topic(broker: Mosquitto) -> None:
    inbox = Inbox()
    async with Link(settings(broker), inbox.messages.put_nowait) as link:
        await link.subscribe(["told/c"])
        await link.publish("told/c", b"do it", expires_s=60)
        assert (await inbox.next()).payload == b"do it"


@on_loop
async def test_the_end_of_the_connection_is_told_also_when_the_broker_only_falls_silent(
    tmp_path: Path,
) -> None:
    with Mosquitto(tmp_path) as broker:
        for end in (broker.kill, broker.hold):
            async with Link(settings(broker), print, keepalive_s=1) as link:
                end()
                with pytest.raises(Failed, match="connection lost"):
                    async with asyncio.timeout(PATIENCE_S):
                        await link.ended()
            if end == broker.kill:
                broker.start()
    with pytest.raises(Failed, match="no connection"):
        async with Link(settings(broker), print):
            pass


@on_loop
async def test_who_may_not_log_in_is_told_so(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    await asyncio.to_thread(
        subprocess.run, [need("mosquitto_passwd"), "-b", passwords, "us", "secret"], check=True
    )
    with Mosquitto(tmp_path / "broker", f"password_file {passwords}", "allow_anonymous false") as broker:
        for protocol in ("v5", "v3.1.1"):
            with pytest.raises(Failed, match=r"no connection: .*[Nn]ot authori[sz]ed"):
                async with Link(settings(broker, username="us", password="wrong", protocol=protocol), print):
                    pass
        async with Link(settings(broker, username="us", password="secret"), print) as link:
            await link.subscribe(["a/t"])


def test_settings_that_cannot_be_right_are_told_by_their_names(broker: Mosquitto) -> None:
    for changes, problem in (
        ({"url": "mqtt://"}, "mqtt.url: wanted is"),
        ({"url": "mqtt://h:99999"}, "mqtt.url: wanted is"),
        ({"url": "mqtts://h", "ca_file": "/no/such"}, "mqtt.ca_file: /no/such cannot be used"),
        ({"telemetry": ("a/b",)}, "mqtt: 'a/b' lacks {device}"),
    ):
        with pytest.raises(Failed) as caught:
            settings(broker, **changes).check()
        assert str(caught.value).startswith(problem)


# paho 2.2 leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@on_loop
async def test_tls_with_a_ca_of_ones_own_and_with_nobody_elses(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    lines = ("allow_anonymous true", f"certfile {made.cert}", f"keyfile {made.key}")
    with Mosquitto(tmp_path / "broker", *lines) as broker:
        url = broker.url.replace("mqtt://", "mqtts://")
        async with Link(settings(broker, url=url, ca_file=str(made.ca)), print) as link:
            await link.subscribe(["a/t"])
        with pytest.raises(Failed, match="certificate verify failed"):
            async with Link(settings(broker, url=url), print):
                pass
