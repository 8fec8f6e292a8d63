"""Every field of a card: set here, seen there, told in its history."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit

CARD = "Click a card to read and edit it"


def test_what_is_set_on_a_card_is_shown_on_the_board_of_the_others(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    card = ann.read(CARD)
    card.get_by_label("Priority").select_option("High")
    card.get_by_label("Due", exact=True).fill("2024-02-29T12:00")
    card.get_by_text("Add labels").click()
    card.get_by_label("Find or create a label").fill("Garden")
    ann.page.keyboard.press("Enter")
    ann.page.keyboard.press("Escape")
    card.get_by_text("Assign somebody").click()
    card.get_by_role("checkbox", name="Bob").click()
    ann.page.keyboard.press("Escape")
    seen = bob.card(CARD)
    expect(seen.locator(".label")).to_have_text("Garden")
    expect(seen.locator(".priority")).to_have_text("High")
    expect(seen.locator(".due.overdue")).to_contain_text("Overdue: Feb 29, 2024")
    expect(seen.get_by_text("Assigned to Bob")).to_be_attached()
    card.get_by_label("Remove the due date").click()
    expect(seen.locator(".due")).to_have_count(0)


def test_two_people_tick_one_checklist(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    mine, theirs = ann.read(CARD), bob.read(CARD)
    for text in ("salt", "pepper"):
        mine.get_by_label("Add an item").fill(text)
        ann.page.keyboard.press("Enter")
    theirs.get_by_role("checkbox", name="salt").check()
    mine.get_by_role("checkbox", name="pepper").check()
    for dialog in (mine, theirs):
        expect(dialog.get_by_text("2/2")).to_be_visible()
        expect(dialog.get_by_role("checkbox", name="salt")).to_be_checked()
    theirs.get_by_label("Remove this item").first.click()
    expect(mine.get_by_role("checkbox", name="salt")).to_have_count(0)


def test_a_comment_is_written_edited_deleted_and_brought_back(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    mine, theirs = ann.read(CARD), bob.read(CARD)
    mine.get_by_label("Write a comment").fill("Is **this** right, @Bob?")
    mine.get_by_role("button", name="Comment", exact=True).click()
    comment = theirs.locator(".comment")
    expect(comment.locator("strong").last).to_have_text("this")
    expect(comment.locator(".mention")).to_have_text("@Bob")
    expect(comment.get_by_role("button")).to_have_count(0)
    mine.locator(".comment").get_by_role("button", name="Edit").click()
    mine.get_by_label("Edit the comment").fill("It is.")
    mine.locator(".comment").get_by_role("button", name="Save").click()
    expect(comment).to_contain_text("It is.")
    mine.locator(".comment").get_by_role("button", name="Delete").click()
    expect(comment).to_have_count(0)
    ann.toast.get_by_role("button", name="Undo").click()
    expect(comment).to_contain_text("It is.")


def test_a_half_written_comment_is_kept(visit: Visit) -> None:
    ann = visit("Ann")
    ann.read(CARD).get_by_label("Write a comment").fill("not yet")
    ann.page.keyboard.press("Escape")
    expect(ann.page).not_to_have_url(re.compile("#"))
    ann.page.reload()
    ann.live()
    expect(ann.read(CARD).get_by_label("Write a comment")).to_have_value("not yet")


def test_the_history_tells_who_changed_what_from_what_to_what(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    bob.drag(CARD, bob.column("Doing").locator(".card").first)
    card = ann.open(CARD)
    card.get_by_label("Title").fill("A better title")
    card.get_by_role("button", name="Save").click()
    ann.read("A better title").get_by_text("History").click()
    entries = ann.dialog.locator(".history li")
    expect(entries.filter(has_text="Bob")).to_contain_text("moved it from To do to Doing")
    expect(entries.filter(has_text="Ann")).to_contain_text(f"renamed it from “{CARD}” to “A better title”")


def test_markdown_is_shown_as_elements_and_attacks_as_text(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    card = ann.open(CARD)
    attack = "<img src=x onerror=window.hit=1> [x](javascript:window.hit=1) ![p](http://elsewhere.test/p.png)"
    card.get_by_label("Description").fill(
        f"# Plan\n\n- [x] **bold**\n- two\n\n```\ncode\n```\n\n{attack}\n\n<script>window.hit=1</script>"
    )
    card.get_by_role("button", name="Save").click()
    shown = bob.read(CARD).locator(".reading")
    expect(shown.locator("h4")).to_have_text("Plan")
    expect(shown.locator("li strong")).to_have_text("bold")
    expect(shown.locator("pre code")).to_have_text("code")
    expect(shown).to_contain_text("<img src=x onerror=window.hit=1> [x](javascript:window.hit=1)")
    expect(shown).to_contain_text("<script>window.hit=1</script>")
    expect(shown.locator("img, script, a[href^=javascript]")).to_have_count(0)
    expect(shown.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_a_followed_card_and_a_mention_reach_the_inbox(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    bob.read(CARD).get_by_role("button", name="Follow").click()
    bob.page.keyboard.press("Escape")
    card = ann.read(CARD)
    card.get_by_label("Priority").select_option("High")
    card.get_by_label("Write a comment").fill("What do you think, @Bob?")
    card.get_by_role("button", name="Comment", exact=True).click()
    bob.page.get_by_role("button", name="Inbox: 2 unread").click()
    inbox = bob.page.get_by_role("dialog", name="Inbox")
    expect(inbox.get_by_text("Ann set the priority to High")).to_be_visible()
    inbox.get_by_text("Ann mentioned you").click()
    expect(bob.dialog.get_by_label("Title")).to_have_value(CARD)
    expect(bob.page.get_by_role("button", name="Inbox: 1 unread")).to_be_attached()


def test_a_name_is_completed_by_keys_while_it_is_typed(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob Lee")
    bob.live()
    expect(ann.page.get_by_role("list", name="Who is here").get_by_text("Bob Lee")).to_be_visible()
    dialog = ann.read(CARD)
    comment, names = dialog.get_by_label("Write a comment"), dialog.get_by_role("listbox")
    comment.press_sequentially("Is this right, @le")
    expect(names.get_by_role("option")).to_have_text(["BLBob Lee"])
    expect(comment).to_have_attribute(
        "aria-activedescendant", names.get_by_role("option").get_attribute("id") or ""
    )
    comment.press("Escape")
    expect(names).to_have_count(0)
    expect(dialog).to_be_visible()
    comment.press("Backspace")
    comment.press("ArrowDown")
    comment.press("Enter")
    expect(comment).to_have_value("Is this right, @Bob Lee ")
    expect(names).to_have_count(0)
    comment.press("Control+Enter")
    expect(dialog.locator(".comment .mention")).to_have_text("@Bob Lee")
    expect(bob.page.get_by_role("button", name="Inbox: 1 unread")).to_be_visible()


def test_a_name_is_completed_by_the_pointer_in_a_description(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob Lee")
    bob.live()
    text = ann.open(CARD).get_by_label("Description")
    text.fill("")
    text.press_sequentially("mail ann@b or @B")
    ann.dialog.get_by_role("option", name="Bob Lee").click()
    expect(text).to_have_value("mail ann@b or @Bob Lee ")
    expect(text).to_be_focused()
    ann.dialog.get_by_role("button", name="Save").click()
    expect(ann.card(CARD).get_by_text("@Bob Lee")).to_be_visible()
