"""Small things that are felt by whoever has the page open all day."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab
from tests.browser.wire import Message, Wire

CARD = "Click a card to read and edit it"


def test_a_server_that_does_not_answer_is_told_of_soon_and_only_as_long(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)
    held: list[Message] = []
    wire.up = lambda message: held.append(message) or []  # type: ignore[func-returns-value]
    ann.card(CARD).locator(".open").focus()
    ann.page.keyboard.press("c")
    expect(ann.banner).to_have_text(
        "The server does not answer. 1 unsent change, kept here and sent when the link is back."
    )
    assert "ping" in [message["type"] for message in held]
    wire.up = lambda message: [message]
    wire.cut()
    ann.saved()
    expect(ann.banner).to_be_hidden()


def test_a_browser_that_says_offline_is_believed_when_the_server_is_silent(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)
    ann.page.evaluate("() => dispatchEvent(new Event('offline'))")
    ann.until("async () => (await fetch('/healthz')).ok")
    expect(ann.banner).to_be_hidden()
    wire.up = lambda message: []
    ann.page.evaluate("() => dispatchEvent(new Event('offline'))")
    expect(ann.banner).to_contain_text("The server does not answer.")


def test_an_own_change_moves_no_other_card_while_it_is_being_saved(visit: Visit) -> None:
    wire = Wire()
    ann = visit("Ann", wire=wire)
    ann.add("Doing", "One", "Two")
    ann.saved()
    wire.up = lambda message: []
    below = ann.card("Two").bounding_box()
    ann.open("One").get_by_label("Title").fill("Uno")
    ann.dialog.get_by_role("button", name="Save").click()
    expect(ann.card("Uno")).to_be_visible()
    ann.page.evaluate(
        "() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
    )
    assert ann.card("Two").bounding_box() == below
    expect(ann.card("Uno").locator(".unsent")).to_be_visible()


def test_a_message_stands_above_the_bar_of_what_is_selected(visit: Visit) -> None:
    ann = visit("Ann")
    ann.card(CARD).locator(".open").focus()
    ann.page.keyboard.press("x")
    ann.page.get_by_role("button", name="Share this board").click()
    expect(ann.toast).to_be_visible()
    bar, toast = (ann.page.locator(one).bounding_box() for one in (".selection-bar", ".toast"))
    assert bar and toast and toast["y"] + toast["height"] <= bar["y"], (bar, toast)


def test_a_new_card_that_the_filter_hides_is_told_of_and_can_be_shown(visit: Visit) -> None:
    ann = visit("Ann")
    ann.page.get_by_label("Search cards").fill("click")
    expect(ann.page.get_by_text("1 card fits the filter")).to_be_visible()
    ann.add("To do", "Quite another thing")
    expect(ann.toast).to_contain_text("Added “Quite another thing”. The filter hides it.")
    ann.toast.get_by_role("button", name="Show all cards").click()
    expect(ann.card("Quite another thing")).to_be_visible()


def test_undo_and_the_palette_work_inside_an_open_card(visit: Visit) -> None:
    ann = visit("Ann")
    card = ann.read(CARD)
    card.get_by_label("Priority").select_option("high")
    ann.page.keyboard.press("Control+z")
    expect(card.get_by_label("Priority")).to_have_value("none")
    expect(ann.toast).to_contain_text("Undone")
    card.get_by_label("Write a comment").fill("words")
    ann.page.keyboard.press("Control+z")  # the text field's own
    expect(card.get_by_label("Write a comment")).to_have_value("")
    ann.page.keyboard.press("Control+k")
    ann.page.keyboard.type("drag me")
    other = go_to(ann)
    expect(card.get_by_label("Title")).to_have_value(other)


def go_to(tab: Tab) -> str:
    """Takes the first card that the palette offers; its title."""
    found = tab.page.get_by_role("group", name="Cards").get_by_role("option").first
    title = found.locator(".option-label").inner_text()
    found.click()
    return title


def test_back_closes_the_card_and_leaves_the_board_only_then(visit: Visit) -> None:
    ann = visit("Ann")
    for _ in range(2):
        ann.read(CARD)
        ann.page.go_back()
        expect(ann.dialog).to_be_hidden()
        expect(ann.page).to_have_url(ann.url)
    ann.page.go_forward()
    expect(ann.dialog.get_by_label("Title")).to_have_value(CARD)
    ann.page.keyboard.press("Escape")
    expect(ann.page).to_have_url(ann.url)
    ann.live()


def test_letters_work_with_caps_lock_and_a_key_leads_to_either_end_of_a_column(visit: Visit) -> None:
    ann = visit("Ann")
    ann.add("Doing", "One", "Two", "Three")
    ann.card("One").locator(".open").focus()
    for key, title in (("End", "Three"), ("Home", None), ("J", None), ("End", "Three")):
        ann.page.keyboard.press(key)
        if title is not None:
            expect(ann.card(title).locator(".open")).to_be_focused()
    ann.page.keyboard.press("X")
    expect(ann.page.get_by_text("1 selected")).to_be_visible()


def test_an_offer_to_undo_goes_when_it_was_undone_otherwise(visit: Visit) -> None:
    ann = visit("Ann")
    ann.card(CARD).locator(".open").focus()
    ann.page.keyboard.press("Delete")
    expect(ann.toast).to_contain_text("Deleted")
    ann.page.keyboard.press("Control+z")
    expect(ann.toast).to_have_count(1)
    expect(ann.toast).to_contain_text("Undone: delete")


def test_move_to_begins_with_the_place_where_the_card_is(visit: Visit) -> None:
    ann = visit("Ann")
    ann.add("Doing", "One", "Two")
    before = ann.column("Doing").locator(".card .open").all_inner_texts()
    ann.card("Two").locator(".open").focus()
    ann.page.keyboard.press("m")
    expect(ann.page.get_by_label("Place")).to_contain_text("After “One”")
    ann.page.keyboard.press("Enter")
    expect(ann.card("Two").locator(".open")).to_be_focused()
    ann.sees("Doing", *before)


def test_a_new_board_says_what_to_do_and_is_ready_for_it(visit: Visit) -> None:
    ann = visit("Ann")
    ann.page.locator(".board-button").click()
    ann.page.get_by_role("button", name="Create board").click()
    ann.page.get_by_label("Name of the board").fill("Garden")
    ann.page.keyboard.press("Enter")
    expect(ann.column("To do").get_by_label("Title of the new card")).to_be_focused()
    expect(ann.column("To do")).to_contain_text("Write the first card: press N.")
    expect(ann.column("Doing")).to_contain_text("No cards yet.")
    ann.page.keyboard.type("Sow")
    ann.page.keyboard.press("Enter")
    ann.sees("To do", "Sow")


def test_a_card_that_was_deleted_under_a_draft_can_be_restored_there(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.open(CARD).get_by_label("Description").fill("a long thought")
    bob.card(CARD).locator(".open").focus()
    bob.page.keyboard.press("Delete")
    expect(ann.dialog.get_by_text("This card has been deleted.")).to_be_visible()
    expect(ann.dialog.get_by_label("Priority")).to_be_disabled()
    ann.dialog.get_by_role("button", name="Restore").click()
    expect(ann.dialog.get_by_label("Priority")).to_be_enabled()
    ann.dialog.get_by_role("button", name="Save").click()
    expect(bob.card(CARD).locator(".excerpt")).to_have_text("a long thought")
