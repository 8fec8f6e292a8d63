"""What boards make of their devices, on one instance and on several: real stores, real boards, no sockets."""

from pathlib import Path

import pytest

from server.devices.kept_states import STATE
from server.errors import Forbidden, Unauthenticated
from server.model import commands as c
from server.model import device_commands as d
from server.model.device_messages import CommandResult
from server.model.devices import Above, DoneWhen, Rule, Silent, Then, ThenCommand, When
from tests.devices.desks import BOARD, Held, Line, desks, told
from tests.support import on_loop


def rule(when: When, **then: object) -> Rule:
    made = Then(**{"column": "todo", "title": "Look", **then})  # type: ignore[arg-type]
    return Rule(id="r1", device="*", metric="temp", when=when, then=made)


@on_loop
async def test_a_fault_opens_a_card_that_completes_when_it_is_over(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        (app,) = made.apps
        await made.rule(rule(Above(value=80), complete_on_clear=True))
        await made.send(app, 70, 90)
        await made.until(lambda: bool(made.cards()))
        (card,) = made.cards()
        assert (card.title, card.device, card.description) == (
            "Look: Boiler",
            "boiler",
            "temp is 90: above 80",
        )
        await made.send(app, 95, 70)
        await made.until(lambda: made.cards()[0].completed)
        (card,) = made.cards()
        assert (card.column, card.alarm_at) == ("done", None)
        await made.send(app, 91)
        await made.until(lambda: not made.cards()[0].completed)
        assert [made.state().comments[n].value.text for n in made.state().comments_of[card.id]] == [
            "Cleared: temp is 70: not above 80 any more",
            "Again: temp is 91: above 80",
        ]


@on_loop
async def test_instances_that_see_the_same_open_one_card_and_agree_on_its_end(tmp_path: Path) -> None:
    async with desks(tmp_path, 3) as made:
        await made.rule(rule(Above(value=80)))
        for app in made.apps:
            await made.send(app, 90)
        for app in made.apps:
            await made.until(lambda app=app: bool(made.cards(app)), app)
        await made.send(made.apps[2], 70)  # the device is with another instance now
        for app in made.apps:
            await made.until(lambda app=app: made.cards(app)[0].alarm_at is None, app)
            assert len(made.cards(app)) == 1
        await made.send(made.apps[1], 95)
        await made.until(lambda: made.cards()[0].alarm_at is not None)
        assert len(made.cards()) == 1


@on_loop
async def test_an_alarm_that_comes_too_late_is_put_right_by_the_newest_point(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        other = await made.open(held := Held(made.store, "append", BOARD))
        await made.rule(rule(Above(value=80)))
        await made.until(lambda: "r1" in made.state(other).rules, other)
        await other.clerk.admit(BOARD, "boiler")
        await made.send(other, 90)  # asks for the alarm, and has to wait
        await made.send(made.apps[0], 90, 70)
        await made.until(lambda: bool(made.cards()) and made.cards()[0].alarm_at is None)
        held.go.set()
        await made.until(lambda: len(made.state().comments) == 3 and made.cards()[0].alarm_at is None)
        assert [kept.value.text.split(":")[0] for kept in made.state().comments.values()] == [
            "Cleared",
            "Again",
            "Cleared",
        ]


@on_loop
async def test_what_comes_while_a_board_is_loaded_is_judged_in_its_order(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        await made.rule(rule(Above(value=80)))
        await made.close(made.apps[0])
        app = await made.open(held := Held(made.store, "entries", STATE))
        await made.send(app, 90)
        await held.asked.wait()
        await made.send(app, 70)
        held.go.set()
        await app.clerk.admit(BOARD, "boiler")
        await made.send(app, 95)
        await made.until(lambda: bool(made.cards()))
        assert made.cards()[0].description == "temp is 95: above 80"


@on_loop
async def test_silence_is_noticed_with_nobody_there_also_after_a_restart(
    tmp_path: Path,
) -> None:
    async with desks(tmp_path, 2) as made:
        await made.rule(rule(Silent(for_ms=1_000)))
        await made.send(made.apps[0], 1.0)
        for app in list(made.apps):
            await made.close(app)
        for _ in range(2):
            await made.open()  # nobody looks at the board: it is noted in the store
        await made.until(lambda: bool(made.cards()))
        (card,) = made.cards()
        assert "nothing has come for 1 s" in card.description
        await made.send(made.apps[1], 2.0)
        await made.until(lambda: made.cards()[0].alarm_at is None)
        await made.until(lambda: made.cards()[0].alarm_at is not None)
        assert len(made.cards()) == 1


@on_loop
async def test_a_command_waits_for_its_device_and_is_handed_over_once(tmp_path: Path) -> None:
    async with desks(tmp_path, 2) as made:
        await made.do(c.TaskCreate(task="t", title="Stop it"))
        await made.do(d.CommandSend(command="k", device="boiler", name="stop", args={"now": True}, task="t"))
        lines = [Line(), Line()]
        for app, line in zip(made.apps, lines, strict=True):
            await app.clerk.admit(BOARD, "boiler")
            app.clerk.arrived(BOARD, "boiler", line)
        await made.until(lambda: made.state().commands["k"].state == "sent")
        first = await told(*lines)
        assert [(m.command, m.name, m.args) for m in first] == [("k", "stop", {"now": True})]
        made.apps[0].clerk.settled(BOARD, "boiler", CommandResult(command="k", ok=True, result={"rpm": 0}))
        await made.until(lambda: made.state().commands["k"].state == "done")
        assert made.state().commands["k"].result == '{"rpm":0}'
        await made.do(d.CommandSend(command="k2", device="boiler", name="go"))
        await made.until(lambda: made.state().commands["k2"].state == "sent")
        assert [message.command for message in await told(*lines)].count("k2") == 1


@on_loop
async def test_a_command_that_nobody_takes_expires(tmp_path: Path) -> None:
    async with desks(tmp_path, 2) as made:
        soon = made.apps[0].clerk.now() + 300
        await made.do(d.CommandSend(command="k", device="boiler", name="stop", expires_at=soon))
        await made.until(lambda: made.state().commands["k"].state == "expired")


@on_loop
async def test_a_rule_tells_the_device_and_the_answer_stands_on_its_card(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        (app,) = made.apps
        await made.rule(rule(Above(value=80), command=ThenCommand(name="stop")))
        await app.clerk.admit(BOARD, "boiler")
        app.clerk.arrived(BOARD, "boiler", line := Line())
        await made.send(app, 90)
        await made.until(lambda: [c.state for c in made.state().commands.values()] == ["sent"])
        (message,) = await told(line)
        app.clerk.settled(BOARD, "boiler", CommandResult(command=message.command, ok=False, result="stuck"))
        await made.until(lambda: [c.state for c in made.state().commands.values()] == ["failed"])
        (command,) = made.state().commands.values()
        assert (command.task, command.result) == (made.cards()[0].id, "stuck")


@on_loop
async def test_a_task_completes_when_telemetry_has_shown_it(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        cold = DoneWhen(device="boiler", metric="temp", below=5.0, for_ms=2, completes=True)
        await made.do(c.TaskCreate(task="t", title="Cool it", done_when=cold))
        await made.send(made.apps[0], 9.0, 4.0, 4.0)
        await made.send(made.apps[0], 9.0, 4.0, 4.0, 4.0)
        await made.until(lambda: made.state().tasks["t"].value.completed)
        assert made.state().tasks["t"].value.verified


@pytest.mark.parametrize("kept", [True, False], ids=["stopped", "crashed"])
@on_loop
async def test_an_alarm_that_cleared_comes_back_on_its_card_after_a_restart(
    tmp_path: Path, kept: bool
) -> None:
    """What rules have learnt is written down when the server stops; when the alarm cleared the log says."""
    async with desks(tmp_path) as made:
        await made.rule(rule(Above(value=80), complete_on_clear=True))
        await made.send(made.apps[0], 90, 70)
        await made.until(lambda: bool(made.cards()) and made.cards()[0].completed)
        await made.close(made.apps[0])
        if not kept:
            await made.store.drop_entry(STATE, f"{BOARD}/boiler/r1")
        app = await made.open()
        await app.clerk.admit(BOARD, "boiler")
        await made.send(app, 95)
        await made.until(lambda: made.cards()[0].alarm_at is not None)
        assert len(made.cards()) == 1, "it has returned: the same matter"


@on_loop
async def test_a_batch_that_ends_well_opens_a_card_and_tells_the_device_nothing(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        await made.rule(rule(Above(value=80), command=ThenCommand(name="stop")))
        await made.send(made.apps[0], 90, 70, ago_ms=5 * 86_400_000)
        await made.until(lambda: bool(made.cards()) and made.cards()[0].alarm_at is None)
        assert made.state().commands == {}
        await made.send(made.apps[0], 70, 90)
        await made.until(lambda: len(made.state().commands) == 1)


@on_loop
async def test_a_time_that_had_begun_ends_after_a_restart_with_no_further_reading(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        await made.rule(rule(Above(value=80, for_ms=1_500)))
        await made.send(made.apps[0], 90)
        await made.close(made.apps[0])
        assert not made.apps
        await made.open()
        await made.until(lambda: bool(made.cards()))


@on_loop
async def test_a_backlog_after_a_restart_opens_no_card_for_what_is_over(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        await made.rule(rule(Above(value=80)))
        await made.send(made.apps[0], 20)
        await made.close(made.apps[0])
        app = await made.open()
        await app.clerk.admit(BOARD, "boiler")
        await made.send(app, 90, ago_ms=86_400_000)
        await made.send(app, 21)
        await made.do(c.TaskCreate(task="t", title="All that was asked before is done"))
        assert not made.cards()
        await made.send(app, 90)
        await made.until(lambda: bool(made.cards()))


@on_loop
async def test_what_a_task_waits_for_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        cold = DoneWhen(device="boiler", metric="temp", below=5.0, for_ms=1_000, completes=True)
        await made.apps[0].clerk.admit(BOARD, "boiler")  # from now on what waits is looked after
        await made.do(c.TaskCreate(task="t", title="Cool it", done_when=cold))
        await made.send(made.apps[0], 4.0, ago_ms=-10)  # what is of before the task was there does not count
        began = made.apps[0].clerk.now() + 10
        await made.close(made.apps[0])
        app = await made.open()
        await app.clerk.admit(BOARD, "boiler")
        await made.send(app, 4.0, ago_ms=app.clerk.now() - began - 1_010)
        await made.until(lambda: made.state().tasks["t"].value.completed)


@on_loop
async def test_a_rule_comments_in_the_name_of_its_card(tmp_path: Path) -> None:
    async with desks(tmp_path) as made:
        await made.rule(rule(Above(value=80), title="{device} is hot"))
        await made.send(made.apps[0], 90, 70)
        await made.until(lambda: bool(made.cards()) and made.cards()[0].alarm_at is None)
        (comment,) = made.state().comments.values()
        assert comment.value.actor.name == "Boiler is hot"


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (d.DeviceUpdate(device="boiler", disabled=True), Forbidden),
        (d.DeviceDelete(device="boiler"), Unauthenticated),
    ],
)
@on_loop
async def test_a_device_that_is_disabled_or_deleted_is_turned_away(
    tmp_path: Path, command: c.Command, refusal: type[Exception]
) -> None:
    async with desks(tmp_path) as made:
        (app,) = made.apps
        assert await app.clerk.admit(BOARD, "boiler") == "Boiler"
        app.clerk.arrived(BOARD, "boiler", line := Line())
        await made.do(command)
        assert isinstance(line.closed, Forbidden)
        with pytest.raises(refusal):
            await app.clerk.admit(BOARD, "boiler")
        with pytest.raises(Unauthenticated):
            await app.clerk.admit("no-such-board", "boiler")


@on_loop
async def test_a_board_that_came_with_an_import_is_watched_from_the_next_start_on(tmp_path: Path) -> None:
    """It was never noted: its log was written by somebody else."""
    async with desks(tmp_path) as made:
        await made.rule(rule(Silent(for_ms=1_000)))
        await made.send(made.apps[0], 1.0)
        await made.close(made.apps[0])
        await made.store.drop_entry("device-board", BOARD)
        await made.open()
        await made.until(lambda: bool(made.cards()))
