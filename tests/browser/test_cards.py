"""What can be done with a card, by pointer and by key, and what is kept when it goes wrong."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit

CARD = "Click a card to read and edit it"


def test_cards_are_added_one_after_the_other(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.add("Doing", "first", "second")
    ann.saved()
    bob.sees_card("Doing", "first")
    bob.sees_card("Doing", "second")


def test_an_edit_is_saved_and_seen(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    dialog = ann.open(CARD)
    dialog.get_by_label("Title").fill("A better title")
    dialog.get_by_label("Description").fill("Line one\nLine two")
    dialog.get_by_role("button", name="Save").click()
    expect(bob.card("A better title")).to_be_visible()
    expect(bob.open("A better title").get_by_label("Description")).to_have_value("Line one\nLine two")


def test_what_was_typed_survives_closing_the_dialog_and_a_reload(visit: Visit) -> None:
    ann = visit("Ann")
    ann.open(CARD).get_by_label("Description").fill("unfinished")
    ann.page.keyboard.press("Escape")
    expect(ann.card(CARD).get_by_text("Draft")).to_be_visible()
    ann.page.reload()
    ann.live()
    dialog = ann.open(CARD)
    expect(dialog.get_by_label("Description")).to_have_value("unfinished")
    dialog.get_by_role("button", name="Discard").click()
    expect(dialog.get_by_label("Description")).not_to_have_value("unfinished")


def test_an_untouched_field_follows_the_others(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    dialog = ann.open(CARD)
    dialog.get_by_label("Description").fill("mine")
    edit = bob.open(CARD)
    edit.get_by_label("Title").fill("Bob's title")
    edit.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("Title")).to_have_value("Bob's title")
    expect(dialog.get_by_label("Description")).to_have_value("mine")
    dialog.get_by_role("button", name="Save").click()
    expect(bob.card("Bob's title").get_by_text("mine")).to_be_visible()


def test_colliding_descriptions_are_both_shown_and_mine_can_be_kept(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    mine = ann.open(CARD)
    mine.get_by_label("Description").fill("what Ann wrote")
    theirs = bob.open(CARD)
    theirs.get_by_label("Description").fill("what Bob wrote")
    theirs.get_by_role("button", name="Save").click()
    expect(mine.get_by_text("Somebody else changed the description meanwhile.")).to_be_visible()
    mine.get_by_role("button", name="Save").click()
    ann.toast.get_by_role("button", name="Compare").click()
    both = ann.page.get_by_role("dialog", name="Two versions of the description")
    expect(both.get_by_label("Their text")).to_have_text("what Bob wrote")
    expect(both.get_by_label("Yours")).to_have_value("what Ann wrote")
    both.get_by_label("Yours").fill("what both wrote")
    both.get_by_role("button", name="Save mine").click()
    expect(bob.card(CARD).get_by_text("what both wrote")).to_be_visible()
    expect(ann.card(CARD).get_by_text("Draft")).to_have_count(0)


def test_a_collision_that_is_settled_leaves_nothing_among_the_refused_changes(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    mine, theirs = ann.open(CARD), bob.open(CARD)
    for dialog, text in ((mine, "what Ann wrote"), (theirs, "what Bob wrote")):
        dialog.get_by_label("Description").fill(text)
    theirs.get_by_role("button", name="Save").click()
    expect(mine.get_by_text("Somebody else changed the description meanwhile.")).to_be_visible()
    mine.get_by_role("button", name="Save").click()
    ann.toast.get_by_role("button", name="Compare").click()
    ann.page.get_by_role("button", name="Keep theirs").click()
    expect(ann.card(CARD).get_by_text("Draft")).to_have_count(0)
    flag = ann.page.locator("button.quiet[title='Refused changes']")
    expect(flag).to_be_hidden()
    ann.page.reload()
    ann.live()
    expect(flag).to_be_hidden()


def test_of_colliding_descriptions_theirs_can_be_kept(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    mine = ann.open(CARD)
    mine.get_by_label("Description").fill("what Ann wrote")
    theirs = bob.open(CARD)
    theirs.get_by_label("Description").fill("what Bob wrote")
    theirs.get_by_role("button", name="Save").click()
    mine.get_by_role("button", name="Compare").click()
    ann.page.get_by_role("button", name="Keep theirs").click()
    expect(mine.get_by_label("Description")).to_have_value("what Bob wrote")
    expect(mine.get_by_role("button", name="Save")).to_have_count(0)


def test_a_text_for_a_card_that_is_gone_is_shown_and_not_lost(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    dialog = ann.open(CARD)
    dialog.get_by_label("Description").fill("a long thought")
    bob.card(CARD).locator(".open").focus()
    bob.page.keyboard.press("Delete")
    expect(dialog.get_by_text("This card has been deleted.")).to_be_visible()
    expect(dialog.get_by_label("Description")).to_have_value("a long thought")
    dialog.get_by_role("button", name="Save").click()
    expect(ann.toast.get_by_text("a long thought")).to_be_visible()
    expect(ann.toast).to_contain_text(f"Could not change “{CARD}”: somebody has deleted it.")


def test_completing_moves_to_the_done_column_and_back(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.card(CARD).get_by_role("checkbox").click()
    bob.sees("Done", CARD, "Start Boardcast")
    bob.card(CARD).get_by_role("checkbox").click()
    ann.sees_card("To do", CARD)


def test_a_deleted_card_comes_back_by_undo(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.open(CARD).get_by_role("button", name="Delete").click()
    expect(bob.card(CARD)).to_have_count(0)
    ann.toast.get_by_role("button", name="Undo").click()
    bob.sees_card("To do", CARD)


def test_the_menu_moves_a_card(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.card(CARD).hover()
    ann.card(CARD).get_by_role("button", name="Card menu").click()
    ann.page.get_by_role("menuitem", name="Move to Done").click()
    bob.sees("Done", CARD, "Start Boardcast")


def test_everything_can_be_done_by_key(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    keyboard = ann.page.keyboard
    keyboard.press("n")
    keyboard.type("by key")
    keyboard.press("Enter")
    keyboard.press("Escape")
    ann.card("by key").locator(".open").focus()
    keyboard.press("Shift+ArrowUp")
    bob.sees("To do", *ann.column("To do").locator(".card .open").all_inner_texts())
    keyboard.press("Shift+ArrowRight")
    bob.sees_card("Doing", "by key")
    expect(ann.card("by key").locator(".open")).to_be_focused()
    keyboard.press("m")
    expect(ann.page.get_by_role("dialog", name="Move “by key”").get_by_label("Column")).to_be_focused()
    keyboard.type("Done")
    keyboard.press("Enter")
    bob.sees_card("Done", "by key")
    expect(ann.card("by key").locator(".open")).to_be_focused()
    keyboard.press("c")
    bob.sees_card("To do", "by key")
    keyboard.press("Enter")
    expect(ann.dialog.get_by_label("Title")).to_have_value("by key")
    keyboard.press("Escape")
    expect(ann.card("by key").locator(".open")).to_be_focused()


def test_titles_and_descriptions_are_text_and_nothing_else(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("<img src=x onerror=window.hit=1>")
    attack = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
    ann.add("Doing", attack)
    dialog = ann.open(attack)
    dialog.get_by_label("Description").fill(f"`{attack}` **{attack}** [x](javascript:hit=1)")
    dialog.get_by_role("button", name="Save").click()
    bob.sees_card("Doing", attack)
    expect(bob.card(attack).locator(".excerpt code")).to_have_text(attack)
    bob.card(attack).locator(".open").focus()
    bob.page.keyboard.press("Delete")
    expect(bob.toast).to_contain_text("<img src=x")
    for tab in (ann, bob):
        assert tab.page.evaluate("window.hit") is None
        expect(tab.page.locator("main img, main script, .toast img, .people img")).to_have_count(0)


def test_the_page_is_served_with_a_strict_policy(visit: Visit) -> None:
    ann = visit("Ann")
    reply = ann.page.reload()
    assert reply is not None
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_board_fits_a_small_phone(visit: Visit) -> None:
    ann = visit("Ann", viewport={"width": 360, "height": 640}, has_touch=True)
    for opened in (None, CARD):
        if opened:
            ann.open(opened)
        wide = ann.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360
    ann.page.keyboard.press("Escape")
    ann.card(CARD).get_by_role("button", name="Card menu").tap()
    ann.page.get_by_role("menuitem", name=re.compile("Move to Doing")).tap()
    ann.sees_card("Doing", CARD)


def test_a_finger_drags_after_a_short_press(visit: Visit) -> None:
    ann = visit("Ann", viewport={"width": 900, "height": 640}, has_touch=True)
    finger = ann.page.context.new_cdp_session(ann.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        where = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    start = ann.card(CARD).bounding_box()
    end = ann.card("Start Boardcast").bounding_box()
    assert start is not None
    assert end is not None
    touch("touchStart", (start["x"] + 60, start["y"] + 20))
    expect(ann.page.locator(".ghost")).to_be_visible()
    for step in range(1, 9):
        x = start["x"] + (end["x"] - start["x"]) * step / 8
        y = start["y"] + (end["y"] - start["y"]) * step / 8
        touch("touchMove", (x + 60, y + 10))
    touch("touchEnd")
    ann.sees("Done", CARD, "Start Boardcast")


def test_a_board_that_does_not_exist_says_so(visit: Visit) -> None:
    ann = visit(None, "/b/no-such-board")
    ann.page.get_by_label("Name", exact=True).fill("Ann")
    ann.page.keyboard.press("Enter")
    expect(ann.page.get_by_text("There is no such board here, or you may not see it.")).to_be_visible()
    expect(ann.page.get_by_role("button", name="Share this board")).to_be_hidden()
    ann.page.locator("#board").get_by_role("button", name="Boards").click()
    expect(ann.page.get_by_role("dialog", name="Boards")).to_be_visible()
