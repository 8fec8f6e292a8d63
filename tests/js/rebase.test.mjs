import assert from "node:assert/strict";
import { test } from "node:test";

import { keyBetween, placeAfter } from "../../static/client/order.js";
import { difference, rebase, withOneMore } from "../../static/client/rebase.js";
import { after, board, dice, picture, wish } from "./board.mjs";

test("without pending changes the view is the confirmed state itself", () => {
  const state = board();
  assert.equal(rebase("b", state, []), state);
  assert.equal(rebase("b", null, []), null);
});

test("pending changes are shown on top and leave the confirmed state alone", () => {
  const state = board();
  const before = picture(state);
  const view = rebase("b", state, [{ op: "task.move", args: { task: "a", column: "done", after: null } }]);
  assert.deepEqual(view.tasksIn("done").map(({ id, completed }) => [id, completed]), [["a", true], ["d", true]]);
  assert.deepEqual(picture(state), before);
});

test("applied one by one or all at once, the view is the same", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const roll = dice(seed);
    const pending = [];
    let view = board();
    for (let i = 0; i < 30; i += 1) {
      pending.push(wish(view, roll, `n${i}`));
      view = withOneMore("b", view, pending.at(-1));
    }
    assert.deepEqual(picture(view), picture(rebase("b", board(), pending)), `seed ${seed}`);
  }
});

test("what makes no sense any more after somebody else's change does nothing", () => {
  const gone = after(board(), "task.delete", { task: "a" });
  const pending = ["title", "completed"].map((name) => ({ op: "task.update", args: { task: "a", [name]: true } }));
  pending.push({ op: "task.move", args: { task: "b", column: "gone" } }, { op: "label.delete", args: { label: "none" } });
  assert.deepEqual(picture(rebase("b", gone, pending)), picture(gone));
});

test("an own move behind a card that was moved away goes to the end", () => {
  const moved = after(board(), "task.move", { task: "b", column: "done" });
  const view = rebase("b", moved, [{ op: "task.move", args: { task: "d", column: "todo", after: "b" } }]);
  assert.deepEqual(view.tasksIn("todo").map(({ id }) => id), ["a", "d"]);
});

test("a board that was made here is there before the server knows it", () => {
  const view = rebase("new", null, [
    { op: "board.create", args: { name: "New" } },
    { op: "task.create", args: { task: "t", title: "first", column: "todo" } },
  ]);
  assert.equal(view.info.name, "New");
  assert.deepEqual(view.sortedColumns().map(({ id, done }) => [id, done]), [["todo", false], ["doing", false], ["done", true]]);
  assert.equal(view.tasksIn("todo")[0].title, "first");
});

test("a column that is deleted hands its tasks on, and takes none of them with it when it does not say where", () => {
  const state = board();
  assert.equal(after(state, "column.delete", { column: "todo" }).columns.has("todo"), true);
  const view = after(state, "column.delete", { column: "todo", move_to: "done" });
  assert.deepEqual(view.tasksIn("done").map(({ id, completed }) => [id, completed]), [["d", true], ["a", true], ["b", true]]);
});

test("a difference tells both sides of every field, column and position together", () => {
  const state = board();
  const moved = difference(state, after(state, "task.move", { task: "a", column: "doing", after: null }), "a");
  assert.deepEqual([moved.was.column, moved.set.column], ["todo", "doing"]);
  assert.equal(moved.was.position, state.tasks.get("a").position);
  assert.equal("title" in moved.set, false);
  const label = difference(state, after(state, "label.delete", { label: "l1" }));
  assert.deepEqual(label.set.labels, { l1: null });
  assert.deepEqual(label.also, { a: { set: { labels: [] }, was: { labels: ["l1"] } } });
});

test("order keys lie between their neighbours, also when these are no keys", () => {
  for (const [low, high] of [[null, null], ["a0", null], [null, "a0"], ["a0", "a1"], ["a0", "a0V"], ["bad!", null]]) {
    const made = keyBetween(low, high);
    assert.ok((low === null || made > low) && (high === null || made < high), `${low} ${made} ${high}`);
  }
  assert.equal(placeAfter(board().tasksIn("todo"), "a", "b"), null);
});

test("among equal keys a place is found behind all of them", () => {
  const tied = ["x", "y", "z"].map((id) => ({ id, position: "a1" }));
  assert.ok(placeAfter(tied, "x") > "a1");
});
