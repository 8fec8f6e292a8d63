"""The focus is always somewhere, and what happens to a card that has it is said."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab
from tests.browser.test_boards import create
from tests.browser.test_keyboard import CARD, DRAG, WINDOW, press, said

START = "Start Boardcast"


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def stand(tab: Tab, title: str) -> None:
    tab.card(title).locator(".open").focus()


def test_the_last_card_of_a_column_leaves_the_focus_in_it(visit: Visit) -> None:
    ann = visit("Ann")
    stand(ann, START)
    press(ann.page, "Delete")
    expect(ann.column("Done").get_by_role("button", name="Add card").last).to_be_focused()


def test_a_card_that_somebody_else_deletes_gives_the_focus_to_the_next_one(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    stand(ann, WINDOW)
    stand(bob, WINDOW)
    press(bob.page, "Delete")
    said(ann, f"Bob, “{WINDOW}”: deleted it.")
    expect(ann.card(DRAG).locator(".open")).to_be_focused()


def test_a_card_that_leaves_the_filter_gives_the_focus_to_the_next_one(visit: Visit) -> None:
    ann = visit("Ann")
    ann.page.goto(f"{ann.url}?done=no")
    ann.live()
    stand(ann, WINDOW)
    press(ann.page, "c")
    expect(ann.card(WINDOW)).to_have_count(0)
    expect(ann.card(DRAG).locator(".open")).to_be_focused()


def test_a_lifted_card_stays_below_the_one_it_was_put_below(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    stand(ann, WINDOW)
    press(ann.page, "Space", "ArrowDown")
    ann.sees("To do", DRAG, WINDOW, CARD)
    stand(bob, START)
    press(bob.page, "[", "[")
    ann.sees("To do", START, DRAG, WINDOW, CARD)
    press(ann.page, "Space")
    bob.sees("To do", START, DRAG, WINDOW, CARD)
    said(ann, f"Moved “{WINDOW}” to To do, place 3 of 4.")


def test_a_key_is_for_all_selected_cards(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    stand(ann, WINDOW)
    press(ann.page, "x", "j", "x", "]")
    bob.sees_card("Doing", WINDOW)
    bob.sees_card("Doing", DRAG)
    press(ann.page, "c")
    said(ann, "Completed 2 cards.")
    press(ann.page, "Control+z", "Control+z")
    bob.sees("To do", WINDOW, DRAG, CARD)


def test_a_deleted_column_comes_back_and_takes_no_focus_with_it(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.page.get_by_role("button", name="Menu of Doing").click()
    ann.page.get_by_role("menuitem", name="Delete column").click()
    press(ann.page, "Enter")
    expect(bob.page.get_by_role("region", name="Doing")).to_have_count(0)
    expect(focused(ann.page)).to_have_count(1)
    ann.toast.get_by_role("button", name="Undo").click()
    expect(bob.page.get_by_role("region", name="Doing")).to_be_visible()


def test_the_palette_adds_a_card_only_when_it_is_chosen(visit: Visit, home: str) -> None:
    ann = visit("Ann")
    name = f"Meadow {home[-4:]}"
    create(ann, name)
    press(ann.page, "Control+k")
    ann.page.keyboard.type(name.lower())
    expect(ann.page.get_by_role("option", selected=True)).to_contain_text("You are here")
    ann.page.keyboard.type(" of nobody")
    expect(ann.page.get_by_role("option", selected=True)).to_have_count(0)
    press(ann.page, "Enter")
    expect(ann.page.get_by_role("option")).to_have_count(1)
    press(ann.page, "ArrowDown", "Enter")
    ann.sees_card("To do", f"{name.lower()} of nobody")


def test_a_text_that_is_too_long_is_not_cut_off(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    press(ann.page, "n")
    ann.page.keyboard.insert_text("x" * 201)
    press(ann.page, "Enter")
    writing = ann.column("To do").get_by_label("Title of the new card")
    expect(writing).to_have_value("x" * 201)
    press(ann.page, "Backspace", "Enter")
    bob.sees_card("To do", "x" * 200)
    ann.read(CARD)
    ann.dialog.get_by_role("button", name="Write").click()
    ann.dialog.get_by_label("Description").fill("y" * 20_001)
    press(ann.page, "Control+Enter")
    expect(ann.dialog.get_by_label("Description")).to_have_value("y" * 20_001)
    press(ann.page, "Backspace", "Control+Enter")
    expect(ann.dialog).to_be_hidden()


def test_nothing_can_be_done_to_an_open_card_that_was_deleted_but_to_restore_it(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.read(CARD)
    ann.dialog.get_by_label("Write a comment").fill("half")
    stand(bob, CARD)
    press(bob.page, "Delete")
    for name in ("Comment", "Delete", "Move to…", "Follow"):
        expect(ann.dialog.get_by_role("button", name=name, exact=True)).to_be_disabled()
    ann.dialog.get_by_role("button", name="Restore").click()
    ann.dialog.get_by_role("button", name="Comment", exact=True).click()
    bob.read(CARD)
    expect(bob.dialog.get_by_text("half")).to_be_visible()
