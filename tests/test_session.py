"""Whatever fails, whoever goes: nobody stays in the hub, no board stays held. On a real store."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.app import App
from server.budgets import BAD_MESSAGE_S, MOST_PAUSE_S
from server.config import Config
from server.session import Session
from server.session.visits import Visits
from server.stores import Failed, Loaded
from server.wire import JSON
from tests.connections import PairTransport, frames
from tests.support import on_loop

HELLO = {"type": "hello", "id": 1, "client": "client-1", "name": "Ann"}
JOIN = {"type": "join", "id": 2, "board": "demo"}


class Stage:
    """A started app and one connection to it."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.transport = PairTransport()
        self.session: Session = app.connect(self.transport, JSON)

    def says(self, *messages: object) -> None:
        for message in messages:
            self.session.receive(msgspec.json.encode(message).decode())

    async def quiet(self) -> None:
        """Until nothing of this connection is under way."""
        while (worker := self.session._worker) is not None:
            await asyncio.wait([worker])

    def heard(self) -> list[dict[str, Any]]:
        """What reached the client since it was last asked, one by one."""
        return [
            msgspec.json.decode(payload)
            for opcode, payload in frames(self.transport.read_all())
            if opcode == 1
        ]

    @property
    def held(self) -> int:
        return self.app.boards.get("demo").holds


Story = Callable[[Stage, pytest.MonkeyPatch], Awaitable[None]]


def on_stage(story: Story) -> Callable[[Path, pytest.MonkeyPatch], None]:
    @on_loop
    async def test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        app = App(Config.load(None, {}, {"data": str(tmp_path)}))
        await app.start()
        stage = Stage(app)
        try:
            await story(stage, monkeypatch)
        finally:
            stage.session.closed()
            stage.transport.dispose()
            await app.boards.stop()
            await app.stop()

    test.__name__ = story.__name__
    return test


@on_stage
async def test_who_joins_and_goes_leaves_nothing_behind(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.says(HELLO, JOIN)
    await stage.quiet()
    assert [message["type"] for message in stage.heard()] == ["welcome", "joined"]
    assert (len(stage.app.hub.members("demo")), stage.held) == (1, 1)
    stage.session.closed()
    stage.session.closed()
    assert (stage.app.hub.connections, stage.app.hub.members("demo"), stage.held) == ((), (), 0)


@on_stage
async def test_who_goes_while_the_board_is_loading_never_gets_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, reached, go_on = stage.app.store.load, asyncio.Event(), asyncio.Event()

    async def slow(board: str, recent: int) -> Loaded | None:
        reached.set()
        await go_on.wait()
        return await load(board, recent)

    monkeypatch.setattr(stage.app.store, "load", slow)
    stage.says(HELLO, {**JOIN, "board": "other"})
    await reached.wait()
    stage.session.closed()
    go_on.set()
    live = stage.app.boards.get("other")
    await live.ready()
    assert (stage.app.hub.connections, stage.app.hub.members("other"), live.holds) == ((), (), 0)


@on_stage
async def test_a_store_that_is_down_is_said_and_the_socket_stays(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(board: str, recent: int) -> Loaded | None:
        raise Failed("the disk is gone")

    monkeypatch.setattr(stage.app.store, "load", down)
    stage.says(HELLO, {**JOIN, "board": "other"})
    await stage.quiet()
    answer = stage.heard()[-1]
    assert (answer["type"], answer["code"], answer["retry"]) == ("error", "unavailable", True)
    assert (stage.app.hub.members("other"), stage.transport.closed_with) == ((), None)


@on_stage
async def test_a_defect_while_joining_is_answered_and_leaves_no_member(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("a defect")

    live = stage.app.boards.get("demo")
    stage.says(HELLO)
    for target, name in ((live.snapshots, "of"), (stage.app.hub, "presence_of"), (Visits, "_role")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, defect)
            stage.says(JOIN)
            await stage.quiet()
        assert stage.heard()[-1]["code"] == "internal"
        assert (stage.app.hub.members("demo"), stage.held) == ((), 0)
    stage.says(JOIN)
    await stage.quiet()
    assert stage.heard()[-1]["type"] == "joined"


@on_stage
async def test_a_defect_in_one_message_is_answered_and_the_next_is_handled(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("a defect")

    stage.says(HELLO)
    with monkeypatch.context() as patch:
        patch.setattr(stage.app.boards, "get", defect)
        stage.says(
            {"type": "mutate", "id": 3, "board": "demo", "mutation": "m", "op": "board.archive", "args": {}}
        )
    stage.says({"type": "ping", "id": 4})
    assert [message.get("code", message["type"]) for message in stage.heard()] == [
        "welcome",
        "internal",
        "pong",
    ]


@on_stage
async def test_messages_behind_one_that_waits_keep_their_order(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.says(HELLO, JOIN, {"type": "ping", "id": 3}, {"type": "leave", "id": 4, "board": "demo"})
    await stage.quiet()
    assert [message["id"] for message in stage.heard() if "id" in message] == [1, 2, 3, 4]
    assert stage.app.hub.members("demo") == ()


@on_stage
async def test_too_many_messages_behind_one_that_waits_are_refused_for_now(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.says(HELLO, JOIN, *({"type": "ping", "id": n} for n in range(3, 1100)))
    answers = [message for message in stage.heard() if message["type"] == "error"]
    assert {(answer["code"], answer["retry"]) for answer in answers} == {("rate_limited", True)}
    await stage.quiet()
    pongs = [message["id"] for message in stage.heard() if message["type"] == "pong"]
    assert pongs == list(range(3, 3 + len(pongs)))
    assert len(pongs) + len(answers) == 1097


@on_stage
async def test_who_was_refused_is_not_heard_any_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = {"type": "mutate", "id": 3, "board": "demo", "mutation": "m", "op": "board.update"}
    stage.says([{"type": "ping", "id": 1}, HELLO, {**rename, "args": {"name": "Taken over"}}])
    stage.says(HELLO, {**rename, "args": {"name": "Taken over"}})
    assert [message["code"] for message in stage.heard()] == ["unauthenticated"]
    live = stage.app.boards.get("demo")
    await live.ready()
    assert stage.transport.closed_with is not None and stage.transport.closed_with[0] == 4501
    assert live.state.info is not None and live.state.info.value.name != "Taken over"
    assert stage.app.hub.connections == ()


@on_stage
async def test_a_frame_of_very_many_items_is_one_mistake(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.says(HELLO, [1] * 1001, {"type": "ping", "id": 9})
    answers = stage.heard()
    assert [message.get("code", message["type"]) for message in answers] == ["welcome", "bad_request", "pong"]
    assert "1000 messages" in answers[1]["message"]


@on_stage
async def test_one_connection_too_many_is_told_when_to_come_back_and_closed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = msgspec.structs.replace(stage.app.config.limits, connections=1)
    monkeypatch.setattr(stage.app, "config", msgspec.structs.replace(stage.app.config, limits=limits))
    second = Stage(stage.app)
    second.says(HELLO, JOIN)
    assert second.transport.closed_with is not None and second.transport.closed_with[0] == 4504
    [told] = second.heard()
    assert (told["code"], told["details"]["retry_after_ms"]) == ("rate_limited", 10_000)
    assert len(stage.app.hub.connections) == 1
    second.transport.dispose()


@on_stage
async def test_a_clients_order_is_kept_when_too_much_waits_behind_a_join(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writes(first: int) -> list[dict[str, object]]:
        make = {"type": "mutate", "board": "demo", "op": "task.create"}
        return [
            {**make, "id": n, "mutation": f"m{n}", "args": {"task": f"n{n}", "title": "T"}}
            for n in range(first, 2000)
        ]

    stage.says(HELLO, JOIN)
    for start in range(0, 2000, 500):
        stage.says(writes(0)[start : start + 500])
    await stage.quiet()
    refused = [m["id"] for m in stage.heard() if m.get("code") == "rate_limited"]
    assert refused == list(range(2000)), "from the first on, and in order"
    stage.says(writes(0)[:500])
    await stage.session.answered()
    acks = [(m["id"], m["seq"]) for m in stage.heard() if m["type"] == "ack"]
    assert acks == [(n, acks[0][1] + n) for n in range(500)]


@on_stage
async def test_many_bytes_without_an_answer_are_refused_for_now(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = {"type": "mutate", "board": "demo", "op": "task.create"}
    stage.says(HELLO)
    for n in range(80):
        args = {"task": f"n{n}", "title": "T", "description": "x" * 20_000}
        stage.says({**make, "id": n, "mutation": f"m{n}", "args": args})
    await stage.session.answered()
    codes = [m.get("code", m["type"]) for m in stage.heard()[1:]]
    assert set(codes) == {"ack", "rate_limited"}
    assert codes.count("ack") < 60


@on_stage
async def test_who_is_not_understood_is_read_more_slowly(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.says(HELLO, {"type": "ping", "id": 1})
    assert stage.session.took(100, 0) == 0.0
    for _ in range(3):
        stage.session.receive("no JSON")
    stage.says({"type": "ping", "id": 2})
    assert stage.session.took(100, 0) == pytest.approx(3 * BAD_MESSAGE_S)
    assert stage.session.took(100, 0) == 0.0
    for _ in range(80):
        stage.session.receive("no JSON")
    assert stage.session.took(100, 0) == MOST_PAUSE_S
