"""The answer to `watch`: what there is already, and live values from there on.

First the watcher is put down, held; then history is read; then both are handed over in one turn. What is
stored while history is read is kept for the watcher; what of it the history has already is left out (its
`position`).
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct

from server.devices.live import Filter, Watcher
from server.devices.series import Asked, series
from server.devices.service import Devices
from server.errors import LimitExceeded, Unavailable
from server.hub import Connection
from server.model.messages import SeriesView, Watch, Watching
from server.model.telemetry import AHEAD_MS, Heard
from server.stores import Failed
from server.stores.telemetry import TelemetryStore

MOST_NEWEST = 5000
"""Metrics in an answer without history."""
MOST_SERIES = 100
"""Metrics in an answer with history."""
DEFAULT_POINTS = 300


class Opened(Struct, frozen=True):
    """An answer that is ready; `watcher` is held until it goes out."""

    answer: Watching
    watcher: Watcher

    def release(self) -> None:
        """In the turn in which the answer goes out."""
        told = {(one.device, one.metric): one.position for one in self.answer.series}
        self.watcher.release({key: t for key, t in told.items() if t is not None})


async def open_watch(devices: Devices, connection: Connection, request: Watch) -> Opened:
    """Raises `LimitExceeded`, `Unavailable`: then nothing is watched."""
    now = devices.clock()
    raw_since = devices.settings.keeping.at(now).raw
    watcher = devices.live.watch(connection, request.board, _filter(request))
    try:
        heard = await _heard(devices, request, watcher.wanted)
        found = await _history(devices.telemetry(), request, heard, now, raw_since)
    except Failed as error:
        devices.live.unwatch(connection, request.board)
        raise Unavailable("the store does not answer") from error
    except BaseException:
        devices.live.unwatch(connection, request.board)
        raise
    return Opened(Watching(id=request.id, board=request.board, series=found), watcher)


def _filter(request: Watch) -> Filter:
    devices = None if request.devices is UNSET else frozenset(request.devices)
    return Filter(devices, None if request.metrics is UNSET else frozenset(request.metrics))


async def _heard(devices: Devices, request: Watch, wanted: Filter) -> list[Heard]:
    heard = await devices.telemetry().newest(request.board, wanted.devices)
    hidden = devices.hidden(request.board)
    return [one for one in heard if wanted.lets((one.device, one.metric)) and one.device not in hidden]


async def _history(
    store: TelemetryStore, request: Watch, heard: Sequence[Heard], now: int, raw_since: int
) -> list[SeriesView]:
    with_history = request.from_ is not UNSET
    most = MOST_SERIES if with_history else MOST_NEWEST
    if len(heard) > most:
        raise LimitExceeded("series", most)
    if request.from_ is UNSET:
        return [_newest(one) for one in heard]
    return await _series(store, request, heard, (request.from_, now + AHEAD_MS + 1), raw_since)


def _newest(one: Heard) -> SeriesView:
    return SeriesView(device=one.device, metric=one.metric, t=one.t, v=one.v, position=one.t)


async def _series(
    store: TelemetryStore, request: Watch, heard: Sequence[Heard], span: tuple[int, int], raw_since: int
) -> list[SeriesView]:
    views = []
    for one in heard:
        asked = Asked(
            board=request.board,
            device=one.device,
            metric=one.metric,
            start=span[0],
            end=span[1],
            points=DEFAULT_POINTS if request.points is UNSET else request.points,
            raw_since=raw_since,
        )
        found = await series(store, asked, one)
        views.append(
            SeriesView(
                device=one.device,
                metric=one.metric,
                t=one.t,
                v=one.v,
                resolution_ms=found.resolution_ms,
                points=[bucket.shown for bucket in found.points],
                position=found.position,
            )
        )
    return views
