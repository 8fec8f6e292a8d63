"""Devices in the page: a fault opens a card, the card shows the reading, and is done when it is well."""

import json
import re
import shlex
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.tab import Tab
from tests.browser.test_axe import findings

ATTACK = "<img src=x onerror=window.hit=1>"


class Yard:
    """What programs do to the board at `home` over HTTP."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.path = f"/api/boards/{home.rpartition('/')[2]}"

    def post(self, path: str, body: Any, token: str | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(urljoin(self.home, path), json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def device(self, name: str) -> str:
        """Its token."""
        token: str = self.post(f"{self.path}/devices", {"name": name})["token"]
        return token

    def measures(self, token: str, **values: float) -> None:
        self.post("/api/telemetry", values, token)

    def rule(self, rule: str, metric: str, value: float, title: str) -> None:
        then = {"column": "todo", "title": title, "priority": "high", "complete_on_clear": True}
        when = {"kind": "above", "value": value}
        args = {"rule": {"id": rule, "device": "*", "metric": metric, "when": when, "then": then}}
        wanted = {"mutation": f"set-{rule}", "op": "rule.set", "args": args}
        assert "seq" in self.post(f"{self.path}/mutations", wanted)["results"][0]


@pytest.fixture
def yard(home: str) -> Yard:
    return Yard(home)


def devices(tab: Tab) -> Locator:
    tab.page.get_by_role("button", name="Devices").click()
    return tab.page.get_by_role("dialog", name="Devices", exact=True)


def device_page(tab: Tab, name: str) -> Locator:
    devices(tab).get_by_role("button", name=name, exact=True).click()
    page = tab.page.locator(".device-panel[open]")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page


def test_a_fault_opens_a_card_the_value_moves_on_it_and_it_is_completed(visit: Visit, yard: Yard) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    token = yard.device("Freezer 7")
    yard.rule("warm", "temp", -18, "{device} warm")
    yard.measures(token, temp=-20.5)
    yard.measures(token, temp=-10.5)
    for tab in (ann, bob):
        card = tab.card("Freezer 7 warm")
        expect(card).to_contain_text("temp above -18")
        expect(card.locator(".live-value")).to_have_text("-10.5")
    yard.measures(token, temp=-9.25)
    expect(ann.card("Freezer 7 warm").locator(".live-value")).to_have_text("-9.25")
    dialog = ann.read("Freezer 7 warm")
    expect(dialog.locator(".alarm-line")).to_have_text("Alarm: temp above -18")
    expect(dialog.get_by_title("Show the chart")).to_contain_text("-9.25")
    yard.measures(token, temp=-20)
    expect(dialog.get_by_label("Completed")).to_be_checked()
    expect(dialog.locator(".alarm-line")).to_have_text("Over: temp above -18")
    expect(dialog.locator(".comment")).to_have_count(1)
    dialog.get_by_text("History").click()
    expect(dialog.locator(".history")).to_contain_text("ended the alarm")
    expect(bob.page.get_by_role("region", name="Done")).to_contain_text("Freezer 7 warm")


def test_a_device_is_added_and_sends_its_first_reading_with_the_line_that_is_shown(visit: Visit) -> None:
    ann = visit("Ann")
    panel = devices(ann)
    expect(panel).to_contain_text("No devices yet")
    panel.get_by_role("button", name="Add a device").click()
    ann.page.get_by_label("Name", exact=True).fill("Boiler")
    ann.page.get_by_label("Tags, with commas between").fill("cellar, warm")
    ann.page.get_by_role("button", name="Save").click()
    shown = ann.page.get_by_role("dialog", name="Boiler")
    line = shown.get_by_label("Send a first reading").input_value()
    assert shown.get_by_label("Token").input_value() in line
    shown.get_by_role("button", name="I have copied it").click()
    row = panel.locator(".entry", has_text="Boiler")
    expect(row.locator(".label")).to_have_text(["cellar", "warm"])
    expect(row).to_contain_text("No reading yet")
    subprocess.run(shlex.split(line), check=True, capture_output=True, timeout=30)
    expect(row.get_by_role("button", name=re.compile("temp"))).to_contain_text("21.5")
    row.get_by_role("button", name=re.compile("temp")).click()
    chart = ann.page.get_by_role("img", name=re.compile("^Boiler, temp: 21.5 to 21.5"))
    expect(chart.locator("canvas")).to_be_visible()
    with ann.page.expect_download() as download:
        ann.page.get_by_role("link", name="Download as CSV").click()
    assert download.value.path().read_text().splitlines()[1].endswith(",21.5")


def test_a_rule_is_tried_on_the_past_saved_and_taken_away(visit: Visit, yard: Yard) -> None:
    token = yard.device("Freezer 6")
    hour_ago = time.time_ns() // 1_000_000 - 3_600_000
    temps = [-20, -20, -12, -11, -20, -20, -10, -20]
    points = [{"t": hour_ago + 60_000 * i, "values": {"temp": v}} for i, v in enumerate(temps)]
    yard.post("/api/telemetry", {"boot": "b1", "seq": 1, "points": points}, token)
    ann = visit("Ann")
    page = device_page(ann, "Freezer 6")
    page.get_by_role("button", name="Add a rule").click()
    form = ann.page.get_by_role("dialog", name="Add a rule")
    form.get_by_label("Value", exact=True).fill("-15")
    form.get_by_role("button", name="Try it on the last 7 days").click()
    expect(form.locator(".trial")).to_contain_text("Would have opened")
    expect(form.locator(".trial")).to_contain_text("temp is -12: above -15")
    form.get_by_label("Title").fill("{device} is warm")
    form.locator(".people-choices summary").click()
    form.get_by_label("Ann (you)").check()
    expect(form.locator(".people-choices summary")).to_have_text("Ann")
    expect(form.get_by_label("Values, one on a line")).to_be_hidden()
    form.get_by_label("And send the command").fill("defrost")
    form.get_by_label("Values, one on a line").fill("ten minutes")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_visible()
    form.get_by_label("Values, one on a line").fill("minutes = 10")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".rule")).to_contain_text("temp above -15")
    expect(page.locator(".rule")).to_contain_text("opens “{device} is warm” in To do")
    ann.saved()
    yard.measures(token, temp=-9)
    page.get_by_role("button", name="Alarm: show the card").click()
    expect(ann.page.locator(".card-dialog")).to_contain_text("defrost (minutes = 10) waits for the device")
    expect(ann.page.locator(".card-dialog .person-chip")).to_contain_text("Ann")
    ann.page.keyboard.press("Escape")
    page.get_by_role("button", name="Change the rule").click()
    ann.page.get_by_role("button", name="Delete the rule").click()
    expect(page).to_contain_text("No rule watches this device.")


def test_a_command_waits_for_its_device_and_a_card_waits_for_a_reading(visit: Visit, yard: Yard) -> None:
    token = yard.device("Freezer 8")
    yard.measures(token, temp=7)
    ann = visit("Ann")
    card = ann.read("Click a card to read and edit it")
    card.get_by_label("Device").select_option("Freezer 8")
    expect(card.get_by_title("Show the chart")).to_contain_text("7")
    card.get_by_text("Send a command").click()
    card.get_by_label("Command", exact=True).fill("defrost")
    card.get_by_label("Values, one on a line").fill("ten minutes")
    card.get_by_role("button", name="Send", exact=True).click()
    expect(card).to_contain_text("Each line must be: name = value")
    card.get_by_label("Values, one on a line").fill("minutes = 10")
    card.get_by_role("button", name="Send", exact=True).click()
    expect(card.locator(".command")).to_contain_text("defrost (minutes = 10) waits for the device")
    card.get_by_role("button", name="Complete only after a reading").click()
    ann.page.locator("#wait-value").fill("5")
    ann.page.locator("#wait-span").fill("0")
    ann.page.get_by_role("button", name="Save").last.click()
    expect(card.locator(".wait-line")).to_contain_text("Waits for temp below 5")
    yard.measures(token, temp=4)
    expect(card.get_by_label("Completed")).to_be_checked()


def test_a_lost_token_is_replaced(visit: Visit, yard: Yard) -> None:
    old = yard.device("Freezer 9")
    ann = visit("Ann")
    row = devices(ann).locator(".entry", has_text="Freezer 9")
    row.get_by_role("button", name="What can be done to Freezer 9").click()
    ann.page.get_by_role("menuitem", name="New token").click()
    ann.page.get_by_role("button", name="New token").click()
    new = ann.page.get_by_label("Token", exact=True).input_value()
    assert new != old
    with pytest.raises(urllib.error.HTTPError, match="401"):
        yard.measures(old, temp=1)
    yard.measures(new, temp=2)


def test_the_chart_shows_another_range_and_marks_the_alarms_of_its_metric(visit: Visit, yard: Yard) -> None:
    token = yard.device("Freezer 5")
    yard.rule("wet", "hum", 60, "{device} is wet")
    yard.measures(token, temp=-20.0, hum=70.0)
    ann = visit("Ann")
    expect(ann.card("Freezer 5 is wet")).to_be_visible()
    page = device_page(ann, "Freezer 5")
    expect(page.get_by_role("img", name=re.compile("^Freezer 5, hum: .* alarms: 1$"))).to_be_visible()
    page.get_by_label("Metric").select_option("temp")
    chart = page.get_by_role("img", name=re.compile("^Freezer 5, temp: .* alarms: 0$"))
    expect(chart).to_be_visible()
    hour = seen(page)
    page.get_by_role("button", name="Less time").click()
    half = seen(page, after=hour)
    assert length(half) == length(hour) // 2
    assert half[0] > hour[0] and half[1] < hour[1]
    page.locator(".chart").press("ArrowLeft")
    earlier = seen(page, after=half)
    assert length(earlier) == length(half) and earlier[1] < half[1]
    page.locator(".chart").hover()
    ann.page.mouse.wheel(0, 100)
    wider = seen(page, after=earlier)
    assert length(wider) > length(earlier)
    page.get_by_role("button", name="1 day").click()
    assert length(seen(page, after=wider)) == 86_400_000


def test_the_chart_marks_each_time_an_alarm_was_on_when_it_was(visit: Visit, yard: Yard) -> None:
    """The card was made when the batch came, an hour after the alarm, and its alarm is over."""
    token = yard.device("Freezer 4")
    yard.rule("hot", "temp", 80, "{device} is hot")
    hours_ago = time.time_ns() // 1_000_000 - 4 * 3_600_000
    temps = [20, 90, 20, *[20] * 120, 95, 20]
    points = [{"t": hours_ago + 60_000 * n, "values": {"temp": v}} for n, v in enumerate(temps)]
    yard.post("/api/telemetry", {"boot": "b1", "seq": 1, "points": points}, token)
    ann = visit("Ann")
    page = device_page(ann, "Freezer 4")
    page.get_by_role("button", name="1 day").click()
    chart = page.get_by_role("img", name=re.compile("^Freezer 4, temp: .* alarms: 2$"))
    expect(chart).to_be_visible()
    yard.measures(token, temp=99.0)
    expect(page.get_by_role("img", name=re.compile("^Freezer 4, temp: .* alarms: 3$"))).to_be_visible()


def test_the_value_beside_the_metric_is_the_metrics_own(visit: Visit, yard: Yard) -> None:
    token = yard.device("Freezer 3")
    yard.measures(token, a=1.0, b=2.0, c=3.0, hum=41.0, temp=22.5)
    yard.device("Twin")
    yard.post(f"{yard.path}/devices", {"name": "Twin", "id": "second-twin"})
    ann = visit("Ann")
    panel = devices(ann)
    expect(panel.locator(".entry", has_text="Freezer 3")).to_contain_text("and 2 more")
    expect(panel.locator(".entry", has_text="second-twin")).to_have_count(1)
    panel.get_by_role("button", name="Freezer 3", exact=True).click()
    page = ann.page.locator(".device-panel[open]")
    expect(page.locator(".device-now")).to_have_text("1")  # nothing has come since it was opened
    page.get_by_label("Metric").select_option("temp")
    expect(page.locator(".device-now")).to_have_text("22.5")


def seen(page: Locator, after: tuple[int, int] | None = None) -> tuple[int, int]:
    """From when to when the chart is, once it is another range than `after`."""
    link = page.get_by_role("link", name="Download as CSV")
    if after is not None:
        expect(link).not_to_have_attribute("href", re.compile(f"from={after[0]}&to={after[1]}"))
    found = re.search(r"from=(\d+)&to=(\d+)", link.get_attribute("href") or "")
    assert found is not None
    return int(found[1]), int(found[2])


def length(span: tuple[int, int]) -> int:
    return span[1] - span[0]


def test_names_of_devices_metrics_and_rules_stay_text_and_keep_nobody_out(visit: Visit, yard: Yard) -> None:
    token = yard.device(ATTACK)
    yard.rule("r1", "temp", 1, f"{ATTACK} {{device}}")
    yard.measures(token, temp=2.0, hum=40.0)
    ann = visit("Ann", color_scheme="dark")
    expect(ann.page.locator(".card .urgent")).to_be_visible()
    page = device_page(ann, ATTACK)
    expect(page.locator("canvas")).to_be_visible()
    page.get_by_text("Send a command").click()
    assert not findings(ann.page)
    page.get_by_role("button", name="Change the rule").click()
    assert not findings(ann.page)
    assert ann.page.evaluate("window.hit") is None
    expect(ann.page.locator("main img, dialog img")).to_have_count(0)


def test_a_chart_takes_the_colours_that_the_page_changes_to(visit: Visit, yard: Yard) -> None:
    token = yard.device("Pump")
    yard.measures(token, bar=2.0)
    ann = visit("Ann", color_scheme="light")
    canvas = device_page(ann, "Pump").locator("canvas")
    expect(canvas).to_be_visible()
    before = canvas.evaluate("(one) => one.toDataURL()")
    ann.page.emulate_media(color_scheme="dark")
    expect(canvas).to_be_visible()
    ann.until(f"() => document.querySelector('.device-panel canvas').toDataURL() !== {json.dumps(before)}")
