"""What each role is offered: every control that changes something is there for those who may use it, and
for nobody else; keys and gestures do nothing without one."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.person import Person
from tests.browser.test_accounts import grave
from tests.browser.yard import CARDS, RANK, Yard
from tests.support import ServerProcess

Show = Callable[[Page], Locator]


@pytest.fixture(scope="module")
def yard(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with ServerProcess(tmp_path_factory.mktemp("roles"), AUTH__MODE="accounts") as server:
        yard = Yard(browser, server)
        yield yard
        yard.admin.close()


@pytest.fixture
def come(browser: Browser, yard: Yard) -> Iterator[Callable[[str, str], Page]]:
    """`come(role, board)`: somebody with this role has the board open."""
    people: list[Person] = []

    def arrive(role: str, board: str) -> Page:
        options = {"storage_state": yard.doors[role], "service_workers": "block"}
        people.append(Person(browser.new_context(reduced_motion="reduce", **options)))
        page = people[-1].page
        page.add_init_script("if (location.host) localStorage['boardcast.name'] ??= 'Somebody'")
        page.goto(f"{yard.url}/b/{board}")
        expect(page.locator("html")).to_have_attribute("data-link", "live")
        expect(page.locator(".card .open")).to_have_text(CARDS)
        return page

    yield arrive
    for person in people:
        person.context.close()
    assert not (troubles := [trouble for person in people for trouble in person.troubles]), troubles


# -- where the controls are: each of these shows a view and gives the part of the page to look in


def board(page: Page) -> Locator:
    return page.locator("#board")


def card_menu(page: Page) -> Locator:
    page.locator(".card").first.hover()
    page.get_by_role("button", name="Card menu").first.click()
    return menu(page)


def menu(page: Page) -> Locator:
    shown = page.locator(".menu:popover-open")
    expect(shown).to_be_visible()
    return shown


def head_menu(page: Page) -> Locator:
    page.get_by_role("button", name="Menu", exact=True).click()
    return menu(page)


def card(page: Page) -> Locator:
    page.locator(".card .open").first.click()
    dialog = page.locator(".card-dialog[open]")
    expect(dialog.locator(".comment")).to_have_count(3)
    expect(dialog.locator(".card-device")).to_contain_text("Pump")
    return dialog


def palette(page: Page) -> Locator:
    page.keyboard.press("Control+k")
    page.keyboard.type("e")
    shown = page.locator("dialog.palette[open]")
    expect(shown.get_by_role("option", name="Devices")).to_be_visible()
    return shown


def boards(page: Page) -> Locator:
    page.locator(".board-button").click()
    shown = page.locator("dialog.boards-panel[open]")
    expect(shown.get_by_role("button", name="Yard", exact=True).first).to_be_visible()
    return shown


def devices(page: Page) -> Locator:
    page.get_by_role("button", name="Devices").click()
    shown = page.locator("dialog.devices-panel[open]")
    expect(shown.get_by_role("button", name="Pump", exact=True)).to_be_visible()
    return shown


def device(page: Page) -> Locator:
    devices(page).get_by_role("button", name="Pump", exact=True).click()
    shown = page.locator("dialog.device-panel[open]")
    expect(shown.locator(".rule")).to_be_visible()
    return shown


def keys(page: Page) -> Locator:
    page.keyboard.press("?")
    shown = page.locator("dialog.help[open]")
    expect(shown.get_by_text("To the next card or column")).to_be_visible()
    return shown


CONTROLS: dict[Show, dict[str, dict[str, Any]]] = {
    board: {
        "editor": {
            "complete": "role=checkbox[name='Complete: Clean the filter']",
            "add a card, in the head": "role=button[name='Add a card to this column'] >> nth=0",
            "add a card, at the foot": "role=button[name='Add card'] >> nth=0",
            "menu of a column": "role=button[name='Menu of To do']",
            "add a column": "role=button[name='Add column']",
        },
        "viewer": {"open": ".card .open >> nth=0", "menu of a card": ".card .more >> nth=0"},
    },
    card_menu: {
        "editor": {
            name: f"role=menuitem[name=/^{name}/]"
            for name in ("Complete", "Select", "Move to Doing", "Move to…", "Delete")
        },
        "viewer": {name: f"role=menuitem[name=/^{name}/]" for name in ("Open", "Copy link")},
    },
    head_menu: {
        "owner": {"rename": "role=menuitem[name='Rename board…']"},
        "editor": {"labels": "role=menuitem[name='Edit labels…']"},
        "viewer": {"news": "role=menuitem[name='What changed since I was here']"},
    },
    card: {
        "editor": {
            "title": "role=textbox[name='Title']",
            "write": "role=button[name='Write']",
            "column": "role=combobox[name='Column']",
            "completed": "role=checkbox[name='Completed']",
            "priority": "role=combobox[name='Priority']",
            "due": "#card-due",
            "no due date": "role=button[name='Remove the due date']",
            "labels": "role=button[name='Garden']",
            "people": ".chosen >> nth=1",
            "device": "role=combobox[name='Device']",
            "command": "text=Send a command",
            "wait": "role=button[name='Complete only after a reading…']",
            "tick": "role=checkbox[name='Switch it off']",
            "item": "role=textbox[name='Item']",
            "remove an item": "role=button[name='Remove this item']",
            "add an item": "role=textbox[name='Add an item']",
            "move": "role=button[name='Move to…']",
            "delete": ".tools >> role=button[name='Delete']",
        },
        "commenter": {
            "comment": "role=textbox[name='Write a comment']",
            "edit a comment": "role=button[name='Edit']",
            "delete a comment": ".comment-tools >> role=button[name='Delete']",
        },
        "viewer": {"follow": "role=button[name='Follow']", "history": "text=History"},
    },
    palette: {
        "owner": {"rename": "role=option[name='Rename board…']"},
        "editor": {
            name: f"role=option[name=/^{name}/]" for name in ("New card", "Edit labels…", "Add “e” to To do")
        },
        "viewer": {"devices": "role=option[name='Devices']"},
    },
    boards: {
        "owner": {"menu of the board": "role=button[name='More about Yard'] >> nth=0"},
        "viewer": {"star": "role=button[name='Star Yard'] >> nth=0"},
    },
    devices: {
        "owner": {
            "add": "role=button[name='Add a device']",
            "menu": "role=button[name='What can be done to Pump']",
        }
    },
    device: {
        "owner": {"menu": "role=button[name='What can be done to this device']"},
        "editor": {
            "add a rule": "role=button[name='Add a rule']",
            "change a rule": "role=button[name='Change the rule']",
            "command": "text=Send a command",
        },
    },
    keys: {
        "editor": {"keys that change": "text=Complete or reopen"},
        "viewer": {"keys that do not": "text=Open the card"},
    },
}
BY_ACCOUNT = {boards: "role=button[name='Create board']", palette: "role=option[name='Create board']"}
"""For everybody who has an account, whatever they may do here."""


def usable(control: Locator) -> bool:
    if control.count() == 0 or not control.is_visible() or not control.is_enabled():
        return False
    return control.evaluate("(one) => !one.matches('input, textarea') || !one.readOnly")  # type: ignore[no-any-return]


@pytest.mark.parametrize("role", RANK)
def test_a_role_is_offered_what_it_may_do_and_nothing_else(role: str, yard: Yard, come: Any) -> None:
    page = come(role, yard.board())
    wrong = []
    for show, controls in CONTROLS.items():
        part = show(page)
        for least, named in controls.items():
            for name, selector in named.items():
                if usable(part.locator(selector)) != (RANK[role] >= RANK[least]):
                    wrong.append(f"{show.__name__}: {name}")
        if show in BY_ACCOUNT and usable(part.locator(BY_ACCOUNT[show])) != (role != "anyone"):
            wrong.append(f"{show.__name__}: create board")
        assert role != "viewer" or not grave(page), show.__name__
        page.goto(page.url.partition("#")[0])
        expect(page.locator(".card .open")).to_have_text(CARDS)
    assert wrong == []


@pytest.mark.parametrize("role", ["viewer", "commenter"])
def test_keys_and_gestures_change_nothing_without_a_role_for_it(role: str, yard: Yard, come: Any) -> None:
    name = yard.board()
    page, before = come(role, name), yard.seq(name)
    for key in ("n", "c", "e", "m", "a", "x", "]", "Space", "Delete", "Shift+ArrowDown"):
        page.locator(".card .open").first.focus()
        page.keyboard.press(key)
        expect(page.locator(".toast").last).to_contain_text(f"Your role here is {role.title()}.")
        page.locator(".toast").last.get_by_role("button", name="Dismiss").click()
        expect(page.locator("dialog[open], .card.lifted, .card.selected, .composer:visible")).to_have_count(0)
    assert not page.get_by_role("heading", name="To do").get_attribute("title")
    page.get_by_role("heading", name="To do").dblclick()
    page.locator(".card").first.click(modifiers=["Control"])
    page.keyboard.press("Escape")
    page.locator(".card").first.drag_to(page.locator(".column").nth(1))
    page.locator(".column-head").first.drag_to(page.locator(".column").nth(2))
    page.locator(".card .open").first.click()
    page.locator(".markdown.reading").dblclick()
    expect(page.locator(".card-dialog .markdown.reading")).to_be_visible()
    expect(page.locator(".selection-bar")).to_be_hidden()
    expect(page.locator(".column h2")).to_have_text(["To do", "Doing", "Done"])
    expect(page.locator(".card .open")).to_have_text(CARDS)
    assert yard.seq(name) == before


def test_a_new_role_counts_at_once_on_an_open_page_and_a_draft_is_kept(yard: Yard, come: Any) -> None:
    name = yard.board()
    page = come("editor", name)
    dialog = card(page)
    dialog.get_by_label("Title").fill("Clean both filters")
    yard.did(name, "member.set", user=yard.ids["editor"], role="viewer")
    expect(page.locator(".role-chip")).to_have_text("Viewer")
    expect(dialog.get_by_label("Title")).not_to_be_editable()
    expect(dialog.locator(".note")).to_contain_text("Your draft is kept")
    expect(dialog.get_by_role("button", name="Save")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Add column")).to_be_hidden()
    yard.did(name, "member.remove", user=yard.ids["editor"])
    yard.did(name, "member.set", user=yard.ids["editor"], role="editor")
    expect(page.get_by_role("button", name="Add column")).to_be_visible()
    page.locator(".card .open").first.click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".card .open").first).to_have_text("Clean both filters")


def test_an_archived_board_is_only_looked_at_and_restored_by_its_owners(yard: Yard, come: Any) -> None:
    name = yard.board()
    owner, viewer = come("owner", name), come("viewer", name)
    yard.did(name, "board.archive")
    for page in (owner, viewer):
        expect(page.locator("#banner")).to_contain_text("This board is archived")
        expect(page.get_by_role("button", name="Add column")).to_be_hidden()
        expect(page.get_by_role("checkbox").first).to_be_disabled()
    expect(viewer.locator("#banner").get_by_role("button")).to_have_count(0)
    owner.locator("#banner").get_by_role("button", name="Restore").click()
    expect(owner.get_by_role("button", name="Add column")).to_be_visible()
    expect(viewer.locator("#banner")).to_be_hidden()


@pytest.mark.parametrize("role", ["viewer", "editor", "owner"])
def test_who_is_on_a_board_is_seen_by_its_members_and_changed_by_its_owners(
    role: str, yard: Yard, come: Any
) -> None:
    name = yard.board()
    page = come(role, name)
    page.goto(f"{yard.url}/account/people?board={name}")
    members = page.get_by_role("region", name="Members")
    expect(members.locator("li")).to_have_count(5)
    for control in (
        members.get_by_label("Role of Commenter"),
        members.get_by_role("button", name="Remove: Commenter"),
        members.get_by_role("button", name="Add", exact=True),
        page.get_by_role("combobox", name="Who may read the board"),
        page.get_by_role("button", name="Make an invitation"),
    ):
        assert usable(control) == (role == "owner"), control
    assert not grave(page)


def test_members_who_were_never_seen_here_have_names(yard: Yard, come: Any) -> None:
    page = come("viewer", yard.board())
    page.locator(".card .open").first.click()
    expect(page.locator(".card-side")).to_contain_text(re.compile("Created .* by Ada"))


def test_a_role_is_known_before_there_is_a_link(yard: Yard, come: Any) -> None:
    page = come("viewer", yard.board())
    page.evaluate(KEPT)
    page.route_web_socket("**/ws", lambda socket: socket.close())
    page.reload()
    expect(page.locator(".card .open")).to_have_text(CARDS)
    expect(page.locator(".role-chip")).to_have_text("Viewer")
    expect(page.get_by_role("button", name="Add column")).to_be_hidden()


KEPT = """
() => new Promise((resolve, reject) => {
  const opening = indexedDB.open(`boardcast.${localStorage["boardcast.user"]}`);
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const look = () => {
      const asking = opening.result.transaction("states").objectStore("states").count();
      asking.onsuccess = () => asking.result > 0 ? resolve(opening.result.close()) : setTimeout(look, 50);
    };
    look();
  };
})
"""
"""Waits until the state of the board is kept in this browser."""
