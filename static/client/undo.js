// Undo and redo of what was done in this tab, on one board. Works on the local state at once, with or without a link.
//
// A step is what one gesture did: {changes: [{mutation, op, task?, set, was, also?}…], later}. Until the server has
// confirmed a change it is known as it looked from here. `later` holds what others have done since to the same fields,
// "task field" → actor: taking the step back would overwrite them, and that is said before it is done.
//
// Event: `change`.

import { applyIntent } from "./intents.js";
import { inverse, overwritten, touches } from "./inverse.js";

const STEPS = 100;

export class Undo extends EventTarget {
  constructor(board) {
    super();
    this.board = board;
    this.done = []; // steps that can be undone, the latest last
    this.undone = []; // steps that can be redone
  }

  get canUndo() {
    return this.done.length > 0;
  }

  get canRedo() {
    return this.undone.length > 0;
  }

  get next() {
    return shown(this.done.at(-1), "undo");
  }

  get nextRedo() {
    return shown(this.undone.at(-1), "redo");
  }

  /** Takes the latest step back. See `carryOut` for what it returns. */
  undo({ force = false } = {}) {
    return this.carryOut(this.done, this.undone, "undo", force);
  }

  redo({ force = false } = {}) {
    return this.carryOut(this.undone, this.done, "redo", force);
  }

  /** Throws the next step away: the person does not want it taken back. */
  drop() {
    this.done.pop();
    this.changed();
  }

  // -- what the board tells

  /** A gesture has made these changes. */
  did(changes) {
    if (changes.length === 0) return;
    this.push(this.done, changes);
    this.undone = [];
    this.changed();
  }

  /** A confirmed change: of ours, then it is known better from now on; of somebody else's, then it counts as later. */
  saw(change, mine) {
    if (this.done.length === 0 && this.undone.length === 0) return;
    if (mine) return this.confirmed(change);
    const fields = touches(change);
    for (const step of [...this.done, ...this.undone]) {
      for (const [task, field] of fields) {
        if (!step.tasks.has(task)) continue;
        step.later.set(key(task, field), change.actor);
        step.later.set(key(task), change.actor);
      }
    }
  }

  confirmed(change) {
    for (const step of [...this.done, ...this.undone]) {
      const index = step.changes.findIndex((one) => one.mutation === change.mutation);
      if (index < 0) continue;
      const { mutation, op, task, set, was, also } = change;
      step.changes[index] = { mutation, op, task, set, was, also };
      step.tasks = tasksOf(step.changes);
    }
  }

  /** The server did not want it: there is nothing to undo. */
  refused(mutation) {
    for (const stack of [this.done, this.undone]) {
      for (const step of stack) step.changes = step.changes.filter((one) => one.mutation !== mutation);
    }
    this.done = this.done.filter((step) => step.changes.length > 0);
    this.undone = this.undone.filter((step) => step.changes.length > 0);
    this.changed();
  }

  // -- doing it

  /**
   * {done: true, step} · {done: false, reason: "nothing"} ·
   * {done: false, reason: "overwrites", step, conflicts: [{task?, title?, field, by, now, back}…]}: nothing has happened ·
   * {done: false, reason: "impossible", step, why}: the step has been thrown away.
   */
  carryOut(from, to, kind, force) {
    const step = from.at(-1);
    const { view } = this.board;
    if (step === undefined || view === null) return { done: false, reason: "nothing" };
    const told = shown(step, kind);
    const conflicts = force ? [] : this.conflicts(step, view);
    if (conflicts.length > 0) return { done: false, reason: "overwrites", step: told, conflicts };
    const { wishes, why } = takenBack(step.changes, view);
    from.pop();
    if (why !== undefined || wishes.length === 0) {
      this.changed();
      return why === undefined ? { done: true, step: told } : { done: false, reason: "impossible", step: told, why };
    }
    const base = force ? undefined : this.board.head;
    const made = this.board.enqueue(wishes.map((wish) => ({ ...wish, base: BASED.has(wish.op) ? base : undefined })));
    this.push(to, made.filter((one) => one !== null));
    this.changed();
    return { done: true, step: told };
  }

  conflicts(step, view) {
    const found = step.changes.flatMap((change) => overwritten(change, view, (...at) => this.touched(step, view, ...at)));
    return found.map((one) => ({
      ...one,
      title: view.tasks.get(one.task)?.title,
      by: step.later.get(key(one.task, one.field === "card" ? undefined : one.field)) ?? null,
    }));
  }

  /** A snapshot may have brought changes that were never seen one by one: then the card's last author tells. */
  touched(step, view, task, field) {
    if (step.later.has(key(task, field))) return true;
    const { home, confirmed } = this.board;
    const record = confirmed?.tasks.get(task);
    return record !== undefined && step.snapshots !== this.board.snapshots && !home.directory.isMe(record.updated_by);
  }

  push(stack, changes) {
    if (changes.length === 0) return;
    stack.push({ changes, tasks: tasksOf(changes), later: new Map(), snapshots: this.board.snapshots });
    if (stack.length > STEPS) stack.shift();
  }

  changed() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}

const BASED = new Set(["task.update", "comment.edit", "column.update", "label.update", "board.update"]);

function key(task = "", field = "") {
  return `${task} ${field}`;
}

function tasksOf(changes) {
  return new Set(changes.flatMap((change) => [change.task, ...Object.keys(change.also ?? {})]));
}

function shown(step, kind) {
  if (step === undefined) return null;
  const tasks = [...step.tasks].filter((task) => task !== undefined);
  return { kind, ops: step.changes.map((change) => change.op), tasks, changes: step.changes };
}

/** The last change first, each on what the ones before have left. */
function takenBack(changes, view) {
  const now = view.copy();
  const wishes = [];
  for (const change of [...changes].reverse()) {
    const back = inverse(change, now);
    if (back.why !== undefined) return back;
    for (const wish of back.wishes) applyIntent(now, wish);
    wishes.push(...back.wishes);
  }
  return { wishes };
}
