import assert from "node:assert/strict";
import { test } from "node:test";

import { BoardState } from "../../static/client/state.js";
import { board, dice, picture, wish } from "./board.mjs";
import { applyIntent } from "../../static/client/intents.js";

const ACTOR = { id: "u1", name: "Ann", kind: "user" };
const change = (seq, task, set, more = {}) => ({ seq, at: seq, actor: ACTOR, op: "x", task, set, was: {}, ...more });

test("lists that are kept up to date are those that would be made anew", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const roll = dice(seed);
    const state = board();
    for (let i = 0; i < 60; i += 1) {
      state.tasksIn("todo");
      applyIntent(state, wish(state, roll, `n${i}`));
    }
    const anew = BoardState.from({ board: "b", ...state.parts() });
    assert.deepEqual(picture(state), picture(anew), `seed ${seed}`);
  }
});

test("a list is the same array until one of its own tasks changes", () => {
  const state = board();
  const [todo, doing] = [state.tasksIn("todo"), state.tasksIn("doing")];
  state.setTask({ ...state.tasks.get("c"), title: "other" });
  assert.equal(state.tasksIn("todo"), todo);
  assert.notEqual(state.tasksIn("doing"), doing);
  assert.equal(doing[0].title, "C");
});

test("a copy and its original do not see each other's changes", () => {
  const state = board();
  const before = picture(state);
  const copy = state.copy();
  copy.dropTask("a");
  copy.dropColumn("doing");
  copy.setLabel({ id: "l3", name: "three", color: "#000000" });
  assert.deepEqual(picture(state), before);
});

test("what is kept and read again is the same board", () => {
  const state = board();
  Object.assign(state, { seq: 7, epoch: "e" });
  const again = BoardState.from({ board: "b", ...JSON.parse(JSON.stringify(state.parts())) });
  assert.deepEqual(picture(again), picture(state));
  assert.deepEqual([again.seq, again.epoch], [7, "e"]);
});

test("a deleted task comes back with a restore and stays away with anything else", () => {
  const state = board();
  state.apply(change(1, "a", { deleted: true }));
  state.apply(change(2, "a", { title: "changed while gone" }));
  assert.equal(state.tasks.has("a"), false);
  state.apply(change(3, "a", { deleted: false, title: "back" }));
  assert.equal(state.tasks.get("a").title, "back");
  assert.equal(state.tasksIn("todo").some((task) => task.id === "a"), true);
});

test("further tasks of a change are folded, too", () => {
  const state = board();
  state.apply({ ...change(1, undefined, { labels: { l1: null } }), also: { a: { set: { labels: [] }, was: { labels: ["l1"] } } } });
  assert.deepEqual(state.tasks.get("a").labels, []);
  assert.equal(state.labels.has("l1"), false);
});

test("tombstones are bounded", () => {
  const state = board();
  for (let i = 0; i < 2000; i += 1) {
    state.apply(change(2 * i + 1, `x${i}`, { title: "x", column: "todo", position: "a5", labels: [] }));
    state.apply(change(2 * i + 2, `x${i}`, { deleted: true }));
  }
  assert.equal(state.tasks.size, 4);
  assert.equal(state.deleted.size, 500);
});

test("devices, rules and commands are folded, kept and forgotten", () => {
  const state = board();
  const rule = { id: "r1", device: "*", metric: "temp", when: { kind: "above", value: 80 }, then: { column: "todo", title: "Hot" } };
  const device = { name: "Boiler", tags: ["hot"], metadata: {}, disabled: false, created_at: 1, created_by: "u1" };
  state.apply(change(1, undefined, { devices: { d1: device }, rules: { r1: rule } }));
  state.apply(change(2, undefined, { devices: { d1: { name: "Kettle" } } }));
  assert.deepEqual([...state.devices.values()], [{ id: "d1", ...device, name: "Kettle" }]);
  const again = BoardState.from({ board: "b", ...JSON.parse(JSON.stringify(state.parts())) });
  assert.deepEqual([...again.rules.values()], [rule]);
  state.apply(change(3, undefined, { devices: { d1: null }, rules: { r1: null } }));
  assert.deepEqual([state.devices.size, state.rules.size, again.rules.size], [0, 0, 1]);
});

test("a command stands on its card, also where a change is about the card", () => {
  const state = board();
  state.apply(change(1, "a", { commands: { k1: { device: "d1", name: "stop", task: "a", state: "queued" } } }));
  state.apply(change(2, "b", { commands: { k2: { device: "d1", name: "go", task: "b", state: "queued" } } }));
  state.apply(change(3, "a", { commands: { k1: { state: "sent", sent_at: 3 }, k2: null } }));
  const [{ id, name, sent_at, result }] = state.commandsOf("a");
  assert.deepEqual([id, name, sent_at, result], ["k1", "stop", 3, null]);
  assert.deepEqual(state.commandsOf("b"), []);
  assert.equal("commands" in state.tasks.get("a"), false);
});

test("what a browser kept before there were devices can be read", () => {
  const { devices, rules, commands, ...old } = board().parts();
  const state = BoardState.from({ board: "b", ...old });
  assert.deepEqual([state.devices.size, state.rules.size, state.commands.size], [0, 0, 0]);
});

test("a change to a task that was deleted before this browser knew the board makes no task", () => {
  const state = board();
  state.apply(change(1, "gone", { alarm_at: null, deleted: true }));
  assert.equal(state.tasks.has("gone"), false);
});

test("what waits for telemetry is not shown as completed before it has been seen", () => {
  const state = board();
  const done_when = { device: "d1", metric: "temp", below: 5 };
  state.setTask({ ...state.tasks.get("a"), done_when, verified: false });
  applyIntent(state, { op: "task.update", args: { task: "a", completed: true } });
  assert.equal(state.tasks.get("a").completed, false);
  state.setTask({ ...state.tasks.get("a"), verified: true });
  applyIntent(state, { op: "task.update", args: { task: "a", completed: true } });
  assert.equal(state.tasks.get("a").completed, true);
  applyIntent(state, { op: "task.update", args: { task: "a", completed: false } });
  assert.equal(state.tasks.get("a").verified, false);
});
