"""Several tabs of one browser: a queue for each, sent once, whichever of them is still there."""

from typing import Any

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Sit, Visit
from tests.browser.desk import Desk
from tests.browser.wire import Wire

CLIENT = "session.client"
DELIVER = """
const { deliverForClosedTabs } = await import("/static/client/courier.js");
await deliverForClosedTabs(session);
"""


def held(desk: Desk, task: str) -> None:
    """Makes a change that does not leave the tab."""
    desk.go_offline()
    desk.mutate("task.create", task=task, title=task, column="todo")
    assert desk.run("board.status.unsent") == 1


def test_two_tabs_are_two_clients_and_a_duplicated_one_is_a_third(sit: Sit) -> None:
    ann = sit("Ann")
    other = ann.beside().sit()
    twin = ann.beside()
    twin.page.add_init_script(f"sessionStorage['boardcast.client'] ??= '{ann.run(CLIENT)}'")
    twin.sit()
    assert len({desk.run(CLIENT) for desk in (ann, other, twin)}) == 3
    assert ann.sit().run(CLIENT) != other.run(CLIENT)


def test_a_reloaded_tab_is_the_client_it_was(sit: Sit) -> None:
    ann = sit("Ann")
    client = ann.run(CLIENT)
    assert ann.sit().run(CLIENT) == client


def test_a_living_tab_sends_what_a_closed_one_left(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    other = ann.beside().sit()
    held(ann, "left-behind")
    client = ann.run(CLIENT)
    ann.page.close(run_before_unload=False)
    other.page.context.set_offline(False)
    other.run("session.retryNow();")
    bob.waits_for("board.view.tasks.has('left-behind')")
    bob.run("const log = board.history('left-behind'); await log.load(); window.log = log.items;")
    assert bob.run("window.log.length") == 1
    other.waits_for("board.view.tasks.has('left-behind')")
    assert other.run("session.client") != client


def test_a_living_tab_leaves_the_queues_of_living_tabs_alone(sit: Sit) -> None:
    ann = sit("Ann")
    other = ann.beside().sit()
    held(ann, "mine")
    other.run(DELIVER)
    assert other.run("session.couriers.size") == 0
    ann.go_online()
    ann.saved()
    other.waits_for("board.view.tasks.has('mine')")


def test_a_new_tab_takes_over_what_a_closed_one_left_and_shows_it(sit: Sit) -> None:
    ann = sit("Ann")
    ann.run("session.hidden();")
    held(ann, "left-behind")
    client = ann.run(CLIENT)
    other = ann.beside()
    ann.page.close()
    other.page.context.set_offline(False)
    other.page.route_web_socket("**/ws", silent)
    other.sit(live=False)
    assert other.run(CLIENT) == client
    assert other.task("left-behind") is not None


def silent(socket: WebSocketRoute) -> None:
    """A server that never says anything."""


def test_what_a_courier_is_refused_is_listed(sit: Sit) -> None:
    ann, bob = sit("Ann"), sit("Bob")
    other = ann.beside().sit()
    held(ann, "taken")
    bob.mutate("task.create", task="taken", title="Bob was first", column="todo")
    bob.saved()
    ann.page.close()
    other.page.context.set_offline(False)
    other.run("session.retryNow();")
    other.waits_for("session.refusals.items.length === 1")
    refusal: dict[str, Any] = other.run("session.refusals.items[0]")
    assert refusal["texts"] == [{"field": "title", "text": "taken"}]
    assert (refusal["error"]["code"], refusal["title"]) == ("conflict", "taken")
    assert other.run("return (await session.store.keys('queue')).length;") == 0


def test_an_answer_that_was_lost_with_the_tab_makes_no_second_change(sit: Sit) -> None:
    wire = Wire()
    bob = sit("Bob")
    ann = sit("Ann")
    ann.page.route_web_socket("**/ws", wire.attach)
    ann.sit()
    wire.down = lambda message: [] if message["type"] in ("ack", "changes") else [message]
    ann.mutate("task.create", task="once", title="once", column="todo")
    bob.waits_for("board.view.tasks.has('once')")
    other = ann.beside()
    ann.page.close()
    other.sit().saved()
    other.waits_for("board.view.tasks.has('once')")
    bob.run("const log = board.history('once'); await log.load(); window.log = log.items;")
    assert bob.run("window.log.map((item) => item.op)") == ["task.create"]


def test_without_locks_tabs_ask_each_other(sit: Sit) -> None:
    """As on a page that came by plain HTTP over a network."""
    ann = sit("Ann", live=False)
    ann.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined });")
    ann.sit()
    twin = ann.beside()
    twin.page.add_init_script(f"sessionStorage['boardcast.client'] ??= '{ann.run(CLIENT)}'")
    twin.sit()
    assert twin.run(CLIENT) != ann.run(CLIENT)
    held(ann, "left-behind")
    client = ann.run(CLIENT)
    ann.page.close()
    third = twin.beside()
    third.page.context.set_offline(False)
    third.sit()
    third.waits_for("board.view.tasks.has('left-behind')")
    assert third.run(CLIENT) in (client, third.run("sessionStorage['boardcast.client']"))


def test_what_waits_in_other_tabs_is_told_while_there_is_no_link(visit: Visit) -> None:
    ann = visit("Ann")
    other = ann.beside()
    ann.page.context.set_offline(True)
    for tab in (ann, other):
        tab.page.evaluate("dispatchEvent(new Event('offline'))")
        expect(tab.banner).to_contain_text("Connection lost")
    ann.add("To do", "one", "two")
    other.add("To do", "three")
    expect(ann.banner).to_contain_text("2 unsent changes")
    expect(ann.banner).to_contain_text("1 more is from another tab of this browser.")
    expect(other.banner).to_contain_text("2 more are from other tabs of this browser.")
    ann.page.context.set_offline(False)
    for tab in (ann, other):
        expect(tab.banner).to_be_hidden()
        for title in ("one", "two", "three"):
            tab.sees_card("To do", title)
