"""What goes through the Redis broker: its bounds, its probes, its end. All on a real Redis."""

import asyncio
from collections.abc import Callable

import pytest

from server.brokers import Failed
from server.brokers.redis import Deadlines
from tests.brokers.instance import Instance
from tests.brokers.lines import Lines
from tests.brokers.on_redis import NOTICED_S, broker, hears_again, started
from tests.services.redis import RedisServer


async def test_past_its_bound_the_queue_drops_and_counts(server: RedisServer) -> None:
    async with started(broker(server, queue_bytes=1000), broker(server)) as (ann, bob):
        await bob.listen("b1")
        for number in range(100):
            ann.broker.offer("b1", b"%03d" % number)
        sent = 100 - ann.broker.dropped
        assert 0 < sent < 20
        await bob.hears("b1", *[b"%03d" % number for number in range(sent)])
        assert ann.broker.dropped == 100 - sent
        await hears_again(ann, bob)


async def test_a_message_larger_than_the_queue_is_dropped(server: RedisServer) -> None:
    async with started(broker(server, queue_bytes=1000), broker(server)) as (ann, bob):
        await bob.listen("b1")
        ann.broker.offer("b1", b"x" * 1000)
        assert ann.broker.dropped == 1
        await hears_again(ann, bob)
        assert len(bob.received) == 1


async def test_a_full_queue_is_told_by_a_probe(server: RedisServer) -> None:
    async with started(broker(server, queue_bytes=1000)) as (ann,):
        while not ann.broker.dropped:
            ann.broker.offer("b1", b"")
        with pytest.raises(Failed, match="queue is full"):
            await ann.broker.probe()


async def test_a_receiver_that_fails_harms_no_other_message(server: RedisServer, lines: Lines) -> None:
    class Clumsy(Instance):
        def _receive(self, channel: str, message: bytes) -> None:
            super()._receive(channel, message)
            raise ZeroDivisionError

    ann, bob = Instance(broker(server)), Clumsy(broker(server))
    await ann.start()
    await bob.start()
    await bob.listen("b1")
    ann.broker.offer("b1", b"one")
    ann.broker.offer("b1", b"two")
    await bob.hears("b1", b"one", b"two")
    assert len(lines.about("a message or confirmation could not be taken in")) == 2
    assert bob.broker.up
    await ann.broker.close()
    await bob.broker.close()


async def test_what_somebody_else_publishes_there_is_handed_on_as_it_is(server: RedisServer) -> None:
    async with started(broker(server)) as (ann,):
        await ann.listen("b1")
        server.command("PUBLISH", "boardcast:b1", "short")
        server.command("PUBLISH", "boardcast:b1", "8 bytes and this")
        await ann.hears("b1", b"", b"and this")


async def test_a_probe_that_does_not_come_back_ends_with_a_reason(server: RedisServer) -> None:
    async with started(broker(server, deadlines=Deadlines(probe_s=0.2))) as (ann,):
        server.command("CLIENT", "PAUSE", "60000", "WRITE")
        with pytest.raises(Failed, match=r"did not come back within 0.2 s"):
            await ann.broker.probe()
        server.command("CLIENT", "UNPAUSE")
        await ann.broker.probe()


async def test_a_probe_ends_with_the_link_it_waits_for(server: RedisServer) -> None:
    async with started(broker(server, deadlines=Deadlines(probe_s=60))) as (ann,):
        server.hold()
        waiting = asyncio.create_task(ann.broker.probe())
        with pytest.raises(Failed, match="does not answer"):
            await asyncio.wait_for(waiting, NOTICED_S)


async def test_what_was_offered_before_close_goes_out(server: RedisServer) -> None:
    async with started(broker(server), broker(server)) as (ann, bob):
        await bob.listen("b1")
        messages = [b"%d" % number for number in range(100)]
        for message in messages:
            ann.broker.offer("b1", message)
        await ann.broker.close()
        await bob.hears("b1", *messages)


def lively(_: RedisServer) -> None: ...


@pytest.mark.parametrize("fate", [lively, RedisServer.stop, RedisServer.hold], ids=["lively", "gone", "held"])
async def test_closing_leaves_nothing_behind(
    server: RedisServer, lines: Lines, fate: Callable[[RedisServer], None]
) -> None:
    ours = broker(server)
    ann = Instance(ours)
    await ann.start()
    await ann.listen("b1")
    fate(server)
    for _ in range(1000):
        ours.offer("b1", b"x" * 5000)
    confirmed = list(ann.confirmed)
    async with asyncio.timeout(NOTICED_S):
        await ours.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert (ann.received, ann.confirmed) == ([], confirmed)
    assert not ours.up
    told = lines.about("the broker is closed before all was sent")
    assert sum(line["messages"] for line in told) == ours.dropped


async def test_a_start_that_is_given_up_leaves_nothing_behind(server: RedisServer) -> None:
    server.hold()
    ours = broker(server)
    starting = asyncio.create_task(ours.start(lambda *_: None, lambda _: None))
    done, _ = await asyncio.wait([starting], timeout=0)
    assert not done
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not ours.up


async def test_installations_that_share_a_database_of_redis_do_not_hear_each_other(
    server: RedisServer,
) -> None:
    brokers = [broker(server) for _ in range(3)]
    for each, installation in zip(brokers, ("one", "other", "one"), strict=True):
        each.keep_apart(installation)
    async with started(*brokers) as (ann, stranger, bob):
        await stranger.listen("b1")
        await bob.listen("b1")
        ann.broker.offer("b1", b"of one")
        await bob.hears("b1", b"of one")
        stranger.broker.offer("b1", b"of the other")
        await stranger.broker.probe()
        await hears_again(ann, bob)
        assert bob.received == [("b1", b"of one"), ("b1", b"again")]
        assert stranger.received == []
        await ann.broker.probe()
