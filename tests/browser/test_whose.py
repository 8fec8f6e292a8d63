"""What a browser keeps is somebody's: whoever signs in next neither sees it nor sends it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.person import Account, Person
from tests.browser.tab import Tab
from tests.support import ServerProcess

BOARD = "team"
QUEUES = """
async () => {
  const found = {};
  for (const { name } of await indexedDB.databases()) {
    found[name] = await new Promise((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const counting = opening.result.transaction("queue").objectStore("queue").count();
        counting.onsuccess = () => { opening.result.close(); resolve(counting.result); };
      };
    });
  }
  return found;
}
"""
"""Name of a store → how many changes wait there."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("whose"), AUTH__MODE="accounts") as process:
        yield process


@pytest.fixture(scope="module")
def people(server: ServerProcess) -> dict[str, Account]:
    """Ann and Bob share a board; another one is Ann's alone."""
    ada = Account.first(server, "ada", "Ada")
    ada.ask("POST", "/api/boards", {"board": BOARD, "name": "Team"})
    people = {name: ada.invite(name, name.title(), BOARD) for name in ("ann", "bob")}
    people["ann"].ask("POST", "/api/boards", {"board": "diary", "name": "Diary of Ann"})
    people["ann"].mutate("diary", "task.create", task="secret", title="Ann's secret")
    return people


def signed_in(person: Person, server: ServerProcess, login: str, board: str = BOARD) -> Tab:
    person.page.goto(f"{server.url}/b/{board}")
    person.sign_in(login)
    person.live()
    return Tab(person.page, server.url)


def made_by(people: dict[str, Account], title: str) -> list[str]:
    """Who made cards of that title."""
    changes: list[dict[str, Any]] = people["bob"].ask("GET", f"/api/boards/{BOARD}/changes?limit=500")[
        "items"
    ]
    made = [change for change in changes if change["op"] == "task.create"]
    return [change["actor"]["id"] for change in made if change["set"]["title"] == title]


def end_sessions(account: Account) -> None:
    """All of somebody's but the one of these requests."""
    for one in account.ask("GET", "/api/me/sessions")["items"]:
        if not one["current"]:
            account.ask("DELETE", f"/api/me/sessions/{one['id']}")


def queues(person: Person) -> dict[str, int]:
    found: dict[str, int] = person.page.evaluate(QUEUES)
    return found


def signs_out(person: Person, server: ServerProcess) -> None:
    person.page.goto(f"{server.url}/account/me")
    person.press("Sign out")


def test_what_somebody_did_not_send_waits_for_them_while_another_one_uses_the_browser(
    server: ServerProcess, people: dict[str, Account], arrive: Arrive
) -> None:
    browser = arrive()
    here = signed_in(browser, server, "ann")
    closed = browser.beside()
    closed.page.goto(f"{server.url}/b/{BOARD}")
    closed.live()
    browser.go_offline()
    Tab(closed.page, server.url).add("To do", "Ann's, of a tab that is closed")
    here.add("To do", "Ann's, not sent")
    closed.page.close()
    end_sessions(people["ann"])
    browser.go_online()
    expect(here.banner).to_contain_text("You are signed out here.")
    expect(here.banner).to_contain_text("1 unsent change")
    here.banner.get_by_role("button", name="Sign in").click()

    browser.sign_in("bob")
    browser.live()
    expect(here.banner).to_be_hidden()
    expect(browser.page.get_by_text("Ann's")).to_have_count(0)
    here.add("To do", "Bob's")
    here.sees_card("To do", "Bob's")
    here.until(f"async () => (await ({QUEUES})())['boardcast.{people['bob'].id}'] === 0")
    assert made_by(people, "Bob's") == [people["bob"].id]
    assert queues(browser)[f"boardcast.{people['ann'].id}"] == 2
    signs_out(browser, server)
    expect(browser.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert list(queues(browser)) == [f"boardcast.{people['ann'].id}"]

    again = signed_in(browser, server, "ann")
    for title in ("Ann's, not sent", "Ann's, of a tab that is closed"):
        again.sees_card("To do", title)
    again.until(f"async () => (await ({QUEUES})())['boardcast.{people['ann'].id}'] === 0")
    for title in ("Ann's, not sent", "Ann's, of a tab that is closed"):
        assert made_by(people, title) == [people["ann"].id]


def test_a_page_that_is_open_when_somebody_else_signs_in_becomes_theirs(
    server: ServerProcess, arrive: Arrive, people: dict[str, Account]
) -> None:
    browser = arrive()
    signed_in(browser, server, "ann", "diary")
    expect(browser.page.get_by_text("Ann's secret")).to_be_visible()
    elsewhere = browser.beside()
    elsewhere.page.goto(f"{server.url}/account/sign-in?next=/b/{BOARD}")
    elsewhere.sign_in("bob")
    elsewhere.live()
    expect(browser.page.locator("#board")).to_contain_text("no such board")
    expect(browser.page.get_by_text("Ann's secret")).to_have_count(0)
    expect(browser.page.get_by_text("Diary of Ann")).to_have_count(0)


def test_a_link_that_comes_back_as_somebody_else_sends_nothing(
    server: ServerProcess, arrive: Arrive, people: dict[str, Account]
) -> None:
    """Also when the browser has told the page nothing of it."""
    browser = arrive()
    here = signed_in(browser, server, "ann")
    browser.go_offline()
    here.add("To do", "Ann's, on the way")
    people["bob"].at(browser)
    browser.go_online()
    expect(browser.page.get_by_text("Ann's, on the way")).to_have_count(0)
    browser.live()
    assert browser.page.evaluate("localStorage['boardcast.user']") == people["bob"].id
    assert queues(browser)[f"boardcast.{people['ann'].id}"] == 1
    assert made_by(people, "Ann's, on the way") == []
    people["ann"].at(browser)
    browser.page.reload()
    here.sees_card("To do", "Ann's, on the way")
    here.until(f"async () => (await ({QUEUES})())['boardcast.{people['ann'].id}'] === 0")
    assert made_by(people, "Ann's, on the way") == [people["ann"].id]


def test_a_page_whose_cookie_is_gone_sends_nothing_and_asks_to_sign_in(
    server: ServerProcess, arrive: Arrive, people: dict[str, Account]
) -> None:
    browser = arrive()
    here = signed_in(browser, server, "ann")
    browser.go_offline()
    here.add("To do", "Ann's, without a cookie")
    browser.context.clear_cookies()
    browser.go_online()
    expect(here.banner).to_contain_text("You are signed out here.")
    assert made_by(people, "Ann's, without a cookie") == []
    here.banner.get_by_role("button", name="Sign in").click()
    browser.sign_in("ann")
    here.sees_card("To do", "Ann's, without a cookie")
    here.until(f"async () => (await ({QUEUES})())['boardcast.{people['ann'].id}'] === 0")
    assert made_by(people, "Ann's, without a cookie") == [people["ann"].id]


def test_a_text_that_is_being_written_is_shown_to_its_writer_alone(
    server: ServerProcess, arrive: Arrive, people: dict[str, Account]
) -> None:
    people["ann"].mutate(BOARD, "task.create", task="shared", title="Shared card")
    browser = arrive()
    here = signed_in(browser, server, "ann")
    here.open("Shared card").get_by_label("Description").fill("Ann is still writing this")
    end_sessions(people["ann"])
    expect(here.banner).to_contain_text("You are signed out here.")
    browser.page.goto(f"{server.url}/b/{BOARD}")
    browser.sign_in("bob")
    browser.live()
    expect(here.open("Shared card").get_by_label("Description")).to_have_value("")
    signs_out(browser, server)
    expect(browser.page.get_by_role("heading", name="Sign in")).to_be_visible()
    again = signed_in(browser, server, "ann")
    again.card("Shared card").locator(".open").click()
    expect(again.dialog.get_by_label("Description")).to_have_value("Ann is still writing this")


def test_signing_out_asks_before_it_loses_something_and_takes_all_of_it_away(
    server: ServerProcess, arrive: Arrive, people: dict[str, Account]
) -> None:
    browser = arrive()
    here = signed_in(browser, server, "ann")
    away = browser.beside()
    away.page.goto(f"{server.url}/account/me")
    expect(away.page.get_by_text("This browser")).to_be_visible()
    here.keeps(BOARD)
    here.page.route_web_socket("**/ws", lambda silent: None)
    here.page.reload()
    here.add("To do", "Ann's, to be lost")
    here.until(f"async () => (await ({QUEUES})())['boardcast.{people['ann'].id}'] === 1")
    away.press("Sign out")
    question = away.page.get_by_role("dialog", name="Sign out")
    expect(question).to_contain_text("1 change of yours has not been sent yet.")
    question.get_by_role("button", name="Cancel").click()
    assert queues(away)[f"boardcast.{people['ann'].id}"] == 1
    away.press("Sign out")
    question.get_by_role("button", name="Sign out").click()
    expect(away.page.get_by_role("heading", name="Sign in")).to_be_visible()
    here.page.goto("about:blank")  # it writes what it knows when it goes away
    assert queues(away) == {}
    assert away.page.evaluate("Object.keys(localStorage).filter((key) => key.includes('u_'))") == []
    assert made_by(people, "Ann's, to be lost") == []


def test_signing_out_without_a_server_says_that_it_did_not_work(
    server: ServerProcess, arrive: Arrive, people: dict[str, Account]
) -> None:
    browser = people["ann"].at(arrive())
    browser.page.goto(f"{server.url}/account/me")
    expect(browser.page.get_by_text("This browser")).to_be_visible()
    browser.context.set_offline(True)
    browser.press("Sign out")
    expect(browser.page.get_by_role("alert").filter(has_text="cannot be reached")).to_be_visible()
    browser.context.set_offline(False)
    browser.press("Sign out")
    expect(browser.page.get_by_role("heading", name="Sign in")).to_be_visible()
