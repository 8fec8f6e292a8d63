"""What an operator sees: metrics move when they should, name nobody, and all of them are documented."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.app import App
from server.config import Config
from server.errors import ALL, Close
from server.health import STATES
from server.metrics import CLASSES, CLIENT_CLOSES, LIMITS, LINKS, MQTT_OUTCOMES, REFUSALS, STATUSES, Metrics
from server.model.commands import LOGGED
from server.outbox import Outbox
from server.vitals import PARTS
from server.wire import JSON
from tests.connections import PairTransport
from tests.support import PATIENCE_S, Client, Closed, ServerProcess, on_loop
from tests.test_outbox import Bounds, Reader

ROOT = Path(__file__).parent.parent
OPEN_METRICS = "application/openmetrics-text"
Samples = dict[str, float]


def samples(text: str) -> Samples:
    """`name{label=value,…}` → value of what is ours; labels in alphabetical order, without quotes."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            if sample.name.startswith("boardcast_"):
                found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def moved(before: Samples, after: Samples) -> Samples:
    """What is not what it was, without `boardcast_`, and by how much."""
    names = [name for name, value in after.items() if value != before.get(name, 0)]
    return {name.removeprefix("boardcast_"): after[name] - before.get(name, 0) for name in names}


async def scrape(server: ServerProcess) -> Samples:
    status, text = await asyncio.to_thread(server.get, "/metrics")
    assert status == 200, text
    return samples(text)


async def until(server: ServerProcess, before: Samples, wanted: Mapping[str, float]) -> Samples:
    """All that moved, once the `wanted` has; the end of a connection is not answered to anybody."""
    seen = moved(before, await scrape(server))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while {name: seen.get(name, 0) for name in wanted} != wanted:
                seen = moved(before, await scrape(server))
    except TimeoutError:
        raise AssertionError(f"wanted {wanted}, there is {seen}") from None
    return seen


class Person:
    """Somebody on the demo board, who reads nothing."""

    def __init__(self, app: App, client: str) -> None:
        self.transport = PairTransport(kernel_bytes=4096)
        self.session = app.connect(self.transport, JSON)
        self.says({"type": "hello", "id": 1, "client": client})

    def says(self, message: object) -> None:
        self.session.receive(msgspec.json.encode(message).decode())

    async def joins(self) -> None:
        self.says({"type": "join", "id": 2, "board": "demo"})
        while (worker := self.session._worker) is not None:
            await asyncio.wait([worker])

    async def mutates(self, name: str, op: str, **args: object) -> None:
        mutation = {"board": "demo", "mutation": name, "op": op, "args": args}
        self.says({"type": "mutate", "id": name} | mutation)
        await self.session.answered()

    def goes(self) -> None:
        self.session.closed()
        self.transport.dispose()


class Stage:
    """An app in this process, with the demo board, and people on it."""

    def __init__(self, path: Path) -> None:
        self.app = App(Config.load(None, {}, {"data": str(path)}))
        self._people: list[Person] = []

    async def __aenter__(self) -> "Stage":
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for person in self._people:
            person.goes()
        await self.app.boards.stop()
        await self.app.stop()

    def person(self, client: str) -> Person:
        self._people.append(Person(self.app, client))
        return self._people[-1]

    async def read(self) -> Samples:
        return samples(self.app.measure().expose("")[0].decode())


def test_what_can_happen_is_there_as_zero_before_it_does(tmp_path: Path) -> None:
    app = App(Config.load(None, {}, {"data": str(tmp_path)}))
    shown = samples(app.metrics.expose("")[0].decode())
    for op in LOGGED:
        for outcome in ("ack", "duplicate", *(error.code for error in ALL)):
            assert shown.pop(f"boardcast_mutations_answered_total{{op={op},outcome={outcome}}}") == 0
    assert shown["boardcast_connections_closed_total{code=4008,side=server}"] == 0
    assert shown["boardcast_messages_dropped_total{class=latest}"] == 0
    assert [name for name, value in shown.items() if value and "server_info" not in name] == []


@on_loop
async def test_connections_and_messages_are_counted_by_codec(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        before = await scrape(server)
        first = await Client.hello(server, "json")
        second = await Client.hello(server, "msgpack")
        await second.send({"type": "ping", "id": 1}, {"type": "ping", "id": 2})
        await second.reply(2)
        after = moved(before, await scrape(server))
        assert after["connections_open{codec=json}"] == after["connections_open{codec=msgpack}"] == 1
        assert after["messages_received_total{codec=json}"] == 1
        assert after["messages_received_total{codec=msgpack}"] == 3
        assert after["messages_sent_total{codec=msgpack}"] == 3
        headers = 4 + 2 + 2
        assert after["messages_sent_bytes_total{codec=msgpack}"] == second.socket.received_bytes + headers
        assert after["requests_answered_seconds_count{status=1xx}"] == 2
        await first.close()
        after = await until(server, before, {"connections_open{codec=json}": 0})
        assert after["connections_opened_total{codec=json}"] == 1


@on_loop
async def test_mutations_are_counted_by_operation_and_outcome(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        before = await scrape(server)
        ann = await Client.hello(server)
        await ann.ask("join", board="demo")
        once = {"board": "demo", "mutation": "m", "op": "task.create", "args": {"task": "t", "title": "T"}}
        assert (await ann.ask("mutate", **once))["type"] == "ack"
        assert (await ann.ask("mutate", **once))["duplicate"]
        for op, args in (
            ("task.create", {"task": "t", "title": "T"}),  # conflict
            ("task.create", {"task": "t"}),  # bad_request
            ("board.explode", {}),
        ):
            assert (await ann.mutate("demo", op, **args))["type"] == "error"
        assert (await ann.ask("dance"))["type"] == "error"
        after = moved(before, await scrape(server))
        answered = {name: value for name, value in after.items() if name.startswith("mutations_answered")}
        assert answered == {
            "mutations_answered_total{op=task.create,outcome=ack}": 1,
            "mutations_answered_total{op=task.create,outcome=duplicate}": 1,
            "mutations_answered_total{op=task.create,outcome=conflict}": 1,
            "mutations_answered_total{op=task.create,outcome=bad_request}": 1,
            "mutations_answered_total{op=unknown,outcome=bad_request}": 1,
        }
        assert after["messages_refused_total{code=bad_request}"] == 1
        assert after["mutations_acknowledged_seconds_count"] == 2
        assert 0 < after["mutations_acknowledged_seconds_sum"] < PATIENCE_S
        assert after["batches_appended_seconds_count{outcome=stored}"] == 1
        assert after["batches_appended_changes_sum"] == 1
        assert after["batches_delivered_seconds_count"] == 1


@on_loop
async def test_what_comes_over_http_is_counted_too(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        before = await scrape(server)
        assert (await asyncio.to_thread(server.get, "/api/tasks"))[0] == 200
        assert (await asyncio.to_thread(server.get, "/nowhere"))[0] == 404
        after = moved(before, await scrape(server))
        assert after["requests_answered_seconds_count{status=4xx}"] == 1
        assert after["requests_failed_total{code=not_found}"] == 1
        assert after["requests_answered_seconds_count{status=2xx}"] >= 1


@on_loop
async def test_the_end_of_a_connection_is_counted_by_who_closed_and_how(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        before = await scrape(server)
        rude = await Client.connect(server)
        await rude.send({"type": "ping", "id": 1})
        assert (await rude.closed()).code == Close.UNAUTHENTICATED
        large = await Client.hello(server)
        await large.socket.send(b"x" * 100_000, 0x1)
        assert (await large.closed()).code == Close.TOO_BIG
        polite = await Client.hello(server)
        await polite.socket.send((1000).to_bytes(2), 0x8)
        with pytest.raises(Closed):
            await polite.next()
        lost = await Client.hello(server)
        lost.socket.writer.transport.abort()
        odd = await Client.hello(server)
        await odd.socket.send((4321).to_bytes(2), 0x8)
        wanted = {f"connections_closed_total{{code={code},side=server}}": 1.0 for code in (4501, 1009)}
        wanted |= {f"connections_closed_total{{code={c},side=client}}": 1.0 for c in (1000, 1006, "other")}
        after = await until(server, before, wanted)
        assert sum(value for name, value in after.items() if name.startswith("connections_closed")) == 5


@on_loop
async def test_the_event_loop_is_watched(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        await until(server, {}, {"store_up": 1, "broker_up": 1})
        before = await scrape(server)
        while "loop_lagged_seconds_count" not in moved(before, await scrape(server)):
            pass


@on_loop
async def test_a_slow_reader_shows_in_queues_drops_and_resyncs(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        slow, writer = stage.person("reads-nothing"), stage.person("client-writer")
        await slow.joins()
        before = await stage.read()
        await writer.mutates("m", "task.create", task="t", title="T")
        longest, number = 0.0, 0
        while (now := await stage.read())["boardcast_resyncs_sent_total"] == 0:
            assert now["boardcast_queues_held_bytes"] >= now["boardcast_queues_longest_bytes"] >= longest
            longest = now["boardcast_queues_longest_bytes"]
            number += 1
            await writer.mutates(f"m{number}", "task.update", task="t", description=f"{number:020000}")
        assert 0 < longest <= stage.app.config.delivery.log_bytes
        after = moved(before, now)
        assert after["messages_dropped_total{class=log}"] > 1
        assert now["boardcast_queues_longest_bytes"] < longest
        slow.goes()
        assert (await stage.read())["boardcast_connections_open{codec=json}"] == 1


def test_drops_of_every_class_are_counted() -> None:
    metrics = Metrics()
    transport = PairTransport(kernel_bytes=4096)
    reader = Reader(transport, Bounds())
    outbox = Outbox(transport, Bounds(), reader, metrics)
    outbox.offer_snapshot("b", [b"x" * 1_000_000])
    outbox.flush()
    outbox.offer_latest("b", "temp", b"1")
    outbox.offer_latest("b", "temp", b"2")
    outbox.offer_latest("b", "door", b"1")
    for _ in range(11):
        outbox.offer_ephemeral("b", b"x" * 1_000)
    outbox.offer_ephemeral("b", b"x")
    for _ in range(11):
        outbox.offer_log("b", b"x" * 10_000)
    outbox.offer_log("b", b"x")
    dropped = {name: metrics.messages_dropped(name).value for name in CLASSES}
    assert dropped == {"latest": 1, "ephemeral": 12, "log": 12}
    assert metrics.resyncs_sent.value == 1
    for _ in range(5):
        outbox.offer_log(None, b"x" * 100_000)
    assert outbox.closing
    assert metrics.messages_dropped("log").value > 12
    transport.dispose()
    reader.transport.dispose()


@on_loop
async def test_a_store_that_is_gone_shows(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        writer = stage.person("client-writer")
        await writer.joins()
        before = await stage.read()
        assert before["boardcast_store_up"] == before["boardcast_broker_up"] == 1
        assert before["boardcast_boards_live"] == 1
        await stage.app.store.close()
        await writer.mutates("m", "task.create", task="t", title="T")
        stage.app.broker._dropped = 3
        stage.app.leaving = True
        async with asyncio.timeout(PATIENCE_S):
            while stage.app.vitals.health["store"].in_service:
                await stage.app.vitals.next()
        after = moved(before, await stage.read())
        assert after["store_up"] == after["parts_state{part=store,state=up}"] == -1
        assert after["parts_state{part=store,state=down}"] == 1
        assert after["probes_failed_total{part=store}"] >= 2
        assert after["mutations_answered_total{op=task.create,outcome=unavailable}"] == 1
        assert after["batches_appended_seconds_count{outcome=failed}"] == 1
        assert after["catchups_started_total"] == 1
        assert after["broker_messages_dropped_total"] == 3
        assert after["server_draining"] == 1


ALLOWED: Mapping[str, Callable[[str], object]] = {
    "codec": {"json", "msgpack"}.__contains__,
    "side": {"server", "client"}.__contains__,
    "class": set(CLASSES).__contains__,
    "status": set(STATUSES).__contains__,
    "link": set(LINKS).__contains__,
    "reason": set(REFUSALS).__contains__,
    "limit": set(LIMITS).__contains__,
    "part": set(PARTS).__contains__,
    "state": set(STATES).__contains__,
    "op": {*LOGGED, "unknown"}.__contains__,
    "outcome": {
        "ack",
        "duplicate",
        "stored",
        "known",
        "refused",
        "failed",
        *MQTT_OUTCOMES,
        *(e.code for e in ALL),
    }.__contains__,
    "code": {*CLIENT_CLOSES, *map(str, vars(Close).values()), *(e.code for e in ALL)}.__contains__,
    "version": re.compile(r"\d+\.\d+\.\d+$").match,
    "le": re.compile(r"[0-9.]+$|\+Inf$").match,
}


@on_loop
async def test_no_label_holds_what_a_client_chose(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        ann = await Client.hello(server, client="client-ann")
        for board, op in (("demo", "task.create"), ("no-such-board", "task.delete"), ("demo", "what.ever")):
            await ann.mutate(board, op, task="task-of-ann", title="T")
        await ann.ask("what-ever")
        await asyncio.to_thread(server.get, "/api/tasks/task-of-ann")
        for family in text_string_to_metric_families((await asyncio.to_thread(server.get, "/metrics"))[1]):
            for sample in family.samples if family.name.startswith("boardcast_") else ():
                wrong = [pair for pair in sample.labels.items() if not ALLOWED[pair[0]](pair[1])]
                assert not wrong, sample


def test_every_metric_is_documented_with_its_labels() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(boardcast_\w+)` \|\s*([^|]*?)\s*\|", page, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    metrics = Metrics()
    made = {
        metric.name + ("_total" if metric.type == "counter" else ""): set(family.labels)
        for family in metrics.families
        for metric in [family.collect()]
    }
    assert documented == made
    for name in re.findall(r"`(boardcast_\w+)`", page):
        assert name in made
    for expression in re.findall(r"expr: (.*)", page):
        for name in re.findall(r"boardcast_\w+", expression):
            assert name.removesuffix("_bucket") in made


def test_names_and_texts_follow_the_conventions() -> None:
    for metric in Metrics().collect():
        assert re.fullmatch(r"boardcast_[a-z]+(_[a-z]+)+", metric.name), metric.name
        assert metric.documentation.endswith("."), metric.name
        assert metric.type != "histogram" or metric.name.endswith(("_seconds", "_changes")), metric.name


@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [
        ("", "text/plain; version=0.0.4", ""),
        (f"{OPEN_METRICS};version=1.0.0", f"{OPEN_METRICS}; version=1.0.0", "# EOF\n"),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept: str, content_type: str, end: str) -> None:
    body, given = Metrics().expose(accept)
    assert given.startswith(content_type)
    assert body.decode().endswith(end)


def test_only_known_hosts_are_answered(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        assert server.get("/metrics", Host=f"localhost:{server.port}")[0] == 200
        assert server.get("/metrics", Host=f"192.0.2.7:{server.port}")[0] == 200
        status, body = server.get("/metrics", Host="evil.example")
        assert status == 403 and "server.hosts" in body
