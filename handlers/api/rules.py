"""Rules over HTTP: what there are, and the trial of one on the past. They are set by `rule.set`."""

from functools import partial

from msgspec import UNSET

from handlers.api.endpoint import Answer, Call, Endpoint, board_of, etag_of, page_of
from handlers.api.queries import PageQuery
from server.boards.live import LiveBoard
from server.devices.trials import Tried, tried
from server.errors import BadRequest, NotFound, Unavailable
from server.model import device_http as h
from server.model.conditions import check
from server.model.devices import Rule
from server.model.http import Page
from server.stores import Failed

WEEK_MS = 7 * 86_400_000
MOST_DEVICES = 50
"""Of one trial; the others are left out, and `more` says so."""


async def list_rules(call: Call) -> Answer:
    live = await board_of(call)
    rules = list(live.state.rules.values())
    return Answer(body=page_of(rules, call.query.skip, call.query.limit), etag=etag_of(live))


async def try_rule(call: Call) -> Answer:
    body: h.RuleTrial = call.body
    check(body.rule, "rule")
    end = call.app.clerk.now() if body.to is UNSET else body.to
    start = max(0, end - WEEK_MS) if body.from_ is UNSET else body.from_
    if start > end:
        raise BadRequest("from", "is after to")
    live = await board_of(call)
    devices = await live.surely(partial(_devices, live, body))
    try:
        found = await tried(
            call.app.store.telemetry, live.board, body.rule, devices[:MOST_DEVICES], start, end
        )
    except Failed as error:
        raise Unavailable("the store does not answer") from error
    more = len(devices) > MOST_DEVICES or any(one.until < end for one in found)
    return Answer(
        body=h.TrialResult(
            cards=sum(one.cards for one in found),
            points=sum(one.points for one in found),
            devices=[_shown(one) for one in found],
            more=more,
        )
    )


def _devices(live: LiveBoard, body: h.RuleTrial) -> list[str]:
    for wanted in (body.device, body.rule.device):
        if wanted is not UNSET and wanted != "*":
            if live.state.device(wanted) is None:
                raise NotFound("device", wanted)
            return [wanted]
    return [device.id for device in live.state.sorted_devices() if not device.disabled]


def _shown(one: Tried) -> h.DeviceTrial:
    return h.DeviceTrial(
        device=one.device,
        cards=one.cards,
        points=one.points,
        until=one.until,
        turns=[h.Turn(turn=t.turn, at=t.at, value=t.value, reason=t.reason) for t in one.turns],
    )


TAG = "Rules"
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/api/boards/{board}/rules",
        call=list_rules,
        query=PageQuery,
        answer=Page[Rule],
        refusals=(NotFound,),
        summary="Rules of a board; `rule.set` and `rule.delete` change them",
        tag=TAG,
    ),
    Endpoint(
        method="POST",
        path="/api/boards/{board}/rules/trial",
        call=try_rule,
        body=h.RuleTrial,
        answer=h.TrialResult,
        refusals=(NotFound,),
        summary="Try a rule on the past: how many cards it would have opened. Nothing is changed",
        tag=TAG,
        of_board=False,
        keyed=False,
    ),
)
