"""Markup in every text field of a board, seen by somebody else in every view: it stays text."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab

ATTACK = "<img src=x onerror=window.hit=1><script>window.hit=1</script>"
MARKED = f"{ATTACK} [x](javascript:window.hit=1) **{ATTACK}** `{ATTACK}` @{ATTACK}"
CARD = "Click a card to read and edit it"
STRANGERS = "main img, main script, dialog img, dialog script, .toast img, .top img:not(.logo), [onerror]"


def harmless(tab: Tab) -> None:
    assert tab.page.evaluate("window.hit") is None
    expect(tab.page.locator(STRANGERS)).to_have_count(0)


def write_everywhere(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("button", name="Add column").click()
    page.get_by_label("Title of the new column").fill(ATTACK)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    card = tab.open(CARD)
    card.get_by_label("Title").fill(ATTACK)
    card.get_by_label("Description").fill(MARKED)
    card.get_by_role("button", name="Save").click()
    card = tab.read(ATTACK)
    card.get_by_label("Add an item").fill(ATTACK)
    page.keyboard.press("Enter")
    card.get_by_text("Add labels").click()
    card.get_by_label("Find or create a label").fill(ATTACK)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    card.get_by_text("Assign somebody").click()
    card.get_by_role("checkbox", name="(you)").click()
    page.keyboard.press("Escape")
    card.get_by_label("Write a comment").fill(MARKED)
    card.get_by_role("button", name="Comment", exact=True).click()
    expect(card.locator(".comment")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("menuitem", name="Rename board…").click()
    page.get_by_label("Name of the board").fill(ATTACK)
    page.locator("dialog.ask").get_by_label("Description").fill(ATTACK)
    page.locator("dialog.ask").get_by_role("button", name="Save").click()
    expect(page.locator("#board-name")).to_have_text(ATTACK)


def test_markup_in_any_field_stays_text(visit: Visit) -> None:
    mallory, bob = visit(ATTACK), visit("Bob")
    write_everywhere(mallory)
    page = bob.page
    expect(page.locator("#board-name")).to_have_text(ATTACK)
    expect(bob.card(ATTACK).locator(".label")).to_have_text(ATTACK)
    harmless(bob)
    card = bob.read(ATTACK)
    expect(card.locator(".comment")).to_contain_text(ATTACK)
    card.get_by_text("History").click()
    expect(card.locator(".history")).to_contain_text(ATTACK)
    harmless(bob)
    card.locator(".chosen").first.click()
    harmless(bob)
    page.keyboard.press("Escape")
    card.get_by_role("button", name="Delete", exact=True).last.click()
    expect(bob.toast).to_contain_text("<img src=x onerror=window.hit=1>")
    bob.toast.get_by_role("button", name="Undo").click()
    for key in ("Control+k", "i"):
        page.keyboard.press(key)
        harmless(bob)
        page.keyboard.press("Escape")
    page.locator(".board-button").click()
    expect(page.get_by_role("dialog", name="Boards")).to_contain_text(ATTACK)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter").click()
    for tab in (mallory, bob):
        harmless(tab)
