"""The link breaks, the server dies, the page is reloaded: nothing is lost, nothing is doubled."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support import ServerProcess

CARD = "Click a card to read and edit it"
STOP = "Stop the server while you go on working"
DISK = "What is acknowledged is on disk"
START = "Start Boardcast"


@pytest.fixture
def home(server: ServerProcess) -> str:
    """The default board of a server that may be stopped."""
    return f"{server.url}/"


def test_a_move_seen_in_the_other_tab_survives_a_killed_server(visit: Visit, server: ServerProcess) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.drag(CARD, ann.column("Doing").locator(".card").first)
    bob.sees("Doing", CARD, STOP, DISK)
    server.kill()
    expect(bob.banner).to_contain_text("Connection lost")
    server.start()
    bob.live()
    expect(bob.banner).to_be_hidden()
    bob.sees("Doing", CARD, STOP, DISK)
    bob.drag(CARD, bob.column("Done").locator(".card").first)
    ann.sees_card("Done", CARD)
    ann.page.reload()
    ann.live()
    ann.sees_card("Done", CARD)


def test_what_is_done_while_the_server_is_away_is_sent_once_when_it_is_back(
    visit: Visit, server: ServerProcess
) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    server.kill()
    expect(ann.banner).to_contain_text("Connection lost")
    ann.add("Doing", "one", "two", "three")
    ann.drag("three", ann.card("one"))
    ann.card(CARD).get_by_role("checkbox").click()
    ann.drag("two", ann.column("Done").locator(".card").first)
    expect(ann.banner).to_contain_text("6 unsent changes")
    bob.add("To do", "from bob")
    server.start()
    for tab in (ann, bob):
        tab.saved()
    for tab in (ann, bob):
        tab.sees_card("To do", "from bob")
        tab.sees("Doing", STOP, DISK, "three", "one")
        tab.sees("Done", "two", CARD, START)
        expect(tab.banner).to_be_hidden()


def test_a_board_that_is_not_kept_here_says_so_and_offers_the_others(
    visit: Visit, server: ServerProcess
) -> None:
    bob = visit("Bob")
    bob.page.keyboard.press("Control+k")
    bob.page.get_by_role("dialog", name="Go to…").get_by_role("combobox").fill("Create board")
    bob.page.keyboard.press("Enter")
    bob.page.get_by_label("Name of the board").fill("Kitchen")
    bob.page.keyboard.press("Enter")
    expect(bob.page.locator("#board-name")).to_have_text("Kitchen")
    bob.saved()
    ann = visit("Ann")
    boards = ann.page.get_by_role("dialog", name="Boards")
    ann.page.get_by_role("button", name="Welcome to Boardcast").click()
    expect(boards.get_by_role("button", name="Kitchen", exact=True)).to_be_visible()
    server.kill()
    expect(ann.banner).to_contain_text("Connection lost")
    boards.get_by_role("button", name="Kitchen", exact=True).click()
    expect(ann.page.get_by_text("“Kitchen” is not kept on this device.")).to_be_visible()
    expect(ann.page.locator("#board-name")).to_have_text("Kitchen")
    expect(ann.banner).not_to_contain_text("You can go on working.")
    ann.page.locator("#board").get_by_role("button", name="Boards").click()
    boards.get_by_role("button", name="Welcome to Boardcast", exact=True).click()
    ann.sees_card("Doing", STOP)
    expect(ann.page.locator("#board .nothing")).to_have_count(0)


def test_what_cannot_be_read_without_a_link_is_not_said_to_be_nothing(
    visit: Visit, server: ServerProcess
) -> None:
    ann = visit("Ann")
    dialog = ann.read(CARD)
    dialog.get_by_label("Write a comment").fill("a word on this")
    dialog.get_by_role("button", name="Comment", exact=True).click()
    ann.saved()
    dialog.get_by_role("button", name="Close").click()
    server.kill()
    expect(ann.banner).to_contain_text("Connection lost")
    ann.read(CARD)
    expect(dialog).to_contain_text("The comments cannot be read now: there is no connection")
    expect(dialog.get_by_text("No comments yet.")).to_have_count(0)
    dialog.get_by_text("History", exact=True).click()
    expect(dialog).to_contain_text("The history cannot be read now: there is no connection")
    expect(dialog.get_by_role("button", name="Try now")).to_be_visible()
    server.start()
    expect(dialog.locator(".comment").get_by_text("a word on this")).to_be_visible()
    expect(dialog.locator(".history")).to_contain_text("commented: “a word on this”")


def test_unsent_changes_outlive_a_reload(visit: Visit, server: ServerProcess) -> None:
    ann = visit("Ann")
    server.kill()
    ann.add("Doing", "made while away")
    expect(ann.banner).to_contain_text("1 unsent change")
    ann.page.goto("about:blank")
    server.start()
    ann.page.goto(server.url)
    ann.saved()
    ann.sees_card("Doing", "made while away")


def test_unsent_changes_of_a_closed_tab_are_sent_by_the_next_one(visit: Visit, server: ServerProcess) -> None:
    ann = visit("Ann")
    server.kill()
    ann.add("Doing", "left behind")
    expect(ann.banner).to_contain_text("1 unsent change")
    blank = ann.page.context.new_page()
    ann.page.close()
    server.start()
    ann.page = blank
    ann.page.goto(server.url)
    ann.saved()
    ann.sees_card("Doing", "left behind")
    visit("Bob").sees_card("Doing", "left behind")


def test_a_graceful_restart_is_hardly_noticed(visit: Visit, server: ServerProcess) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    assert server.stop() == 0
    ann.add("Doing", "in between")
    server.start()
    ann.saved()
    bob.sees_card("Doing", "in between")


def test_text_that_is_being_typed_is_not_disturbed_by_a_restart(visit: Visit, server: ServerProcess) -> None:
    ann = visit("Ann")
    description = ann.open(CARD).get_by_label("Description")
    description.fill("before")
    server.kill()
    description.press_sequentially(", during")
    server.start()
    ann.live()
    description.press_sequentially(", after")
    expect(description).to_be_focused()
    ann.dialog.get_by_role("button", name="Save").click()
    expect(ann.card(CARD).get_by_text("before, during, after")).to_be_visible()
    ann.saved()


def test_descriptions_that_collided_while_away_are_both_shown_to_the_second(
    visit: Visit, server: ServerProcess
) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    server.kill()
    for tab, text in ((ann, "Ann's version"), (bob, "Bob's version")):
        dialog = tab.open(CARD)
        dialog.get_by_label("Description").fill(text)
        dialog.get_by_role("button", name="Save").click()
    server.start()
    for tab in (ann, bob):
        tab.saved()
    second = ann if ann.toast.count() else bob  # whoever came back later
    mine, theirs = ("Ann's version", "Bob's version") if second is ann else ("Bob's version", "Ann's version")
    second.toast.get_by_role("button", name="Compare").click()
    both = second.page.get_by_role("dialog", name="Two versions of the description")
    expect(both.get_by_label("Their text")).to_have_text(theirs)
    expect(both.get_by_label("Yours")).to_have_value(mine)
