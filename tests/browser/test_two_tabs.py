"""Two people on one board: what one does the other sees, and neither is disturbed."""

from playwright.sync_api import expect

from tests.browser.conftest import Sit, Visit

DRAG_ME = "Click a card to read and edit it"


def test_a_card_dragged_in_one_tab_moves_in_the_other(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.drag(DRAG_ME, ann.column("Done").locator(".card").first)
    ann.sees_card("Done", DRAG_ME)
    bob.sees_card("Done", DRAG_ME)
    expect(bob.card(DRAG_ME).get_by_role("checkbox")).to_be_checked()


def test_a_card_is_dragged_to_a_place_among_the_others(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.add("Done", "one", "two", "three")
    ann.drag("three", ann.card("two"))
    bob.sees("Done", "Start Boardcast", "one", "three", "two")
    bob.drag("three", bob.card("Start Boardcast"))
    ann.sees("Done", "three", "Start Boardcast", "one", "two")


def test_a_drag_goes_on_while_others_change_the_board(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.add("Done", "mine")
    ann.lift("mine", ann.column("Doing").locator(".card").first)
    bob.add("Doing", "from bob")
    bob.card("mine").get_by_role("checkbox").click()  # takes the very card to another column
    bob.sees_card("To do", "mine")
    ann.sees_card("Doing", "from bob")
    expect(ann.page.locator(".ghost")).to_be_visible()
    ann.page.mouse.up()
    bob.sees_card("Doing", "mine")


def test_a_drag_ends_when_the_card_is_deleted_by_somebody_else(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.add("Done", "mine")
    bob.sees_card("Done", "mine")
    ann.lift("mine", ann.column("Doing").locator(".card").first)
    bob.card("mine").locator(".open").focus()
    bob.page.keyboard.press("Delete")
    expect(ann.page.locator(".ghost")).to_have_count(0)
    ann.page.mouse.up()
    expect(ann.card("mine")).to_have_count(0)


def test_escape_puts_a_dragged_card_back(visit: Visit) -> None:
    ann = visit("Ann")
    ann.lift(DRAG_ME, ann.column("Done"))
    ann.page.keyboard.press("Escape")
    ann.page.mouse.up()
    ann.sees_card("To do", DRAG_ME)
    expect(ann.page.locator(".ghost, .slot")).to_have_count(0)


def test_people_see_who_is_here_and_who_is_typing_where(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    here = ann.page.get_by_role("list", name="Who is here")
    expect(here.get_by_text("Bob", exact=True)).to_be_visible()
    expect(here.get_by_text("Ann (you)")).to_be_visible()
    bob.open(DRAG_ME).get_by_label("Description").press_sequentially("x")
    expect(ann.card(DRAG_ME).get_by_text("Bob is typing…")).to_be_visible()
    expect(ann.open(DRAG_ME).get_by_text("Bob is typing in the description…")).to_be_visible()
    bob.page.context.close()
    expect(here.get_by_text("Bob", exact=True)).to_have_count(0)


def test_those_who_are_not_here_have_names_not_numbers(visit: Visit, sit: Sit) -> None:
    bob = sit("Bob")
    for title, user in (("by Bob", bob.run("session.user.id")), ("for Cem", "u_0123456789abcdef")):
        bob.mutate("task.create", task=title[:2], title=title, column="todo", assignees=[user])
    bob.saved()
    bob.context.close()
    ann = visit("Ann")
    expect(ann.card("by Bob").locator(".assignees")).to_have_attribute("title", "Assigned to Bob")
    expect(ann.card("for Cem").locator(".assignees")).to_have_attribute("title", "Assigned to somebody")
    ann.read(DRAG_ME)
    expect(ann.dialog.locator(".card-side")).to_contain_text("by Furnisher")
    assert "abcdef" not in ann.page.locator("body").inner_text()


def test_an_own_second_tab_is_nobody_else(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.beside().read(DRAG_ME)
    here = bob.page.get_by_role("list", name="Who is here")
    expect(here.get_by_text("Ann", exact=True)).to_have_count(2)
    expect(ann.page.get_by_role("list", name="Who is here").get_by_role("listitem")).to_have_count(2)
    expect(ann.card(DRAG_ME).locator(".company")).to_have_count(0)


def test_a_new_name_is_seen_by_the_others(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    bob.page.get_by_title("Change your name").click()
    bob.page.get_by_label("Name", exact=True).fill("Robert")
    bob.page.keyboard.press("Enter")
    expect(ann.page.get_by_text("Robert", exact=True)).to_be_visible()
    expect(ann.page.get_by_text("Bob", exact=True)).to_have_count(0)


def test_the_name_is_asked_once(visit: Visit) -> None:
    ann = visit(None)
    ann.page.get_by_label("Name", exact=True).fill("Ann")
    ann.page.get_by_role("button", name="Open the board").click()
    ann.live()
    ann.page.reload()
    ann.live()
    expect(ann.page.get_by_text("Ann (you)")).to_be_visible()


def test_changes_of_others_leave_focus_and_text_alone(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    field = ann.column("To do").get_by_label("Title of the new card")
    ann.column("To do").get_by_role("button", name="Add card", exact=True).first.click()
    field.press_sequentially("half a tho")
    bob.add("To do", "from bob")
    bob.drag(DRAG_ME, bob.column("Doing").locator(".card").first)
    ann.sees_card("To do", "from bob")
    ann.sees_card("Doing", DRAG_ME)
    field.press_sequentially("ught")
    expect(field).to_be_focused()
    expect(field).to_have_value("half a thought")


def test_a_focused_card_keeps_the_focus_when_somebody_moves_it(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.card(DRAG_ME).locator(".open").focus()
    bob.drag(DRAG_ME, bob.column("Done").locator(".card").first)
    ann.sees_card("Done", DRAG_ME)
    expect(ann.card(DRAG_ME).locator(".open")).to_be_focused()


def test_a_second_tab_is_a_client_of_its_own(visit: Visit) -> None:
    ann = visit("Ann")
    other = ann.beside()
    one, two = (tab.page.evaluate("sessionStorage.getItem('boardcast.client')") for tab in (ann, other))
    assert one != two
    other.add("Doing", "from the second tab")
    ann.sees_card("Doing", "from the second tab")


def test_a_duplicated_tab_takes_a_client_id_of_its_own_and_a_reloaded_one_keeps_it(visit: Visit) -> None:
    ann = visit("Ann")
    mine = ann.page.evaluate("sessionStorage.getItem('boardcast.client')")
    ann.page.reload()
    ann.live()
    assert ann.page.evaluate("sessionStorage.getItem('boardcast.client')") == mine
    with ann.page.expect_popup() as popup:  # opened by the page it starts with a copy of its storage
        ann.page.evaluate("void window.open(location.href)")
    expect(popup.value.locator("html")).to_have_attribute("data-link", "live")
    assert popup.value.evaluate("sessionStorage.getItem('boardcast.client')") != mine
