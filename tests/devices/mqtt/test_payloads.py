"""Payloads of MQTT: what people and gateways send, and what is no reading."""

import json
from collections.abc import Callable

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.devices.mqtt.payloads import readings, result
from server.errors import BadRequest
from server.model.device_messages import Reading
from server.wire.devices import Loose

NOW = 1_764_547_200_000


def loose(*points: object) -> Loose:
    return Loose("", 0, list(points))


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b"21.5", 21.5), (b" -3 \n", -3), (b"1e3", 1000), (b"true", True), (b"ON", True), (b"off", False)],
)
def test_a_plain_value_is_of_the_metric_of_its_topic(payload: bytes, value: float) -> None:
    assert readings(payload, "temp", NOW) == loose(Reading({"temp": value}, NOW))
    assert readings(payload, "", NOW) == loose(Reading({"value": value}, NOW))


@pytest.mark.parametrize(
    "encode", [lambda body: json.dumps(body).encode(), msgpack.packb], ids=["json", "msgpack"]
)
def test_maps_may_be_json_or_msgpack(encode: Callable[[object], bytes]) -> None:
    flat = {"temp": 21.5, "door": False}
    timed = {"t": 5, "values": flat}
    read = Reading(flat, 5)
    assert readings(encode(flat), "", NOW) == loose(Reading(flat, NOW))
    assert readings(encode(timed), "", NOW) == loose(read)
    assert readings(encode({"points": [timed, {"values": flat}, 7]}), "", NOW) == loose(
        read, Reading(flat, NOW), 7
    )
    numbered = {"boot": "b", "seq": 3, "points": [timed, {"values": flat}]}
    assert readings(encode(numbered), "", NOW) == Loose("b", 3, [read, Reading(flat)])


@pytest.mark.parametrize("payload", [b"", b"warm", b"nan", b"\xff\xfe", b"[1]", b'"on"', b"{}x"])
def test_what_is_no_value_is_refused_where_the_topic_names_a_metric(payload: bytes) -> None:
    with pytest.raises(BadRequest, match="wanted is a number"):
        readings(payload, "temp", NOW)


@pytest.mark.parametrize(
    "payload", [b"", b"warm", b"{", b"\x81\xa1a", b"[" * 100_000, msgpack.packb({1: 2}), b'{"boot": "b"}']
)
def test_what_is_no_reading_is_refused(payload: bytes) -> None:
    with pytest.raises(BadRequest):
        readings(payload, "", NOW)


@given(st.binary(max_size=60), st.sampled_from(["", "temp"]))
def test_whatever_comes_is_a_reading_or_refused(payload: bytes, metric: str) -> None:
    try:
        assert readings(payload, metric, NOW).points is not None
    except BadRequest as refusal:
        assert "field" in refusal.details


def test_a_result_names_its_command() -> None:
    told = result(b'{"command": "c1", "ok": true, "result": {"rpm": 5}}')
    assert (told.command, told.ok, told.result) == ("c1", True, {"rpm": 5})
    assert result(msgpack.packb({"type": "command_result", "command": "c1", "ok": False})).ok is False


@pytest.mark.parametrize(
    "payload",
    [b"ok", b"5", b'{"ok": true}', b'{"command": "c1", "ok": 1}', b'{"command": "c1", "ok": true, "x": 1}'],
)
def test_what_is_no_result_is_refused(payload: bytes) -> None:
    with pytest.raises(BadRequest):
        result(payload)
