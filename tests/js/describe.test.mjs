import assert from "node:assert/strict";
import { test } from "node:test";

import { withChange, withPage, withPending } from "../../static/client/comments.js";
import { describe } from "../../static/client/describe.js";
import { digest } from "../../static/client/digest.js";
import { difference } from "../../static/client/rebase.js";
import { after, board } from "./board.mjs";

const ANN = { id: "u1", name: "Ann" };
const BOARD = board();
const made = (op, args) => ({ seq: 1, at: 1, actor: ANN, op, task: args.task, ...difference(BOARD, after(BOARD, op, args), args.task) });
const lines = (op, args) => describe(made(op, args), { view: board() });

test("each kind of change has its lines, with names in place of ids", () => {
  assert.deepEqual(lines("task.update", { task: "a", title: "new", priority: "high" }), [
    { what: "title", from: "A", to: "new" },
    { what: "priority", from: "none", to: "high" },
  ]);
  assert.deepEqual(lines("task.move", { task: "a", column: "done" }), [
    { what: "completed", from: false, to: true },
    { what: "moved", from: "To do", to: "Done" },
  ]);
  assert.deepEqual(lines("task.move", { task: "b", after: null }), [{ what: "position" }]);
  assert.deepEqual(lines("task.update", { task: "a", labels_add: ["l2"], labels_remove: ["l1"] }), [{ what: "labels", added: ["two"], removed: ["one"] }]);
  assert.deepEqual(lines("task.update", { task: "b", assignees_add: ["u2"] }), [{ what: "assignees", added: ["u2"], removed: [] }]);
  assert.deepEqual(lines("task.create", { task: "x", title: "X", column: "todo" }).map(({ what }) => what), ["created"]);
  assert.deepEqual(lines("task.delete", { task: "a" }), [{ what: "deleted" }]);
});

test("checklists are told item by item", () => {
  assert.deepEqual(lines("checklist.set", { task: "c", item: "i1", done: true }), [{ what: "item_done", name: "item i1" }]);
  assert.deepEqual(lines("checklist.set", { task: "c", item: "i1", text: "other" }), [{ what: "item_text", from: "item i1", to: "other" }]);
  assert.deepEqual(lines("checklist.set", { task: "c", item: "i9", text: "new" }), [{ what: "item_added", to: "new" }]);
  assert.deepEqual(lines("checklist.remove", { task: "c", item: "i2" }), [{ what: "item_removed", from: "item i2" }]);
  assert.equal(lines("checklist.set", { task: "c", item: "i1", after: "i3" })[0].what, "item_moved");
});

test("what a change of the board did to one card is told from that card", () => {
  const change = made("label.delete", { label: "l1" });
  assert.deepEqual(describe(change, { task: "a", view: board() }), [{ what: "labels", added: [], removed: ["one"] }]);
  assert.deepEqual(describe(change, { view: board() }), [{ what: "label_removed", from: "one", name: "l1" }]);
  assert.deepEqual(lines("column.update", { column: "todo", wip_limit: 3 }), [{ what: "column_wip_limit", from: null, to: 3, name: "todo" }]);
});

test("what retention has emptied has no lines", () => {
  assert.deepEqual(describe({ seq: 1, op: "task.update", task: "a" }, { view: board() }), []);
});

const change = (seq, task, set, was, actor = ANN) => ({ seq, at: seq, op: "task.update", task, set, was, actor });

test("a digest has one entry for each card, the latest first, from first to last", () => {
  const news = [
    change(1, "a", { title: "x" }, { title: "A" }),
    change(2, "b", { priority: "high" }, { priority: "none" }),
    change(3, "a", { title: "y" }, { title: "x" }, { id: "u2", name: "Bob" }),
    change(4, "a", { position: "a9" }, { position: "a0" }),
    change(5, "c", { title: "mine" }, { title: "C" }, { id: "me", name: "Me" }),
  ];
  const told = digest(news, { view: board(), mine: ({ actor }) => actor.id === "me" });
  assert.deepEqual(told.map(({ task, actors, seq }) => [task, actors, seq]), [["a", ["Ann", "Bob"], 3], ["b", ["Ann"], 2]]);
  assert.deepEqual(told[0].lines, [{ what: "title", from: "A", to: "y" }]);
});

test("a card that is gone is told with its last title", () => {
  const told = digest([change(1, "x", { title: "was here" }, { title: "old" })], { view: board(), mine: () => false });
  assert.deepEqual([told[0].title, told[0].gone], ["was here", true]);
});

const comment = (id, at, text = id) => ({ id, at, actor: ANN, text });

test("comments: pages, changes and pending ones make one list, the oldest first", () => {
  let known = withPage([], [comment("c3", 3), comment("c2", 2)]);
  known = withPage(known, [comment("c2", 2), comment("c1", 1)]);
  assert.deepEqual(known.map(({ id }) => id), ["c1", "c2", "c3"]);
  known = withChange(known, { op: "comment.add", set: { comment: comment("c4", 4) } });
  known = withChange(known, { op: "comment.edit", set: { comment: { id: "c2", text: "edited", edited_at: 5 } } });
  known = withChange(known, { op: "comment.delete", set: { comment: { id: "c1", deleted: true } } });
  known = withChange(known, { op: "comment.restore", set: { comment: comment("c1", 1) } });
  assert.deepEqual(known.map(({ id, text }) => [id, text]), [["c1", "c1"], ["c2", "edited"], ["c3", "c3"], ["c4", "c4"]]);
  assert.equal(withChange(known, { op: "comment.edit", set: { comment: { id: "c0", text: "x" } } }).length, 4);
  assert.equal(withChange(known, { op: "task.update", set: { title: "x" } }), known);
  const entries = [
    { op: "comment.add", args: { comment: "c5", text: "new" } },
    { op: "comment.edit", args: { comment: "c3", text: "mine" } },
    { op: "comment.delete", args: { comment: "c1" } },
  ];
  const shown = withPending(known, entries, ANN, 9);
  assert.deepEqual(shown.map(({ id, text, pending }) => [id, text, pending]), [
    ["c2", "edited", undefined], ["c3", "mine", true], ["c4", "c4", undefined], ["c5", "new", true],
  ]);
});
