// What a mutation will probably do, shown before the server has answered. Pure.
//
// These follow the server's rules as far as a person would notice; where they differ (order keys, limits,
// rights) the server's change replaces the guess. An intent that makes no sense (any more) does nothing here:
// the server is the one to refuse it.

import { placeAfter } from "./order.js";

const FIELDS = ["title", "description", "completed", "priority", "due_at", "device", "done_when"];
const BLANK = {
  description: "", completed: false, priority: "none", assignees: [], labels: [], due_at: null,
  checklist: [], comments: 0, device: null, alarm: null,
  alarm_at: null, done_when: null, verified: false,
};

/** Changes `state` (a copy made for this) by one queued mutation `{op, args}`. */
export function applyIntent(state, { op, args }) {
  INTENTS[op]?.(state, args);
}

const INTENTS = {
  "task.create": createTask,
  "task.update": updateTask,
  "task.move": (state, args) => patchTask(state, args.task, (task) => movement(state, task, args)),
  "task.delete": (state, { task }) => state.tasks.has(task) && state.dropTask(task),
  "task.restore": restoreTask,
  "checklist.set": (state, args) => patchTask(state, args.task, (task) => ({ checklist: withItem(task, args) })),
  "checklist.remove": removeItem,
  "comment.add": (state, args) => patchTask(state, args.task, (task) => ({ comments: task.comments + 1 })),
  "comment.delete": (state, args) => patchTask(state, args.task, (task) => ({ comments: task.comments - 1 })),
  "comment.restore": (state, args) => patchTask(state, args.task, (task) => ({ comments: task.comments + 1 })),
  "board.create": createBoard,
  "board.update": (state, { name, description }) => patchBoard(state, given({ name, description })),
  "board.archive": (state) => patchBoard(state, { archived: true }),
  "board.restore": (state) => patchBoard(state, { archived: false }),
  "column.create": createColumn,
  "column.update": updateColumn,
  "column.move": moveColumn,
  "column.delete": deleteColumn,
  "column.restore": restoreColumn,
  "label.create": createLabel,
  "label.update": updateLabel,
  "label.delete": deleteLabel,
  "label.restore": restoreLabel,
  "device.update": updateDevice,
  "device.delete": (state, { device }) => state.devices.delete(device),
  "rule.set": (state, { rule }) => state.rules.set(rule.id, rule),
  "rule.delete": (state, { rule }) => state.rules.delete(rule),
  "command.send": sendCommand,
  "member.set": (state, { user, role }) => state.members.set(user, { user, role }),
  "member.remove": removeMember,
};

// -- tasks

function createTask(state, { task: id, column: wanted, after, ...fields }) {
  if (state.tasks.has(id)) return;
  const doneColumn = fields.completed && wanted === undefined ? first(state, true) : undefined;
  const column = state.columns.get(wanted) ?? doneColumn ?? state.sortedColumns()[0];
  if (column === undefined) return;
  const anchor = doneColumn && after === undefined ? null : after;
  const position = placeAfter(state.tasksIn(column.id), anchor);
  const completed = column.done || (fields.completed === true && first(state, true) === undefined);
  const sets = { labels: changed(fields.labels ?? []), assignees: changed(fields.assignees ?? []) };
  state.setTask({ ...BLANK, ...fields, ...sets, id, column: column.id, position, completed, seq: 0 });
}

function updateTask(state, args) {
  patchTask(state, args.task, (task) => {
    const fields = given(Object.fromEntries(FIELDS.map((name) => [name, args[name]])));
    if (args.labels_add || args.labels_remove) {
      fields.labels = changed(task.labels, args.labels_add, args.labels_remove);
    }
    if (args.assignees_add || args.assignees_remove) {
      fields.assignees = changed(task.assignees, args.assignees_add, args.assignees_remove);
    }
    if (fields.done_when !== undefined && JSON.stringify(fields.done_when) !== JSON.stringify(task.done_when)) fields.verified = false;
    return { ...fields, ...consequence(state, task, args) };
  });
}

/** Where an update puts the task: where it says, or where its being (in)complete belongs. */
function consequence(state, task, args) {
  if (args.column === undefined && args.completed !== undefined && args.completed !== task.completed) {
    const [target, after] = [first(state, args.completed), args.after === undefined ? null : args.after];
    if (target !== undefined && state.columns.get(task.column)?.done !== args.completed) {
      return { ...movement(state, task, { column: target.id, after }), completed: args.completed };
    }
  }
  return args.column !== undefined || args.after !== undefined ? movement(state, task, args) : {};
}

function movement(state, task, { column, after, position }) {
  const from = state.columns.get(task.column);
  const to = column === undefined ? from : state.columns.get(column);
  if (to === undefined) return {};
  const place = position ?? placeAfter(state.tasksIn(to.id), after, task.id);
  const fields = place === null ? {} : { column: to.id, position: place };
  if (to !== from && (to.done || from?.done)) fields.completed = to.done;
  return fields;
}

function restoreTask(state, { task: id }) {
  const task = state.deleted.get(id);
  if (task === undefined) return;
  const labels = task.labels.filter((label) => state.labels.has(label));
  const column = state.columns.get(task.column);
  if (column) return void state.setTask({ ...task, labels, completed: column.done || task.completed });
  const [first] = state.sortedColumns();
  if (first === undefined) return;
  const position = placeAfter(state.tasksIn(first.id), undefined);
  state.setTask({ ...task, labels, column: first.id, position, completed: first.done });
}

/** What waits for telemetry is not completed before, and waits anew once it is open again. */
function patchTask(state, id, patch) {
  const task = state.tasks.get(id);
  if (task === undefined) return;
  const next = { ...task, ...patch(task) };
  if (next.done_when && next.completed && !task.completed && !next.verified) return;
  if (next.done_when && !next.completed && task.completed) next.verified = false;
  state.setTask(next);
}

// -- checklists

function withItem(task, { item: id, text, done, after }) {
  const old = task.checklist.find((item) => item.id === id);
  const item = { id, text: "", done: false, ...old, ...given({ text, done }) };
  if (old && after === undefined) return task.checklist.map((other) => (other.id === id ? item : other));
  const items = task.checklist.filter((other) => other.id !== id);
  const anchor = items.findIndex((other) => other.id === after);
  items.splice(after === null ? 0 : anchor < 0 ? items.length : anchor + 1, 0, item);
  return items;
}

function removeItem(state, { task, item }) {
  patchTask(state, task, (old) => ({ checklist: old.checklist.filter((other) => other.id !== item) }));
}

// -- the board and its columns

const COLUMNS = [
  { id: "todo", title: "To do" }, { id: "doing", title: "Doing" }, { id: "done", title: "Done", done: true },
];

function createBoard(state, { name, description = "", columns = COLUMNS }) {
  if (state.columns.size > 0) return;
  patchBoard(state, { name, description });
  for (const { id, ...fields } of columns) createColumn(state, { column: id, ...fields });
}

function patchBoard(state, fields) {
  state.info = { ...state.info, ...fields };
}

function createColumn(state, { column: id, title, done = false, wip_limit = null, after }) {
  if (state.columns.has(id)) return;
  const position = placeAfter(state.sortedColumns(), after);
  state.setColumn({ id, title, done, wip_limit, position });
}

function updateColumn(state, { column: id, ...wanted }) {
  const column = state.columns.get(id);
  if (column === undefined) return;
  state.setColumn({ ...column, ...given(wanted) });
  if (wanted.done === undefined || wanted.done === column.done) return;
  for (const task of state.tasksIn(id)) patchTask(state, task.id, () => ({ completed: wanted.done }));
}

function moveColumn(state, { column: id, after }) {
  const column = state.columns.get(id);
  const position = column && placeAfter(state.sortedColumns(), after, id);
  if (position) state.setColumn({ ...column, position });
}

function deleteColumn(state, { column: id, move_to: target }) {
  const tasks = state.tasksIn(id);
  const stays = tasks.length > 0 && (target === id || !state.columns.has(target));
  if (!state.columns.has(id) || state.columns.size === 1 || stays) return;
  for (const task of tasks) patchTask(state, task.id, () => movement(state, task, { column: target }));
  state.dropColumn(id);
}

function restoreColumn(state, { column: id }) {
  const column = state.oldColumns.get(id);
  if (column === undefined) return;
  const others = state.sortedColumns();
  const here = others.find((other) => other.position === column.position);
  state.setColumn({ ...column, position: here ? placeAfter(others, here.id) : column.position });
}

// -- labels

function createLabel(state, { label: id, name, color }) {
  if (!state.labels.has(id)) state.setLabel({ id, name, color });
}

function updateLabel(state, { label: id, name, color }) {
  const label = state.labels.get(id);
  if (label !== undefined) state.setLabel({ ...label, ...given({ name, color }) });
}

function deleteLabel(state, { label: id }) {
  if (!state.labels.has(id)) return;
  for (const task of [...state.tasks.values()]) {
    if (task.labels.includes(id)) state.setTask({ ...task, labels: changed(task.labels, [], [id]) });
  }
  state.dropLabel(id);
}

function restoreLabel(state, { label: id }) {
  const label = state.oldLabels.get(id);
  if (label !== undefined) state.setLabel(label);
}

// -- devices

function updateDevice(state, { device: id, ...fields }) {
  const device = state.devices.get(id);
  if (device !== undefined) state.devices.set(id, { ...device, ...given(fields) });
}

function sendCommand(state, { command, device, name, args = {}, task, expires_at }) {
  if (state.commands.has(command) || !state.devices.has(device)) return;
  state.foldCommands({ [command]: { device, name, args, task: task ?? null, expires_at: expires_at ?? null } });
}

// -- members

function removeMember(state, { user }) {
  if (!state.members.delete(user)) return;
  for (const task of [...state.tasks.values()]) {
    if (task.assignees.includes(user)) state.setTask({ ...task, assignees: changed(task.assignees, [], [user]) });
  }
}

// -- small things

function first(state, done) {
  return state.sortedColumns().find((column) => column.done === done);
}

function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function changed(old, add = [], remove = []) {
  return [...new Set([...old, ...add])].filter((item) => !remove.includes(item));
}
