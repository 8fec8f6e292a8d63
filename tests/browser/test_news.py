"""What changed while nobody looked: told once, to whoever comes back, however they do."""

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab

CARD = "Click a card to read and edit it"
TURN = """
(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
"""In the place of the browser: without a window no tab is ever behind another."""


def turn(tab: Tab, state: str) -> None:
    tab.page.evaluate(TURN, state)


def told(tab: Tab) -> None:
    expect(tab.toast.filter(has_text="since you were here")).to_be_visible()


def not_told(tab: Tab) -> None:
    """As far as the next answer of the server's: the question for news was asked before."""
    tab.page.evaluate("() => fetch('/healthz')")
    expect(tab.toast.filter(has_text="since you were here")).to_have_count(0)


def test_what_came_while_the_tab_was_hidden_is_told_when_it_is_looked_at_again(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    turn(ann, "hidden")
    bob.add("To do", "While she was away")
    ann.sees_card("To do", "While she was away")
    turn(ann, "visible")
    expect(ann.toast).to_contain_text("1 change since you were here")
    ann.toast.get_by_role("button", name="Show").click()
    panel = ann.page.get_by_role("dialog", name="What changed since I was here")
    expect(panel).to_contain_text("While she was away")


def test_what_came_while_the_tab_was_hidden_is_told_after_a_reload_too(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    turn(ann, "hidden")
    bob.add("To do", "While she was away")
    ann.sees_card("To do", "While she was away")
    ann.page.reload()
    ann.live()
    expect(ann.toast).to_contain_text("1 change since you were here")


def test_news_are_told_once_and_can_be_read_again(visit: Visit, home: str) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.page.goto("about:blank")
    bob.add("To do", "News")
    bob.saved()
    ann.page.goto(home)
    ann.live()
    told(ann)
    ann.toast.get_by_role("button", name="Dismiss").click()
    ann.page.evaluate("() => history.pushState(null, '', '/b/demo')")
    ann.page.evaluate("() => dispatchEvent(new PopStateEvent('popstate'))")
    expect(ann.card("News")).to_have_count(0)
    ann.live()
    ann.page.go_back()
    ann.sees_card("To do", "News")
    ann.live()
    not_told(ann)
    ann.page.get_by_role("button", name="Menu", exact=True).click()
    ann.page.get_by_role("menuitem", name="What changed since I was here").click()
    expect(ann.page.get_by_role("dialog", name="What changed since I was here")).to_contain_text("News")


def test_what_was_seen_live_in_one_tab_is_no_news_in_another(visit: Visit) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    ann.until(SEEN)
    bob.add("To do", "Seen by Ann")
    ann.sees_card("To do", "Seen by Ann")
    ann.until(SEEN)
    other = ann.beside()
    not_told(other)


SEEN = """
async () => {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("boardcast");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const facts = database.transaction("facts").objectStore("facts");
  const all = await new Promise((resolve) => {
    facts.getAll().onsuccess = (event) => resolve(event.target.result);
  });
  database.close();
  const board = location.pathname.split("/").pop();
  const { seq } = await (await fetch(`/api/boards/${board}`)).json();
  return all.some(({ key, value }) => key === `visit:${board}` && value.seq === seq);
}
"""
"""The browser remembers that this board has been seen as far as it goes."""
