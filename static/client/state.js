// The state of one board, folded from its log. Pure: no clock, no socket, no page.
//
// Records and lists are never changed in place: a fold puts new ones there, so that a copy of the maps is a copy
// of the state and "is it the same object" answers "has it changed".

import { byPosition, indexIn } from "./order.js";

const DERIVED = new Set(["comment", "deleted", "commands"]); // of a task's patch: not fields of the record
const KEPT = ["columns", "labels", "members", "devices", "rules", "commands", "tasks"];
const MAPS = [...KEPT, "deleted", "oldColumns", "oldLabels"];
const TOMBSTONES = 500; // of each kind: as many as an undo may want to bring back

export class BoardState {
  constructor(board) {
    this.id = board;
    this.seq = 0;
    this.epoch = "";
    this.info = { id: board, name: "", description: "", archived: false };
    for (const map of MAPS) this[map] = new Map(); // `deleted`, `oldColumns`, `oldLabels` are tombstones
    this.lists = null; // column → its tasks in order; made when first asked for, then kept up to date
    this.order = null; // the columns in order
  }

  /** From a `joined` message with a snapshot; further tasks come through `addTasks`. */
  static fromSnapshot({ board, seq, epoch, snapshot }) {
    return BoardState.from({ board, seq, epoch, info: snapshot.board, ...snapshot });
  }

  /** From what `parts` gave. */
  static from({ board, seq, epoch, info, columns, labels, members, devices = [], rules = [], commands = [], tasks }) {
    const state = Object.assign(new BoardState(info.id ?? board), { seq, epoch, info });
    for (const column of columns) state.columns.set(column.id, column);
    for (const label of labels) state.labels.set(label.id, label);
    for (const member of members) state.members.set(member.user, member);
    for (const [map, records] of Object.entries({ devices, rules, commands })) {
      for (const record of records) state[map].set(record.id, record);
    }
    state.addTasks(tasks);
    return state;
  }

  /** All there is to know, for keeping: `{seq, epoch, info}` and the lists of KEPT, plain values. */
  parts() {
    const { seq, epoch, info } = this;
    const records = KEPT.map((map) => [map, [...this[map].values()]]);
    return { seq, epoch, info, ...Object.fromEntries(records) };
  }

  addTasks(tasks) {
    for (const task of tasks) this.tasks.set(task.id, task);
    this.lists = null;
  }

  /** A copy that can be changed without changing this one; records and lists are shared. */
  copy() {
    const copy = Object.assign(Object.create(BoardState.prototype), this);
    for (const map of MAPS) copy[map] = new Map(this[map]);
    copy.lists = this.lists && new Map(this.lists);
    return copy;
  }

  // -- folding the log

  /** Takes the next change of the log. The caller has checked that `change.seq` is `this.seq + 1`. */
  apply(change) {
    if (change.task !== undefined) this.foldTask(change.task, change.set, change);
    else this.foldBoard(change.set, change);
    this.foldCommands(change.set.commands); // the board's, also where the change is about their card
    for (const [task, part] of Object.entries(change.also ?? {})) this.foldTask(task, part.set, change);
    this.seq = change.seq;
  }

  foldTask(id, patch, change) {
    const old = this.tasks.get(id) ?? this.deleted.get(id) ?? { id };
    const derived = { updated_at: change.at, updated_by: change.actor.id, seq: change.seq };
    const task = { ...old, ...without(patch, DERIVED), ...derived };
    const gone = patch.deleted ?? (this.deleted.has(id) && !this.tasks.has(id));
    if (gone) this.dropTask(id, task);
    else this.setTask(task);
  }

  foldBoard(patch, change) {
    const { columns, labels, members, devices, rules, commands, epoch, ...info } = patch;
    this.info = { ...this.info, ...info, updated_at: change.at };
    if (epoch !== undefined) this.epoch = epoch;
    for (const [id, fields] of Object.entries(columns ?? {})) {
      if (fields === null) this.dropColumn(id);
      else this.setColumn({ id, ...this.columns.get(id), ...fields });
    }
    for (const [id, fields] of Object.entries(labels ?? {})) {
      if (fields === null) this.dropLabel(id);
      else this.setLabel({ id, ...this.labels.get(id), ...fields });
    }
    for (const [user, fields] of Object.entries(members ?? {})) {
      if (fields === null) this.members.delete(user);
      else this.members.set(user, { user, ...this.members.get(user), ...fields });
    }
    for (const [id, fields] of Object.entries(devices ?? {})) {
      if (fields === null) this.devices.delete(id);
      else this.devices.set(id, { id, ...this.devices.get(id), ...fields });
    }
    for (const [id, rule] of Object.entries(rules ?? {})) {
      if (rule === null) this.rules.delete(id);
      else this.rules.set(id, rule);
    }
  }

  foldCommands(patch) {
    for (const [id, fields] of Object.entries(patch ?? {})) {
      if (fields === null) this.commands.delete(id);
      else this.commands.set(id, { ...COMMAND, id, ...this.commands.get(id), ...fields });
    }
  }

  // -- putting records in place; also for what is only guessed (intents.js)

  setTask(task) {
    const old = this.tasks.get(task.id);
    this.tasks.set(task.id, task);
    this.deleted.delete(task.id);
    if (this.lists === null) return;
    if (old && old.column === task.column && old.position === task.position) {
      const list = [...this.tasksIn(task.column)];
      list[indexIn(list, task)] = task;
      this.lists.set(task.column, list);
      return;
    }
    if (old) this.unlist(old);
    const list = [...this.tasksIn(task.column)];
    list.splice(indexIn(list, task), 0, task);
    this.lists.set(task.column, list);
  }

  /** Takes a task away; `last` is what an undo would bring back. */
  dropTask(id, last = this.tasks.get(id)) {
    const old = this.tasks.get(id);
    this.tasks.delete(id);
    if (old && this.lists) this.unlist(old);
    bury(this.deleted, id, last);
  }

  unlist(task) {
    const list = [...this.tasksIn(task.column)];
    list.splice(indexIn(list, task), 1);
    this.lists.set(task.column, list);
  }

  setColumn(column) {
    this.columns.set(column.id, column);
    this.oldColumns.delete(column.id);
    this.order = null;
  }

  dropColumn(id) {
    bury(this.oldColumns, id, this.columns.get(id));
    this.columns.delete(id);
    this.order = null;
  }

  setLabel(label) {
    this.labels.set(label.id, label);
    this.oldLabels.delete(label.id);
  }

  dropLabel(id) {
    bury(this.oldLabels, id, this.labels.get(id));
    this.labels.delete(id);
  }

  // -- reading

  /** The commands that were sent from a card, newest first. */
  commandsOf(task) {
    return [...this.commands.values()].filter((command) => command.task === task).reverse();
  }

  /** The columns in order. The array is shared: do not change it. */
  sortedColumns() {
    this.order ??= [...this.columns.values()].sort(byPosition);
    return this.order;
  }

  /** The tasks of a column in order; the same array until one of them changes. Do not change it. */
  tasksIn(column) {
    this.lists ??= this.group();
    return this.lists.get(column) ?? NONE;
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

const NONE = Object.freeze([]);
const COMMAND = Object.freeze({ args: {}, task: null, state: "queued", sent_at: null, settled_at: null, result: null });

function bury(map, id, record) {
  map.delete(id);
  if (record === undefined) return;
  map.set(id, record);
  if (map.size > TOMBSTONES) map.delete(map.keys().next().value);
}

function without(patch, names) {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !names.has(name)));
}
