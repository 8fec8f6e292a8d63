"""Acknowledgements go out in the order of arrival, whatever is done first."""

from hypothesis import given
from hypothesis import strategies as st

from server.devices.mqtt.acks import Acks


def test_a_message_waits_for_those_before_it() -> None:
    acks = Acks()
    for mid in (7, 8, 9):
        acks.received(mid)
    assert acks.done(8) == []
    assert acks.done(9) == []
    assert acks.done(7) == [7, 8, 9]
    assert acks.waiting == 0


def test_a_number_is_used_again_after_it_was_acknowledged() -> None:
    acks = Acks()
    for _ in range(3):
        acks.received(1)
        assert acks.done(1) == [1]


@given(st.permutations(range(1, 12)))
def test_every_message_is_acknowledged_once_and_in_order(order: list[int]) -> None:
    acks = Acks()
    for mid in sorted(order):
        acks.received(mid)
    assert [ready for mid in order for ready in acks.done(mid)] == sorted(order)
