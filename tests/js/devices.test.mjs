import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Telemetry } from "../../static/client/telemetry.js";
import { describe } from "../../static/client/describe.js";
import { parseArgs } from "../../static/page/devices/commands.js";
import { drawSparkline } from "../../static/page/readings/sparkline.js";
import { conditionText, formatSpan, formatValue, metricOf, splitSpan, waitText } from "../../static/page/readings/values.js";
import { sentence } from "../../static/page/sentences.js";
import { board } from "./board.mjs";

const fetching = globalThis.fetch;
afterEach(() => (globalThis.fetch = fetching));

/** A BoardClient as far as Telemetry sees it; `asked` holds what it was asked to send. */
class Client extends EventTarget {
  constructor(devices = 1) {
    super();
    this.board = "b1";
    this.joined = true;
    this.view = { devices: new Map(Array.from({ length: devices }, (_, n) => [`d${n}`, {}])) };
    this.asked = [];
    this.connection = { request: (message, onReply) => this.asked.push({ message, onReply }) };
  }

  says(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function watched(series = []) {
  const client = new Client();
  const telemetry = new Telemetry(client);
  client.asked[0].onReply({ type: "watching", series });
  return { client, telemetry };
}

test("a board without devices is not watched until it has one", () => {
  const client = new Client(0);
  new Telemetry(client);
  assert.deepEqual(client.asked, []);
  client.view.devices.set("d0", {});
  client.says("change");
  assert.deepEqual(client.asked.map(({ message }) => message), [{ type: "watch", board: "b1" }]);
  client.says("change");
  assert.equal(client.asked.length, 1);
});

test("after each join it is watched again", () => {
  const { client } = watched();
  client.says("joined");
  assert.equal(client.asked.length, 2);
});

/** In place of the timer, until the test is over: `[[run, ms]…]`. */
function timers(t) {
  const set = [];
  const { setTimeout, clearTimeout } = globalThis;
  t.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  globalThis.setTimeout = (run, ms) => set.push([run, ms]);
  globalThis.clearTimeout = (timer) => timer && (set[timer - 1] = null);
  return set;
}

test("a watch that is refused for now is asked for again when the server says, and its values are taken", (t) => {
  const set = timers(t);
  const client = new Client();
  const telemetry = new Telemetry(client);
  client.asked[0].onReply({ type: "error", code: "rate_limited", retry: true, details: { retry_after_ms: 70 } });
  client.says("change");
  assert.equal(client.asked.length, 1, "not with every change");
  const [[run, ms]] = set;
  assert.equal(ms, 70);
  run();
  assert.equal(client.asked.length, 2);
  client.asked[1].onReply({ type: "watching", series: [{ device: "d0", metric: "temp", t: 1, v: 5 }] });
  assert.deepEqual(telemetry.value("d0", "temp"), { t: 1, v: 5 });
});

test("a watch that is refused for good is asked for with the next join only", (t) => {
  const set = timers(t);
  const client = new Client();
  new Telemetry(client);
  client.asked[0].onReply({ type: "error", code: "forbidden", retry: false });
  client.says("change");
  assert.deepEqual([client.asked.length, set.length], [1, 0]);
  client.says("joined");
  assert.equal(client.asked.length, 2);
});

test("a refusal that comes late, or after the end, asks for nothing", (t) => {
  const set = timers(t);
  const client = new Client();
  const telemetry = new Telemetry(client);
  client.says("joined");
  const refusal = { type: "error", code: "unavailable", retry: true };
  client.asked[0].onReply(refusal);
  assert.deepEqual(set, []);
  client.asked[1].onReply(refusal);
  telemetry.end();
  assert.deepEqual(set, [null]);
  client.asked[1].onReply(refusal);
  assert.deepEqual(set, [null]);
});

test("the newest value wins, whatever order values come in", () => {
  const { client, telemetry } = watched([{ device: "d0", metric: "temp", t: 10, v: 1 }]);
  client.says("telemetry", [{ device: "d0", metric: "temp", t: 30, v: 3 }, { device: "d0", metric: "temp", t: 20, v: 2 }]);
  assert.deepEqual(telemetry.value("d0", "temp"), { t: 30, v: 3 });
  assert.deepEqual(telemetry.newest("d0"), [{ metric: "temp", t: 30, v: 3 }]);
  assert.equal(telemetry.lastSeen("d0"), 30);
  assert.equal(telemetry.lastSeen("d9"), null);
});

test("who is told hears which devices have changed, once for a message", () => {
  const { client, telemetry } = watched();
  const heard = [];
  telemetry.addEventListener("change", ({ detail }) => heard.push([...detail]));
  client.says("telemetry", [{ device: "d0", metric: "temp", t: 1, v: 1 }, { device: "d0", metric: "hum", t: 1, v: 1 }]);
  assert.deepEqual(heard, [["d0"]]);
});

test("a past is asked for once, and goes on with what comes meanwhile", async () => {
  const { client, telemetry } = watched();
  const asked = [];
  let answer;
  globalThis.fetch = async (address) => {
    asked.push(new URL(address, "http://x").pathname);
    await new Promise((resolve) => (answer = resolve));
    return { ok: true, json: async () => ({ points: [[10, 1, 1.5, 2, 3], [20, 2, 2, 2, 1]] }) };
  };
  assert.deepEqual(telemetry.past("d0", "temp"), []);
  client.says("telemetry", [{ device: "d0", metric: "temp", t: 30, v: 9 }]);
  telemetry.past("d0", "temp");
  const there = new Promise((resolve) => telemetry.addEventListener("change", resolve, { once: true }));
  answer();
  await there;
  assert.deepEqual(telemetry.past("d0", "temp"), [[10, 1.5], [20, 2], [30, 9]]);
  assert.deepEqual(asked, ["/api/boards/b1/devices/d0/telemetry"]);
});

test("nothing is watched after the end", () => {
  const { client, telemetry } = watched();
  telemetry.end();
  assert.equal(client.asked.at(-1).message.type, "unwatch");
  client.says("joined");
  client.says("telemetry", [{ device: "d0", metric: "temp", t: 1, v: 1 }]);
  assert.deepEqual(telemetry.newest("d0"), []);
});

test("readings are written so that a glance is enough", () => {
  assert.deepEqual([21.5, -18.256, 0, 101325.4, 1e9].map(formatValue), ["21.5", "-18.26", "0", "101,325", "1E9"]);
  assert.deepEqual([undefined, null, NaN].map(formatValue), ["–", "–", "–"]);
});

test("lengths of time take the largest unit that fits", () => {
  assert.deepEqual([5000, 90_000, 300_000, 7_200_000, 86_400_000].map(formatSpan), ["5 s", "90 s", "5 min", "2 h", "1 day"]);
  assert.deepEqual(splitSpan(90_000), [90, 1000]);
});

test("rules and waits are sentences", () => {
  const says = (when) => conditionText({ metric: "temp", when });
  assert.equal(says({ kind: "above", value: -18, for_ms: 300_000 }), "temp above -18 for 5 min");
  assert.equal(says({ kind: "below", value: 5 }), "temp below 5");
  assert.equal(says({ kind: "rate", value: -3, for_ms: 60_000 }), "temp falls by more than 3 within 1 min");
  assert.equal(says({ kind: "silent", for_ms: 600_000 }), "temp silent for 10 min");
  assert.equal(says({ kind: "anomaly" }), "temp off its usual course");
  assert.equal(waitText({ metric: "temp", below: 5, for_ms: 600_000 }), "temp below 5 for 10 min");
});

test("the metric on a card is the rule's, then what it waits for, then the first there is", () => {
  const { telemetry } = watched([{ device: "d0", metric: "hum", t: 1, v: 1 }]);
  const view = { rules: new Map([["r1", { metric: "temp" }]]) };
  const card = { device: "d0", alarm: null, done_when: null };
  assert.equal(metricOf({ ...card, alarm: "r1", done_when: { metric: "x" } }, view, telemetry), "temp");
  assert.equal(metricOf({ ...card, done_when: { metric: "x" } }, view, telemetry), "x");
  assert.equal(metricOf(card, view, telemetry), "hum");
});

test("the values of a command are lines of name = value", () => {
  assert.deepEqual(parseArgs("minutes = 10\nfan: off\n\n loud=true\nat = -1.5e3"), { minutes: 10, fan: "off", loud: true, at: -1500 });
  assert.deepEqual(parseArgs(""), {});
  assert.equal(parseArgs("ten minutes"), null);
});

test("a small drawing has all its points inside, also of a flat line", () => {
  const line = { value: "", getAttribute: () => line.value, setAttribute: (_, value) => (line.value = value) };
  const points = (given) => {
    drawSparkline({ firstChild: line }, given);
    return line.value.split(" ").filter(Boolean).map((pair) => pair.split(",").map(Number));
  };
  assert.deepEqual(points([[0, 1]]), []);
  for (const given of [[[0, 5], [10, 5]], [[0, -3], [5, 100], [10, 2]], [[7, 1], [7, 2]]]) {
    for (const [x, y] of points(given)) assert.ok(x >= 0 && x <= 72 && y >= 0 && y <= 18, `${x}, ${y}`);
  }
});

test("what rules, devices and commands did is told in words", () => {
  const change = (fields) => ({ seq: 9, at: 9, actor: { id: "rule.r1", name: "Warm", kind: "rule" }, was: {}, ...fields });
  const told = (made, view = board()) => describe(made, { task: made.task, view }).map((line) => sentence(line, { name: (id) => id, view }));
  assert.deepEqual(told(change({ op: "alarm.open", task: "t9", set: { title: "Warm", created_at: 9, alarm: "r1", alarm_at: 9, completed: false } })), ["created it"]);
  assert.deepEqual(told(change({ op: "alarm.clear", task: "a", set: { alarm_at: null }, was: { alarm_at: 9 } })), ["ended the alarm"]);
  assert.deepEqual(told(change({ op: "task.update", task: "a", set: { done_when: { metric: "temp", below: 5, for_ms: 0 }, verified: false }, was: { done_when: null, verified: true } })), ["lets it wait for temp below 5", "no longer sees what it waits for"]);
  assert.deepEqual(told(change({ op: "command.send", task: "a", set: { commands: { c1: { name: "defrost", state: "queued" } } }, was: { commands: { c1: null } } })), ["sent the command defrost"]);
  const ofBoard = (op, set, was) => describe(change({ op, set, was }), { view: board() }).map((line) => sentence(line, { name: (id) => id, view: board() }));
  assert.deepEqual(ofBoard("device.create", { devices: { d1: { name: "Freezer 7" } } }, { devices: { d1: null } }), ["added the device Freezer 7"]);
  assert.deepEqual(ofBoard("rule.set", { rules: { r1: { then: { title: "Warm" } } } }, { rules: { r1: null } }), ["added the rule “Warm”"]);
});
