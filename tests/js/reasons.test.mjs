import assert from "node:assert/strict";
import { test } from "node:test";

import { reason } from "../../static/page/reasons.js";
import { refusal } from "../../static/page/shell/collisions.js";

test("the codes of the server are told in words for people", () => {
  const forbidden = { code: "forbidden", message: "task.update: not allowed for the role viewer", details: { field: "task.update" } };
  assert.equal(reason(forbidden), "your role does not allow it");
  assert.equal(reason({ code: "conflict", message: "description: …", details: { field: "description", current: "x" } }), "somebody else changed it meanwhile");
  assert.equal(reason({ code: "conflict", message: "board: is archived", details: { field: "board" } }), "the board is archived");
  assert.equal(reason({ code: "limit_exceeded", message: "tasks: at most 3", details: { field: "tasks", limit: 3 } }), "there may be at most 3");
  assert.equal(reason({ code: "offline", message: "the server cannot be reached" }), "there is no connection");
});

test("where there are no words for it, the server has the last one", () => {
  assert.equal(reason({ code: "conflict", message: "device: is disabled", details: { field: "device" } }), "device: is disabled");
  assert.equal(reason({ code: "bad_request", message: "args.title: too short", details: { field: "args.title" } }), "args.title: too short");
  assert.equal(reason({ code: "of_tomorrow", message: "something new" }), "something new");
});

test("a card that is gone and a column that is gone are told apart", () => {
  const told = (field, gone) => refusal({ op: "task.move", error: { code: "not_found", message: "…", details: { field } }, gone, title: "A" });
  assert.equal(told("task", true), "Could not move “A”: somebody has deleted it.");
  assert.equal(told("column", false), "Could not move “A”: the column is not here any more.");
});
