"""What `server/brokers/__init__.py` promises, on every broker.

That nothing came is shown by what came after it.
"""

import asyncio

import pytest

from server.brokers import Failed
from tests.brokers.conftest import MakeBroker
from tests.brokers.instance import instances


async def test_a_message_reaches_all_other_instances_that_listen(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 3) as (ann, bob, cleo):
        await bob.listen("b1")
        await cleo.listen("b1")
        ann.broker.offer("b1", b"one")
        ann.broker.offer("b1", b"two")
        await bob.hears("b1", b"one", b"two")
        await cleo.hears("b1", b"one", b"two")


async def test_a_sender_does_not_hear_itself(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await ann.listen("b1")
        await bob.listen("b1")
        ann.broker.offer("b1", b"of ann")
        await bob.hears("b1", b"of ann")
        bob.broker.offer("b1", b"of bob")
        await ann.hears("b1", b"of bob")


async def test_channels_do_not_mix(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1", "b2")
        for channel in ("b1", "b2", "b3"):
            ann.broker.offer(channel, channel.encode())
        await bob.hears("b1", b"b1")
        await bob.hears("b2", b"b2")
        assert ("b3", b"b3") not in bob.received


async def test_messages_are_bytes_of_any_kind(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1")
        messages = [b"", bytes(range(256)), "☃".encode(), b"x" * 1_000_000]
        for message in messages:
            ann.broker.offer("b1", message)
        await bob.hears("b1", *messages)


async def test_receive_is_not_called_while_somebody_offers(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1")
        ann.broker.offer("b1", b"later")
        assert bob.received == []
        await bob.hears("b1", b"later")


async def test_a_subscription_is_confirmed_and_not_at_once(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 1) as (ann,):
        ann.broker.subscribe("b1")
        assert ann.confirmed == []
        await ann.until(lambda: ann.confirmed == ["b1"])


async def test_subscribing_twice_hears_once(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1", "b1")
        ann.broker.offer("b1", b"one")
        ann.broker.offer("b1", b"two")
        await bob.hears("b1", b"one", b"two")


async def test_who_unsubscribed_hears_nothing_more(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1", "b2")
        bob.broker.unsubscribe("b1")
        bob.broker.unsubscribe("b1")
        bob.broker.unsubscribe("never wanted")
        ann.broker.offer("b1", b"unwanted")
        ann.broker.offer("b2", b"wanted")
        await bob.hears("b2", b"wanted")
        assert bob.received == [("b2", b"wanted")]


async def test_who_subscribes_again_is_confirmed_again(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1")
        bob.broker.unsubscribe("b1")
        bob.broker.subscribe("b1")
        await bob.until(lambda: len(bob.confirmed) >= 2)
        ann.broker.offer("b1", b"back")
        await bob.hears("b1", b"back")


async def test_nothing_is_received_after_close(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 3) as (ann, bob, cleo):
        await bob.listen("b1")
        await cleo.listen("b1")
        ann.broker.offer("b1", b"too late for bob")
        await bob.broker.close()
        heard = list(bob.received)
        ann.broker.offer("b1", b"much too late for bob")
        await cleo.hears("b1", b"too late for bob", b"much too late for bob")
        assert bob.received == heard


async def test_a_closed_broker_takes_everything_and_does_nothing(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1")
        await ann.broker.close()
        await ann.broker.close()
        ann.broker.subscribe("b1")
        ann.broker.unsubscribe("b1")
        ann.broker.offer("b1", b"nobody hears it")
        assert not ann.broker.up
        assert bob.broker.up


async def test_a_broker_is_up_between_start_and_close(make_broker: MakeBroker) -> None:
    broker = make_broker()
    states = [broker.up]
    await broker.start(lambda *_: None, lambda _: None)
    states.append(broker.up)
    await broker.close()
    states.append(broker.up)
    assert states == [False, True, False]


async def test_a_probe_ends_well_between_start_and_close(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await asyncio.gather(ann.broker.probe(), ann.broker.probe(), bob.broker.probe())
        assert ann.received == bob.received == []
        await ann.broker.close()
        with pytest.raises(Failed):
            await ann.broker.probe()
        await bob.broker.probe()


async def test_nothing_is_dropped_while_all_goes_well(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1")
        messages = [b"%d" % number for number in range(1000)]
        for message in messages:
            ann.broker.offer("b1", message)
        await bob.hears("b1", *messages)
        assert ann.broker.dropped == bob.broker.dropped == 0


async def test_whoever_listens_is_reached(make_broker: MakeBroker) -> None:
    async with instances(make_broker, 2) as (ann, bob):
        await bob.listen("b1")
        assert ann.broker.reaches("b1")
