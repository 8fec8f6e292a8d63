import assert from "node:assert/strict";
import { test } from "node:test";

import { inverse, overwritten } from "../../static/client/inverse.js";
import { difference } from "../../static/client/rebase.js";
import { Undo } from "../../static/client/undo.js";
import { after, board, dice, picture, wish } from "./board.mjs";

/** A board as Undo sees it; `other` makes changes of somebody else. */
class Desk {
  constructor() {
    this.view = board();
    this.head = 1;
    this.snapshots = 0;
    this.home = { directory: { isMe: () => false } };
    this.count = 0;
    this.sent = [];
    this.undo = new Undo(this);
  }

  get confirmed() {
    return this.view;
  }

  enqueue(wishes) {
    return wishes.map(({ op, args, base }) => {
      const before = this.view;
      this.view = after(before, op, args);
      this.sent.push({ op, args, base });
      return { mutation: `m${++this.count}`, op, task: args.task, ...difference(before, this.view, args.task) };
    });
  }

  do(op, args) {
    this.undo.did(this.enqueue([{ op, args }]));
  }

  other(op, args) {
    const before = this.view;
    this.view = after(before, op, args);
    const change = { seq: ++this.head, actor: { id: "u9", name: "Bob" }, op, task: args.task };
    this.undo.saw({ ...change, ...difference(before, this.view, args.task) }, false);
  }
}

test("every change that can be taken back is, and redone as well", () => {
  let tried = 0;
  for (let seed = 1; seed <= 150; seed += 1) {
    const roll = dice(seed);
    const desk = new Desk();
    for (let i = 0; i < 8; i += 1) {
      const { op, args } = wish(desk.view, roll, `n${i}`);
      const before = picture(desk.view);
      desk.do(op, args);
      const done = picture(desk.view);
      const answer = desk.undo.undo();
      assert.equal(answer.done, true, `seed ${seed} ${op} ${JSON.stringify(answer)}`);
      assert.deepEqual(picture(desk.view), before, `seed ${seed}: undo of ${op} ${JSON.stringify(args)}`);
      if (desk.undo.canRedo) desk.undo.redo();
      assert.deepEqual(picture(desk.view), done, `seed ${seed}: redo of ${op} ${JSON.stringify(args)}`);
      tried += 1;
    }
  }
  assert.equal(tried, 1200);
});

test("steps are taken back one after the other, the latest first", () => {
  const desk = new Desk();
  const start = picture(desk.view);
  desk.do("task.update", { task: "a", title: "one" });
  desk.do("task.update", { task: "a", title: "two" });
  desk.do("task.move", { task: "a", column: "done" });
  while (desk.undo.canUndo) assert.equal(desk.undo.undo().done, true);
  assert.deepEqual(picture(desk.view), start);
  while (desk.undo.canRedo) assert.equal(desk.undo.redo().done, true);
  assert.deepEqual([desk.view.tasks.get("a").title, desk.view.tasks.get("a").column], ["two", "done"]);
});

test("something new forgets what could be redone", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "one" });
  desk.undo.undo();
  desk.do("task.update", { task: "b", title: "other" });
  assert.equal(desk.undo.canRedo, false);
});

test("an undo that would overwrite somebody says whom, and does it only when told again", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine" });
  desk.other("task.update", { task: "a", title: "theirs" });
  const answer = desk.undo.undo();
  assert.deepEqual([answer.done, answer.reason], [false, "overwrites"]);
  assert.deepEqual(answer.conflicts, [
    { task: "a", field: "title", now: "theirs", back: "A", title: "theirs", by: { id: "u9", name: "Bob" } },
  ]);
  assert.equal(desk.view.tasks.get("a").title, "theirs");
  assert.equal(desk.undo.undo({ force: true }).done, true);
  assert.equal(desk.view.tasks.get("a").title, "A");
});

test("what others did to other fields and cards is in nobody's way, and stays", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine", labels_add: ["l2"] });
  desk.other("task.update", { task: "a", description: "theirs", labels_remove: ["l1"] });
  desk.other("task.move", { task: "b", column: "done" });
  assert.equal(desk.undo.undo().done, true);
  const task = desk.view.tasks.get("a");
  assert.deepEqual([task.title, task.description, task.labels], ["A", "theirs", []]);
});

test("the same value from somebody else is no conflict", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine" });
  desk.other("task.update", { task: "a", title: "theirs" });
  desk.other("task.update", { task: "a", title: "mine" });
  assert.equal(desk.undo.undo().done, true);
});

test("a card that somebody has worked on is not undone out of existence unasked", () => {
  const desk = new Desk();
  desk.do("task.create", { task: "new", title: "New", column: "todo" });
  desk.other("task.update", { task: "new", description: "work" });
  const { conflicts } = desk.undo.undo();
  assert.deepEqual(conflicts.map(({ field, by }) => [field, by.name]), [["card", "Bob"]]);
});

test("a card that somebody else moved is asked about before it is moved back", () => {
  const desk = new Desk();
  desk.do("task.move", { task: "a", column: "doing" });
  desk.other("task.move", { task: "a", column: "done" });
  assert.deepEqual(desk.undo.undo().conflicts.map(({ field, now, back }) => [field, now, back]), [["column", "done", "todo"]]);
});

test("a tick of somebody else on another item is no conflict, on the same item it is", () => {
  const desk = new Desk();
  desk.do("checklist.set", { task: "c", item: "i1", done: true });
  desk.other("checklist.set", { task: "c", item: "i2", done: true });
  assert.equal(desk.undo.undo().done, true);
  assert.deepEqual(desk.view.tasks.get("c").checklist.map(({ done }) => done), [false, true, false]);
  desk.do("checklist.set", { task: "c", item: "i1", text: "mine" });
  desk.other("checklist.set", { task: "c", item: "i1", text: "theirs" });
  assert.equal(desk.undo.undo().reason, "overwrites");
});

test("after a snapshot the last author of the card is who may be overwritten", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine" });
  desk.view = after(desk.view, "task.update", { task: "a", title: "meanwhile" });
  desk.snapshots += 1;
  assert.equal(desk.undo.undo().reason, "overwrites");
  desk.home.directory.isMe = () => true;
  assert.equal(desk.undo.undo().done, true);
});

test("a racing edit is left to the server: an undo of a field says what it has seen", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine" });
  desk.head = 12;
  desk.undo.undo();
  assert.equal(desk.sent.at(-1).base, 12);
});

test("what is impossible says why and is gone from the stack", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine" });
  desk.other("task.delete", { task: "a" });
  assert.deepEqual([desk.undo.undo().why, desk.undo.canUndo], ["task_gone", false]);
  desk.do("task.move", { task: "c", column: "todo" });
  desk.other("column.delete", { column: "doing" });
  assert.equal(desk.undo.undo().why, "column_gone");
  desk.do("column.create", { column: "new", title: "New" });
  desk.other("task.move", { task: "b", column: "new" });
  assert.equal(desk.undo.undo().why, "column_not_empty");
});

test("several changes of one gesture are one step", () => {
  const desk = new Desk();
  const start = picture(desk.view);
  desk.undo.did(desk.enqueue(["a", "b", "c"].map((task) => ({ op: "task.delete", args: { task } }))));
  assert.deepEqual(desk.undo.next.tasks, ["a", "b", "c"]);
  assert.equal(desk.undo.undo().done, true);
  assert.deepEqual(picture(desk.view), start);
  assert.equal(desk.undo.canUndo, false);
});

test("what the server refused is no step any more", () => {
  const desk = new Desk();
  desk.do("task.update", { task: "a", title: "mine" });
  desk.undo.refused("m1");
  assert.equal(desk.undo.canUndo, false);
});

test("a confirmed change replaces the guess", () => {
  const desk = new Desk();
  desk.do("task.move", { task: "a", column: "doing" });
  const confirmed = { mutation: "m1", op: "task.move", task: "a", set: { column: "doing", position: "b00" }, was: { column: "todo", position: "Zz" } };
  desk.undo.saw(confirmed, true);
  desk.view.setTask({ ...desk.view.tasks.get("a"), position: "b00" });
  desk.undo.undo();
  assert.deepEqual(desk.sent.at(-1).args, { task: "a", column: "todo", position: "Zz" });
});

test("the steps are bounded", () => {
  const desk = new Desk();
  for (let i = 0; i < 300; i += 1) desk.do("task.update", { task: "a", title: `${i}` });
  assert.equal(desk.undo.done.length, 100);
});

test("rights and rules are not undone", () => {
  assert.deepEqual(inverse({ op: "member.set", set: {}, was: {} }, board()), { why: "unsupported" });
  assert.deepEqual(overwritten({ op: "task.delete", task: "a", set: {}, was: {} }, board(), () => true), []);
});
