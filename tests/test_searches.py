"""Searches share one turn, have a bound, and let everybody else go on."""

import asyncio
import time

import pytest

from server.errors import RateLimited, Unavailable
from server.searches import MOST, MOST_OF_ONE, SLICE_S, Searches
from tests.support import on_loop


def even(number: int) -> bool:
    return number % 2 == 0


@on_loop
async def test_others_have_their_turn_however_long_it_takes_to_look_at_one_thing() -> None:
    turns = 0

    def slowly(number: int) -> bool:
        ends = time.perf_counter() + SLICE_S
        while time.perf_counter() < ends:
            pass
        return even(number)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    assert await Searches().find("me", range(10), slowly) == [0, 2, 4, 6, 8]
    beside.cancel()
    assert turns >= 9


@on_loop
async def test_they_wait_for_each_other_and_more_than_there_is_room_for_are_refused() -> None:
    searches = Searches()
    async with asyncio.TaskGroup() as group, searches.turn:
        waiting = [
            group.create_task(searches.find(f"{n // MOST_OF_ONE}", range(4), even)) for n in range(MOST)
        ]
        await asyncio.sleep(0)
        assert searches.waiting == MOST
        with pytest.raises(RateLimited):
            await searches.find("0", range(4), even)
        with pytest.raises(Unavailable):
            await searches.find("somebody else", range(4), even)
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
        assert searches.waiting == MOST - 1
        assert not any(task.done() for task in waiting[1:])
    assert [task.result() for task in waiting[1:]] == [[0, 2]] * (MOST - 1)
    assert await searches.find("0", range(4), even) == [0, 2]
    assert searches.waiting == 0


@on_loop
async def test_a_search_that_nobody_waits_for_any_more_ends() -> None:
    looked, searches = [], Searches()

    def slowly(number: int) -> bool:
        looked.append(number)
        ends = time.perf_counter() + SLICE_S
        while time.perf_counter() < ends:
            pass
        return True

    async with asyncio.TaskGroup() as group:
        for _ in range(MOST_OF_ONE):
            group.create_task(searches.find("me", range(1000), slowly, lambda: len(looked) > 3))
    assert len(looked) < 10
    assert searches.waiting == 0
