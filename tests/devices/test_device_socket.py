"""Devices as they come: over sockets and HTTP, in both codecs, well and badly behaved."""

import asyncio
import time
from pathlib import Path

import msgpack
import pytest

from tests.devices.tokens import Device, ask, enrol, post
from tests.support import CODECS, Client, Message, Refused, ServerProcess, on_loop

SERIES = "/api/boards/demo/devices/{}/telemetry"


def now() -> int:
    return time.time_ns() // 1_000_000


def points(server: ServerProcess, device: str, metric: str = "temp") -> list[list[float]]:
    """The stored points, as t and value."""
    status, body = ask(server, f"{SERIES.format(device)}?metric={metric}&points=5000")
    assert status == 200, body
    assert body["resolution_ms"] == 0
    return [[t, value] for t, value, _, _, _ in body["points"]]


@on_loop
async def test_batches_over_a_socket_are_stored_once_and_can_be_read(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        tokens = dict(zip(CODECS, await enrol(server, *CODECS), strict=True))
        for codec in CODECS:
            device = await Device.open(server, tokens[codec], codec)
            t = now()
            answer = await device.tell(
                {"t": t - 1, "values": {"temp": 21.5, "on": True}}, {"values": {"temp": 22}}
            )
            assert answer == {"type": "stored", "boot": device.boot, "seq": 1}
            first = {"type": "telemetry", "boot": device.boot, "seq": 1}
            first["points"] = [{"t": t - 1, "values": {"temp": 21.5, "on": True}}, {"values": {"temp": 22}}]
            await device.send(first)
            assert await device.next() == answer, "sent again: the same answer"
            await device.send({**first, "points": [{"values": {"temp": 1}}]})
            refusal = await device.next()
            assert (refusal["type"], refusal["code"], refusal["retry"]) == ("error", "conflict", False)
            assert refusal["details"]["seq"] == 1
            assert [value for _, value in points(server, codec)] == [21.5, 22.0]
            assert points(server, codec)[0][0] == t - 1
            assert [value for _, value in points(server, codec, "on")] == [1.0]
            await device.send({**first, "seq": 3})
            assert (await device.next())["seq"] == 1, "number 2 is missing"
            await device.send({**first, "seq": 2})
            assert (await device.next())["seq"] == 3
            await device.close()
            again = await Device.open(server, tokens[codec], codec)
            again.boot, again.seq = device.boot, 3
            assert (await again.tell({"values": {"temp": 5}}))["seq"] == 4
            await again.close()
        status, newest = ask(server, SERIES.format("json") + "/newest")
        assert status == 200
        assert [(one["metric"], one["v"]) for one in newest["items"]] == [("on", 1.0), ("temp", 5.0)]
        status, text = ask(server, SERIES.format("json") + ".csv?metric=temp")
        assert status == 200
        rows = text.strip().split("\r\n")
        assert rows[0] == "time,t,value"
        assert rows[1].endswith(",21.5")
        assert len(rows) == 1 + 7
        status, text = ask(server, SERIES.format("json") + ".csv?metric=temp&of=minute")
        assert sum(int(row.split(",")[5]) for row in text.strip().split("\r\n")[1:]) == 7
        assert "Traceback" not in server.output()


@on_loop
async def test_what_is_bad_is_named_with_a_hint_and_what_is_good_is_kept(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, DEVICES__METRICS_PER_DEVICE="4") as server:
        (token,) = await enrol(server, "d1")
        device = await Device.open(server, token)
        t = now()
        bad = [
            {"t": t // 1000, "values": {"temp": 1}},
            {"t": t, "values": {"temp": "21.5", "hum": 40}},
            {"t": t - 365 * 86_400_000, "values": {"temp": 1}},
            {"t": t + 10 * 60_000, "values": {"temp": 1}},
            {"t": t, "values": {"temp": float("nan"), "a b": 1, "none": None}},
            {"t": t, "values": {"temp": float("inf")}},
            {"t": "yesterday", "values": {"temp": 1}},
            {"temp": 3},
            7,
            {"t": t, "values": {"temp": 2.5}},
            {"t": t, "values": {f"m{n}": 1 for n in range(4)}},
        ]
        answer = await device.tell(*bad)
        assert (answer["type"], answer["seq"]) == ("stored", 1)
        said = {
            (one["index"], one.get("metric")): (one["code"], one["message"]) for one in answer["rejected"]
        }
        assert all(one["seq"] == 1 for one in answer["rejected"])
        assert said[0, None] == (
            "bad_request",
            f"t: {t // 1000} seems to be seconds; send milliseconds: {t // 1000 * 1000}",
        )
        assert said[1, "temp"][1] == "temp: '21.5' is text; send a number, without quotation marks"
        assert "365 days behind the server's clock" in said[2, None][1]
        assert "10 minutes ahead of" in said[3, None][1]
        assert "NaN is no number" in said[4, "temp"][1]
        assert "a metric is named with" in said[4, "a b"][1]
        assert "null is no value" in said[4, "none"][1]
        assert "out of range" in said[5, "temp"][1]
        assert "milliseconds since 1970" in said[6, None][1]
        assert '"values"' in said[7, None][1]
        assert '"values"' in said[8, None][1]
        assert said[10, "m2"][0] == "limit_exceeded", (
            "temp, hum, m0 and m1 are there: what is refused is none"
        )
        assert "does the name hold something variable?" in said[10, "m3"][1]
        assert points(server, "d1") == [[t, 2.5]]
        assert points(server, "d1", "hum") == [[t, 40.0]]
        await device.send({"type": "telemetry", "boot": device.boot, "seq": 1, "points": bad})
        assert await device.next() == answer, "the same again, and nothing is stored twice"
        assert points(server, "d1") == [[t, 2.5]]

        many = await device.tell(*[{"values": {"temp": 1}}] * 1001)
        assert (many["seq"], many["rejected"][0]["code"]) == (2, "limit_exceeded")
        assert (await device.tell({"values": {"temp": 2.5}}))["seq"] == 3, "it blocks nothing behind it"

        for message, field in (
            ({"type": "telemetry", "boot": "a b", "seq": 1, "points": []}, "boot"),
            ({"type": "telemetry", "boot": "b", "seq": 0, "points": []}, "seq"),
            ({"type": "telemetry", "boot": "b", "points": []}, "seq"),
            ({"type": "telemetry", "boot": "b", "seq": 1}, "points"),
            ({"type": "telemetry", "boot": "b", "seq": 1, "points": [], "more": 1}, "more"),
            ({"type": "join", "board": "demo", "id": 1}, "type"),
            ([1], "message"),
        ):
            await device.send(message)  # type: ignore[arg-type]
            refusal = await device.next()
            assert (refusal["type"], refusal["code"]) == ("error", "bad_request")
            assert refusal["details"]["field"] == field
        for _ in range(100):
            await device.send({"type": "nonsense"})
        assert (await device.closed()).code == 4500
        assert "Traceback" not in server.output()


@on_loop
async def test_http_takes_batches_points_and_flat_values(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        token, other = await enrol(server, "d1", "d2")
        t = now()

        def flow() -> None:
            assert post(server, token, {"temp": 21.5}) == (200, {"stored": 1})
            assert post(server, token, {"t": t, "values": {"temp": 22, "on": False}}) == (200, {"stored": 2})
            assert post(server, token, [{"temp": 23}, {"t": t, "values": {"temp": 24}}]) == (
                200,
                {"stored": 2},
            )
            assert post(server, token, {"points": [{"values": {"temp": 25}}]}) == (200, {"stored": 1})
            batch = {"boot": "b1", "seq": 1, "points": [{"t": t, "values": {"temp": 26}}]}
            assert post(server, token, batch) == (200, {"boot": "b1", "seq": 1})
            packed = msgpack.packb(batch)
            assert post(
                server,
                token,
                None,
                raw=packed,
                **{"Content-Type": "application/msgpack", "Accept": "application/json"},
            ) == (200, {"boot": "b1", "seq": 1})
            status, refusal = post(server, token, {**batch, "points": [{"values": {"temp": 1}}]})
            assert (status, refusal["error"]["code"]) == (409, "conflict")
            assert sorted(v for _, v in points(server, "d1")) == [21.5, 22, 23, 24, 25, 26]

            status, refusal = post(server, token, {"temp": "warm"})
            assert (status, refusal["error"]["code"]) == (400, "bad_request")
            assert "'warm' is text" in refusal["error"]["message"]
            status, half = post(server, token, {"temp": 30, "hum": "wet"})
            assert (status, half["stored"], half["rejected"][0]["metric"]) == (200, 1, "hum")
            status, refusal = post(server, token, [{"temp": 1}] * 10_000)
            assert (status, refusal["error"]["code"]) == (422, "limit_exceeded")
            for body in ([], {}, 5, "x", None, [[]], {"points": {}}, {"boot": "x", "points": []}):
                status, refusal = post(server, token, body)
                assert (status, refusal["error"]["code"]) == (400, "bad_request"), body
            assert post(server, token, None, raw=b"{")[0] == 400
            assert post(server, token, None, raw=b"\xff")[0] == 400
            assert post(server, token, {}, **{"Content-Type": "text/plain"})[0] == 415
            assert post(server, "bcd_wrong", {"temp": 1})[0] == 401
            assert post(server, "", {"temp": 1})[0] == 401
            assert ask(server, "/api/telemetry")[0] == 405
            assert post(server, other, {"temp": 1}) == (200, {"stored": 1})
            assert len(points(server, "d2")) == 1, "a token speaks for its own device only"
            for path in (
                "metric=none",
                "metric=temp&from=9&to=8",
                "metric=a%20b",
                "",
                "metric=temp&points=0",
            ):
                assert ask(server, f"{SERIES.format('d1')}?{path}")[0] in (400, 404), path
            assert "Traceback" not in server.output()

        await asyncio.to_thread(flow)


@on_loop
async def test_too_much_is_refused_with_a_hint_and_a_backlog_has_a_budget_of_its_own(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, DEVICES__DEVICE_POINTS="10:60", DEVICES__DEVICE_BACKLOG="20:60") as server:
        (token,) = await enrol(server, "d1")
        device = await Device.open(server, token)
        old = now() - 3_600_000
        assert (await device.tell(*[{"t": old + n, "values": {"temp": n}} for n in range(20)]))["seq"] == 1
        refusal = await device.tell({"t": old, "values": {"temp": 1}})
        assert (refusal["code"], refusal["retry"], refusal["details"]["seq"]) == ("rate_limited", True, 2)
        assert 0 < refusal["details"]["retry_after_ms"] <= 3000
        assert "backlog" in refusal["message"]
        device.seq = 1
        assert (await device.tell(*[{"values": {"temp": n}} for n in range(10)]))["seq"] == 2, "live goes on"
        refusal = await device.tell({"values": {"temp": 1}})
        assert (refusal["code"], refusal["details"]["boot"]) == ("rate_limited", device.boot)
        status, refusal = await asyncio.to_thread(post, server, token, {"temp": 1})
        assert status == 429
        assert len(points(server, "d1")) == 30


@on_loop
async def test_a_device_is_present_on_its_board_while_its_socket_is_open(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        (token,) = await enrol(server, "freezer")
        person = await Client.hello(server)
        await person.ask("join", board="demo")
        device = await Device.open(server, token)
        here: list[Message] = []
        while not here:
            news = await person.next(ephemeral=True)
            here = [one for one in news["joined"] if one["kind"] == "device"]
        assert here[0]["user"] == {"id": "freezer", "name": "Freezer"}
        await device.close()
        while not (news := await person.next(ephemeral=True))["left"]:
            pass
        assert news["left"] == [here[0]["session"]]


@on_loop
async def test_only_a_token_that_counts_opens_a_socket(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        await enrol(server, "d1")
        for token in ("bcd_" + "x" * 43, "x", "", "bcd_é"):
            with pytest.raises(Refused) as refused:
                await Device.open(server, token)
            assert refused.value.status == 401


@on_loop
async def test_who_watches_gets_history_and_then_newest_values(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        one, two = await enrol(server, "d1", "d2")
        person = await Client.hello(server)
        refusal = await person.ask("watch", board="demo")
        assert (refusal["code"], refusal["details"]["field"]) == ("bad_request", "board")
        await person.ask("join", board="demo")
        first, second = await Device.open(server, one), await Device.open(server, two, "msgpack")
        t = now() - 10_000
        await first.tell(*[{"t": t + n, "values": {"temp": n, "hum": 1}} for n in range(5)])
        await second.tell({"t": t, "values": {"temp": 7}})
        watching = await person.ask("watch", board="demo")
        shown = [(s["device"], s["metric"], s["t"], s["v"], s["position"]) for s in watching["series"]]
        assert shown == [
            ("d1", "hum", t + 4, 1, t + 4),
            ("d1", "temp", t + 4, 4, t + 4),
            ("d2", "temp", t, 7, t),
        ]
        watching = await person.ask(
            "watch", board="demo", devices=["d1"], metrics=["temp"], **{"from": t - 1000}
        )
        (series,) = watching["series"]
        assert (series["resolution_ms"], series["position"]) == (0, t + 4)
        assert series["points"] == [[t + n, n, n, n, 1] for n in range(5)]
        await second.tell({"values": {"temp": 8}})
        await first.tell({"t": t + 2, "values": {"temp": 99}}, {"t": t + 9, "values": {"temp": 9, "hum": 2}})
        while (news := await person.next(ephemeral=True))["type"] != "telemetry":
            pass
        assert news == {
            "type": "telemetry",
            "board": "demo",
            "points": [{"device": "d1", "metric": "temp", "t": t + 9, "v": 9.0}],
        }
        assert (await person.ask("unwatch", board="demo"))["type"] == "unwatched"
        refusal = await person.ask("watch", board="demo", more=1)
        assert refusal["code"] == "bad_request"
        assert "Traceback" not in server.output()


@on_loop
async def test_nothing_is_taken_from_a_device_from_the_moment_on_when_it_is_disabled(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        (token,) = await enrol(server, "d1")
        owner = await Client.hello(server)
        assert post(server, token, {"temp": 1})[0] == 200
        for op, args, status in (
            ("device.update", {"device": "d1", "disabled": True}, 403),
            ("device.update", {"device": "d1", "disabled": False}, 200),
            ("board.archive", {}, 403),
            ("board.restore", {}, 200),
            ("device.delete", {"device": "d1"}, 401),
        ):
            assert (await owner.mutate("demo", op, **args))["type"] == "ack"
            assert post(server, token, {"temp": 1})[0] == status, op
        await owner.close()
