// How a change is taken back, and whether that would overwrite somebody. Pure.
//
// A change here has the shape of the log's, `{op, task?, set, was, also?}`; before the server has answered, it is what
// it looked like from here (rebase.js, `difference`).

import { same } from "./rebase.js";

const FIELDS = ["title", "description", "priority", "due_at", "device", "done_when", "completed"];
const SETS = ["labels", "assignees"];

/**
 * The wishes that take `change` back on `view`: `{wishes: [{op, args}…]}`, or `{why}` when it cannot be done:
 * `task_gone`, `column_gone`, `column_not_empty` or `unsupported`. No wishes: there is nothing to take back.
 */
export function inverse(change, view) {
  const way = WAYS[change.op];
  if (way === undefined) return { why: "unsupported" };
  if (change.task !== undefined && !RESTORES.has(change.op) && !view.tasks.has(change.task)) return { why: "task_gone" };
  const wishes = way(change, view);
  return Array.isArray(wishes) ? { wishes } : { why: wishes };
}

const RESTORES = new Set(["task.delete"]);
const wish = (op, args) => [{ op, args }];

const WAYS = {
  "task.create": ({ task }) => wish("task.delete", { task }),
  "task.restore": ({ task }) => wish("task.delete", { task }),
  "task.delete": ({ task }) => wish("task.restore", { task }),
  "task.update": edited,
  "task.move": edited,
  "checklist.set": items,
  "checklist.remove": items,
  "comment.add": ({ task, set }) => wish("comment.delete", { task, comment: set.comment.id }),
  "comment.restore": ({ task, set }) => wish("comment.delete", { task, comment: set.comment.id }),
  "comment.delete": ({ task, set }) => wish("comment.restore", { task, comment: set.comment.id }),
  "comment.edit": ({ task, was }) =>
    was.comment ? wish("comment.edit", { task, comment: was.comment.id, text: was.comment.text }) : "unsupported",
  "board.update": ({ was }) => wish("board.update", was),
  "column.create": unmadeColumn,
  "column.restore": unmadeColumn,
  "column.delete": remadeColumn,
  "column.update": (change) => part(change, "columns", (column, was) => wish("column.update", { column, ...was })),
  "column.move": movedColumn,
  "label.create": (change) => part(change, "labels", (label) => wish("label.delete", { label })),
  "label.restore": (change) => part(change, "labels", (label) => wish("label.delete", { label })),
  "label.delete": remadeLabel,
  "label.update": (change) => part(change, "labels", (label, was) => wish("label.update", { label, ...was })),
};

// -- tasks

function edited({ task, set, was }, view) {
  const args = {};
  for (const name of FIELDS) if (name in set && !(name === "completed" && "column" in set)) args[name] = was[name];
  for (const name of SETS) if (name in set) Object.assign(args, listWish(name, was[name], set[name]));
  const wishes = Object.keys(args).length > 0 ? wish("task.update", { task, ...args }) : [];
  if (!("position" in set)) return wishes;
  const column = was.column ?? view.tasks.get(task).column;
  if (!view.columns.has(column)) return "column_gone";
  return [...wishes, ...wish("task.move", { task, column, position: was.position })];
}

/** Only what was added and removed: others may have put more there meanwhile. */
function listWish(name, was, set) {
  const added = set.filter((id) => !was.includes(id));
  const removed = was.filter((id) => !set.includes(id));
  const args = {};
  if (removed.length > 0) args[`${name}_add`] = removed;
  if (added.length > 0) args[`${name}_remove`] = added;
  return args;
}

function items({ task, set, was }, view) {
  if (!("checklist" in set)) return [];
  const here = new Set(view.tasks.get(task).checklist.map((item) => item.id));
  const now = new Map(set.checklist.map((item) => [item.id, item]));
  const wishes = set.checklist
    .filter((item) => !was.checklist.some((old) => old.id === item.id) && here.has(item.id))
    .flatMap((item) => wish("checklist.remove", { task, item: item.id }));
  for (const [index, old] of was.checklist.entries()) {
    if (same(now.get(old.id), old) && !movedItem(old.id, set.checklist, was.checklist)) continue;
    const after = was.checklist[index - 1]?.id ?? null;
    wishes.push(...wish("checklist.set", { task, item: old.id, text: old.text, done: old.done, after }));
  }
  return wishes;
}

/** It is the one item that stands elsewhere: the others keep their order without it. */
function movedItem(id, now, old) {
  const order = (list) => list.map((item) => item.id);
  const rest = (list) => order(list).filter((other) => other !== id);
  return now.length === old.length && !same(order(now), order(old)) && same(rest(now), rest(old));
}

// -- columns and labels

/** `make(id, was)` of the one column or label that the change is about. */
function part({ set, was }, map, make) {
  const [id] = Object.keys(set[map] ?? {});
  return id === undefined ? [] : make(id, was?.[map]?.[id] ?? {});
}

function unmadeColumn(change, view) {
  return part(change, "columns", (column) =>
    view.tasksIn(column).length > 0 ? "column_not_empty" : wish("column.delete", { column }));
}

function remadeColumn(change, view) {
  const back = Object.entries(change.also ?? {})
    .filter(([task, { was }]) => view.tasks.has(task) && "column" in was)
    .flatMap(([task, { was }]) => wish("task.move", { task, column: was.column, position: was.position }));
  return part(change, "columns", (column) => [...wish("column.restore", { column }), ...back]);
}

function movedColumn(change, view) {
  return part(change, "columns", (column, was) => {
    const before = view.sortedColumns().filter((other) => other.id !== column && other.position < was.position);
    return wish("column.move", { column, after: before.at(-1)?.id ?? null });
  });
}

function remadeLabel(change, view) {
  return part(change, "labels", (label) => {
    const back = Object.keys(change.also ?? {})
      .filter((task) => view.tasks.has(task))
      .flatMap((task) => wish("task.update", { task, labels_add: [label] }));
    return [...wish("label.restore", { label }), ...back];
  });
}

// -- what others have done since

/**
 * The fields that taking `change` back would overwrite: `[{task?, field, now, back}…]`: they are not any more what
 * `change` made them. `touched(task, field)`: has somebody else changed it since?
 */
export function overwritten(change, view, touched) {
  const { op, task, set, was } = change;
  if (op === "task.create" || op === "task.restore") {
    return touched(task) ? [{ task, field: "card", now: view.tasks.get(task)?.title, back: null }] : [];
  }
  if (op.startsWith("comment.") || op === "task.delete") return [];
  const fields = task === undefined ? ofBoard(set, was, view) : ofTask(task, set, was, view);
  const aside = Object.entries(change.also ?? {}).flatMap(([id, patch]) =>
    op === "column.delete" ? ofTask(id, { column: patch.set.column }, patch.was, view) : []);
  return [...fields, ...aside].filter(({ field, ...one }) => touched(one.task, field));
}

function ofTask(task, set, was, view) {
  const record = view.tasks.get(task);
  if (record === undefined) return [];
  const found = FIELDS.filter((name) => name in set && !same(record[name], set[name]))
    .map((field) => ({ task, field, now: record[field], back: was[field] }));
  const place = ["column", "position"].find((name) => name in set && record[name] !== set[name]);
  if (place) found.push({ task, field: "column", now: record.column, back: was.column ?? record.column });
  if ("checklist" in set) found.push(...ofItems(task, set.checklist, was.checklist ?? [], record.checklist));
  return found;
}

function ofItems(task, set, was, now) {
  const old = new Map(was.map((item) => [item.id, item]));
  return set
    .filter((item) => !same(old.get(item.id), item))
    .map((item) => [item, now.find((other) => other.id === item.id)])
    .filter(([item, current]) => current !== undefined && !same(item, current))
    .map(([item, current]) => ({ task, field: "checklist", now: current.text, back: old.get(item.id)?.text ?? null }));
}

function ofBoard(set, was, view) {
  const found = ["name", "description"]
    .filter((name) => name in set && view.info[name] !== set[name])
    .map((field) => ({ field, now: view.info[field], back: was[field] }));
  for (const map of ["columns", "labels"]) {
    for (const [id, fields] of Object.entries(set[map] ?? {})) {
      const record = view[map].get(id);
      const differ = Object.keys(fields ?? {}).filter((name) => record && !same(record[name], fields[name]));
      for (const name of differ) {
        found.push({ field: `${map}.${id}.${name}`, now: record[name], back: was[map]?.[id]?.[name] ?? null });
      }
    }
  }
  return found;
}

/** The names under which `touched` is asked about a change: `[[task | undefined, field]…]`. */
export function touches({ task, set, also }) {
  const found = task === undefined ? boardFields(set) : taskFields(task, set);
  for (const [id, patch] of Object.entries(also ?? {})) found.push(...taskFields(id, patch.set));
  return found;
}

function taskFields(task, set = {}) {
  return Object.keys(set).map((name) => [task, name === "position" ? "column" : name]);
}

function boardFields(set = {}) {
  const fields = ["name", "description"].filter((name) => name in set).map((name) => [undefined, name]);
  for (const map of ["columns", "labels"]) {
    for (const [id, patch] of Object.entries(set[map] ?? {})) {
      for (const name of Object.keys(patch ?? {})) fields.push([undefined, `${map}.${id}.${name}`]);
    }
  }
  return fields;
}
