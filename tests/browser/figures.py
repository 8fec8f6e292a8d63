"""How quick the page is, measured in a real Chromium on a quiet machine: `python -m tests.browser.figures`.

First board visible after navigation (cold cache), an own change drawn, a remote change drawn after its author
sent it, the heap after 10,000 remote changes. Medians over some rounds, with the slowest.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import QUIET, chromium_path
from tests.support import Client, ServerProcess

ROUNDS = 7
CHANGES = 10_000
WARM = 3_000
"""Changes before the heap is measured first: code that is compiled by then stays."""
BOARDS = (("small", 500), ("large", 5_000))

FIRST = """
() => document.querySelectorAll(".card").length >= 15 && document.documentElement.dataset.link === "live"
"""
SEEN = """
  const seen = () => {
    if (document.querySelectorAll(".card").length >= 15) window.FIRST ??= performance.now();
    else requestAnimationFrame(seen);
  };
  localStorage["boardcast.name"] = "Ann";
  requestAnimationFrame(seen);
"""
OWN = """
async () => {
  await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 1000 / 60));
  const board = document.querySelector(".board");
  const { port1, port2 } = new MessageChannel();
  const from = performance.now();
  const drawn = new Promise((resolve) => {
    port1.onmessage = () => resolve(performance.now() - from);
    const watch = new MutationObserver(() => { watch.disconnect(); port2.postMessage(null); });
    watch.observe(board, { attributes: true, childList: true, subtree: true });
  });
  document.querySelector(".card .check").click();
  return await drawn;
}
"""
"""Until the first task after the frame in which the page has changed: it is laid out and painted then. A
gesture comes at any time between two frames, not just after one as the answer to a question does."""


async def furnish(server: ServerProcess, board: str, tasks: int) -> None:
    client = await Client.hello(server, name="Furnisher")
    await client.mutate(board, "board.create", name=board)
    columns = ("todo", "doing", "done")
    for number in range(tasks):
        column = columns[number * 3 // tasks]
        await client.mutate(board, "task.create", task=f"t{number}", title=f"Card {number}", column=column)
    await client.close()


def aside(work: object) -> None:
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, work).result()  # type: ignore[arg-type]


def tell(what: str, times: list[float], unit: str = "ms") -> None:
    print(f"{what}: {statistics.median(times):.1f} {unit}, at most {max(times):.1f}", flush=True)


def arrive(browser: Browser, url: str, **options: object) -> Page:
    context = browser.new_context(service_workers="block", **options)  # type: ignore[arg-type]
    context.add_init_script(SEEN)
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(FIRST)
    return page


def first_board(browser: Browser, server: ServerProcess) -> None:
    for board, tasks in BOARDS:
        times = []
        for _ in range(ROUNDS):
            page = arrive(browser, f"{server.url}/b/{board}")
            times.append(page.evaluate("window.FIRST"))
            page.context.close()
        tell(f"first board visible, {tasks} tasks", times)


def own_change(browser: Browser, server: ServerProcess) -> None:
    for board, tasks in BOARDS:
        page = arrive(browser, f"{server.url}/b/{board}", reduced_motion="reduce")
        times = [page.evaluate(OWN) for _ in range(10 * ROUNDS)]
        tell(f"own change drawn, {tasks} tasks", times)
        page.context.close()


WATCH = """
() => {
  window.LAGS = [];
  let last;
  const watch = () => {
    const title = document.querySelector('[data-task="t0"] .open')?.textContent ?? "";
    const [, sent] = /^sent (\\d+)$/.exec(title) ?? [];
    if (sent !== undefined && sent !== last) window.LAGS.push(Date.now() - Number((last = sent)));
    requestAnimationFrame(watch);
  };
  watch();
}
"""


async def rename(server: ServerProcess, board: str, times: int, title: str, pause: float) -> None:
    client = await Client.hello(server, name="Bob")
    for number in range(times):
        told = title.format(now=int(time.time() * 1000), n=number)
        await client.mutate(board, "task.update", task="t0", title=told)
        await asyncio.sleep(pause)
    await client.close()


def remote_change(browser: Browser, server: ServerProcess) -> None:
    for board, tasks in BOARDS:
        page = arrive(browser, f"{server.url}/b/{board}", reduced_motion="reduce")
        page.evaluate(WATCH)
        aside(rename(server, board, 50, "sent {now}", 0.05))
        page.wait_for_timeout(200)
        times = page.evaluate("window.LAGS")
        tell(f"remote change, from its author's sending to the page, {tasks} tasks, {len(times)} seen", times)
        page.context.close()


def heap(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    used: float = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    session.detach()
    return used


def memory(browser: Browser, server: ServerProcess) -> None:
    page = arrive(browser, f"{server.url}/b/small", reduced_motion="reduce")
    aside(rename(server, "small", WARM, "warm {n}", 0))
    # The same question as afterwards: what the driver puts into the page to ask it is not the page's.
    page.get_by_text(f"warm {WARM - 1}", exact=True).wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    before = heap(page)
    aside(rename(server, "small", CHANGES, "change {n}", 0))
    page.get_by_text(f"change {CHANGES - 1}", exact=True).wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    after = heap(page)
    print(
        f"heap: {before:.2f} MiB before, {after:.2f} after {CHANGES} remote changes "
        f"({after / before - 1:+.0%})"
    )
    page.context.close()


def main() -> None:
    wanted = sys.argv[1:] or ["first", "remote", "heap", "own"]  # the last one moves cards about
    parts = {"first": first_board, "own": own_change, "remote": remote_change, "heap": memory}
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Path(folder)) as server:
        for board, tasks in BOARDS:
            asyncio.run(furnish(server, board, tasks))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(QUIET))
            for name in wanted:
                parts[name](browser, server)
            browser.close()


if __name__ == "__main__":
    main()
