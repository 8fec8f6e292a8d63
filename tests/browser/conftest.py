"""A real Chromium and a real server. Each test has a board of its own on a server that they share; those that
stop the server have one to themselves (test_away)."""

import asyncio
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import msgspec
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from server.demo import COMMANDS
from server.model.commands import OP_OF
from tests.browser.desk import Desk
from tests.browser.person import Person
from tests.browser.tab import Tab
from tests.support import Client, ServerProcess

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000
"""How long a test waits for something that must come: only a failure takes this long."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
Visit = Callable[..., Tab]
Sit = Callable[..., Desk]
Arrive = Callable[..., Person]


def chromium_path() -> str:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert path is not None, f"none of {NAMES} is installed"
    return path


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all of these tests, and gone after them: its loop would be in the way of others."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(QUIET))
        expect.set_options(timeout=PATIENCE_MS)
        yield chromium
        chromium.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "data") as process:
        yield process


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("shared")) as process:
        yield process


@pytest.fixture
def home(shared: ServerProcess) -> str:
    """The address of a board like the demo."""
    board = f"b-{secrets.token_hex(6)}"
    with ThreadPoolExecutor() as aside:  # this thread has a loop already: the browser's
        aside.submit(asyncio.run, furnish(shared, board)).result()
    return f"{shared.url}/b/{board}"


async def furnish(server: ServerProcess, board: str) -> None:
    client = await Client.hello(server, name="Furnisher")
    for command in COMMANDS:
        reply = await client.mutate(board, OP_OF[type(command)], **msgspec.to_builtins(command))
        assert reply["type"] == "ack", reply
    await client.close()


@pytest.fixture
def visit(browser: Browser, home: str) -> Iterator[Visit]:
    """`visit("Ann")`: somebody on a device of their own opens the board. A page that fails or asks for
    anything from elsewhere fails the test."""
    tabs: list[Tab] = []

    def arrive(name: str | None = "Ann", path: str = "", **options: object) -> Tab:
        tab = Tab.arrive(browser, urljoin(home, path), name, **options)
        tabs.append(tab)
        return tab

    yield arrive
    for tab in tabs:
        tab.page.context.close()
    troubles = [trouble for tab in tabs for trouble in tab.troubles]
    assert not troubles, troubles


@pytest.fixture
def sit(browser: Browser, home: str) -> Iterator[Sit]:
    """`sit("Ann")`: somebody on a device of their own is on the board, without its views. `at`: elsewhere."""
    desks: list[Desk] = []

    def arrive(name: str = "Ann", at: str = "", live: bool = True, **options: object) -> Desk:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        desks.append(Desk(context.new_page(), urljoin(home, at), name))
        return desks[-1].sit(live)

    yield arrive
    for desk in desks:
        desk.context.close()
    troubles = [trouble for desk in desks for trouble in desk.troubles]
    assert not troubles, troubles


@pytest.fixture
def arrive(browser: Browser) -> Iterator[Arrive]:
    """`arrive()`: somebody at a browser of their own, where people sign in. A page that fails fails
    the test."""
    people: list[Person] = []

    def come(**options: object) -> Person:
        people.append(Person(browser.new_context(reduced_motion="reduce", **options)))  # type: ignore[arg-type]
        return people[-1]

    yield come
    for person in people:
        person.context.close()
    troubles = [trouble for person in people for trouble in person.troubles]
    assert not troubles, troubles
