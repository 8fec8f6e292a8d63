"""Many boards in one page: made, found, named, put away; and what stands in the address."""

import re
import time

from playwright.sync_api import expect

from tests.browser.conftest import Sit, Visit
from tests.browser.tab import Tab

CARD = "Click a card to read and edit it"


def create(tab: Tab, name: str) -> None:
    tab.page.keyboard.press("Control+k")
    tab.page.keyboard.type("create bo")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_label("Name of the board").fill(name)
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("#board-name")).to_have_text(name)
    tab.live()


def test_a_board_is_created_and_gone_back_from(visit: Visit, home: str) -> None:
    ann = visit("Ann")
    create(ann, f"Garden {home[-4:]}")
    expect(ann.page).not_to_have_url(home)
    expect(ann.page.locator(".column h2")).to_have_text(["To do", "Doing", "Done"])
    ann.add("To do", "water the beans")
    ann.page.go_back()
    ann.sees_card("To do", CARD)
    ann.page.go_forward()
    ann.sees_card("To do", "water the beans")


def test_the_palette_leads_to_boards_and_cards(visit: Visit, home: str) -> None:
    ann = visit("Ann")
    create(ann, f"Harbour {home[-4:]}")
    ann.page.goto(home)
    ann.live()
    ann.page.keyboard.press("Control+k")
    ann.page.keyboard.type(f"harbour {home[-4:]}")
    ann.page.keyboard.press("Enter")
    expect(ann.page.locator("#board-name")).to_have_text(f"Harbour {home[-4:]}")
    ann.page.goto(home)
    ann.live()
    ann.page.keyboard.press("Control+k")
    ann.page.keyboard.type("click a card")
    ann.page.keyboard.press("Enter")
    expect(ann.dialog.get_by_label("Title")).to_have_value(CARD)


def test_a_board_is_starred_renamed_archived_and_restored(visit: Visit, home: str) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.page.get_by_role("button", name="Menu", exact=True).click()
    ann.page.get_by_role("menuitem", name="Rename board…").click()
    name = f"Orchard {home[-4:]}"
    ann.page.get_by_label("Name of the board").fill(name)
    ann.page.keyboard.press("Enter")
    expect(bob.page.locator("#board-name")).to_have_text(name)
    ann.page.locator(".board-button").click()
    panel = ann.page.get_by_role("dialog", name="Boards")
    panel.get_by_role("button", name=f"Star {name}").click()
    expect(panel.locator(".entry").first).to_contain_text(name)
    panel.get_by_role("button", name=f"More about {name}").click()
    ann.page.get_by_role("menuitem", name="Archive").click()
    expect(bob.banner).to_contain_text("This board is archived")
    bob.banner.get_by_role("button", name="Restore").click()
    expect(bob.banner).to_be_hidden()


def test_a_link_to_a_card_opens_it(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.read(CARD)
    bob.page.goto(ann.page.url)
    expect(bob.dialog.get_by_label("Title")).to_have_value(CARD)
    bob.page.keyboard.press("Escape")
    expect(bob.page).not_to_have_url(re.compile("#"))


def test_the_filter_stands_in_the_address(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.page.get_by_role("button", name="Filter").click()
    ann.page.get_by_role("button", name="Completed", exact=True).click()
    ann.page.keyboard.press("Escape")
    ann.sees("Done", "Start Boardcast")
    ann.sees("To do")
    bob.page.goto(ann.page.url)
    bob.live()
    bob.sees("To do")
    bob.page.get_by_role("button", name="Show all cards").click()
    bob.sees_card("To do", CARD)


def test_a_filter_in_the_address_finds_the_names_of_labels(visit: Visit, sit: Sit) -> None:
    desk = sit("Bob")
    desk.mutate("label.create", label="bug", name="Regression", color="#102030")
    desk.run("board.mutate('task.update', { task: board.view.tasksIn('todo')[0].id, labels_add: ['bug'] });")
    desk.saved()
    ann = visit("Ann", "?q=regression")
    expect(ann.page.get_by_text("1 card fits the filter")).to_be_visible()
    desk.mutate("label.update", label="bug", name="Leak")
    expect(ann.page.get_by_text("0 cards fit the filter")).to_be_visible()


def test_a_card_that_falls_due_appears_under_the_filter_for_it(visit: Visit, sit: Sit) -> None:
    desk = sit("Bob")
    desk.run(
        "board.mutate('task.update', { task: board.view.tasksIn('todo')[0].id, due_at: a });", in_minutes(10)
    )
    desk.saved()
    ann = visit("Ann", "?due=overdue", clock=True)
    expect(ann.page.get_by_text("0 cards fit the filter")).to_be_visible()
    ann.page.clock.fast_forward("11:00")
    expect(ann.page.get_by_text("1 card fits the filter")).to_be_visible()


def in_minutes(minutes: int) -> int:
    return int((time.time() + 60 * minutes) * 1000)


def test_the_link_of_the_board_is_copied(visit: Visit, home: str) -> None:
    ann = visit("Ann", permissions=["clipboard-read", "clipboard-write"])
    ann.page.get_by_role("button", name="Share this board").click()
    expect(ann.toast).to_contain_text("The link to this board is copied.")
    assert ann.page.evaluate("navigator.clipboard.readText()") == home


def test_the_page_speaks_the_language_of_its_reader(visit: Visit) -> None:
    ann = visit("Ann", locale="zh-CN")
    expect(ann.column("To do").get_by_role("button", name="添加卡片").first).to_be_visible()
    expect(ann.page.locator("html")).to_have_attribute("lang", "zh-CN")
    ann.page.get_by_role("button", name="菜单", exact=True).click()
    ann.page.get_by_role("menuitemradio", name="English").click()
    expect(ann.column("To do").get_by_role("button", name="Add card").first).to_be_visible()
    ann.page.reload()
    ann.live()
    expect(ann.page.locator("html")).to_have_attribute("lang", "en")


def test_the_colours_can_be_chosen(visit: Visit) -> None:
    ann = visit("Ann", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = ann.page.evaluate(ground)
    ann.page.get_by_role("button", name="Menu", exact=True).click()
    ann.page.get_by_role("menuitemradio", name="Dark").click()
    dark = ann.page.evaluate(ground)
    assert light != dark
    ann.page.reload()
    assert ann.page.evaluate(ground) == dark


def test_a_large_board_is_drawn_as_far_as_it_is_seen(visit: Visit) -> None:
    ann = visit("Ann")
    ann.page.evaluate(FILL, [ann.page.url.rsplit("/", 1)[1], 5000])
    bob = visit("Bob")
    expect(bob.column("Doing").locator(".count")).to_have_text("5002")
    assert bob.page.locator(".card").count() < 100
    bob.page.keyboard.press("/")
    bob.page.keyboard.type("Number 4321")
    bob.sees("Doing", "Number 4321")
    bob.page.keyboard.press("Enter")
    bob.page.keyboard.press("Escape")
    expect(bob.column("Doing").locator(".count")).to_have_text("5002")
    expect(bob.card("Number 4321").locator(".open")).to_be_focused()
    bob.page.keyboard.press("ArrowDown")
    expect(bob.card("Number 4322").locator(".open")).to_be_focused()
    bob.page.keyboard.press("Shift+ArrowLeft")
    ann.sees_card("To do", "Number 4322")
    assert bob.page.locator(".card").count() < 100


FILL = """
async ([board, count]) => {
  const headers = { "Content-Type": "application/json" };
  const create = (n) => ({
    mutation: `fill-${n}`, op: "task.create", args: { task: `n-${n}`, title: `Number ${n}`, column: "doing" },
  });
  for (let from = 0; from < count; from += 500) {
    const length = Math.min(500, count - from);
    const body = JSON.stringify(Array.from({ length }, (_, i) => create(from + i)));
    const answer = await fetch(`/api/boards/${board}/mutations`, { method: "POST", body, headers });
    if (!answer.ok) throw new Error(await answer.text());
  }
}
"""
