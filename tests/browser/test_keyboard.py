"""The whole board without a pointer."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab

CARD = "Click a card to read and edit it"
WINDOW = "Open this page in a second window"
DRAG = "Drag me to Doing"


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def said(tab: Tab, text: str) -> None:
    expect(tab.page.locator("#live")).to_contain_text(text)


def test_create_edit_move_filter_delete_and_undo(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    page, keyboard = ann.page, ann.page.keyboard
    press(page, "n")
    keyboard.type("by key")
    press(page, "Enter", "Escape")
    expect(ann.card("by key").locator(".open")).to_be_focused()
    press(page, "/")
    keyboard.type("by ke")
    expect(page.get_by_text("1 card fits the filter")).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=by\+ke"))
    press(page, "Enter")
    expect(ann.card("by key").locator(".open")).to_be_focused()
    press(page, "e")
    keyboard.type("written by key")
    press(page, "Control+Enter")
    expect(bob.card("by key").get_by_text("written by key")).to_be_visible()
    press(page, "]")
    bob.sees_card("Doing", "by key")
    press(page, "Escape")
    expect(page.get_by_text("1 card fits the filter")).not_to_be_visible()
    expect(ann.card("by key").locator(".open")).to_be_focused()
    press(page, "Delete")
    expect(bob.card("by key")).to_have_count(0)
    press(page, "Control+z")
    bob.sees_card("Doing", "by key")
    press(page, "Control+Shift+z")
    expect(bob.card("by key")).to_have_count(0)


def test_a_column_is_entered_from_its_foot_at_its_last_card(visit: Visit) -> None:
    page = visit("Ann").page
    press(page, "n", "Escape")
    expect(page.get_by_role("button", name="Add card").first).to_be_focused()
    press(page, "k")
    last = page.locator('[data-column="todo"] .card .open').last
    expect(last).to_be_focused()


def test_a_lifted_card_is_sent_when_it_is_put_down_and_not_before(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.card(WINDOW).locator(".open").focus()
    press(ann.page, "Space")
    said(ann, f"Lifted “{WINDOW}”")
    press(ann.page, "ArrowDown", "ArrowRight")
    said(ann, "Doing, place 2 of 3.")
    bob.sees("To do", WINDOW, DRAG, CARD)
    press(ann.page, "Space")
    bob.sees_card("Doing", WINDOW)
    said(ann, f"Moved “{WINDOW}” to Doing, place 2 of 3.")
    expect(ann.card(WINDOW).locator(".open")).to_be_focused()


def test_escape_returns_a_lifted_card(visit: Visit) -> None:
    ann = visit("Ann")
    ann.card(WINDOW).locator(".open").focus()
    press(ann.page, "Space", "ArrowDown")
    ann.sees("To do", DRAG, WINDOW, CARD)
    press(ann.page, "Escape")
    ann.sees("To do", WINDOW, DRAG, CARD)
    said(ann, "Brought back.")


def test_several_cards_are_moved_and_undone_as_one(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.card(WINDOW).locator(".open").focus()
    press(ann.page, "x", "j", "x")
    expect(ann.page.get_by_text("2 selected")).to_be_visible()
    press(ann.page, "m")
    ann.page.keyboard.type("Done")
    press(ann.page, "Enter")
    bob.sees("Done", WINDOW, DRAG, "Start Boardcast")
    expect(ann.page.get_by_text("2 selected")).to_have_count(0)
    press(ann.page, "Control+z")
    bob.sees("To do", WINDOW, DRAG, CARD)


def test_arrows_and_letters_lead_from_card_to_card(visit: Visit) -> None:
    ann = visit("Ann")
    press(ann.page, "ArrowDown")
    expect(ann.card(WINDOW).locator(".open")).to_be_focused()
    press(ann.page, "j", "l")
    expect(ann.card("What is acknowledged is on disk").locator(".open")).to_be_focused()
    press(ann.page, "k", "h")
    expect(ann.card(WINDOW).locator(".open")).to_be_focused()


def test_help_lists_the_keys(visit: Visit) -> None:
    ann = visit("Ann")
    press(ann.page, "?")
    keys = ann.page.get_by_role("dialog", name="Keyboard")
    expect(keys.get_by_text("Lift; arrows move, Space drops, Esc returns")).to_be_visible()
    press(ann.page, "Escape")
    expect(keys).to_have_count(0)


def test_what_others_do_is_said(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    bob.card(CARD).locator(".open").focus()
    press(bob.page, "]")
    said(ann, f"Bob, “{CARD}”: moved it from To do to Doing.")
