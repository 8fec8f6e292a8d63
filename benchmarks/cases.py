"""What is measured, and what is to be reached. Every server gets the same load from the same generator."""

from dataclasses import dataclass
from typing import Literal

BOARD = "bench"
TASKS = 50
SIZE = 200
"""Bytes of each message that a client sends."""

MUTATION = (
    '{"type":"mutate","id":"%N","board":"bench","mutation":"%M","op":"task.update",'
    '"args":{"task":"t%K","title":"%N %P"}}'
)
MESSAGE = '{"id":"%M","task":"t%K","title":"%N %P"}'
HELLO = '{"type":"hello","id":1,"client":"bench-%C"}'


@dataclass(frozen=True)
class Goal:
    """A figure of ours (`against` None), or its ratio to a peer's: at least, or at most, `wanted`."""

    key: str
    wanted: float
    bound: Literal["≥", "≤"] = "≥"
    against: str | None = None


@dataclass(frozen=True)
class Case:
    """`kind` says how it is driven; `flags` go to the generator. `key` is the headline figure."""

    name: str
    title: str
    kind: Literal["members", "answers", "idle", "http", "join"]
    key: str
    unit: str
    more_is_better: bool = True
    flags: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    speaks: str = "ws"


def _fan_out(name: str, title: str, writers: int, window: int, tornado: float, node: float) -> Case:
    goals = (
        Goal("delivered_per_s", tornado, against="tornado"),
        Goal("delivered_per_s", node, against="node"),
        Goal("p99_ms", 60, "≤"),
    )
    flags = ("--conns", "1000", "--writers", str(writers), "--window", str(window))
    return Case(name, title, "members", "delivered_per_s", "deliveries/s", True, flags, goals)


def _answers(name: str, title: str, window: int, wanted: float) -> Case:
    flags, goal = ("--conns", "50", "--each", str(window)), Goal("delivered_per_s", wanted)
    return Case(name, title, "answers", "delivered_per_s", "answers/s", True, flags, (goal,))


def _http(name: str, title: str, method: str, wanted: float) -> Case:
    target = ("POST", "/api/tasks", '{"title":"Task %N"}')
    if method == "GET":
        target = ("GET", "/api/tasks/t%K", "")
    goal = Goal("answered_per_s", wanted)
    return Case(name, title, "http", "answered_per_s", "requests/s", True, target, (goal,), "http")


CASES = (
    _fan_out("fanout-1x32", "Saturated: 1,000 members, 1 writer, 32 changes outstanding", 1, 32, 30, 6),
    _fan_out("fanout-100x64", "Saturated: 1,000 members, 100 writers, 64 outstanding", 100, 64, 80, 15),
    Case(
        "paced",
        "Paced: 100 members, 20 of them write, 200 changes/s in all",
        "members",
        "p50_ms",
        "ms, p50",
        False,
        ("--conns", "100", "--writers", "20", "--rate", "200"),
        (Goal("p50_ms", 2.5, "≤", "node"), Goal("p99_ms", 10, "≤")),
    ),
    _answers(
        "answers-50x1", "Acknowledged mutations (peers: echo), 50 connections, 1 outstanding", 1, 12_000
    ),
    _answers(
        "answers-50x16", "Acknowledged mutations (peers: echo), 50 connections, 16 outstanding", 16, 25_000
    ),
    Case(
        "idle",
        "Memory of an idle connection, 5,000 of them (ours: after `hello`)",
        "idle",
        "kib_per_connection",
        "KiB",
        False,
        ("--conns", "5000"),
        (Goal("kib_per_connection", 20, "≤"),),
    ),
    Case(
        "idle-members",
        "Memory of an idle member, 5,000 of them on 50 boards",
        "idle",
        "kib_per_connection",
        "KiB",
        False,
        ("--conns", "5000", "--groups", "50"),
        speaks="board",
    ),
    Case(
        "join",
        "Join of a board with 5,000 tasks, to the last task, by the first after a change",
        "join",
        "first_s",
        "s",
        False,
        goals=(Goal("first_s", 0.5, "≤"),),
        speaks="board",
    ),
    _http("http-create", "HTTP: create a task, 50 connections", "POST", 3_000),
    _http("http-read", "HTTP: read a task, 50 connections", "GET", 5_000),
)
