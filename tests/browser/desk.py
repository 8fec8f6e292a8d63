"""The data layer without its views: on a bare page of the server's, a script does what a person means."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from playwright.sync_api import BrowserContext, Page

from tests.browser.tab import NETWORK

SIT_DOWN = """
async ([id, name, live]) => {
  const { Session } = await import("/static/client.js");
  const url = new URL("/ws", location.href.replace(/^http/, "ws")).href;
  window.until = (fine, ...targets) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`waited in vain for ${fine}`)), 20_000);
    const types = ["change", "status", "presence", "log", "joined", "arrived"];
    const look = () => {
      if (!fine()) return;
      for (const target of targets) for (const type of types) target.removeEventListener(type, look);
      resolve();
    };
    for (const target of targets) for (const type of types) target.addEventListener(type, look);
    look();
  });
  window.session = await Session.open({ url, name });
  window.board = await session.enter(id);
  window.news = [];
  session.inbox.addEventListener("arrived", ({ detail }) => news.push(detail.item.id));
  if (live) await until(() => board.status.link === "live", board);
}
"""
PICTURE = """
() => {
  const { view } = board;
  const hidden = ["position", "seq", "updated_at", "updated_by", "created_at", "created_by"];
  const plain = (task) => Object.fromEntries(Object.entries(task).filter(([name]) => !hidden.includes(name)));
  const columns = view.sortedColumns().map((column) => [column.title, view.tasksIn(column.id).map(plain)]);
  return [view.info.name, columns];
}
"""


class Desk:
    """One tab. In its scripts are `session`, `board` (the BoardClient) and `until(fine, target…)`."""

    def __init__(self, page: Page, home: str, name: str) -> None:
        self.page = page
        self.name = name
        address = urlsplit(home)
        self.board = address.path.rpartition("/")[2] or "demo"
        self.place = urlunsplit((address.scheme, address.netloc, "/healthz", "", ""))
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.troubles.append(message.text)
                if message.type in ("error", "warning") and not NETWORK.search(message.text)
                else None
            ),
        )

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def sit(self, live: bool = True) -> "Desk":
        """Opens the board, as after a fresh start or a reload. `live`: waits for the server's state."""
        self.page.goto(self.place)
        self.page.evaluate(SIT_DOWN, [self.board, self.name, live])
        return self

    def run(self, script: str, *values: Any) -> Any:
        """What an expression, or the body of an async function of `a`, `b`, `c`, gives."""
        body = (
            script if "\n" in script or script.startswith("return ") or ";" in script else f"return {script};"
        )
        return self.page.evaluate(f"async ([a, b, c]) => {{ {body} }}", [*values, None, None, None][:3])

    def mutate(self, op: str, **args: Any) -> None:
        self.page.evaluate("([op, args]) => { board.mutate(op, args); }", [op, args])

    def saved(self) -> "Desk":
        """Waits until the server has everything, and this tab has everything of its own back."""
        self.run(
            "await until(() => board.status.link === 'live' && session.status.unsent === 0 "
            "&& board.queue.entries.length === 0, board, session);"
        )
        return self

    def waits_for(self, fine: str, *values: Any) -> None:
        """Until a script expression of `a`, `b`, `c` holds."""
        self.run(
            f"await until(() => {fine}, board, session, session.inbox, session.refusals, session.boards);",
            *values,
        )

    def titles(self, column: str) -> list[str]:
        found: list[str] = self.run("board.view.tasksIn(a).map((task) => task.title)", column)
        return found

    def task(self, task: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.run("board.view.tasks.get(a) ?? null", task)
        return found

    def picture(self) -> Any:
        """The board as this person sees it, without what only the server makes."""
        return self.page.evaluate(PICTURE)

    def go_offline(self) -> None:
        self.context.set_offline(True)
        self.run("session.connection.restart('offline');")
        self.waits_for("session.status.link === 'waiting'")

    def go_online(self) -> None:
        self.context.set_offline(False)
        self.run("session.retryNow();")

    def beside(self) -> "Desk":
        """A further tab of the same browser."""
        other = Desk(self.context.new_page(), self.place, self.name)
        other.board = self.board
        other.troubles = self.troubles
        return other
