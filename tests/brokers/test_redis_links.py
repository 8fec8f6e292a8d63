"""What becomes of the links to a Redis that restarts, stops, kills them, or is a slow network away."""

import asyncio
import random

import pytest

from server.brokers import Failed
from server.brokers.redis import Deadlines, RedisBroker
from server.metrics import Metrics
from tests.brokers.lines import Lines
from tests.brokers.on_redis import DOWN, NOTICED_S, UP, broker, hears_again, started
from tests.services.proxy import REPLIES, REQUESTS, Proxy
from tests.services.redis import RedisServer


async def test_after_a_restart_all_is_confirmed_again_and_messages_arrive(
    server: RedisServer, lines: Lines
) -> None:
    async with started(broker(server), broker(server)) as (ann, bob):
        await bob.listen("b1", "b2")
        server.restart()
        await bob.until(lambda: sorted(bob.confirmed) == ["b1", "b1", "b2", "b2"])
        await lines.until(UP, 4)
        await hears_again(ann, bob)


async def test_one_that_is_away_at_first_is_found_when_it_comes(server: RedisServer, lines: Lines) -> None:
    server.stop()
    async with started(broker(server), broker(server)) as (ann, bob):
        assert not bob.broker.up
        with pytest.raises(Failed, match="no connection: Connection refused"):
            await bob.broker.probe()
        bob.broker.subscribe("b1")
        server.start()
        await lines.until(UP, 2)
        assert bob.broker.up
        await bob.until(lambda: bob.confirmed == ["b1"])
        await hears_again(ann, bob)
        await bob.broker.probe()


async def test_many_attempts_are_one_line_in_the_log(server: RedisServer, lines: Lines) -> None:
    class Impatient(random.Random):
        attempts = 0

        def uniform(self, a: float, b: float) -> float:
            self.attempts += 1
            if self.attempts == 20:
                enough.set()
            return b / 100

    enough = asyncio.Event()
    async with started(broker(server, rng=Impatient())) as (ann,):
        server.stop()
        async with asyncio.timeout(10):
            await enough.wait()
        assert [line["level"] for line in lines.all] == ["info", "warning"]
        server.start()
        await lines.until(UP, 2)
        assert ann.broker.up
        assert len(lines.all) == 3


async def test_a_held_server_is_noticed_and_nobody_waits_for_it(server: RedisServer, lines: Lines) -> None:
    async with started(broker(server), broker(server)) as (ann, bob):
        await bob.listen("b1")
        server.hold()
        for _ in range(1000):
            ann.broker.offer("b1", b"x" * 10_000)
        assert await lines.until(DOWN, 2, NOTICED_S)
        assert not ann.broker.up and not bob.broker.up
        dropped = ann.broker.dropped
        ann.broker.offer("b1", b"old news")
        assert ann.broker.dropped == dropped + 1
        server.go_on()
        await lines.until(UP, 4)
        await hears_again(ann, bob)
        assert ("b1", b"old news") not in bob.received


async def test_a_held_server_is_noticed_by_who_has_nothing_to_say(server: RedisServer, lines: Lines) -> None:
    async with started(broker(server)) as (ann,):
        server.hold()
        line = await lines.until(DOWN, 1, NOTICED_S)
        assert line["reason"] == "Redis does not answer"
        assert not ann.broker.up
        with pytest.raises(Failed, match="does not answer"):
            await ann.broker.probe()


async def test_a_server_that_is_held_from_the_start_holds_nobody(server: RedisServer, lines: Lines) -> None:
    server.hold()
    async with started(broker(server)) as (ann,):
        assert not ann.broker.up
        ann.broker.subscribe("b1")
        server.go_on()
        await lines.until(UP)
        await ann.until(lambda: ann.confirmed == ["b1"])


@pytest.mark.parametrize("links", ["pubsub", "normal"])
async def test_a_killed_connection_is_made_again(server: RedisServer, lines: Lines, links: str) -> None:
    ours = [broker(server), broker(server)]
    async with started(*ours) as (ann, bob):
        await bob.listen("b1")
        assert server.command("CLIENT", "KILL", "TYPE", links) == 2
        await lines.until(UP, 4)
        await hears_again(ann, bob)
        assert bob.confirmed == (["b1", "b1"] if links == "pubsub" else ["b1"])


async def test_links_that_are_quiet_stay(server: RedisServer, lines: Lines) -> None:
    often = Deadlines(ping_s=0.25, silence_s=0.5, answer_s=0.5)
    reader, writer = await asyncio.open_unix_connection(server.socket)
    async with started(broker(server, deadlines=often)) as (ann,), asyncio.timeout(10):
        await ann.listen("b1", "b2")
        writer.write(b"MONITOR\r\n")
        pings = 0
        while pings < 10:
            pings += b'"PING"' in await reader.readline()
        writer.write(b"QUIT\r\n")
        await reader.read()
        assert ann.confirmed == ["b1", "b2"]
        assert [line["level"] for line in lines.all] == ["info"]
    writer.close()
    await writer.wait_closed()


async def test_lost_links_are_counted(server: RedisServer, lines: Lines) -> None:
    metrics = Metrics()
    async with started(RedisBroker(server.url, metrics=metrics)):
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        await lines.until(UP, 2)
        assert metrics.broker_links_lost("subscribe").value == 1
        assert metrics.broker_links_lost("publish").value == 0


async def test_a_reader_that_is_too_slow_is_thrown_out_and_confirmed_again(server: RedisServer) -> None:
    server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1000000 0 0")
    async with started(broker(server), broker(server)) as (ann, bob):
        await bob.listen("b1")
        for _ in range(64):  # this blocks our loop: nobody reads meanwhile
            server.command("PUBLISH", "boardcast:b1", "x" * 1_000_000)
        await bob.until(lambda: bob.confirmed == ["b1", "b1"])
        assert len(bob.received) < 64
        await hears_again(ann, bob)


async def test_thousands_of_channels_come_and_go_in_batches(server: RedisServer, lines: Lines) -> None:
    boards = [f"board-{number}" for number in range(5000)]
    async with started(broker(server), broker(server)) as (ann, bob):
        commands = int(server.command("INFO", "stats")["total_commands_processed"])
        for board in boards:
            bob.broker.subscribe(board)
        await bob.until(lambda: bob.confirmed == boards)
        assert int(server.command("INFO", "stats")["total_commands_processed"]) - commands < 100
        server.command("CLIENT", "KILL", "TYPE", "pubsub")
        await bob.until(lambda: len(bob.confirmed) == 2 * len(boards))
        assert bob.confirmed[len(boards) :] == boards
        for board in boards[1:]:
            bob.broker.unsubscribe(board)
        await bob.listen("a fence")
        assert sorted(server.command("PUBSUB", "CHANNELS", "boardcast:*")) == [
            "boardcast:a fence",
            "boardcast:board-0",
        ]
        ann.broker.offer("board-0", b"still")
        await bob.hears("board-0", b"still")


async def test_a_channel_wanted_no_more_while_the_link_is_down_stays_away(
    server: RedisServer, lines: Lines
) -> None:
    async with started(broker(server)) as (ann,):
        await ann.listen("b1", "b2")
        server.stop()
        await lines.until(DOWN)
        ann.broker.unsubscribe("b1")
        ann.broker.subscribe("b3")
        server.start()
        await lines.until(UP, 2)
        await ann.until(lambda: "b3" in ann.confirmed)
        assert ann.confirmed == ["b1", "b2", "b2", "b3"]
        assert sorted(server.command("PUBSUB", "CHANNELS", "boardcast:*")) == ["boardcast:b2", "boardcast:b3"]


@pytest.mark.parametrize("lost", [REQUESTS, REPLIES])
async def test_a_network_that_swallows_one_direction_is_noticed(
    server: RedisServer, lines: Lines, lost: str
) -> None:
    proxy = await Proxy(("127.0.0.1", server.port)).start()
    behind = RedisBroker(f"redis://127.0.0.1:{proxy.port}", metrics=Metrics())
    async with started(behind, broker(server)) as (ann, bob):
        try:
            await ann.listen("b1")
            proxy.lose(lost)
            await lines.until(DOWN, within_s=NOTICED_S)
            assert not ann.broker.up and bob.broker.up
            proxy.heal()
            await lines.until(UP, 3)
            await hears_again(bob, ann)
            await ann.broker.probe()
        finally:
            await proxy.close()
