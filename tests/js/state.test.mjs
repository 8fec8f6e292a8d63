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
