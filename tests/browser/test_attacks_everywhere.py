"""Markup in every text that clients may send, shown to somebody else in the view it belongs to, stays text.

What takes markup is read from the types of the protocol: a new field that is not planted here fails.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.attacks import ATTACK, Marks
from tests.browser.conftest import Arrive, Visit
from tests.browser.person import Account
from tests.browser.tab import Tab
from tests.browser.test_devices import Yard
from tests.devices.tokens import Device, ask
from tests.sockets import cut_all
from tests.support import Client, ServerProcess

OTHERS = ("visitor's name", "field of presence", "answer of a device")
Wish = tuple[str, dict[str, Any]]


def wishes(mark: Marks) -> list[Wish]:
    """What Mallory does to the board."""
    args = {"a": mark("command.send.args{}"), "b": [mark("command.send.args{}[]")]}
    ruled = {
        "a": mark("rule.set.rule.then.command.args{}"),
        "b": [mark("rule.set.rule.then.command.args{}[]")],
    }
    then = {
        "column": "todo",
        "title": mark("rule.set.rule.then.title"),
        "command": {"name": "defrost", "args": ruled},
    }
    rule = {"id": "r1", "device": "d1", "metric": "temp", "when": {"kind": "above", "value": 1}, "then": then}
    item = {"id": "i1", "text": mark("task.create.checklist[].text")}
    label = {"name": "plain", "color": "#aa0000"}

    def device(op: str, name: str) -> Wish:
        more = {"tags": [mark(f"{op}.tags[]")], "metadata": {"place": mark(f"{op}.metadata{{}}")}}
        return op, mark.args(op, device=name, **more)

    return [
        ("board.update", mark.args("board.update")),
        ("column.create", mark.args("column.create", column="c1")),
        ("column.create", {"column": "c2", "title": "plain"}),
        ("column.update", mark.args("column.update", column="c2")),
        ("label.create", mark.args("label.create", label="l1", color="#00aa00")),
        ("label.create", {"label": "l2", **label}),
        ("label.update", mark.args("label.update", label="l2")),
        (
            "task.create",
            mark.args("task.create", task="t1", checklist=[item], labels=["l1", "l2"], column="c1"),
        ),
        ("task.create", {"task": "t2", "title": "plain", "column": "c2"}),
        ("task.update", mark.args("task.update", task="t2")),
        ("checklist.set", mark.args("checklist.set", task="t2", item="i2")),
        ("comment.add", mark.args("comment.add", task="t1", comment="k1")),
        ("comment.add", {"task": "t1", "comment": "k2", "text": "plain"}),
        ("comment.edit", mark.args("comment.edit", task="t1", comment="k2")),
        device("device.create", "d1"),
        ("device.create", {"device": "d2", "name": "plain"}),
        device("device.update", "d2"),
        ("rule.set", {"rule": rule}),
        ("command.send", {"command": "s1", "device": "d1", "name": "stop", "task": "t1", "args": args}),
    ]


async def plant(server: ServerProcess, board: str, mark: Marks, yard: Yard) -> Client:
    """Everything; Mallory stays on the board."""
    mallory = await Client.hello(server, name=mark("visitor's name"))
    await mallory.ask("join", board=board)
    for op, args in wishes(mark):
        reply = await mallory.mutate(board, op, **args)
        assert reply["type"] == "ack", (op, reply)
    column = [{"id": "first", "title": mark("board.create.columns[].title")}]
    made = mark.args("board.create", columns=column)
    assert (await mallory.mutate(f"{board}-2", "board.create", **made))["type"] == "ack"
    _, made = ask(server, f"{yard.path}/devices/d1/token", b"")
    device = await Device.open(server, made["token"])
    for name in ("stop", "defrost"):
        if name == "defrost":
            await device.send(device.batch({"values": {"temp": 5.0}}))
        command = await device.next()
        while command["type"] != "command":
            command = await device.next()
        assert command["name"] == name
        result = {"command": command["command"], "ok": True, "result": mark("answer of a device")}
        await device.send({"type": "command_result", **result})
    return mallory


@pytest.fixture
def aside() -> Iterator[Callable[[Any], Any]]:
    """Runs a coroutine on a loop of its own: the browser has that of this thread."""
    with ThreadPoolExecutor(1) as pool:
        runner = pool.submit(asyncio.Runner).result()
        yield lambda work: pool.submit(runner.run, work).result()
        pool.submit(runner.run, cut_all()).result()
        pool.submit(runner.close).result()


def choose(tab: Tab, entry: str) -> None:
    tab.page.get_by_role("button", name="Menu", exact=True).click()
    tab.page.get_by_role("menuitem", name=entry).click()


def see_the_board(tab: Tab, mark: Marks) -> None:
    page = tab.page
    mark.look(page)
    for entry in ("Rename board…", "Edit labels…", "Members and roles…", "What changed since I was here"):
        choose(tab, entry)
        expect(page.locator("dialog[open]")).to_be_visible()
        mark.look(page)
        page.keyboard.press("Escape")
    for key in ("Control+k", "i"):
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        mark.look(page)
        page.keyboard.press("Escape")
    page.locator(".board-button").click()
    expect(page.get_by_role("dialog", name="Boards")).to_contain_text(ATTACK)
    mark.look(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter").click()
    mark.look(page)
    page.keyboard.press("Escape")


def see_the_cards(tab: Tab, mark: Marks) -> None:
    titles = (mark("task.create.title"), mark("task.update.title"), mark("rule.set.rule.then.title"))
    for title in titles:
        card = tab.read(title)
        mark.look(tab.page)
        card.get_by_text("History").click()
        expect(card.locator(".history li").first).to_be_visible()
        expect(card.locator(".typing, .checklist, .comments").first).to_be_attached()
        mark.look(tab.page)
        tab.page.keyboard.press("Escape")


def see_the_devices(tab: Tab, mark: Marks) -> None:
    page = tab.page
    for name in (mark("device.create.name"), mark("device.update.name")):
        page.get_by_role("button", name="Devices").click()
        panel = page.get_by_role("dialog", name="Devices", exact=True)
        mark.look(page)
        renew(page, panel, name)
        panel.get_by_role("button", name=name, exact=True).click()
        shown = page.locator(".device-panel[open]")
        expect(shown.get_by_role("heading", name=name)).to_be_visible()
        mark.look(page)
        if shown.get_by_role("button", name="Change the rule").count():
            shown.get_by_role("button", name="Change the rule").click()
            mark.look(page)
            page.get_by_role("button", name="Try it on the last 7 days").click()
            expect(page.locator(".trial")).to_contain_text("Would have opened")
            mark.look(page)
            page.keyboard.press("Escape")
        page.keyboard.press("Escape")


def renew(page: Page, panel: Locator, name: str) -> None:
    panel.get_by_role("button", name=f"What can be done to {name}", exact=True).click()
    page.get_by_role("menuitem", name="New token").click()
    question = page.get_by_role("dialog", name="New token")
    expect(question).to_contain_text(name)
    question.get_by_role("button", name="New token").click()
    shown = page.get_by_role("dialog", name=name)
    expect(shown.get_by_label("Token")).not_to_have_value("")
    shown.get_by_role("button", name="I have copied it").click()


def test_markup_in_every_text_of_the_protocol_stays_text(
    visit: Visit, home: str, shared: ServerProcess, aside: Callable[[Any], Any]
) -> None:
    mark, yard = Marks(*OTHERS), Yard(home)
    board = home.rpartition("/")[2]
    mallory = aside(plant(shared, board, mark, yard))
    presence = {"task": "t1", "field": mark("field of presence"), "typing": True}
    assert mark.unused == [], "these are planted nowhere"
    bob = visit("Bob")
    card = bob.read(mark("task.create.title"))
    aside(mallory.send({"type": "presence", "board": board, **presence}))
    expect(card).to_contain_text(mark("field of presence"))
    mark.look(bob.page)
    bob.page.keyboard.press("Escape")
    see_the_board(bob, mark)
    see_the_cards(bob, mark)
    see_the_devices(bob, mark)
    bob.page.goto(f"{home}-2")
    bob.live()
    mark.look(bob.page)
    choose(bob, "Rename board…")
    mark.look(bob.page)
    assert mark.missing == [], "no view has shown these"


OF_ACCOUNTS = ("person", "colleague", "browser", "token", "name before", "board")


@pytest.fixture
def town(tmp_path: Any) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data", AUTH__MODE="accounts") as process:
        yield process


def test_markup_in_every_text_of_accounts_stays_text(town: ServerProcess, arrive: Arrive) -> None:
    marks = {name: f"{ATTACK}{at:02}" for at, name in enumerate(OF_ACCOUNTS)}
    ada = Account.first(town, "ada", marks["name before"])
    ada.ask("PATCH", "/api/me", {"name": marks["person"]})
    ada.ask("POST", "/api/boards", {"board": "b", "name": marks["board"]})
    bob = ada.invite("bob", marks["colleague"], "b", "viewer")
    ada.ask("POST", "/api/me/tokens", {"name": marks["token"]})
    link = ada.invitation("b", "commenter")
    browser = ada.at(arrive(user_agent=f"Mozilla/5.0 Chrome/130 {marks['browser']}"))
    other = arrive(user_agent=f"Mozilla/5.0 Chrome/130 {marks['browser']}")
    other.page.goto(f"{town.url}/account/me")
    other.sign_in("ada")
    expect(other.page.get_by_text("This browser")).to_be_visible()
    seen = ""
    for path, ready in (
        ("/account/me", "This browser"),
        ("/account/people?board=b", "Who was given which role"),
        (link.removeprefix(town.url), "To the board b"),
        ("/b/b", "No cards yet."),
    ):
        browser.page.goto(town.url + path)
        expect(browser.page.get_by_text(ready).first).to_be_attached()
        if path == "/b/b":
            browser.live()
            leaves(browser.page)
        seen += everything(browser.page)
    assert [name for name in OF_ACCOUNTS if marks[name] not in seen] == ["name before"]
    record = ada.ask("GET", "/api/audit")["items"]
    assert marks["name before"] in str(record), "it is in the record, which has no page"
    watcher = bob.at(arrive())
    watcher.page.goto(f"{town.url}/b/b")
    watcher.live()
    everything(watcher.page)


def leaves(page: Page) -> None:
    """Opens the question that names the board."""
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("menuitem", name="Leave this board…").click()
    expect(page.get_by_role("dialog", name="Leave")).to_be_visible()


def everything(page: Page) -> str:
    mark = Marks()
    mark.look(page)
    return mark.seen
