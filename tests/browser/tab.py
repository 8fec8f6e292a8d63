"""What a person does on the page, and sees."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.wire import Wire

NETWORK = re.compile(
    r"WebSocket connection|ERR_CONNECTION|Failed to load resource|Service Worker registration blocked"
)
"""What the browser itself says of a server that is away: expected in these tests. Only those about the
service worker have one (test_worker): nothing is to come from a cache there."""

NOTHING_UNSENT = """
() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("boardcast");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const counting = opening.result.transaction("queue").objectStore("queue").count();
    counting.onsuccess = () => { opening.result.close(); resolve(counting.result === 0); };
  };
})
"""
UNTIL = """
async () => {
  const end = performance.now() + 20_000;
  while (!(await (%s)())) {
    if (performance.now() > end) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
"""
"""Playwright's own `wait_for_function` takes a promise for a yes."""

KEEPS = """
async () => {
  const all = await indexedDB.databases();
  const names = all.map(({ name }) => name).filter((name) => name.startsWith("boardcast"));
  const kept = await Promise.all(names.map((name) => new Promise((resolve) => {
    const opening = indexedDB.open(name);
    opening.onsuccess = () => {
      const asking = opening.result.transaction("states").objectStore("states").getAll();
      asking.onsuccess = () => { opening.result.close(); resolve(asking.result); };
    };
  })));
  return kept.flat().some(({ board, json }) => board === BOARD && json.includes(TEXT));
}
"""

SHOWN = """
(scroller) => [...scroller.querySelectorAll(".card[aria-posinset]")]
  .map((card) => [Number(card.getAttribute("aria-posinset")), card.querySelector(".open").textContent])
"""
SCROLL_ON = """
(scroller, place) => {
  const [last] = [...scroller.querySelectorAll(".card[aria-posinset]")].slice(-1);
  const pixels = last.offsetTop / Number(last.getAttribute("aria-posinset"));
  scroller.scrollTop = (place - 1) * pixels;
}
"""


class Tab:
    """One open page. `troubles`: errors of the page, refusals of its policy, requests to other places."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._see)

    @classmethod
    def arrive(
        cls,
        browser: Browser,
        url: str,
        name: str | None,
        wire: Wire | None = None,
        clock: bool = False,
        **options: Any,
    ) -> "Tab":
        """Opens the page on a device of its own; with a name, the page has been told it before. `clock`: the
        page's clock can be moved."""
        context = browser.new_context(**({"reduced_motion": "reduce", "service_workers": "block"} | options))
        if name is not None:
            context.add_init_script(
                f"if (location.host) localStorage['boardcast.name'] ??= {json.dumps(name)}"
            )
        tab = cls(context.new_page(), url)
        if clock:
            tab.page.clock.install()
        if wire is not None:
            tab.page.route_web_socket("**/ws", wire.attach)
        tab.page.goto(url)
        if name is not None:
            tab.live()
        return tab

    def beside(self) -> "Tab":
        """A second tab on the same device."""
        tab = Tab(self.page.context.new_page(), self.url)
        tab.troubles = self.troubles
        tab.page.goto(self.page.url)
        tab.live()
        return tab

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not NETWORK.search(message.text):
            self.troubles.append(message.text)

    def _see(self, request: Request) -> None:
        if urlsplit(request.url)[:2] != urlsplit(self.url)[:2]:
            self.troubles.append(f"asked for {request.url}")

    # -- what is seen

    @property
    def banner(self) -> Locator:
        return self.page.locator("#banner")

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog.card-dialog[open]")

    @property
    def toast(self) -> Locator:
        return self.page.locator(".toast")

    def column(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title, exact=True)

    def card(self, title: str) -> Locator:
        exact = self.page.locator(".open", has_text=re.compile(f"^{re.escape(title)}$"))
        return self.page.locator(".card:not(.ghost)").filter(has=exact)

    def sees(self, column: str, *titles: str) -> None:
        """Waits until the column holds just these cards in this order."""
        expect(self.column(column).locator(".card .open")).to_have_text(list(titles))

    def sees_card(self, column: str, title: str) -> None:
        expect(self.column(column).locator(".card .open").filter(has_text=title)).to_have_count(1)

    def all_titles(self, column: str) -> list[str]:
        """Reads a long column from its top to its end: only what can be seen of it is in the page."""
        found: dict[int, str] = {}
        scroller = self.column(column).locator(".column-scroll")
        count = int(self.column(column).locator(".count").inner_text())
        while len(found) < count:
            for place, title in scroller.evaluate(SHOWN):
                found[place] = title
            missing = next((place for place in range(1, count + 1) if place not in found), None)
            if missing is not None:
                scroller.evaluate(SCROLL_ON, missing)
                expect(scroller.locator(f'.card[aria-posinset="{missing}"]')).to_be_attached()
        return [found[place] for place in sorted(found)]

    def live(self) -> None:
        """Waits until the page is on the board and has nothing left to say."""
        expect(self.page.locator("html")).to_have_attribute("data-link", "live")
        expect(self.page.locator("#board")).not_to_have_attribute("aria-busy", "true")

    def saved(self) -> None:
        """Waits until the server has everything that was done here."""
        self.live()
        self.until(NOTHING_UNSENT)

    def keeps(self, board: str, title: str = "") -> None:
        """Waits until the board is on this browser's disk, with a card of that title: it is shown before."""
        wanted = json.dumps(title) if title else ""
        script = KEEPS.replace("BOARD", json.dumps(board)).replace("TEXT", json.dumps(wanted))
        self.until(script)

    def until(self, script: str) -> None:
        """Until a function of the page, which may be asynchronous, gives something true."""
        self.page.evaluate(UNTIL % script)

    # -- what is done

    def add(self, column: str, *titles: str) -> None:
        self.column(column).get_by_role("button", name="Add card", exact=True).first.click()
        field = self.column(column).get_by_label("Title of the new card")
        for title in titles:
            field.fill(title)
            field.press("Enter")
        field.press("Escape")

    def open(self, title: str) -> Locator:
        """Opens a card, with its description ready to be written."""
        self.read(title)
        self.dialog.get_by_role("button", name="Write", exact=True).click()
        return self.dialog

    def read(self, title: str) -> Locator:
        """Opens a card as it opens: with its description to be read."""
        self.card(title).locator(".open").click()
        expect(self.dialog).to_be_visible()
        return self.dialog

    def drag(self, title: str, target: Locator) -> None:
        """Drags a card onto the upper part of `target`, in steps as a hand does: it lands above that card."""
        self.lift(title, target)
        self.page.mouse.up()

    def lift(self, title: str, target: Locator) -> None:
        self.card(title).hover()
        self.page.mouse.down()
        box = target.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4, steps=12)
