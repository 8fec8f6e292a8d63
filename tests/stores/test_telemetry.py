"""What `server/stores/telemetry.py` promises, sentence by sentence, on every store that lasts."""

import asyncio
import random
from pathlib import Path

import msgspec
import pytest

from server.model.telemetry import Heard
from server.stores.mongo.telemetry import MongoTelemetry
from server.stores.telemetry import Kept, Retention
from tests.stores.places import DURABLE, PLACES, Place
from tests.stores.telemetry import (
    DAY,
    EVER,
    HOUR,
    MINUTE,
    START,
    batch,
    expected,
    flat,
    nearly,
    roll_all,
    telemetry_of,
    temp,
)

STORED, KNOWN, TAKEN = Kept("stored"), Kept("known"), Kept("taken")


@pytest.fixture(params=DURABLE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return PLACES[request.param](tmp_path)


# batches


async def test_points_are_read_back_as_they_were_in_order_of_time(place: Place) -> None:
    async with telemetry_of(place) as store:
        columns = {**temp((2000, 1.5), (0, -0.1), (1000, 1e300)), "Über.x-1": ([START + 1], [5e-324])}
        assert await store.keep([batch(1, columns), batch(2, temp((500, 7.0)))]) == [STORED, STORED]
        raw = await store.raw("b1", "d1", "temp", *EVER, 10)
        assert (raw.t, raw.v) == ([START, START + 500, START + 1000, START + 2000], [-0.1, 7.0, 1e300, 1.5])
        assert not raw.more
        assert (await store.raw("b1", "d1", "Über.x-1", *EVER, 10)).v == [5e-324]
        assert (await store.raw("b1", "d1", "none", *EVER, 10)).t == []
        assert (await store.raw("b1", "d2", "temp", *EVER, 10)).t == []
        assert await store.keep([]) == []


async def test_a_number_is_stored_once_and_other_content_under_it_changes_nothing(place: Place) -> None:
    async with telemetry_of(place) as store:
        assert await store.keep([batch(1, temp((0, 1.0)), rejected=b"why")]) == [STORED]
        again, other = batch(1, temp((0, 1.0))), batch(1, temp((0, 2.0)), digest=b"other")
        assert await store.keep([again, batch(2, temp((1, 1.0))), other]) == [
            Kept("known", b"why"),
            STORED,
            TAKEN,
        ]
        assert await store.keep([batch(1, temp((2, 1.0)), boot="next")]) == [STORED]
        assert await store.keep([batch(1, temp((0, 1.0)), device="d2")]) == [STORED]
        assert (await store.raw("b1", "d1", "temp", *EVER, 10)).v == [1.0, 1.0, 1.0]
        assert [(h.device, h.t) for h in await store.newest("b1")] == [("d1", START + 2), ("d2", START)]


async def test_a_number_twice_in_one_call_is_stored_once(place: Place) -> None:
    async with telemetry_of(place) as store:
        twice, other = batch(1, temp((0, 1.0))), batch(1, temp((0, 2.0)), digest=b"other")
        assert await store.keep([twice, twice, other]) == [STORED, KNOWN, TAKEN]
        assert (await store.raw("b1", "d1", "temp", *EVER, 10)).v == [1.0]


async def test_what_has_no_number_is_stored_each_time_it_comes(place: Place) -> None:
    async with telemetry_of(place) as store:
        assert await store.keep([flat(temp((0, 1.0))), flat(temp((0, 1.0)))]) == [STORED, STORED]
        assert await store.keep([flat(temp((0, 1.0)))]) == [STORED]
        assert (await store.raw("b1", "d1", "temp", *EVER, 10)).v == [1.0, 1.0, 1.0]


async def test_batches_that_come_at_once_are_each_stored_once(place: Place) -> None:
    async with telemetry_of(place) as one, telemetry_of(place) as two:
        rng = random.Random(4)
        batches = [batch(seq, temp((seq, 1.0))) for seq in range(1, 41)]
        calls = [store.keep(rng.sample(batches, 30)) for _ in range(4) for store in (one, two)]
        kept = [fate for fates in await asyncio.gather(*calls) for fate in fates]
        raw = await two.raw("b1", "d1", "temp", *EVER, 1000)
        assert len(raw.t) == len(set(raw.t)) == sum(fate.fate == "stored" for fate in kept)
        assert all(fate.fate in ("stored", "known") for fate in kept)


# marks


async def test_the_settled_number_is_the_highest_without_a_hole(place: Place) -> None:
    async with telemetry_of(place) as store:
        assert await store.settled("b1", "d1", "boot") == 0
        await store.keep([batch(seq, temp((seq, 1.0))) for seq in (1, 2, 3, 5, 6)])
        assert await store.settled("b1", "d1", "boot") == 3
        await store.keep([batch(4, {}, rejected=b"all of it")])
        assert await store.settled("b1", "d1", "boot") == 6
        assert await store.settled("b1", "d1", "other") == 0
    async with telemetry_of(place) as store:
        assert await store.settled("b1", "d1", "boot") == 6


async def test_numbers_stay_settled_when_their_batches_are_dropped(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(seq, temp((seq, 1.0)), mark=seq - 1) for seq in range(1, 71)])
        await roll_all(store)
        assert await store.drop(Retention(START + DAY, 0, 0), 50) == 50
        assert await store.settled("b1", "d1", "boot") == 70
        assert await store.drop(Retention(START + DAY, 0, 0), 50) == 20
        assert await store.settled("b1", "d1", "boot") == 70
        assert await store.keep([batch(70, temp((70, 1.0)), mark=70)]) == [KNOWN]
        assert await store.keep([batch(71, temp((71, 1.0)), mark=70)]) == [STORED]
        assert await store.settled("b1", "d1", "boot") == 71


# newest values


async def test_the_newest_value_is_the_one_with_the_latest_time(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(1, {**temp((5, 5.0), (9, 9.0), (9, 9.5)), "on": ([START], [1.0])})])
        await store.keep([batch(2, temp((3, 3.0)), at=START + 70_000)])
        await store.keep([batch(1, temp((1, 1.0)), device="d0")])
        late = Heard("d1", "temp", START + 9, 9.5, START + 70_000)
        rest = [Heard("d0", "temp", START + 1, 1.0, START), Heard("d1", "on", START, 1.0, START), late]
        assert await store.newest("b1") == rest
        assert await store.newest("b1", ["d1", "none"]) == rest[1:]
        assert msgspec.json.encode(await store.newest("b1")) == msgspec.json.encode(rest), "as clients get it"
        assert await store.newest("b2") == await store.newest("b1", []) == []


# series


async def test_points_come_page_by_page_and_none_is_left_out(place: Place) -> None:
    async with telemetry_of(place) as store:
        rng = random.Random(1)
        points = [(rng.randrange(5000), float(number)) for number in range(600)]
        await store.keep([flat(temp(*points[at : at + 7])) for at in range(0, 600, 7)])
        found: list[tuple[int, float]] = []
        start, more = 0, True
        while more:
            page = await store.raw("b1", "d1", "temp", start, START + 4000, 50)
            assert len(page.t) >= 50 or not page.more
            found += zip(page.t, page.v, strict=True)
            start, more = page.t[-1] + 1 if page.t else start, page.more
        assert sorted(found) == sorted((START + t, v) for t, v in points if t < 4000)
        assert [t for t, _ in found] == sorted(t for t, _ in found)
        assert await store.count("b1", "d1", START, START + 4000) >= len(found)
        assert await store.count("b1", "d1", *EVER) == 600


@pytest.mark.parametrize("rolled", ["never", "at the end", "in between"])
async def test_minutes_and_hours_are_what_the_points_make(place: Place, rolled: str) -> None:
    async with telemetry_of(place) as store:
        rng = random.Random(2)
        points = [(rng.randrange(3 * HOUR), rng.uniform(-50, 50)) for _ in range(900)]
        for at in range(0, 900, 90):
            parts = points[at : at + 90]
            await store.keep([flat(temp(*parts[n : n + 30]), at=START + at) for n in range(0, 90, 30)])
            if rolled == "in between":
                await store.roll(START + at, 20)
        if rolled == "at the end":
            assert await roll_all(store) > 0
            assert await roll_all(store) == 0
        for width, step in ((MINUTE, "minute"), (HOUR, "hour")):
            found = await store.buckets("b1", "d1", "temp", *EVER, step)  # type: ignore[arg-type]
            assert nearly(found, expected(points, width))
        hour = START // HOUR * HOUR + HOUR
        inside = [bucket for bucket in expected(points, MINUTE) if hour <= bucket.t < hour + HOUR]
        assert nearly(await store.buckets("b1", "d1", "temp", hour, hour + HOUR, "minute"), inside)
        assert await store.buckets("b1", "d1", "none", *EVER, "minute") == []


async def test_a_minute_is_made_anew_when_a_late_point_comes_and_never_added_to(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(1, temp((0, 1.0), (1, 3.0)))])
        await roll_all(store)
        await store.keep([batch(1, temp((0, 1.0), (1, 3.0))), batch(2, temp((2, 8.0)), at=START + 9)])
        for _ in range(2):
            (minute,) = await store.buckets("b1", "d1", "temp", *EVER, "minute")
            assert (minute.min, minute.mean, minute.max, minute.n, minute.last) == (1.0, 4.0, 8.0, 3, 8.0)
            (hour,) = await store.buckets("b1", "d1", "temp", *EVER, "hour")
            assert (hour.t, hour.n, hour.mean) == (START // HOUR * HOUR, 3, 4.0)
            await roll_all(store)


async def test_what_is_stale_since_later_is_left_for_later(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(1, temp((0, 1.0)), at=START + 5)])
        assert await store.roll(START + 5, 10) == 0
        assert await store.roll(START + 6, 10) == 1
        assert await store.roll(START + 6, 10) == 0


async def test_two_that_roll_at_once_while_batches_come_lose_nothing(place: Place) -> None:
    async with telemetry_of(place) as store, telemetry_of(place) as other:
        one = other if isinstance(other, MongoTelemetry) else store  # a SQLite file has one process
        points = [(t * 700, float(t)) for t in range(300)]

        async def write() -> None:
            for t, v in points:
                await store.keep([flat(temp((t, v)))])

        writing = asyncio.ensure_future(write())
        while not writing.done():
            await asyncio.gather(store.roll(2**50, 3), one.roll(2**50, 5))
        await writing
        await roll_all(one)
        assert nearly(await one.buckets("b1", "d1", "temp", *EVER, "minute"), expected(points, MINUTE))
        assert nearly(await one.buckets("b1", "d1", "temp", *EVER, "hour"), expected(points, HOUR))


# dropping


async def test_what_is_old_is_dropped_and_rollups_stay(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(day + 1, temp((day * DAY, float(day)))) for day in range(4)])
        assert await store.drop(Retention(START + DAY + 1, 0, 0), 10) == 0, (
            "stale: its minutes are not made yet"
        )
        await roll_all(store)
        assert await store.drop(Retention(START + DAY + 1, START + DAY, 0), 10) == 3
        assert (await store.raw("b1", "d1", "temp", *EVER, 10)).v == [2.0, 3.0]
        assert [m.last for m in await store.buckets("b1", "d1", "temp", *EVER, "minute")] == [1.0, 2.0, 3.0]
        assert [h.last for h in await store.buckets("b1", "d1", "temp", *EVER, "hour")] == [
            0.0,
            1.0,
            2.0,
            3.0,
        ]
        assert await store.drop(Retention(0, 0, START + 2 * DAY), 1) == 1
        assert await store.drop(Retention(0, 0, START + 2 * DAY), 10) == 1
        assert await store.drop(Retention(0, 0, START + 2 * DAY), 10) == 0


async def test_a_device_that_is_forgotten_leaves_nothing(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(seq, temp((seq, 1.0))) for seq in range(1, 6)])
        await store.keep([batch(1, temp((0, 1.0)), device="d2")])
        await roll_all(store)
        assert [await store.forget("b1", "d1", 3) for _ in range(3)] == [3, 2, 0]
        assert (await store.raw("b1", "d1", "temp", *EVER, 10)).t == []
        assert await store.buckets("b1", "d1", "temp", *EVER, "hour") == []
        assert [h.device for h in await store.newest("b1")] == ["d2"]
        assert await store.settled("b1", "d1", "boot") == 0
        assert await store.forget("b1", "none", 3) == 0


async def test_all_of_it_survives_a_restart(place: Place) -> None:
    async with telemetry_of(place) as store:
        await store.keep([batch(1, temp((0, 1.0), (MINUTE, 2.0)))])
        await store.roll(2**50, 1)
        await store.keep([batch(2, temp((2 * MINUTE, 3.0)))])
    async with telemetry_of(place) as store:
        assert await store.keep([batch(1, temp((0, 1.0), (MINUTE, 2.0)))]) == [KNOWN]
        assert [m.last for m in await store.buckets("b1", "d1", "temp", *EVER, "minute")] == [1.0, 2.0, 3.0]
        await roll_all(store)
        assert [m.last for m in await store.buckets("b1", "d1", "temp", *EVER, "minute")] == [1.0, 2.0, 3.0]
        assert [h.t for h in await store.newest("b1")] == [START + 2 * MINUTE]
