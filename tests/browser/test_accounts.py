"""Signing in, invitations and one's own account, as people meet them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.accounts.town import PASSWORD
from tests.browser.conftest import Arrive
from tests.browser.test_axe import AXE, GRAVE, RUN
from tests.support import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("accounts"), AUTH__MODE="accounts") as process:
        yield process


@pytest.fixture(scope="module")
def setup_address(server: ServerProcess) -> str:
    (line,) = [line for line in server.output().splitlines() if "first account" in line]
    return server.url + "/account/" + line.rpartition("/account/")[2]


def test_the_way_from_the_first_account_to_a_colleague_who_is_removed(
    server: ServerProcess, setup_address: str, arrive: Arrive, tmp_path: Path
) -> None:
    ada, bob = arrive(), arrive()
    ada.page.goto(server.url)
    expect(ada.page.get_by_role("heading", name="The first account")).to_be_visible()
    ada.page.goto(setup_address)
    ada.fill(Your_name="Ada", Name_to_sign_in_with="ada", Password="short")
    ada.press("Make the account")
    expect(ada.page.get_by_role("alert")).to_contain_text("Password")
    ada.fill(Password=PASSWORD)
    ada.press("Make the account")
    ada.live()
    expect(ada.page.get_by_text("Everything you do here is live")).to_have_count(0)

    ada.page.get_by_role("button", name="Menu", exact=True).click()
    ada.page.get_by_role("menuitem", name="People of this board…").click()
    invitations = ada.page.get_by_role("region", name="Invitations")
    invitations.get_by_label("Role").select_option("Editor")
    invitations.get_by_role("button", name="Make an invitation").click()
    link = invitations.get_by_label("This is shown once.").input_value()

    bob.page.goto(link)
    expect(bob.page.get_by_text("To the board demo, as Editor.")).to_be_visible()
    bob.fill(Your_name="Bob", Name_to_sign_in_with="ada", Password=PASSWORD)
    bob.press("Make the account")
    expect(bob.page.get_by_role("alert")).to_have_text(re.compile("already"))
    bob.fill(Name_to_sign_in_with="bob")
    bob.press("Make the account")
    bob.live()
    bob.page.goto(link)
    expect(bob.page.get_by_role("alert")).to_contain_text("used up")

    bob.page.goto(f"{server.url}/b/demo")
    bob.live()
    ada.page.reload()
    ada.page.get_by_role("button", name="Remove: Bob").click()
    expect(bob.page.locator("#banner")).to_contain_text("You have no access to this board any more.")
    expect(bob.page.get_by_role("button", name="Add card").first).to_be_hidden()
    bob.page.keyboard.press("n")
    expect(bob.page.locator(".toast")).to_contain_text("You have no access to this board any more.")
    record = ada.page.get_by_role("region", name="Who was given which role")
    expect(record).to_contain_text("Ada made an invitation (Editor, 1 uses)")
    expect(record).to_contain_text("Ada made Bob: Editor")
    bob.page.goto(f"{server.url}/b/somebody-elses")
    expect(bob.page.get_by_text("There is no such board here, or you may not see it.")).to_be_visible()
    bob.page.get_by_role("button", name="My account").click()
    expect(bob.page.get_by_role("heading", name="My account")).to_be_visible()
    ada.page.goto(f"{server.url}/b/demo")
    ada.live()
    ada.page.get_by_role("button", name="Share this board").click()
    toast = ada.page.locator(".toast").filter(has_text="copied")
    expect(toast).to_contain_text("The link to this board is copied. Only its members can open it.")
    toast.get_by_role("button", name="Invite people").click()
    expect(ada.page.get_by_role("region", name="Invitations")).to_be_visible()


def test_somebody_who_is_not_signed_in_is_asked_to_and_comes_where_they_wanted(
    server: ServerProcess, setup_address: str, arrive: Arrive
) -> None:
    ada = arrive()
    ada.page.goto(f"{server.url}/b/demo")
    ada.sign_in("ada", "not the password")
    expect(ada.page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    ada.sign_in("ada")
    ada.live()
    assert ada.page.url == f"{server.url}/b/demo"
    for elsewhere in (
        "https://evil.example/",
        "//evil.example/",
        "/.//evil.example/",
        "/x/..//evil.example/",
    ):
        ada.page.goto(f"{server.url}/account/sign-in?next={elsewhere}")
        ada.sign_in("ada")
        expect(ada.page).not_to_have_url(re.compile("sign-in"))
        assert ada.page.url.startswith(f"{server.url}/")
    ada.page.goto(server.url)
    ada.live()
    assert not ada.page.evaluate("document.cookie"), "no script can read the session"


def test_signing_in_leads_to_the_card_and_the_filter_that_were_asked_for(
    server: ServerProcess, setup_address: str, arrive: Arrive
) -> None:
    ada = arrive()
    wanted = f"{server.url}/b/demo?q=edit#edit"
    ada.page.goto(wanted)
    ada.sign_in("ada")
    ada.live()
    expect(ada.page.locator("dialog.card-dialog[open]")).to_be_visible()
    expect(ada.page).to_have_url(wanted)


def test_a_session_that_ends_says_what_to_do_at_once(server: ServerProcess, arrive: Arrive) -> None:
    ada, elsewhere = arrive(), arrive()
    ada.page.goto(f"{server.url}/b/demo")
    ada.sign_in("ada")
    ada.live()
    elsewhere.page.goto(f"{server.url}/account/me")
    elsewhere.sign_in("ada")
    expect(elsewhere.page.get_by_text("This browser")).to_be_visible()
    elsewhere.fill(Current_password=PASSWORD, New_password=PASSWORD + "!")
    elsewhere.press("Change the password")
    expect(elsewhere.page.get_by_text("Changed. Everywhere else you are signed out.")).to_be_visible()
    expect(ada.page.locator("#banner")).to_contain_text("You are signed out here.")
    ada.page.locator("#banner").get_by_role("button", name="Sign in").click()
    ada.sign_in("ada", PASSWORD + "!")
    ada.live()
    assert ada.page.url == f"{server.url}/b/demo"


def test_a_token_is_shown_once_and_signing_out_leaves_nothing_behind(
    server: ServerProcess, arrive: Arrive
) -> None:
    ada = arrive()
    ada.page.goto(f"{server.url}/account/me")
    ada.sign_in("ada", PASSWORD + "!")
    tokens = ada.page.get_by_role("region", name="Tokens for programs")
    tokens.get_by_label("What it is for").fill("backup script")
    tokens.get_by_role("button", name="Make a token").click()
    text = tokens.get_by_label("This is shown once.").input_value()
    assert text.startswith("bct_")
    status, body = server.get("/api/me", Authorization=f"Bearer {text}")
    assert (status, '"way":"token"' in body) == (200, True)
    ada.fill(Current_password=PASSWORD + "!", New_password=PASSWORD + "!")
    ada.press("Change the password")
    expect(ada.page.get_by_text("Changed. Everywhere else you are signed out.")).to_be_visible()
    assert server.get("/api/me", Authorization=f"Bearer {text}")[0] == 200, "programs go on"
    ada.page.reload()
    expect(tokens.get_by_text("backup script")).to_be_visible()
    expect(tokens.get_by_label("This is shown once.")).to_have_count(0)
    tokens.get_by_role("button", name="Revoke: backup script").click()
    expect(tokens.get_by_text("None.")).to_be_visible()
    tokens.get_by_label("What it is for").fill("another")
    tokens.get_by_role("button", name="Make a token").click()
    expect(tokens.get_by_role("button", name="Revoke: another")).to_be_visible()
    ada.page.get_by_label("API tokens").select_option("End, all of them")
    ada.fill(Current_password=PASSWORD + "!", New_password=PASSWORD + "!")
    ada.press("Change the password")
    expect(tokens.get_by_text("None.")).to_be_visible()
    ada.press("Sign out")
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert ada.page.evaluate("indexedDB.databases()") == []
    ada.page.get_by_role("button", name="简体中文").click()
    expect(ada.page.get_by_role("heading", name="登录")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_keeps_anybody_out_of_these_pages(
    server: ServerProcess, arrive: Arrive, scheme: str
) -> None:
    ada = arrive(color_scheme=scheme)
    ada.page.goto(f"{server.url}/account/me")
    expect(ada.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not grave(ada.page)
    ada.sign_in("ada", PASSWORD + "!")
    expect(ada.page.get_by_text("This browser")).to_be_visible()
    assert not grave(ada.page)
    ada.page.goto(f"{server.url}/account/people?board=demo")
    expect(ada.page.get_by_role("region", name="Members")).to_be_visible()
    assert not grave(ada.page)


def grave(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate(RUN)["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in GRAVE]
