"""The pages of one's account, of forgotten passwords and of a board's people; leaving a board."""

import re
import subprocess
import sys
import zlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.accounts.town import PASSWORD
from tests.browser.conftest import Arrive
from tests.browser.person import Account, Person
from tests.support import ROOT, ServerProcess

NEW = "another pass phrase"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("pages"), AUTH__MODE="accounts") as process:
        yield process


@pytest.fixture(scope="module")
def ada(server: ServerProcess) -> Account:
    return Account.first(server, "ada", "Ada")


def reset_address(server: ServerProcess, login: str) -> str:
    """As whoever runs the server gets it."""
    command = [sys.executable, "-m", "server", "user", "reset", login, "--data", str(server.data)]
    environment = {"BOARDCAST_AUTH__MODE": "accounts", "BOARDCAST_AUTH__ADDRESS": server.url, "PATH": ""}
    out = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return out.stdout.split()[-1]


def alert(person: Person, text: str) -> None:
    expect(person.page.get_by_role("alert").filter(has_text=text)).to_be_visible()


def test_a_forgotten_password_is_set_anew_by_an_address_that_works_once(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    ada.invite("rita", "Rita")
    rita, again = arrive(), arrive()
    address = reset_address(server, "rita")
    rita.page.goto(address)
    rita.fill(Password="short")
    rita.press("Set the password")
    alert(rita, "Password")
    rita.fill(Password=NEW)
    rita.press("Set the password")
    expect(rita.page).to_have_url(f"{server.url}/")
    again.page.goto(address)
    again.fill(Password="and once more, please")
    again.press("Set the password")
    alert(again, "This address was used or has expired.")
    again.page.goto(f"{server.url}/account/me")
    again.sign_in("rita")
    alert(again, "The name or the password is wrong.")
    again.sign_in("rita", NEW)
    expect(again.page.get_by_text("Signed in as rita.")).to_be_visible()


def test_a_password_is_changed_by_whoever_knows_it_and_only_by_them(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    bea = ada.invite("bea", "Bea")
    here = bea.at(arrive())
    here.page.goto(f"{server.url}/account/me")
    here.fill(Current_password="not the one", New_password=NEW)
    here.press("Change the password")
    alert(here, "The current password is wrong.")
    here.fill(Current_password=PASSWORD, New_password="bea")
    here.press("Change the password")
    alert(here, "New password")
    here.fill(New_password=NEW)
    here.press("Change the password")
    expect(here.page.get_by_role("status").filter(has_text="Changed.")).to_be_visible()
    elsewhere = arrive()
    elsewhere.page.goto(f"{server.url}/account/me")
    elsewhere.sign_in("bea", NEW)
    expect(elsewhere.page.get_by_text("Signed in as bea.")).to_be_visible()


def test_one_sees_where_one_is_signed_in_and_signs_out_there(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    carl = ada.invite("carl", "Carl")
    here, there = carl.at(arrive()), arrive(user_agent="Mozilla/5.0 The one in the library")
    there.page.goto(f"{server.url}/account/me")
    there.sign_in("carl")
    expect(there.page.get_by_text("This browser")).to_be_visible()
    here.page.goto(f"{server.url}/account/me")
    here.press("Sign out: Mozilla/5.0 The one in the library")
    expect(here.page.get_by_text("The one in the library")).to_have_count(0)
    there.page.reload()
    expect(there.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_is_bound_to_boards_and_days_and_shown_so(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    dora = ada.invite("dora", "Dora")
    for board in ("orders", "diary"):
        dora.ask("POST", "/api/boards", {"board": board, "name": board.title()})
    here = dora.at(arrive())
    here.page.goto(f"{server.url}/account/me")
    tokens = here.page.get_by_role("region", name="Tokens for programs")
    tokens.get_by_label("What it is for").fill("shop")
    tokens.get_by_label("It may").select_option("Read and change")
    tokens.get_by_label("Only these boards").fill("orders, ")
    tokens.get_by_label("Days until it ends").fill("401")
    tokens.get_by_role("button", name="Make a token").click()
    alert(here, "Days until it ends")
    tokens.get_by_label("Days until it ends").fill("3")
    tokens.get_by_role("button", name="Make a token").click()
    text = tokens.get_by_label("This is shown once.").input_value()
    expect(tokens.get_by_text(re.compile("^Read and change · orders · until "))).to_be_visible()
    bearer = {"Authorization": f"Bearer {text}"}
    assert server.get("/api/boards/orders", **bearer)[0] == 200
    assert server.get("/api/boards/diary", **bearer)[0] == 404
    tokens.get_by_role("button", name="Revoke: shop").click()
    expect(tokens.get_by_text("None.")).to_be_visible()
    assert server.get("/api/boards/orders", **bearer)[0] == 401


def test_owners_read_who_was_given_which_role_and_others_do_not(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    emil = ada.invite("emil", "Emil")
    emil.ask("POST", "/api/boards", {"board": "record", "name": "Record"})
    fay = ada.invite("fay", "Fay")
    emil.ask("POST", "/api/boards/record/members", {"login": "fay", "role": "editor"})
    owner, member = emil.at(arrive()), fay.at(arrive())
    owner.page.goto(f"{server.url}/account/people?board=record")
    record = owner.page.get_by_role("region", name="Who was given which role")
    expect(record.get_by_text("Emil made Fay: Editor")).to_be_visible()
    owner.press("Make an invitation")
    expect(owner.page.get_by_text(re.compile("^1 person · until .* · by Emil$"))).to_be_visible()
    owner.page.get_by_label("Role of Fay").select_option("Viewer")
    owner.page.reload()
    expect(record.get_by_role("listitem").first).to_contain_text("Emil made Fay: Viewer")
    member.page.goto(f"{server.url}/account/people?board=record")
    expect(member.page.get_by_role("region", name="Members")).to_contain_text("Emil")
    for name in ("Who was given which role", "Invitations", "Who may read the board"):
        expect(member.page.get_by_role("region", name=name)).to_have_count(0)
    expect(member.page.get_by_role("combobox").and_(member.page.locator(":enabled"))).to_have_count(0)
    expect(member.page.get_by_role("button", name=re.compile("^Remove"))).to_have_count(0)


def test_a_member_leaves_a_board_when_they_are_sure_and_the_browser_forgets_it(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    gus, hal = ada.invite("gus", "Gus"), ada.invite("hal", "Hal")
    gus.ask("POST", "/api/boards", {"board": "choir", "name": "Choir"})
    gus.ask("POST", "/api/boards/choir/members", {"login": "hal", "role": "viewer"})
    hal.ask("POST", "/api/boards", {"board": "home", "name": "Home of Hal"})
    here = hal.at(arrive())
    here.page.goto(f"{server.url}/b/choir")
    here.live()

    def leave(answer: str) -> None:
        here.page.get_by_role("button", name="Menu", exact=True).click()
        here.page.get_by_role("menuitem", name="Leave this board…").click()
        question = here.page.get_by_role("dialog", name="Leave “Choir”?")
        question.get_by_role("button", name=answer).click()

    leave("Cancel")
    here.live()
    assert here.page.url == f"{server.url}/b/choir"
    leave("Leave the board")
    expect(here.page).to_have_url(f"{server.url}/b/home")
    here.live()
    members = gus.ask("GET", "/api/boards/choir/members")["items"]
    assert [one["name"] for one in members] == ["Gus"]
    kept = here.page.evaluate(KEPT_BOARDS, f"boardcast.{hal.id}")
    assert "choir" not in kept
    here.page.locator(".board-button").click()
    expect(here.page.get_by_role("dialog", name="Boards")).not_to_contain_text("Choir")


KEPT_BOARDS = """
(name) => new Promise((resolve, reject) => {
  const opening = indexedDB.open(name);
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const asking = opening.result.transaction("states").objectStore("states").getAllKeys();
    asking.onsuccess = () => { opening.result.close(); resolve(asking.result); };
  };
})
"""


def test_the_last_owner_is_told_why_they_cannot_leave(
    server: ServerProcess, ada: Account, arrive: Arrive
) -> None:
    ivy = ada.invite("ivy", "Ivy")
    ivy.ask("POST", "/api/boards", {"board": "mine", "name": "Mine"})
    here = ivy.at(arrive())
    here.page.goto(f"{server.url}/account/people?board=mine")
    here.press("Leave the board")
    here.page.get_by_role("dialog", name="Leave “Mine”?").get_by_role(
        "button", name="Leave the board"
    ).click()
    alert(here, "A board keeps at least one owner.")
    assert ivy.ask("GET", "/api/boards/mine")["board"] == "mine"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/.//evil.example/phish", "/\\evil.example/", "///"],
)
def test_whoever_signs_in_stays_on_this_server(
    server: ServerProcess, ada: Account, arrive: Arrive, elsewhere: str
) -> None:
    here, asked = arrive(), []
    here.page.on("request", lambda request: asked.append(request.url))
    login = f"jo{zlib.crc32(elsewhere.encode())}"
    ada.invite(login, "Jo")
    here.page.goto(f"{server.url}/account/sign-in?next={elsewhere}")
    here.sign_in(login)
    expect(here.page).to_have_url(f"{server.url}/")
    assert all(url.startswith((server.url, "data:", "blob:")) for url in asked)
