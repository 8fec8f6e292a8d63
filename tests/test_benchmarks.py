"""The benchmark's own arithmetic: what it counts, compares and draws. How fast anything is, no test says."""

import asyncio
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from benchmarks import tools
from benchmarks.cases import CASES, Goal
from benchmarks.chart import chart
from benchmarks.results import Measured, Results, holds, number, report
from tests.support import on_loop

ABOUT = {
    "boardcast": ("Boardcast", "every change"),
    "tornado": ("Tornado", "nothing"),
    "node": ("<ws>", "nothing"),
}


def measured(*rates: tuple[float, float], lost: int = 0) -> Results:
    """Rounds of one case: deliveries per second of ours and of Tornado's."""
    counts = {"lost": lost, "doubled": 0, "out_of_order": 0}
    return Results(
        Measured(round_, "fanout-1x32", server, {"delivered_per_s": rate, "p99_ms": 20.0, **counts})
        for round_, pair in enumerate(rates)
        for server, rate in zip(("boardcast", "tornado"), pair, strict=True)
    )


def test_a_ratio_compares_figures_of_the_same_round_only() -> None:
    results = measured((100, 10), (30, 1), (500, 10))
    assert results.median("fanout-1x32", "boardcast", "delivered_per_s") == 100
    assert results.ratio("fanout-1x32", "delivered_per_s", "tornado") == 30


def test_a_round_that_failed_on_one_side_takes_no_part_in_the_ratio() -> None:
    broken = [
        Measured(0, "paced", "boardcast", {"p50_ms": 4.0}),
        Measured(0, "paced", "node", {"error": "refused"}),
        Measured(1, "paced", "boardcast", {"p50_ms": 9.0}),
        Measured(1, "paced", "node", {"p50_ms": 3.0}),
    ]
    assert Results(broken).ratio("paced", "p50_ms", "node") == 3


@pytest.mark.parametrize(
    ("goal", "value", "reached"),
    [
        (Goal("x", 30), 30, True),
        (Goal("x", 30), 29.9, False),
        (Goal("x", 10, "≤"), 10, True),
        (Goal("x", 10, "≤"), 11, False),
    ],
)
def test_a_goal_is_a_bound_from_below_or_from_above(goal: Goal, value: float, reached: bool) -> None:
    assert holds(goal, value) is reached


def test_what_was_lost_is_in_the_table_and_a_goal_that_was_missed_is_marked() -> None:
    text = report(measured((100, 10), (100, 10), lost=3), ABOUT)
    assert "6/0/0" in text
    assert "| fanout-1x32 | delivered_per_s : Tornado" in text
    assert "**no**" in text


def test_numbers_keep_three_digits() -> None:
    values = (1_234_567, 12_345, 999.4, 0.12345, 0, None)
    assert [number(value) for value in values] == ["1,230,000", "12,300", "999", "0.123", "0", "–"]


def test_the_chart_is_well_formed_and_has_a_bar_for_each_server() -> None:
    drawn = ElementTree.fromstring(chart(measured((100, 10)), ABOUT))
    bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
    assert [bar.get("class") for bar in bars] == ["bar ours", "bar"]
    assert int(bars[0].get("width", "")) == pytest.approx(10 * int(bars[1].get("width", "")), abs=10)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


class Relay(WebSocketHandler):
    """Sends each message to all members; the first one gets them as `plan` says. Closes after `total`."""

    def initialize(self, members: list["Relay"], plan: dict[int, list[int]], total: int) -> None:
        self.members, self.plan, self.total = members, plan, total

    def open(self) -> None:
        self.members.append(self)
        self.sent: list[str | bytes] = []

    def on_message(self, message: str | bytes) -> None:
        first, *others = self.members
        first.sent.append(message)
        number_of_it = len(first.sent) - 1
        for wanted in self.plan.get(number_of_it, [number_of_it]):
            first.write_message(first.sent[wanted])
        for other in others:
            other.write_message(message)
        if len(first.sent) == self.total:
            for member in self.members:
                member.close()


async def generate(
    tmp_path: Path, plan: dict[int, list[int]], *flags: str, total: int = 40
) -> dict[str, Any]:
    """Forty messages from a compiled `wsload` through a `Relay`: what it counted."""
    built = tools.build("wsload", tmp_path)
    settings = {"members": [], "plan": plan, "total": total}
    server = HTTPServer(Application([("/ws", Relay, settings)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    where = ("--port", str(sockets[0].getsockname()[1]), "--rate", "5000", "--count", str(total))
    process = await asyncio.create_subprocess_exec(
        built, *where, "--settle", "0", "--warmup", "0", *flags, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    server.stop()
    await server.close_all_connections()
    counted: dict[str, Any] = json.loads(said)
    return counted


def wrong(counted: dict[str, Any]) -> tuple[int, int, int]:
    return counted["lost"], counted["doubled"], counted["out_of_order"]


# A clean machine need not have a C compiler: `make test` does without, `make bench` asks for one.
if tools.COMPILER:

    @on_loop
    async def test_what_every_reader_got_once_and_in_order_is_no_fault(tmp_path: Path) -> None:
        counted = await generate(tmp_path, {}, "--conns", "3", "--writers", "2")
        assert (counted["sent"], counted["expected"], counted["delivered"]) == (40, 120, 120)
        assert wrong(counted) == (0, 0, 0)

    @on_loop
    async def test_what_one_reader_lost_is_counted(tmp_path: Path) -> None:
        counted = await generate(tmp_path, {5: [], 6: [], 39: []}, "--conns", "3")
        assert counted["delivered"] == 117
        assert wrong(counted) == (3, 0, 0)

    @on_loop
    async def test_what_comes_twice_is_no_delivery(tmp_path: Path) -> None:
        counted = await generate(tmp_path, {5: [5, 5], 9: [9, 2]}, "--conns", "3")
        assert counted["delivered"] == 120
        assert wrong(counted) == (0, 2, 0)

    @on_loop
    async def test_what_comes_late_is_delivered_out_of_order(tmp_path: Path) -> None:
        counted = await generate(tmp_path, {5: [], 8: [8, 5]}, "--conns", "3")
        assert counted["delivered"] == 120
        assert wrong(counted) == (0, 0, 1)

    @on_loop
    async def test_messages_that_are_to_be_ignored_are_no_deliveries(tmp_path: Path) -> None:
        flags = ("--conns", "3", "--template", '{"type":"ack","mutation":"%M"}', "--ignore", '"type":"ack"')
        counted = await generate(tmp_path, {}, *flags)
        assert counted["delivered"] == 0
