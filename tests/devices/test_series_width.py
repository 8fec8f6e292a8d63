"""A chart has no more points than were asked for: `server/devices/series.py`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices.series import Asked, _width, newest_of, series
from server.stores.sqlite import SqliteStore
from server.stores.telemetry import HOUR_MS, MINUTE_MS, Batch
from tests.support import on_loop

T0 = 1_700_000_012_345


def asked(start: int, end: int, points: int) -> Asked:
    return Asked(board="b", device="d", metric="temp", start=start, end=end, points=points, raw_since=0)


@given(
    st.integers(0, 2**41),
    st.integers(1, 400 * 24 * HOUR_MS),
    st.integers(1, 5000),
    st.sampled_from([1, MINUTE_MS, HOUR_MS]),
)
def test_no_more_buckets_touch_the_range_than_were_asked_for(
    start: int, length: int, points: int, base: int
) -> None:
    width = _width(asked(start, start + length, points), base)
    assert width % base == 0
    assert (start + length - 1) // width - start // width < points


@pytest.mark.parametrize("points", [1, 2, 7, 50, 299])
@on_loop
async def test_a_series_from_points_or_from_minutes_has_no_more(tmp_path: Path, points: int) -> None:
    store = SqliteStore(tmp_path / "boards.db")
    await store.start()
    try:
        times = list(range(T0, T0 + 5 * HOUR_MS, 10_000))
        for at in range(0, len(times), 600):
            page = times[at : at + 600]
            await store.telemetry.keep([Batch.of("b", "d", {"temp": (page, [1.0] * len(page))}, at=T0)])
        newest = await newest_of(store.telemetry, "b", "d", "temp")
        for length in (5 * HOUR_MS, HOUR_MS // 10, 77_777):
            found = await series(store.telemetry, asked(T0, T0 + length, points), newest)
            assert 0 < len(found.points) <= points
            assert sum(bucket.n for bucket in found.points) >= length // 10_000
    finally:
        await store.close()
