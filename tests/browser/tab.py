"""What a person does on the page, and sees."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.wire import Wire

NETWORK = re.compile(r"WebSocket connection|ERR_CONNECTION|Failed to load resource")
"""What the browser itself says of a server that is away: expected in these tests."""


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
        context = browser.new_context(**({"reduced_motion": "reduce"} | options))
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

    def live(self) -> None:
        """Waits until the page is on the board and has nothing left to say."""
        expect(self.page.locator("html")).to_have_attribute("data-link", "live")
        expect(self.page.locator("#board")).not_to_have_attribute("aria-busy", "true")

    def saved(self) -> None:
        """Waits until the server has everything that was done here."""
        self.live()
        empty = "() => !Object.keys(localStorage).some((key) => key.startsWith('boardcast.queue.'))"
        self.page.wait_for_function(empty)

    # -- what is done

    def add(self, column: str, *titles: str) -> None:
        self.column(column).get_by_role("button", name="Add card", exact=True).first.click()
        field = self.column(column).get_by_label("Title of the new card")
        for title in titles:
            field.fill(title)
            field.press("Enter")
        field.press("Escape")

    def open(self, title: str) -> Locator:
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
