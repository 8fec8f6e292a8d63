// The state of one board, folded from its log. Pure: no clock, no socket, no page.
//
// Records are never changed in place: a fold puts new ones there, so that a copy of the maps is a copy of the
// state and "is it the same object" answers "has it changed".

import { byPosition } from "./order.js";

const DERIVED = new Set(["comment", "deleted"]); // of a task's patch: not fields of the record

export class BoardState {
  constructor(board) {
    this.id = board;
    this.seq = 0;
    this.epoch = "";
    this.info = { id: board, name: "", description: "", archived: false };
    this.columns = new Map();
    this.labels = new Map();
    this.members = new Map();
    this.tasks = new Map();
    this.deleted = new Map(); // tombstones: what an undo shows at once
    this.lists = null;
  }

  /** From a `joined` message with a snapshot; further tasks come through `addTasks`. */
  static fromSnapshot(message) {
    const state = new BoardState(message.board);
    const { board, columns, labels, members, tasks } = message.snapshot;
    state.seq = message.seq;
    state.epoch = message.epoch;
    state.info = board;
    for (const column of columns) state.columns.set(column.id, column);
    for (const label of labels) state.labels.set(label.id, label);
    for (const member of members) state.members.set(member.user, member);
    state.addTasks(tasks);
    return state;
  }

  addTasks(tasks) {
    for (const task of tasks) this.tasks.set(task.id, task);
    this.lists = null;
  }

  /** A copy that can be changed without changing this one; the records are shared. */
  copy() {
    const copy = Object.assign(new BoardState(this.id), this);
    for (const map of ["columns", "labels", "members", "tasks", "deleted"]) copy[map] = new Map(this[map]);
    copy.lists = null;
    return copy;
  }

  /** Takes the next change of the log. The caller has checked that `change.seq` is `this.seq + 1`. */
  apply(change) {
    if (change.task !== undefined) this.foldTask(change.task, change.set, change);
    else this.foldBoard(change.set, change);
    for (const [task, part] of Object.entries(change.also ?? {})) this.foldTask(task, part.set, change);
    this.seq = change.seq;
    this.lists = null;
  }

  foldTask(id, patch, change) {
    const old = this.tasks.get(id) ?? this.deleted.get(id) ?? { id };
    const derived = { updated_at: change.at, updated_by: change.actor.id, seq: change.seq };
    const task = { ...old, ...without(patch, DERIVED), ...derived };
    const gone = patch.deleted ?? (this.deleted.has(id) && !this.tasks.has(id));
    this.tasks.delete(id);
    this.deleted.delete(id);
    (gone ? this.deleted : this.tasks).set(id, task);
  }

  foldBoard(patch, change) {
    const { columns, labels, members, epoch, ...info } = patch;
    this.info = { ...this.info, ...info, updated_at: change.at };
    if (epoch !== undefined) this.epoch = epoch;
    foldMap(this.columns, columns, "id");
    foldMap(this.labels, labels, "id");
    foldMap(this.members, members, "user");
  }

  /** Tells the lists that records were put in place by hand (see intents.js). */
  touch() {
    this.lists = null;
  }

  sortedColumns() {
    return [...this.columns.values()].sort(byPosition);
  }

  /** The tasks of a column in order. The array is shared: do not change it. */
  tasksIn(column) {
    this.lists ??= this.group();
    return this.lists.get(column) ?? [];
  }

  group() {
    const lists = new Map();
    for (const task of this.tasks.values()) {
      const list = lists.get(task.column);
      if (list) list.push(task);
      else lists.set(task.column, [task]);
    }
    for (const list of lists.values()) list.sort(byPosition);
    return lists;
  }
}

function foldMap(map, patches, key) {
  for (const [id, patch] of Object.entries(patches ?? {})) {
    if (patch === null) map.delete(id);
    else map.set(id, { [key]: id, ...map.get(id), ...patch });
  }
}

function without(patch, names) {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !names.has(name)));
}
