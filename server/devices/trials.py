"""A rule tried on what the store holds: how many cards it would have opened."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from server.devices.rules import Transition, Trial
from server.model.devices import Rule
from server.stores.telemetry import TelemetryStore

PAGE = 2_000
"""Points judged between two turns of the loop: some ten milliseconds."""
MOST_POINTS = 200_000
"""Of one trial, over all devices."""
MOST_TURNS = 100
"""Told of one device; all are counted."""


class Tried(Struct, frozen=True, kw_only=True):
    """`until`: how far the past was read; `turns`: the first of them."""

    device: str
    cards: int
    points: int
    until: int
    turns: Sequence[Transition]


async def tried(
    store: TelemetryStore, board: str, rule: Rule, devices: Sequence[str], start: int, end: int
) -> list[Tried]:
    """Try the rule on each device, over the same time as far as MOST_POINTS go. Raises `Failed`."""
    share = max(PAGE, MOST_POINTS // max(1, len(devices)))
    return [await _try_one(store, board, rule, device, (start, end), share) for device in devices]


async def _try_one(
    store: TelemetryStore, board: str, rule: Rule, device: str, span: tuple[int, int], most: int
) -> Tried:
    start, end = span
    trial, turns, points, at = Trial(rule, start), list[Transition](), 0, start
    while at < end and points < most:
        page = await store.raw(board, device, rule.metric, at, end, PAGE)
        turns += trial.feed(zip(page.t, page.v, strict=True))
        points += len(page.t)
        if not page.more:
            at = end
            turns += trial.until(end)
        else:
            at = page.t[-1] + 1
            await asyncio.sleep(0)
    cards = sum(turn.turn == "opened" for turn in turns)
    return Tried(device=device, cards=cards, points=points, until=at, turns=turns[:MOST_TURNS])
