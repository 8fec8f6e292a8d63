"""A rule tried on what the store holds: how many cards it would have opened.

The newest part of the past matters most: where there is more than is read at once, that is what is tried. All
devices have an equal share; what one does not need is for the others.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from server.devices.rules import Transition, Trial
from server.model.devices import Rule
from server.model.telemetry import Bucket
from server.stores.telemetry import HOUR_MS, TelemetryStore

PAGE = 2_000
"""Points judged between two turns of the loop: some ten milliseconds."""
MOST_POINTS = 200_000
"""Of one trial, over all devices."""
MOST_TURNS = 100
"""Told of one device; all are counted."""
Span = tuple[int, int]


class Tried(Struct, frozen=True, kw_only=True):
    """`since`, `until`: what of the past was read; `turns`: the first of them."""

    device: str
    cards: int
    points: int
    since: int
    until: int
    turns: Sequence[Transition]


async def tried(
    store: TelemetryStore, board: str, rule: Rule, devices: Sequence[str], start: int, end: int
) -> list[Tried]:
    """Try the rule on each device, on the newest of the past as far as MOST_POINTS go. Raises `Failed`."""
    first = start // HOUR_MS * HOUR_MS
    hours = [await store.buckets(board, one, rule.metric, first, end, "hour") for one in devices]
    shares = fair([sum(hour.n for hour in found) for found in hours], MOST_POINTS)
    made = []
    for device, found, share in zip(devices, hours, shares, strict=True):
        since = max(start, await _since(store, (board, device, rule.metric), found, share))
        made.append(await _try_one(store, board, rule, device, (since, end), share))
    return made


def fair(needs: Sequence[int], pool: int) -> list[int]:
    """What each gets: all that it needs, or as much as any other that does not."""
    shares = [0] * len(needs)
    for place, at in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        shares[at] = min(needs[at], pool // (len(needs) - place))
        pool -= shares[at]
    return shares


async def _since(store: TelemetryStore, of: tuple[str, str, str], hours: Sequence[Bucket], share: int) -> int:
    """From when on there are about `share` points; 0: there are no more. At least a minute that has some."""
    taken = 0
    for hour in reversed(hours):
        if taken + hour.n > share:
            return await _minute(store, of, hour, share, taken)
        taken += hour.n
    return 0


async def _minute(
    store: TelemetryStore, of: tuple[str, str, str], hour: Bucket, share: int, taken: int
) -> int:
    since = hour.t + HOUR_MS
    for minute in reversed(await store.buckets(*of, hour.t, hour.t + HOUR_MS, "minute")):
        if taken and taken + minute.n > share:
            return since
        since, taken = minute.t, taken + minute.n
    return since


async def _try_one(
    store: TelemetryStore, board: str, rule: Rule, device: str, span: Span, share: int
) -> Tried:
    since, end = span
    trial, turns, points, at = Trial(rule, since), list[Transition](), 0, since
    while at < end and points <= share + PAGE:
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
    return Tried(device=device, cards=cards, points=points, since=since, until=at, turns=turns[:MOST_TURNS])
