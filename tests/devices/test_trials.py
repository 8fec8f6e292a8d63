"""How much of the past of each device is tried: `server/devices/trials.py`."""

from hypothesis import given
from hypothesis import strategies as st

from server.devices.trials import fair


def test_what_one_does_not_need_is_for_the_others() -> None:
    assert fair([10, 100, 1000], 300) == [10, 100, 190]
    assert fair([0, 0, 1000], 300) == [0, 0, 300]
    assert fair([500, 500, 500, 1], 301) == [100, 100, 100, 1]
    assert fair([], 300) == []


@given(st.lists(st.integers(0, 1000), max_size=20), st.integers(0, 5000))
def test_nothing_is_given_twice_and_nothing_is_left_that_somebody_needs(needs: list[int], pool: int) -> None:
    shares = fair(needs, pool)
    assert all(0 <= share <= need for share, need in zip(shares, needs, strict=True))
    assert sum(shares) <= pool
    short = [share for share, need in zip(shares, needs, strict=True) if share < need]
    if short:
        assert pool - sum(shares) < len(needs)
        assert max(shares) - min(short) <= 1
