"""axe-core looks at each view, in light and in dark: nothing serious may keep anybody out."""

from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = "() => axe.run(document, { resultTypes: ['violations'] })"
GRAVE = ("serious", "critical")
CARD = "Click a card to read and edit it"
TEXT = """# Plan

Some **strong** `code` for @Ann, a [link](https://example.org)

- [x] one
- [ ] two

> quoted
"""


def furnish(tab: Tab) -> None:
    """Everything that a card may show, on one card."""
    card = tab.open(CARD)
    card.get_by_label("Description").fill(TEXT)
    card.get_by_role("button", name="Save").click()
    card = tab.read(CARD)
    for text in ("First", "Second"):
        card.get_by_label("Add an item").fill(text)
        card.get_by_label("Add an item").press("Enter")
    card.get_by_role("checkbox", name="First").check()
    card.get_by_label("Priority").select_option("urgent")
    card.get_by_label("Due", exact=True).fill("2024-02-29T12:00")
    card.get_by_text("Add labels").click()
    card.get_by_label("Find or create a label").fill("Garden")
    card.get_by_role("button", name="Create “Garden”").click()
    tab.page.keyboard.press("Escape")
    card.get_by_text("Assign somebody").click()
    card.get_by_role("checkbox", name="Ann (you)").click()
    tab.page.keyboard.press("Escape")
    card.get_by_label("Write a comment").fill("See `this`, @Ann")
    card.get_by_role("button", name="Comment", exact=True).click()
    expect(card.locator(".comment")).to_have_count(1)
    tab.page.keyboard.press("Escape")


def card_open(tab: Tab) -> None:
    tab.read(CARD)
    tab.dialog.get_by_text("History").click()
    expect(tab.dialog.locator(".history li").first).to_be_visible()


def picker_open(tab: Tab) -> None:
    card_open(tab)
    tab.dialog.locator(".chosen").first.click()


def several_selected(tab: Tab) -> None:
    tab.card(CARD).locator(".open").focus()
    for key in ("x", "ArrowUp", "x"):
        tab.page.keyboard.press(key)
    expect(tab.page.get_by_text("2 selected")).to_be_visible()


def conflict_shown(tab: Tab) -> None:
    other = tab.beside()
    tab.open(CARD).get_by_label("Description").fill("mine")
    other.open(CARD).get_by_label("Description").fill("theirs")
    other.dialog.get_by_role("button", name="Save").click()
    tab.dialog.get_by_role("button", name="Compare").click()


def by_key(key: str) -> Callable[[Tab], None]:
    return lambda tab: tab.page.keyboard.press(key)


def by_button(name: str) -> Callable[[Tab], None]:
    return lambda tab: tab.page.get_by_role("button", name=name, exact=True).click()


def filtered(tab: Tab) -> None:
    tab.page.get_by_label("Search cards").fill("click")
    expect(tab.page.get_by_text("1 card fits the filter")).to_be_visible()


def by_menu(entry: str) -> Callable[[Tab], None]:
    def show(tab: Tab) -> None:
        by_button("Menu")(tab)
        tab.page.get_by_role("menuitem", name=entry).click()

    return show


VIEWS: dict[str, Callable[[Tab], None]] = {
    "board": lambda tab: None,
    "card": card_open,
    "picker": picker_open,
    "conflict": conflict_shown,
    "selection": several_selected,
    "filtered": filtered,
    "filter": by_button("Filter"),
    "menu": by_button("Menu"),
    "boards": lambda tab: tab.page.locator(".board-button").click(),
    "labels": by_menu("Edit labels…"),
    "members": by_menu("Members and roles…"),
    "palette": by_key("Control+k"),
    "keys": by_key("?"),
    "inbox": by_key("i"),
    "column": lambda tab: tab.column("Doing").get_by_role("heading").dblclick(),
}


def findings(page: Page) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate(RUN)["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:120]}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in GRAVE
    ]


def test_no_view_keeps_anybody_out(visit: Visit) -> None:
    tab = visit("Ann")
    furnish(tab)
    found = {}
    for name, show in VIEWS.items():
        tab.page.goto("about:blank")
        tab.page.goto(tab.url)
        tab.live()
        show(tab)
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            found[f"{name}, {scheme}"] = findings(tab.page)
    assert {name: said for name, said in found.items() if said} == {}


def test_the_first_question_keeps_nobody_out(visit: Visit) -> None:
    tab = visit(None)
    expect(tab.page.get_by_label("Name", exact=True)).to_be_focused()
    assert findings(tab.page) == []
