"""People with accounts: what they do at a browser, and what they do by a request."""

import copy
import itertools
import json
import re
import urllib.error
import urllib.request
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from tests.accounts.town import PASSWORD
from tests.support import ServerProcess

QUIET = re.compile(r"Failed to load resource|WebSocket connection|error occurred when fetching the script")
"""What the browser itself says where its network ends; the last, of a service worker it was to fetch."""
KEEP_LINKS = """
globalThis.links = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    links.push(this);
  }
};
"""
"""Sockets that are open stay so when Chromium is told that it is offline."""
_NUMBERS = itertools.count()


class Person:
    """Somebody at a browser of their own. `troubles`: what the page or its policy complained about."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.troubles: list[str] = []
        context.add_init_script(KEEP_LINKS)
        self.page = self.new_page()

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._hear)
        return page

    def _hear(self, line: ConsoleMessage) -> None:
        if line.type == "error" and not QUIET.search(line.text):
            self.troubles.append(line.text)

    def beside(self) -> "Person":
        """The same browser, in another tab."""
        other = copy.copy(self)
        other.page = self.new_page()
        return other

    def go_offline(self) -> None:
        """All pages of this browser."""
        self.context.set_offline(True)
        for page in self.context.pages:
            page.evaluate("links.forEach((link) => link.close())")
            expect(page.locator("html[data-link=waiting]")).to_be_attached()

    def go_online(self) -> None:
        self.context.set_offline(False)

    def fill(self, **fields: str) -> None:
        for label, text in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def live(self) -> None:
        expect(self.page.locator("html[data-link=live]")).to_be_attached()

    def sign_in(self, login: str, password: str = PASSWORD) -> None:
        self.fill(Name_to_sign_in_with=login, Password=password)
        self.press("Sign in")


class Account:
    """Somebody who is known to the server, as it is told by requests. `cookie`: of their session."""

    def __init__(self, server: ServerProcess, path: str, body: dict[str, Any]) -> None:
        self.server = server
        self.login: str = body["login"]
        self.cookie = ""
        self.id: str = self.ask("POST", path, body)["id"]

    @classmethod
    def first(cls, server: ServerProcess, login: str, name: str) -> "Account":
        """The administrator, by the address that the server printed."""
        (line,) = [line for line in server.output().splitlines() if "first account" in line]
        code = line.partition("#")[2]
        return cls(server, "/api/setup", {**_said(login, name), "code": code})

    def invite(self, login: str, name: str, board: str = "", role: str = "editor") -> "Account":
        """Somebody new, who has come by an invitation; to a board with a role, when one is given."""
        link = self.invitation(board, role)
        return Account(
            self.server, "/api/sign-up", {**_said(login, name), "invitation": link.partition("#")[2]}
        )

    def invitation(self, board: str = "", role: str = "editor") -> str:
        """A link."""
        place = f"/api/boards/{board}/invitations" if board else "/api/invitations"
        made = self.ask("POST", place, {"role": role} if board else {})
        return self.server.url + str(made["path"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The body of the answer. Raises AssertionError with a refusal."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Origin": self.server.url}
        headers |= {"Cookie": f"boardcast={self.cookie}"} if self.cookie else {}
        request = urllib.request.Request(self.server.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                for line in answer.headers.get_all("Set-Cookie") or []:
                    self.cookie = line.partition(";")[0].partition("=")[2].strip('"')
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{method} {path}: {refusal.read().decode()}") from refusal
        return json.loads(text) if text else None

    def mutate(self, board: str, op: str, **args: Any) -> None:
        mutation = {"mutation": f"m{next(_NUMBERS)}", "op": op, "args": args}
        (result,) = self.ask("POST", f"/api/boards/{board}/mutations", mutation)["results"]
        assert result["type"] == "ack", result

    def at(self, person: Person) -> Person:
        """Signed in at somebody's browser."""
        person.context.add_cookies([{"name": "boardcast", "value": self.cookie, "url": self.server.url}])
        return person


def _said(login: str, name: str) -> dict[str, Any]:
    return {"login": login, "name": name, "password": PASSWORD}
