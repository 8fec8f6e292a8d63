"""`/docs`: made from the document, by the page itself."""

from playwright.sync_api import expect

from handlers.api import ENDPOINTS
from tests.browser.conftest import Visit


def test_every_operation_is_shown_and_can_be_tried(visit: Visit, home: str) -> None:
    tab = visit(None, path="/docs")
    page = tab.page
    expect(page.locator("details.operation")).to_have_count(len(ENDPOINTS))
    expect(page.locator("nav a")).to_have_count(len(ENDPOINTS) + 1)
    expect(page.get_by_text("As text/csv.")).to_have_count(1)
    page.locator("nav").get_by_title("Create a task on a board").click()
    create = page.locator("#create_task")
    expect(create.get_by_text("1 to 200 characters").first).to_be_visible()
    create.get_by_text("Try it").click()
    create.get_by_label("board", exact=True).fill(home.rpartition("/")[2])
    create.get_by_label("Body").fill('{"id": "from-docs", "title": "<b>From the docs</b>"}')
    create.get_by_role("button", name="Send").click()
    expect(create.locator(".answer")).to_contain_text("201 Created")
    expect(create.locator(".answer")).to_contain_text("<b>From the docs</b>")
    expect(create.locator(".curl")).to_contain_text("curl -X POST")


def test_a_refusal_is_shown_as_it_comes(visit: Visit) -> None:
    tab = visit(None, path="/docs#default_read_task")
    one = tab.page.locator("#default_read_task")
    one.get_by_text("Try it").click()
    one.get_by_label("task", exact=True).fill("nope")
    one.get_by_role("button", name="Send").click()
    expect(one.locator(".answer")).to_contain_text("not_found")
