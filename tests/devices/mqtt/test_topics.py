"""The topic map: what is subscribed to, and whose a topic is."""

import pytest

from server.devices.mqtt.topics import Found, Pattern, Topics

USUAL = Topics(
    ["boards/{board}/devices/{device}/telemetry", "boards/{board}/devices/{device}/telemetry/{metric}"],
    commands="boards/{board}/devices/{device}/commands",
    results="boards/{board}/devices/{device}/results",
    board="demo",
)


def test_a_place_is_one_level_and_each_filter_is_subscribed_to_once() -> None:
    assert USUAL.filters == [
        "boards/+/devices/+/telemetry",
        "boards/+/devices/+/telemetry/+",
        "boards/+/devices/+/results",
    ]
    twice = Topics(["{device}/a", "{device}/a"], commands="", results="", board="b")
    assert twice.filters == ["+/a"]


def test_a_topic_says_whose_it_is() -> None:
    assert USUAL.match("boards/lab/devices/f-7/telemetry") == Found("telemetry", "lab", "f-7")
    assert USUAL.match("boards/lab/devices/f-7/telemetry/temp") == Found("telemetry", "lab", "f-7", "temp")
    assert USUAL.match("boards/lab/devices/f-7/results") == Found("results", "lab", "f-7")
    assert USUAL.commands("lab", "f-7") == "boards/lab/devices/f-7/commands"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "boards/lab/devices/f-7",
        "boards/lab/devices/f-7/telemetry/a/b",
        "boards/l b/devices/f/telemetry",
        "boards//devices/f/telemetry",
        f"boards/lab/devices/{'x' * 65}/telemetry",
        "Boards/lab/devices/f/telemetry",
    ],
)
def test_another_topic_or_an_id_that_cannot_be_is_nobodys(topic: str) -> None:
    assert USUAL.match(topic) is None


def test_a_topic_without_a_board_is_of_the_one_that_was_given() -> None:
    topics = Topics(["zigbee2mqtt/{device}"], commands="zigbee2mqtt/{device}/set", results="", board="home")
    assert topics.match("zigbee2mqtt/lamp") == Found("telemetry", "home", "lamp")
    assert topics.commands("home", "lamp") == "zigbee2mqtt/lamp/set"
    assert topics.filters == ["zigbee2mqtt/+"]


def test_without_a_commands_topic_nothing_can_be_told() -> None:
    assert Topics(["{device}"], commands="", results="", board="b").commands("b", "d") is None


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a/b", "'a/b' lacks {device}"),
        ("a//{device}", "'a//{device}' has an empty level"),
        ("", "'' has an empty level"),
        ("{device}/#", "got '#'"),
        ("+/{device}", "got '+'"),
        ("x{device}/{device}", "got 'x{device}'"),
        ("$share/{device}", "got '$share'"),
        ("{device}/{device}", "has {device} twice"),
        ("{device}/{metric}", "{metric} has no meaning here"),
    ],
)
def test_a_bad_pattern_is_told_why(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        Pattern(pattern, ("{board}", "{device}"))
    assert problem in str(caught.value)
