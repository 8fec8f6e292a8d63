"""`make screenshots`: the pictures of the README, taken of a real server with a real Chromium.

`python -m tests.browser.screenshots [DIRECTORY]`; DIRECTORY is `docs/screenshots` unless given.
"""

import math
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import QUIET, chromium_path
from tests.browser.tab import Tab
from tests.support import ServerProcess

HOME = Path(__file__).resolve().parent.parent.parent / "docs" / "screenshots"
DAY_MS = 86_400_000
DESK: dict[str, Any] = {"viewport": {"width": 1264, "height": 632}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 720},
    "device_scale_factor": 2,
    "has_touch": True,
}
COLUMNS = [
    {"id": "todo", "title": "To check"},
    {"id": "doing", "title": "In work", "wip_limit": 3},
    {"id": "done", "title": "Done", "done": True},
]
LABELS = {"cold": ("Cold chain", "#3b82c4"), "lab": ("Lab", "#2f9e6e"), "order": ("Order", "#c08a1e")}
PLAN = """Everything that must be ready before **Monday**.

- [x] Book the lift for the *new* freezer
- [ ] Tell @Bruno which shelf is free

```
freezer-7  -18.4 °C
```
"""
CARDS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("move", "todo", "Plan the move to the new building", {"description": PLAN, "labels": ["lab"], "due": 3}),
    (
        "door",
        "todo",
        "Door of freezer 7 does not close",
        {"priority": "urgent", "labels": ["cold"], "due": -1},
    ),
    ("gloves", "todo", "Order nitrile gloves", {"labels": ["order"], "priority": "low"}),
    ("seal", "doing", "Replace the seal", {"labels": ["cold"], "priority": "high", "due": 0}),
    ("calib", "doing", "Calibrate the thermometers", {"description": "Two points: 0 °C and −18 °C."}),
    ("stock", "doing", "Count the stock of room 4", {"labels": ["lab", "order"]}),
    ("log", "done", "Read the log of last night", {"labels": ["cold"]}),
    ("train", "done", "Show Bruno how alarms are answered", {}),
)
SEND = """
async ([path, body, token]) => {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(body), headers });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}
"""
MINUTE_MS = 60_000
WARM = {
    "id": "warm",
    "device": "freezer-7",
    "metric": "temp",
    "when": {"kind": "above", "value": -15, "for_ms": 2 * MINUTE_MS},
    "then": {"column": "todo", "title": "{device} is warm", "priority": "urgent"},
}


def furnish(page: Page, now_ms: int) -> None:
    """A board as a clinic may have one."""
    page.evaluate(SEND, ["/api/boards", {"board": "clinic", "name": "Cold rooms", "columns": COLUMNS}])
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("label.create", {"label": label, "name": name, "color": color})
        for label, (name, color) in LABELS.items()
    ]
    for task, column, title, more in CARDS:
        fields = {name: value for name, value in more.items() if name != "due"}
        if "due" in more:
            fields["due_at"] = now_ms + more["due"] * DAY_MS + DAY_MS // 24
        wishes.append(("task.create", {"task": task, "column": column, "title": title, **fields}))
    for item, done in (("lift", True), ("shelf", False), ("boxes", False)):
        wishes.append(
            ("checklist.set", {"task": "move", "item": item, "text": item.capitalize(), "done": done})
        )
    wishes.append(("rule.set", {"rule": WARM}))
    page.evaluate(
        SEND, ["/api/boards/clinic/devices", {"id": "fridge-2", "name": "Fridge 2", "tags": ["lab"]}]
    )
    freezer = {"id": "freezer-7", "name": "Freezer 7", "tags": ["cellar"], "metadata": {"model": "F-80"}}
    token = page.evaluate(SEND, ["/api/boards/clinic/devices", freezer])["token"]
    body = [{"mutation": f"m{n}", "op": op, "args": args} for n, (op, args) in enumerate(wishes)]
    page.evaluate(SEND, ["/api/boards/clinic/mutations", body])
    page.evaluate(SEND, ["/api/telemetry", {"boot": "b1", "seq": 1, "points": hour(now_ms)}, token])


def hour(now_ms: int) -> list[dict[str, Any]]:
    """A freezer whose door stood open for a while."""
    points = []
    for minute in range(60):
        open_for = max(0, min(minute - 34, 9)) - max(0, minute - 43) * 0.7
        temp = -19 + 0.6 * math.sin(minute / 4) + max(0, open_for) * 0.9
        values = {"temp": round(temp, 2), "power": round(62 + 5 * math.sin(minute / 3), 1)}
        points.append({"t": now_ms - (60 - minute) * MINUTE_MS, "values": values})
    return points


def take(browser: Browser, url: str, into: Path) -> None:
    ann = Tab.arrive(browser, f"{url}/", "Ada Byron", **DESK)
    furnish(ann.page, int(time.time() * 1000))
    bruno = Tab.arrive(browser, f"{url}/b/clinic", "Bruno")
    bruno.card("Calibrate the thermometers").locator(".open").focus()
    bruno.page.keyboard.press("a")
    bruno.read("Plan the move to the new building").get_by_label("Write a comment").fill(
        "The lift is ours from 9."
    )
    bruno.page.keyboard.press("Control+Enter")
    expect(bruno.dialog.locator(".comment")).to_be_visible()
    bruno.page.keyboard.press("Escape")
    bruno.read("Replace the seal")
    for name, options in (("board", {}), ("dark", {"color_scheme": "dark"})):
        tab = Tab.arrive(browser, f"{url}/b/clinic", "Ada Byron", **DESK, **options)
        expect(tab.card("Replace the seal").locator(".company")).to_be_visible()
        expect(tab.card("Calibrate the thermometers").locator(".assignees")).to_be_visible()
        tab.page.screenshot(path=into / f"{name}.png")
        if name == "board":
            tab.read("Plan the move to the new building")
            expect(tab.dialog.locator(".comment")).to_be_visible()
            expect(tab.dialog.locator(".reading code")).to_be_visible()
            tab.page.screenshot(path=into / "card.png")
            tab.page.keyboard.press("Escape")
            tab.page.get_by_role("button", name="Devices").click()
            tab.page.get_by_role("button", name="Freezer 7", exact=True).click()
            expect(tab.page.locator(".device-panel canvas")).to_be_visible()
            expect(tab.page.locator(".device-panel .rule")).to_be_visible()
            tab.page.get_by_label("Metric").select_option("temp")
            expect(tab.page.get_by_role("img", name=re.compile("^Freezer 7, temp"))).to_be_visible()
            tab.page.screenshot(path=into / "chart.png")
        tab.page.context.close()
    phone = Tab.arrive(browser, f"{url}/b/clinic", "Ada Byron", **PHONE)
    phone.page.screenshot(path=into / "phone.png")


def main() -> None:
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else HOME
    into.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        ServerProcess(Path(data)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(QUIET))
        take(browser, server.url, into)
        browser.close()
    print("\n".join(str(path) for path in sorted(into.glob("*.png"))))


if __name__ == "__main__":
    main()
