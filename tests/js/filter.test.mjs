import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY, equal, format, isEmpty, matcher, parse } from "../../static/client/filter.js";
import { board } from "./board.mjs";

const NOON = new Date(2026, 10, 20, 12).getTime();
const HOUR = 3_600_000;
const TASK = { id: "t", title: "Buy milk", description: "", checklist: [], labels: [], assignees: [], priority: "none", due_at: null, completed: false };
const fits = (filter, task, more = {}) => matcher({ ...EMPTY, ...filter }, { now: NOON, ...more })({ ...TASK, ...task });

test("a filter and its address are the same thing", () => {
  const filters = [
    EMPTY,
    { ...EMPTY, text: "a & b = ü 🙂" },
    { text: "x", labels: ["l1", "none"], assignees: ["me", "u_1"], due: "today", completed: false, priority: "high" },
    { ...EMPTY, completed: true },
  ];
  for (const filter of filters) assert.deepEqual(parse(format(filter)), { ...filter, labels: [...filter.labels], assignees: [...filter.assignees] });
  assert.equal(format(EMPTY), "");
});

test("an address with nonsense is read as far as it makes sense", () => {
  assert.deepEqual(parse("?due=yesterday&done=perhaps&priority=x&label=&label=l1&label=l1&other=1"), { ...EMPTY, labels: ["l1"], assignees: [] });
});

test("what else stands in the address stays there", () => {
  assert.equal(format({ ...EMPTY, due: "week" }, "?card=t1&q=old"), "?card=t1&due=week");
});

test("empty and equal go by what is shown", () => {
  assert.equal(isEmpty({ ...EMPTY, text: "  " }), true);
  assert.equal(equal({ ...EMPTY, due: "any" }, parse("?due=any")), true);
  assert.equal(equal({ ...EMPTY, due: "any" }, EMPTY), false);
});

test("every word must be found somewhere, whatever its case and accents", () => {
  assert.ok(fits({ text: "MILK buy" }));
  assert.ok(!fits({ text: "milk bread" }));
  assert.ok(fits({ text: "cafe" }, { description: "Café" }));
  assert.ok(fits({ text: "milk item" }, { checklist: [{ id: "i", text: "an item", done: false }] }));
});

test("words are found in the names of labels and people", () => {
  const more = { view: board(), nameOf: () => "Ann Lee" };
  assert.ok(fits({ text: "one" }, { labels: ["l1"] }, more));
  assert.ok(fits({ text: "lee" }, { assignees: ["u1"] }, more));
  assert.ok(!fits({ text: "lee" }, {}, more));
});

test("labels and assignees: any of those asked for, or none, or me", () => {
  assert.ok(fits({ labels: ["l1", "l2"] }, { labels: ["l2"] }));
  assert.ok(!fits({ labels: ["l1"] }, { labels: ["l2"] }));
  assert.ok(fits({ labels: ["none"] }, {}));
  assert.ok(!fits({ labels: ["none"] }, { labels: ["l1"] }));
  const isMe = (id) => id === "u1";
  assert.ok(fits({ assignees: ["me"] }, { assignees: ["u1"] }, { isMe }));
  assert.ok(!fits({ assignees: ["me"] }, { assignees: ["u2"] }, { isMe }));
  assert.ok(fits({ assignees: ["me", "none"] }, {}, { isMe }));
});

test("due dates: overdue now, today until midnight, a week of days; done cards are not due", () => {
  const at = (hours) => ({ due_at: NOON + hours * HOUR });
  assert.deepEqual([-1, 1, 11, 13].map((h) => fits({ due: "overdue" }, at(h))), [true, false, false, false]);
  assert.deepEqual([-1, 1, 11, 13].map((h) => fits({ due: "today" }, at(h))), [true, true, true, false]);
  assert.deepEqual([13, 24 * 6, 24 * 7].map((h) => fits({ due: "week" }, at(h))), [true, true, false]);
  assert.ok(!fits({ due: "overdue" }, { ...at(-1), completed: true }));
  assert.ok(fits({ due: "any" }, { ...at(-1), completed: true }));
  assert.ok(fits({ due: "none" }) && !fits({ due: "none" }, at(1)));
});

test("kinds go together, and completed and priority count", () => {
  assert.ok(fits({ completed: false, priority: "high", text: "milk" }, { priority: "high" }));
  assert.ok(!fits({ completed: false, priority: "high" }, { priority: "high", completed: true }));
  assert.ok(!fits({ priority: "low" }, { priority: "high" }));
});
