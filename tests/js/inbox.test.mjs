import assert from "node:assert/strict";
import { test } from "node:test";

import { concern, dueSoon, mentioned, mentions } from "../../static/client/concerns.js";
import { board } from "./board.mjs";

const BOB = { id: "u_bob", name: "Bob", kind: "user" };
const me = { name: "Ann Lee", isMe: (id) => id === "u1", follows: (task) => task === "d" };
const place = () => ({ board: "b", boardName: "Board", view: board() });
const judge = (change) => concern({ seq: 9, at: 99, actor: BOB, was: {}, ...change }, me, place());

test("a mention in a comment, a description or a title concerns me", () => {
  const comment = judge({ op: "comment.add", task: "a", set: { comments: 1, comment: { id: "c", text: "hi @ann lee!" } } });
  assert.deepEqual([comment.kind, comment.text, comment.title, comment.read], ["mention", "hi @ann lee!", "A", false]);
  assert.equal(judge({ op: "task.update", task: "a", set: { description: "for @Ann" } }).kind, "mention");
  assert.equal(judge({ op: "task.update", task: "a", set: { title: "@Ann: look" }, was: { title: "look" } }).kind, "mention");
});

test("a mention that was there before is none again", () => {
  const set = { description: "for @Ann\nand more" };
  assert.equal(judge({ op: "task.update", task: "a", set, was: { description: "for @Ann" } }), null);
});

test("names are whole words", () => {
  assert.deepEqual(["@Annika", "x@Ann.org", "@ann.", "(@Ann Lee)", "@李雷你好", "@李雷 你好"].map((text) => mentions(text, text.includes("李") ? "李雷" : "Ann Lee")),
    [false, false, true, true, false, true]);
  assert.equal(mentions("@a.b", "a.b"), true);
  assert.equal(mentions("@axb", "a.b"), false);
  assert.equal(mentions("anything @", ""), false);
});

test("where names are mentioned is told, in order", () => {
  assert.deepEqual(mentioned("@Bob and @Ann Lee", ["Ann Lee", "Bob"]), [{ from: 0, to: 4, name: "Bob" }, { from: 9, to: 17, name: "Ann Lee" }]);
});

test("being assigned concerns me once, being assigned already does not again", () => {
  assert.equal(judge({ op: "task.update", task: "a", set: { assignees: ["u2", "u1"] }, was: { assignees: ["u2"] } }).kind, "assigned");
  const again = judge({ op: "task.update", task: "b", set: { assignees: ["u1", "u2"] }, was: { assignees: ["u1"] } });
  assert.equal(again.kind, "followed");
});

test("cards that I follow or am assigned to concern me when they change, others do not", () => {
  const update = (task) => judge({ op: "task.update", task, set: { title: "x" }, was: { title: "y" } });
  assert.deepEqual([update("d").kind, update("b").kind, update("a")], ["followed", "followed", null]);
  assert.deepEqual(update("d").lines, [{ what: "title", from: "y", to: "x" }]);
});

test("a new order inside a column is no news, and neither is what I did", () => {
  assert.equal(judge({ op: "task.move", task: "d", set: { position: "a5", column: "done" }, was: { position: "a1", column: "done" } }), null);
  assert.equal(judge({ op: "task.update", task: "d", set: { title: "x" }, actor: { id: "u1", name: "Ann" } }), null);
  assert.equal(judge({ op: "board.update", set: { name: "@Ann" } }), null);
  assert.equal(judge({ op: "task.update", task: "d" }), null);
});

test("what is due within a day is told once for each date, unless done or somebody else's", () => {
  const view = board();
  const set = (id, fields) => view.setTask({ ...view.tasks.get(id), ...fields });
  set("a", { due_at: 1000 });
  set("b", { due_at: 1000 });
  set("d", { due_at: 1000, completed: true });
  const due = (now) => dueSoon(view, me, { board: "b", boardName: "Board", now }).map(({ id, kind }) => [id, kind]);
  assert.deepEqual(due(500), [["b.b.due.1000", "due"]]);
  assert.deepEqual(due(1000 - 86_400_000), []);
  assert.deepEqual(due(1000 + 8 * 86_400_000), []);
});

test("a name is meant with and without its spaces, and the longest one that fits comes first", () => {
  assert.equal(mentions("for @AnnLee", "Ann Lee"), true);
  assert.deepEqual(mentioned("@Ann Lee", ["Ann", "Ann Lee"]).map(({ name }) => name), ["Ann Lee", "Ann"]);
});
