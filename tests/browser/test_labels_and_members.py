"""Labels are made, renamed, coloured, deleted and brought back; members are added, given roles, removed."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab

CARD = "Click a card to read and edit it"


def choose(tab: Tab, entry: str) -> None:
    tab.page.get_by_role("button", name="Menu", exact=True).click()
    tab.page.get_by_role("menuitem", name=entry).click()


def test_labels_are_edited_on_one_page_and_deleted_ones_come_back_to_their_cards(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    panel = ann.page.get_by_role("dialog", name="Labels")
    choose(ann, "Edit labels…")
    for name in ("Garden", "House"):
        panel.get_by_label("Name of the new label").fill(name)
        ann.page.keyboard.press("Enter")
    panel.get_by_label("Colour of House").click()
    panel.get_by_role("button", name="Red").click()
    expect(panel.get_by_role("button", name="Red")).to_have_attribute("aria-pressed", "true")
    panel.get_by_label("Name of the label").first.fill("Gardening")
    ann.page.keyboard.press("Enter")
    ann.page.keyboard.press("Escape")
    bob.read(CARD)
    bob.dialog.get_by_text("Add labels").click()
    bob.dialog.get_by_role("checkbox", name="Gardening").click()
    bob.dialog.get_by_role("button", name="Edit labels…").click()
    theirs = bob.page.get_by_role("dialog", name="Labels")
    expect(theirs.locator(".label-row").first).to_contain_text("1 card")
    label = ann.card(CARD).locator(".label")
    expect(label).to_have_text("Gardening")
    theirs.get_by_role("button", name="Delete the label Gardening").click()
    expect(label).to_have_count(0)
    bob.toast.get_by_role("button", name="Undo").click()
    expect(label).to_have_text("Gardening")


def test_two_who_rename_a_label_at_once_lose_no_word(visit: Visit) -> None:
    ann = visit("Ann")
    choose(ann, "Edit labels…")
    ann.page.get_by_label("Name of the new label").fill("Garden")
    ann.page.keyboard.press("Enter")
    ann.saved()
    bob = visit("Bob")
    choose(bob, "Edit labels…")
    field = ann.page.get_by_label("Name of the label")
    field.fill("mine")
    bob.page.get_by_label("Name of the label").fill("theirs")
    bob.page.keyboard.press("Enter")
    bob.saved()
    expect(ann.page.get_by_label("Colour of theirs")).to_be_visible()
    expect(field).to_have_value("mine")
    ann.page.keyboard.press("Enter")
    expect(ann.toast).to_contain_text("Could not change a label")
    expect(ann.toast.get_by_text("mine", exact=True)).to_be_visible()
    expect(field).to_have_value("theirs")


def test_members_are_added_by_name_given_roles_and_removed(visit: Visit) -> None:
    ann = visit("Ann")
    visit("Bob Bauer")
    choose(ann, "Members and roles…")
    panel = ann.page.get_by_role("dialog", name="Members")
    expect(panel.get_by_text("This server is open")).to_be_visible()
    who = panel.get_by_label("Name or user id")
    who.fill("Nobody of us")
    ann.page.keyboard.press("Enter")
    assert "has been seen here" in who.evaluate("(field) => field.validationMessage")
    who.fill("bob bauer")
    ann.page.keyboard.press("Enter")
    who.fill("u_elsewhere")
    panel.get_by_label("Role", exact=True).select_option("viewer")
    panel.get_by_role("button", name="Add", exact=True).click()
    rows = panel.locator(".member-row strong")
    expect(rows).to_contain_text(["Furnisher", "Bob Bauer", "u_elsewhere"])
    expect(panel.get_by_label("Role of Furnisher")).to_be_disabled()  # the last owner stays one
    panel.get_by_label("Role of Bob Bauer").select_option("commenter")
    panel.get_by_role("button", name="Remove u_elsewhere from the board").click()
    expect(rows).to_have_count(2)
    ann.toast.get_by_role("button", name="Undo").click()
    bobs = panel.get_by_label("Role of Bob Bauer")
    expect(bobs).to_have_value("commenter")
    expect(panel.get_by_label("Role of u_elsewhere")).to_have_value("viewer")
    ann.saved()
    ann.page.reload()
    ann.live()
    choose(ann, "Members and roles…")
    expect(bobs).to_have_value("commenter")
