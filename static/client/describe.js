// What a change did, line by line, for people. Pure. The words are the page's: a line says `what` and between what.
//
//   {what, from?, to?, added?, removed?, name?}     see `describe`

import { same } from "./rebase.js";

const PLAIN = ["title", "description", "priority", "due_at", "device", "alarm_at", "done_when", "verified", "completed"];

/**
 * The lines of a change; of its effect on `task` when that is given and another task was meant first.
 * `view`: a BoardState, for the names of columns and labels.
 * Columns and labels are named by title where they are known, else by id; users are ids.
 */
export function describe(change, { task, view } = {}) {
  const aside = task !== undefined && change.task !== task;
  const { set, was } = aside ? (change.also?.[task] ?? {}) : change;
  if (set === undefined) return [];
  if (change.task === undefined && !aside) return ofBoard(change.op, set, was ?? {});
  return ofTask(aside ? "" : change.op, set, was ?? {}, view);
}

function ofTask(op, set, was, view) {
  if (op === "task.create" || "created_at" in set && op.startsWith("alarm.")) return [{ what: "created", to: set.title }];
  if (op === "task.restore" && set.deleted === false) return [{ what: "restored" }];
  if (set.deleted) return [{ what: "deleted" }];
  const lines = PLAIN.filter((name) => name in set).map((name) => ({ what: name, from: was[name], to: set[name] }));
  if ("column" in set) lines.push(...moved(set, was, view));
  if ("labels" in set) lines.push(listed("labels", was.labels, set.labels, (id) => labelName(view, id)));
  if ("assignees" in set) lines.push(listed("assignees", was.assignees, set.assignees, (id) => id));
  if ("checklist" in set) lines.push(...items(was.checklist ?? [], set.checklist));
  lines.push(...commands(set.commands ?? {}, was.commands ?? {}));
  if ("comment" in set) lines.push(comment(op, set.comment, was.comment ?? {}));
  else if ("position" in set && !("column" in set)) lines.push({ what: "position" });
  return lines;
}

function moved(set, was, view) {
  if (set.column === was.column) return [{ what: "position" }];
  return [{ what: "moved", from: columnTitle(view, was.column), to: columnTitle(view, set.column) }];
}

function listed(what, old = [], now = [], name) {
  const added = now.filter((id) => !old.includes(id)).map(name);
  const removed = old.filter((id) => !now.includes(id)).map(name);
  return { what, added, removed };
}

function items(old, now) {
  const before = new Map(old.map((item) => [item.id, item]));
  const lines = now.flatMap((item) => ofItem(before.get(item.id), item));
  const left = old.filter((item) => !now.some((other) => other.id === item.id));
  lines.push(...left.map((item) => ({ what: "item_removed", from: item.text })));
  if (lines.length > 0 || same(old, now)) return lines;
  return [{ what: "item_moved", name: now.find((item, i) => item.id !== old[i]?.id)?.text }];
}

function ofItem(old, item) {
  if (old === undefined) return [{ what: "item_added", to: item.text }];
  const lines = old.text === item.text ? [] : [{ what: "item_text", from: old.text, to: item.text }];
  if (old.done !== item.done) lines.push({ what: item.done ? "item_done" : "item_open", name: item.text });
  return lines;
}

/** Each command by its name; `to` is its state. Of one that is known already only the id is told. */
function commands(now, old) {
  const changed = Object.entries(now).filter(([, fields]) => fields !== null);
  return changed.map(([id, { name, state = "queued", result }]) => ({ what: "command", name: name ?? old[id]?.name ?? "", to: state, result }));
}

function comment(op, now, old) {
  if (op === "comment.edit") return { what: "comment_edited", from: old.text, to: now.text };
  if (now.deleted) return { what: "comment_deleted", from: old.text };
  return { what: op === "comment.restore" ? "comment_restored" : "comment_added", to: now.text };
}

// -- of the board itself

const KINDS = { columns: "column", labels: "label", members: "member", devices: "device", rules: "rule" };

function ofBoard(op, set, was) {
  if (op === "board.create") return [{ what: "board_created", to: set.name }];
  const lines = ["name", "description"]
    .filter((name) => name in set)
    .map((name) => ({ what: `board_${name}`, from: was[name], to: set[name] }));
  if ("archived" in set) lines.push({ what: set.archived ? "board_archived" : "board_restored" });
  lines.push(...commands(set.commands ?? {}, was.commands ?? {}));
  for (const [map, kind] of Object.entries(KINDS)) {
    for (const [id, now] of Object.entries(set[map] ?? {})) lines.push(...part(kind, id, now, was[map]?.[id] ?? null));
  }
  return lines;
}

function part(kind, id, now, old) {
  const name = (fields) => fields?.title ?? fields?.name ?? fields?.then?.title ?? fields?.role ?? id;
  if (now === null) return [{ what: `${kind}_removed`, from: name(old), name: id }];
  if (old === null) return [{ what: `${kind}_added`, to: name(now), name: id }];
  if (kind === "rule") return [{ what: "rule_changed", to: name(now), name: id }];
  return Object.keys(now).map((field) => ({ what: `${kind}_${field}`, from: old[field], to: now[field], name: id }));
}

function columnTitle(view, id) {
  return (view?.columns.get(id) ?? view?.oldColumns.get(id))?.title ?? id;
}

function labelName(view, id) {
  return (view?.labels.get(id) ?? view?.oldLabels.get(id))?.name ?? id;
}
