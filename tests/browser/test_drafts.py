"""What somebody is writing is theirs until it is sent or thrown away, whatever happens around it."""

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab
from tests.browser.wire import Message, Wire

CARD = "Click a card to read and edit it"


def comment(tab: Tab, text: str) -> Locator:
    tab.dialog.get_by_label("Write a comment").fill(text)
    tab.dialog.get_by_role("button", name="Comment", exact=True).click()
    expect(tab.dialog.locator(".comment")).to_contain_text(text)
    return tab.dialog.get_by_label("Edit the comment")


def begin_edit(tab: Tab, text: str) -> None:
    tab.dialog.locator(".comment").get_by_role("button", name="Edit").click()
    tab.dialog.get_by_label("Edit the comment").fill(text)


def test_an_edit_of_a_comment_outlives_the_answer_that_confirms_it(visit: Visit) -> None:
    held: list[Message] = []

    def hold(message: Message) -> list[Message]:
        if message["type"] == "mutate" and not held:
            held.append(message)
            return []
        return [message]

    wire = Wire(up=hold)
    ann = visit("Ann", wire=wire)
    ann.read(CARD)
    field = comment(ann, "first")
    begin_edit(ann, "second")
    expect(ann.dialog.locator(".comment")).to_contain_text("Unsent")
    wire.up = lambda message: [message]
    wire.cut()  # it is sent again, and confirmed
    ann.saved()
    expect(field).to_have_value("second")
    ann.dialog.locator(".comment").get_by_role("button", name="Save").click()
    expect(ann.dialog.locator(".comment .markdown")).to_have_text("second")
    ann.saved()


def test_an_edit_of_a_comment_and_a_new_item_survive_closing_and_a_reload(visit: Visit) -> None:
    ann = visit("Ann")
    ann.read(CARD)
    field = comment(ann, "first")
    ann.saved()
    begin_edit(ann, "half an edit")
    ann.dialog.get_by_label("Add an item").fill("half an item")
    ann.page.keyboard.press("Escape")
    for _ in range(2):
        ann.read(CARD)
        expect(field).to_have_value("half an edit")
        expect(ann.dialog.get_by_label("Add an item")).to_have_value("half an item")
        ann.page.goto("about:blank")
        ann.page.goto(ann.url)
        ann.live()
    ann.read(CARD).locator(".comment").get_by_role("button", name="Cancel").click()
    expect(field).to_have_count(0)
    ann.dialog.get_by_label("Add an item").press("Enter")
    expect(ann.dialog.get_by_role("checkbox", name="half an item")).to_be_visible()
    ann.page.keyboard.press("Escape")
    ann.read(CARD)
    expect(ann.dialog.locator(".comment .markdown")).to_have_text("first")
    expect(ann.dialog.get_by_label("Add an item")).to_have_value("")
    ann.saved()


def test_what_was_merged_is_kept_when_the_decision_is_put_off(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.open(CARD).get_by_label("Description").fill("one two mine")
    bob.open(CARD).get_by_label("Description").fill("one and theirs two")
    bob.dialog.get_by_role("button", name="Save").click()
    ann.dialog.get_by_role("button", name="Compare").click()
    conflict = ann.page.get_by_role("dialog", name="Two versions of the description")
    expect(conflict).to_contain_text("Bob, just now")
    expect(conflict.locator("mark")).to_have_text(["and", "theirs"])
    conflict.get_by_role("button", name="Put both together").click()
    conflict.get_by_label("Yours").fill("one two both")
    ann.page.keyboard.press("Escape")
    expect(ann.dialog.get_by_label("Description")).to_have_value("one two both")
    ann.dialog.get_by_role("button", name="Compare").click()
    expect(conflict.get_by_label("Yours")).to_have_value("one two both")
    conflict.get_by_role("button", name="Save mine").click()
    expect(bob.card(CARD).locator(".excerpt")).to_have_text("one two both")
