"""Parts of the page that are fetched with their first use, while the server is away and when it is back."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_a_part_that_cannot_be_had_is_said_and_comes_with_a_later_use(visit: Visit) -> None:
    ann = visit("Ann", clock=True)
    ann.page.route("**/page/devices/index.js*", lambda route: route.abort())
    devices = ann.page.get_by_role("button", name="Devices")
    devices.click()
    expect(ann.toast).to_contain_text("This part of the page cannot be loaded just now.")
    ann.page.unroute("**/page/devices/index.js*")
    ann.page.clock.fast_forward(3_100)
    devices.click()
    expect(ann.page.get_by_role("dialog", name="Devices")).to_be_visible()
