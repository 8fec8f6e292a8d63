"""Undo and redo, as the person sees them; and what was refused, with the text back."""

import contextlib

from playwright.sync_api import Error, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab

CARD = "Click a card to read and edit it"


def test_undo_tells_what_it_did_and_offers_redo(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.card(CARD).locator(".open").focus()
    ann.page.keyboard.press("]")
    bob.sees_card("Doing", CARD)
    ann.page.keyboard.press("Control+z")
    expect(ann.toast).to_contain_text(f"Undone: move “{CARD}”")
    bob.sees_card("To do", CARD)
    ann.toast.get_by_role("button", name="Redo").click()
    bob.sees_card("Doing", CARD)


def test_an_undo_that_would_overwrite_a_later_change_asks_first(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    for tab, title in ((ann, "Ann's title"), (bob, "Bob's title")):
        card = tab.open(CARD if tab is ann else "Ann's title")
        card.get_by_label("Title").fill(title)
        card.get_by_role("button", name="Save").click()
        expect(bob.card(title)).to_be_visible()
    expect(ann.card("Bob's title")).to_be_visible()
    ann.page.keyboard.press("Control+z")
    question = ann.page.get_by_role("dialog", name="Somebody changed this after you")
    expect(question).to_contain_text("Bob changed the title of “Bob's title”")
    expect(question).to_contain_text(f"It would be:{CARD}")
    ann.page.keyboard.press("Escape")
    expect(bob.card("Bob's title")).to_be_visible()
    ann.page.keyboard.press("Control+z")
    question.get_by_role("button", name="Undo anyway").click()
    expect(bob.card(CARD)).to_be_visible()


def test_a_refused_text_is_listed_with_its_reason(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    card = ann.open(CARD)
    card.get_by_label("Description").fill("a long thought")
    bob.card(CARD).locator(".open").focus()
    bob.page.keyboard.press("Delete")
    expect(card.get_by_text("This card has been deleted.")).to_be_visible()
    card.get_by_role("button", name="Save").click()
    ann.page.get_by_role("button", name="Refused changes: 1 change").click()
    panel = ann.page.get_by_role("dialog", name="Refused changes")
    expect(panel.locator(".entry")).to_contain_text("a long thought")
    expect(panel.locator(".entry")).to_contain_text(f"Could not change “{CARD}”: somebody has deleted it.")
    panel.locator(".entry").get_by_role("button", name="Dismiss", exact=True).click()
    expect(panel).to_contain_text("Nothing was refused")


def test_what_changed_while_one_was_away_is_told(visit: Visit, home: str) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.page.goto("about:blank")
    bob.drag(CARD, bob.column("Doing").locator(".card").first)
    bob.saved()
    ann.page.goto(home)
    ann.live()
    ann.toast.get_by_role("button", name="Show").click()
    news = ann.page.get_by_role("dialog", name="What changed since I was here")
    expect(news).to_contain_text(CARD)
    expect(news).to_contain_text("moved it from To do to Doing")


KEPT_VISIT = """
() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("boardcast");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const asking = opening.result.transaction("facts").objectStore("facts").getAllKeys();
    asking.onsuccess = () => {
      opening.result.close();
      resolve(asking.result.some((key) => /^visit:/.test(key)));
    };
  };
})
"""


def test_a_visit_counts_from_its_beginning_also_when_the_page_dies_without_a_word(
    visit: Visit, home: str
) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.until(KEPT_VISIT)
    crash(ann)
    bob.drag(CARD, bob.column("Doing").locator(".card").first)
    bob.saved()
    ann.page = ann.page.context.new_page()
    ann.page.goto(home)
    ann.live()
    expect(ann.toast).to_contain_text("1 change since you were here")


def crash(tab: Tab) -> None:
    """Its process ends at once: no script of it says anything any more."""
    with tab.page.expect_event("crash"), contextlib.suppress(Error):
        tab.page.goto("chrome://crash")
