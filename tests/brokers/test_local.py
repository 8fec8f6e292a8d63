"""What only the local broker does: a bound in bytes for each instance."""

import asyncio

import pytest

from server.brokers.local import LocalBroker, LocalExchange
from tests.brokers.instance import Instance, instances


async def test_past_its_bound_a_slow_instance_loses_messages_and_counts_them() -> None:
    exchange = LocalExchange()
    sender, slow = Instance(LocalBroker(exchange)), Instance(LocalBroker(exchange, queue_bytes=10))
    await sender.start()
    await slow.start()
    await slow.listen("b1")
    for message in (b"12345", b"6789", b"ab", b"c", b"d"):
        sender.broker.offer("b1", message)
    await slow.hears("b1", b"12345", b"6789", b"c")
    assert isinstance(slow.broker, LocalBroker)
    assert slow.broker.dropped == 2
    sender.broker.offer("b1", b"room again")
    await slow.hears("b1", b"12345", b"6789", b"c", b"room again")


async def test_a_receiver_that_fails_harms_no_other_message(caplog: pytest.LogCaptureFixture) -> None:
    exchange = LocalExchange()
    sender, other = LocalBroker(exchange), Instance(LocalBroker(exchange))
    failing = LocalBroker(exchange)
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    def fail(channel: str, message: bytes) -> None:
        raise ZeroDivisionError

    await sender.start(lambda *_: None, lambda _: None)
    await failing.start(fail, lambda _: None)
    await other.start()
    failing.subscribe("b1")
    await other.listen("b1")
    sender.offer("b1", b"one")
    sender.offer("b1", b"two")
    await other.hears("b1", b"one", b"two")
    assert len(complaints) == 2


async def test_channels_nobody_listens_to_are_forgotten() -> None:
    exchange = LocalExchange()
    broker = Instance(LocalBroker(exchange))
    await broker.start()
    await broker.listen("b1", "b2")
    broker.broker.unsubscribe("b1")
    await broker.broker.close()
    assert exchange.listeners("b1") == exchange.listeners("b2") == []
    assert not exchange._listeners


async def test_nobody_is_reached_where_nobody_else_listens() -> None:
    exchange = LocalExchange()
    async with instances(lambda: LocalBroker(exchange), 2) as (ann, bob):
        await ann.listen("b1")
        assert not ann.broker.reaches("b1")
        await bob.listen("b1")
        assert ann.broker.reaches("b1")
