"""Rules over HTTP: what there are, and the trial of one on the past. They are set by `rule.set`."""

from functools import partial

from msgspec import UNSET

from handlers.api.answers import etag_of, page_of, view_of
from handlers.api.asking import board_of
from handlers.api.endpoint import Answer, Call, Endpoint, row
from handlers.api.queries import PageQuery
from server.boards.live import LiveBoard
from server.devices.trials import Tried, tried
from server.errors import BadRequest, NotFound
from server.model import device_http as h
from server.model.conditions import check
from server.model.devices import Rule
from server.model.http import Page
from server.stores import answering
from server.stores.telemetry import TelemetryStore

WEEK_MS = 7 * 86_400_000
MOST_DEVICES = 200
"""Of one trial, those that were heard last; the others are left out, and `more` says so."""


async def list_rules(call: Call) -> Answer:
    live = await board_of(call)
    rules = list(live.state.rules.values())
    return Answer(body=page_of(call, rules), etag=etag_of(live))


async def try_rule(call: Call) -> Answer:
    body: h.RuleTrial = call.body
    check(body.rule, "rule")
    end = call.app.clerk.now() if body.to is UNSET else body.to
    start = max(0, end - WEEK_MS) if body.from_ is UNSET else body.from_
    if start > end:
        raise BadRequest("from", "is after to")
    live = await board_of(call)
    devices = await live.surely(partial(_devices, live, body))
    etag = etag_of(live)
    store = call.app.store.telemetry
    with answering():
        if len(devices) > 1:
            devices = await _with_metric(store, live.board, devices, body.rule.metric)
        found = await tried(store, live.board, body.rule, devices[:MOST_DEVICES], start, end)
    more = len(devices) > MOST_DEVICES or any(one.since > start or one.until < end for one in found)
    return Answer(
        body=h.TrialResult(
            cards=sum(one.cards for one in found),
            points=sum(one.points for one in found),
            devices=[_shown(one) for one in found],
            more=more,
        ),
        etag=etag,
    )


def _devices(live: LiveBoard, body: h.RuleTrial) -> list[str]:
    for wanted in (body.device, body.rule.device):
        if wanted is not UNSET and wanted != "*":
            if live.state.device(wanted) is None:
                raise NotFound("device", wanted)
            return [wanted]
    return [device.id for device in live.state.sorted_devices() if not device.disabled]


async def _with_metric(store: TelemetryStore, board: str, devices: list[str], metric: str) -> list[str]:
    """Those that have ever had it; when they are too many the ones that were heard last come first."""
    heard = {one.device: one.at for one in await store.newest(board, devices) if one.metric == metric}
    found = [device for device in devices if device in heard]
    return found if len(found) <= MOST_DEVICES else sorted(found, key=heard.__getitem__, reverse=True)


def _shown(one: Tried) -> h.DeviceTrial:
    return view_of(h.DeviceTrial, one, turns=[view_of(h.Turn, turn) for turn in one.turns])


_row = partial(row, "Rules")
_RULES = "/api/boards/{board}/rules"
ENDPOINTS: tuple[Endpoint, ...] = (
    _row(
        "GET",
        _RULES,
        list_rules,
        "Rules of a board; `rule.set` and `rule.delete` change them",
        Page[Rule],
        query=PageQuery,
    ),
    _row(
        "POST",
        _RULES + "/trial",
        try_rule,
        "Try a rule on the past: how many cards it would have opened. Nothing is changed",
        h.TrialResult,
        body=h.RuleTrial,
        keyed=False,
    ),
)
