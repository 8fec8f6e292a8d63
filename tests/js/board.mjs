// A board to try things on, and a seeded source of mutations.

import { applyIntent } from "../../static/client/intents.js";
import { rebase } from "../../static/client/rebase.js";

/** A state with columns todo, doing, done, labels l1, l2 and the tasks `a` to `d`, the last one done. */
export function board() {
  return rebase("b", null, [
    { op: "board.create", args: { name: "Board", description: "" } },
    { op: "label.create", args: { label: "l1", name: "one", color: "#102030" } },
    { op: "label.create", args: { label: "l2", name: "two", color: "#405060" } },
    { op: "task.create", args: { task: "a", title: "A", column: "todo", labels: ["l1"] } },
    { op: "task.create", args: { task: "b", title: "B", column: "todo", assignees: ["u1"] } },
    { op: "task.create", args: { task: "c", title: "C", column: "doing", checklist: [item("i1"), item("i2"), item("i3")] } },
    { op: "task.create", args: { task: "d", title: "D", column: "done" } },
  ]);
}

const item = (id) => ({ id, text: `item ${id}`, done: false });

/** `state` after `{op, args}`; `state` stays as it is. */
export function after(state, op, args) {
  const next = state.copy();
  applyIntent(next, { op, args });
  return next;
}

/** What a person sees, as plain values in order. */
export function picture(state) {
  return {
    info: state.info,
    columns: state.sortedColumns().map(({ id, title, done, wip_limit }) => ({ id, title, done, wip_limit })),
    labels: [...state.labels.values()].sort((x, y) => (x.id < y.id ? -1 : 1)),
    tasks: Object.fromEntries(state.sortedColumns().map(({ id }) => [id, state.tasksIn(id).map(plain)])),
  };
}

function plain({ position, seq, updated_at, updated_by, ...task }) {
  return { ...task, labels: [...task.labels].sort(), assignees: [...task.assignees].sort() };
}

/** Numbers from 0 to below `n`, the same for the same seed. */
export function dice(seed) {
  let x = seed * 2654435761 + 1;
  return (n) => {
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    return x % n;
  };
}

/** A mutation that makes sense on `state`, mostly. */
export function wish(state, roll, fresh) {
  const pick = (list) => list[roll(list.length)];
  const columns = [...state.columns.keys()];
  const tasks = [...state.tasks.keys()];
  const task = tasks.length > 0 ? pick(tasks) : "nobody";
  const items = state.tasks.get(task)?.checklist ?? [];
  const ways = [
    ["task.create", { task: fresh, title: fresh, column: pick(columns), after: pick([null, task]) }],
    ["task.update", { task, title: fresh, priority: pick(["low", "high"]) }],
    ["task.update", { task, labels_add: [pick(["l1", "l2"])] }],
    ["task.update", { task, labels_remove: [pick(["l1", "l2"])], assignees_add: [pick(["u1", "u2"])] }],
    ["task.update", { task, completed: roll(2) === 0 }],
    ["task.update", { task, due_at: roll(1000), description: fresh }],
    ["task.move", { task, column: pick(columns), after: pick([null, task, pick(tasks), undefined]) }],
    ["task.delete", { task }],
    ["checklist.set", { task, item: fresh, text: fresh, after: pick([null, items[0]?.id, undefined]) }],
    ["checklist.set", { task, item: items[0]?.id ?? fresh, text: fresh, done: roll(2) === 0 }],
    ["checklist.remove", { task, item: items[roll(items.length || 1)]?.id ?? "none" }],
    ["column.create", { column: fresh, title: fresh, after: pick([null, ...columns]) }],
    ["column.update", { column: pick(columns), title: fresh, wip_limit: roll(5) + 1 }],
    ["column.move", { column: pick(columns), after: pick([null, ...columns]) }],
    ["column.delete", { column: pick(columns), move_to: pick(columns) }],
    ["label.update", { label: "l1", name: fresh }],
    ["label.delete", { label: pick(["l1", "l2"]) }],
    ["board.update", { name: fresh }],
  ];
  const [op, args] = pick(ways);
  return { op, args: Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) };
}
