"""Columns are added, named, limited, moved and deleted, by pointer and by menu."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab


def titles(tab: Tab) -> Locator:
    return tab.page.locator(".column h2")


def choose(tab: Tab, column: str, entry: str) -> None:
    tab.column(column).get_by_role("button", name=f"Menu of {column}").click()
    tab.page.get_by_role("menuitem", name=entry).click()


def test_a_column_is_added_and_named_anew(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.page.get_by_role("button", name="Add column").click()
    ann.page.get_by_label("Title of the new column").fill("Review")
    ann.page.keyboard.press("Enter")
    expect(titles(bob)).to_have_text(["To do", "Doing", "Done", "Review"])
    ann.page.keyboard.press("Escape")
    ann.column("Review").get_by_role("heading").dblclick()
    ann.page.get_by_role("dialog").get_by_label("Title", exact=True).fill("To check")
    ann.page.keyboard.press("Enter")
    expect(titles(bob)).to_have_text(["To do", "Doing", "Done", "To check"])


def test_a_column_over_its_limit_is_marked(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    choose(ann, "Doing", "Edit column…")
    ann.page.get_by_label("Limit of cards").fill("2")
    ann.page.get_by_role("button", name="Save").click()
    expect(bob.column("Doing").locator(".count")).to_have_text("2/2")
    bob.add("Doing", "one too many")
    for tab in (ann, bob):
        expect(tab.column("Doing").locator(".count.over")).to_have_text("3/2")
        expect(tab.column("Doing")).to_have_class(re.compile("over-limit"))


def test_columns_are_moved_by_menu_and_dragged_by_their_heads(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    choose(ann, "Doing", "Move left")
    expect(titles(bob)).to_have_text(["Doing", "To do", "Done"])
    bob.column("Done").locator("h2").hover()
    bob.page.mouse.down()
    box = bob.column("Doing").bounding_box()
    assert box is not None
    bob.page.mouse.move(box["x"] + 20, box["y"] + 20, steps=8)
    bob.page.mouse.up()
    expect(titles(ann)).to_have_text(["Done", "Doing", "To do"])


def test_a_deleted_column_hands_its_cards_on_and_comes_back_by_undo(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    choose(ann, "Doing", "Delete column")
    ann.page.get_by_label("Move its 2 cards to").select_option("Done")
    ann.page.get_by_role("button", name="Delete column").click()
    expect(titles(bob)).to_have_text(["To do", "Done"])
    bob.sees_card("Done", "What is acknowledged is on disk")
    ann.page.keyboard.press("Control+z")
    expect(titles(bob)).to_have_text(["To do", "Doing", "Done"])


def test_a_done_column_completes_what_is_in_it(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    choose(ann, "Doing", "Mark as done column")
    expect(bob.column("Doing").locator('.check[aria-checked="true"]')).to_have_count(2)


def test_a_finger_moves_a_column_after_a_short_press(visit: Visit) -> None:
    ann = visit("Ann", viewport={"width": 1000, "height": 640}, has_touch=True)
    finger = ann.page.context.new_cdp_session(ann.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        where = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    start = ann.column("To do").get_by_role("heading").bounding_box()
    end = ann.column("Done").get_by_role("heading").bounding_box()
    assert start is not None and end is not None
    touch("touchStart", (start["x"] + 20, start["y"] + 8))
    expect(ann.page.locator(".column.moving")).to_be_visible()
    for step in range(1, 9):
        touch("touchMove", (start["x"] + 20 + (end["x"] + 260 - start["x"]) * step / 8, start["y"] + 8))
    touch("touchEnd")
    expect(titles(ann)).to_have_text(["Doing", "Done", "To do"])
    where = ann.column("Doing").get_by_role("heading").bounding_box()
    assert where is not None
    touch("touchStart", (where["x"] + 120, where["y"] + 8))
    for step in range(1, 9):
        touch("touchMove", (where["x"] + 120 - 12 * step, where["y"] + 8))  # a swipe: it scrolls
    touch("touchEnd")
    ann.page.wait_for_function("() => document.querySelector('#board').scrollLeft > 0")
    expect(ann.page.locator(".column.moving")).to_have_count(0)
    expect(titles(ann)).to_have_text(["Doing", "Done", "To do"])
