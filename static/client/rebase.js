// What this person means the board to be: what the server has confirmed, with the own pending changes on top. Pure.

import { applyIntent } from "./intents.js";
import { BoardState } from "./state.js";

/**
 * The view of `confirmed` (a BoardState, or null) with `pending` (`{op, args}`…, oldest first) applied.
 * A board that was created here and is not on the server yet starts from nothing. null: nothing to show.
 */
export function rebase(board, confirmed, pending) {
  if (pending.length === 0) return confirmed;
  if (confirmed === null && pending[0].op !== "board.create") return null;
  const view = confirmed?.copy() ?? new BoardState(board);
  for (const entry of pending) applyIntent(view, entry);
  return view;
}

/** The view after one more pending change. `view` itself stays as it is. */
export function withOneMore(board, view, entry) {
  return rebase(board, view, [entry]);
}

/**
 * What changed between two states, shaped as a change of the log: `{set, was, also?}`. With `task`, `set` and `was`
 * are that task's and its other tasks stand in `also`; else they are the board's.
 */
export function difference(before, after, task) {
  const also = {};
  if (task === undefined) {
    for (const id of touched(before.tasks, after.tasks)) also[id] = ofTask(before, after, id);
  }
  const { set, was } = task === undefined ? ofBoard(before, after) : ofTask(before, after, task);
  return Object.keys(also).length > 0 ? { set, was, also } : { set, was };
}

function ofTask(before, after, id) {
  const [old, now] = [before.tasks.get(id), after.tasks.get(id)];
  if (now === undefined) return old ? { set: { deleted: true }, was: { deleted: false } } : { set: {}, was: {} };
  if (old === undefined) return { set: { ...now, deleted: false }, was: { deleted: true } };
  const patch = fields(old, now);
  if ("column" in patch.set || "position" in patch.set) {
    for (const name of ["column", "position"]) [patch.set[name], patch.was[name]] = [now[name], old[name]];
  }
  return patch;
}

function ofBoard(before, after) {
  const { set, was } = fields(before.info, after.info);
  for (const map of ["columns", "labels", "members"]) {
    for (const id of touched(before[map], after[map])) {
      const [old, now] = [before[map].get(id), after[map].get(id)];
      const patch = old && now ? fields(old, now) : { set: now ?? null, was: old ?? null };
      (set[map] ??= {})[id] = patch.set;
      (was[map] ??= {})[id] = patch.was;
    }
  }
  return { set, was };
}

function touched(before, after) {
  const ids = [...after.keys()].filter((id) => before.get(id) !== after.get(id));
  return [...ids, ...[...before.keys()].filter((id) => !after.has(id))];
}

function fields(old, now) {
  const [set, was] = [{}, {}];
  for (const name of Object.keys(now)) {
    if (same(old[name], now[name])) continue;
    set[name] = now[name];
    was[name] = old[name];
  }
  return { set, was };
}

/** Equal as JSON is; for the flat values and short lists of a record. */
export function same(one, other) {
  return one === other || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
}
