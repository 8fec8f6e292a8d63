"""The service worker: the page opens without a server, and is never a mix of two versions, nor an old one."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab
from tests.support import ServerProcess, checkout

CARD = "Click a card to read and edit it"
KEPT = """
async () => {
  const [version] = /~\\w+/.exec(document.querySelector("script[src]").src);
  const kept = await caches.match("/", { cacheName: `boardcast-page-${version.slice(1)}` });
  return kept !== undefined && navigator.serviceWorker.controller !== null;
}
"""
VERSIONS = """
() => {
  const names = performance.getEntriesByType("resource").map(({ name }) => name);
  return [...new Set(names.map((name) => /\\/static\\/(~\\w+)?/.exec(name)?.[0]).filter(Boolean))];
}
"""


@pytest.fixture
def home(server: ServerProcess) -> str:
    return f"{server.url}/"


def is_kept(tab: Tab) -> None:
    tab.until(KEPT)


def test_the_page_opens_without_a_server_and_is_whole(visit: Visit, server: ServerProcess) -> None:
    ann = visit("Ann", service_workers="allow")
    is_kept(ann)
    ann.add("Doing", "before")
    ann.saved()
    ann.keeps("demo", "before")
    server.kill()
    ann.page.goto(f"{server.url}/b/demo")
    ann.sees_card("Doing", "before")
    ann.add("Doing", "without a server")
    expect(ann.banner).to_contain_text("1 unsent change")
    ann.read("What is acknowledged is on disk")
    expect(ann.dialog.locator(".markdown code").first).to_be_visible()  # its parser is loaded later
    ann.page.keyboard.press("Escape")
    ann.page.get_by_role("button", name="Menu", exact=True).click()
    ann.page.get_by_role("menuitemradio", name="简体中文").click()
    expect(ann.page.locator("html")).to_have_attribute("lang", "zh-CN")  # so are its texts
    server.start()
    ann.saved()
    assert ann.page.evaluate(VERSIONS) == [ann.page.evaluate(VERSIONS)[0]]


def test_a_new_version_announces_itself_and_is_taken_whole(
    visit: Visit, server: ServerProcess, tmp_path: Path
) -> None:
    ann = visit("Ann", service_workers="allow")
    is_kept(ann)
    [old] = ann.page.evaluate(VERSIONS)
    ann.open(CARD).get_by_label("Description").fill("half written")
    server.stop()
    server.root = another(tmp_path / "new")
    server.start()
    toast = ann.toast.filter(has_text="There is a new version of this page.")
    expect(toast).to_be_visible()
    expect(ann.dialog.get_by_label("Description")).to_be_focused()
    toast.get_by_role("button", name="Reload").click()
    expect(ann.page.locator("html")).to_have_attribute("data-link", "live")
    expect(ann.page.locator(".search-input")).to_have_attribute("placeholder", "Search the new cards")
    [new] = ann.page.evaluate(VERSIONS)
    assert re.fullmatch(r"/static/~\w{16}", new) and new != old
    is_kept(ann)
    server.kill()
    ann.page.reload()
    expect(ann.page.locator(".search-input")).to_have_attribute("placeholder", "Search the new cards")
    assert ann.page.evaluate(VERSIONS) == [new]
    expect(ann.dialog.get_by_label("Description")).to_have_value("half written")


def another(root: Path) -> Path:
    """A checkout with another text in it."""
    texts = checkout(root) / "static" / "page" / "texts" / "en.js"
    told = texts.read_text(encoding="utf-8")
    assert "Search cards" in told
    texts.write_text(told.replace("Search cards", "Search the new cards"), encoding="utf-8")
    return root
