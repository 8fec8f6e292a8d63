"""Series of a device over HTTP: for charts, and as CSV."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, field

from handlers.api.answers import etag_with, page_of, view_of
from handlers.api.devices import need_device
from handlers.api.endpoint import Answer, Call, Endpoint, note, row
from handlers.api.queries import PageQuery, SeqQuery
from server.devices.series import Asked, newest_of, series
from server.errors import BadRequest, Conflict, LimitExceeded, NotFound, Unauthenticated
from server.model import http as h
from server.model.devices import MetricName
from server.model.fields import TimeMs
from server.model.telemetry import AHEAD_MS
from server.stores import answering
from server.stores.telemetry import HOUR_MS, TelemetryStore

DAY_MS = 24 * HOUR_MS
CSV_PAGE = 5000
"""Rows in one piece of a CSV."""
STEPS: dict[str, int] = {"minute": 2 * DAY_MS, "hour": 60 * DAY_MS}
"""How much of a series is read for one piece."""


class SeriesQuery(SeqQuery, frozen=True, kw_only=True):
    metric: Annotated[MetricName, Meta(description="The metric.")]
    from_: Annotated[TimeMs, Meta(description="From this time on; a day before `to` when absent.")] | None = (
        field(default=None, name="from")
    )
    to: Annotated[TimeMs, Meta(description="Up to this time, not included; now when absent.")] | None = None


class ChartQuery(SeriesQuery, frozen=True, kw_only=True):
    points: Annotated[int, Meta(ge=1, le=5000, description="At most so many points or buckets.")] = 1000


class CsvQuery(SeriesQuery, frozen=True, kw_only=True):
    of: Annotated[
        Literal["points", "minute", "hour"],
        Meta(description="Single points as `time,t,value`, or buckets as `time,t,min,mean,max,count,last`."),
    ] = "points"


def _span(call: Call) -> tuple[int, int]:
    """From, to. Raises `BadRequest`."""
    query: SeriesQuery = call.query
    end = call.app.devices.clock() + AHEAD_MS + 1 if query.to is None else query.to
    start = max(0, end - DAY_MS) if query.from_ is None else query.from_
    if start > end:
        raise BadRequest("from", "is after to")
    return start, end


async def read_series(call: Call) -> Answer:
    query: ChartQuery = call.query
    start, end = _span(call)
    live, device = await need_device(call)
    devices = call.app.devices
    asked = Asked(
        board=live.board,
        device=device.id,
        metric=query.metric,
        start=start,
        end=end,
        points=query.points,
        raw_since=devices.settings.keeping.at(devices.clock()).raw,
    )
    with answering():
        store = devices.telemetry()
        newest = await newest_of(store, live.board, device.id, query.metric)
        if newest is None:
            raise NotFound("metric", query.metric)
        found = await series(store, asked, newest)
    points = [bucket.shown for bucket in found.points]
    body = view_of(h.SeriesBody, found, metric=query.metric, points=points)
    return Answer(body=body, etag=etag_with(live, body))


async def list_newest(call: Call) -> Answer:
    """Which metrics a device has, and what they are now."""
    live, device = await need_device(call)
    with answering():
        heard = await call.app.devices.telemetry().newest(live.board, [device.id])
    page = page_of(call, [view_of(h.NewestValue, one) for one in heard])
    return Answer(body=page, etag=etag_with(live, page))


async def export_series(call: Call) -> Answer:
    query: CsvQuery = call.query
    span = _span(call)
    live, device = await need_device(call)
    of = (live.board, device.id, query.metric)
    with answering():
        store = call.app.devices.telemetry()
        if await newest_of(store, *of) is None:
            raise NotFound("metric", query.metric)
    await note(call, "telemetry exported", f"{device.id}: {query.metric}")
    rows = _point_rows(store, of, span) if query.of == "points" else _bucket_rows(store, of, span, query.of)
    return Answer(stream=rows, media="text/csv", filename=f"{device.id}-{query.metric}.csv")


async def _point_rows(
    store: TelemetryStore, of: tuple[str, str, str], span: tuple[int, int]
) -> AsyncIterator[str]:
    yield "time,t,value\r\n"
    start, end = span
    while start < end:
        page = await store.raw(*of, start, end, CSV_PAGE)
        yield "".join(f"{_iso(t)},{t},{v!r}\r\n" for t, v in zip(page.t, page.v, strict=True))
        if not page.more or not page.t:
            return
        start = page.t[-1] + 1


async def _bucket_rows(
    store: TelemetryStore, of: tuple[str, str, str], span: tuple[int, int], step: Literal["minute", "hour"]
) -> AsyncIterator[str]:
    yield "time,t,min,mean,max,count,last\r\n"
    start, end = span
    while start < end:
        until = min(end, start + STEPS[step])
        buckets = await store.buckets(*of, start, until, step)
        yield "".join(
            f"{_iso(b.t)},{b.t},{b.min!r},{b.mean!r},{b.max!r},{b.n},{b.last!r}\r\n" for b in buckets
        )
        start = until


def _iso(t: int) -> str:
    return datetime.fromtimestamp(t / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def send_telemetry(call: Call) -> Answer:
    """Answered by `handlers.telemetry`, which has a route of its own."""
    raise NotFound("path", "/api/telemetry")


_row = partial(row, "Telemetry")
_DEVICE = "/api/boards/{board}/devices/{device}"
ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "POST",
        "/api/telemetry",
        send_telemetry,
        "What a device measured, with its token: a numbered batch, a point, or flat values",
        h.Taken,
        body=h.TelemetryBatch,
        refusals=(Unauthenticated, Conflict, LimitExceeded),
        of_board=False,
        device=True,
    ),
    _row(
        "GET",
        _DEVICE + "/telemetry",
        read_series,
        "A series for a chart, from points, minutes or hours, whichever fits",
        h.SeriesBody,
        query=ChartQuery,
    ),
    _row(
        "GET",
        _DEVICE + "/telemetry/newest",
        list_newest,
        "The newest value of each metric of a device, in order of metric",
        h.Page[h.NewestValue],
        query=PageQuery,
    ),
    _row(
        "GET",
        _DEVICE + "/telemetry.csv",
        export_series,
        "A series as CSV: all of its points, minutes or hours",
        str,
        query=CsvQuery,
        media="text/csv",
        of_board=False,
    ),
)
