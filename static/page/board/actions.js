// What a person can do to a board, from wherever they do it.

import { t } from "../i18n.js";

export class Actions {
  /** `say(text)`: the live region. */
  constructor({ client, toasts, say }) {
    Object.assign(this, { client, toasts, say });
  }

  get view() {
    return this.client.view;
  }

  task(id) {
    return this.view?.tasks.get(id);
  }

  // -- cards

  /** The id of the new card. */
  create(column, title) {
    const task = this.client.newId("t");
    this.client.mutate("task.create", { task, title, column });
    this.say(t("said.added", { title, column: this.view.columns.get(column)?.title ?? "" }));
    return task;
  }

  /** Changes fields: `{priority: "high"}`, `{labels_add: [id]}`… */
  update(id, fields) {
    if (this.task(id)) this.client.mutate("task.update", { task: id, ...fields });
  }

  toggle(id) {
    const task = this.task(id);
    if (task === undefined) return;
    this.update(id, { completed: !task.completed });
    this.say(t(task.completed ? "said.reopened" : "said.completed", { title: task.title }));
  }

  /** Puts a card behind `after` (null: on top, undefined: at the end) unless it is there already. */
  move(id, column, after) {
    const move = this.movement(id, column, after);
    if (move === null) return;
    this.client.mutate("task.move", move);
    this.told(id);
  }

  movement(id, column, after) {
    const task = this.task(id);
    if (task === undefined) return null;
    const list = this.view.tasksIn(column);
    const last = list.at(-1)?.id === id ? list.at(-2) : list.at(-1);
    const wanted = after === undefined ? (last?.id ?? null) : after;
    const index = task.column === column ? list.indexOf(task) : -1;
    if (index >= 0 && (list[index - 1]?.id ?? null) === wanted) return null;
    return { task: id, column, ...(after === undefined ? {} : { after }) };
  }

  told(id) {
    const task = this.task(id);
    if (task === undefined) return;
    const list = this.view.tasksIn(task.column);
    const column = this.view.columns.get(task.column)?.title ?? "";
    this.say(t("said.moved", { title: task.title, column, at: list.indexOf(task) + 1, n: list.length }));
  }

  /** One step: "up" or "down" in its column, "left" or "right" to the top of the next one. */
  step(id, direction) {
    const task = this.task(id);
    if (task === undefined) return;
    const list = this.view.tasksIn(task.column);
    const index = list.indexOf(task);
    if (direction === "up" && index > 0) this.move(id, task.column, list[index - 2]?.id ?? null);
    if (direction === "down" && index < list.length - 1) this.move(id, task.column, list[index + 1].id);
    const there = this.columnBeside(task.column, direction);
    if (there) this.move(id, there.id, null);
  }

  columnBeside(column, direction) {
    const columns = this.view.sortedColumns();
    return columns[columns.findIndex((one) => one.id === column) + { left: -1, right: 1 }[direction]];
  }

  remove(id) {
    this.removeAll([id]);
  }

  // -- several cards at once: one step of undo

  /** Puts cards one behind the other after `after`, in the order in which they stand. */
  moveAll(ids, column, after) {
    if (ids.length === 1) return this.move(ids[0], column, after);
    let last = ids.includes(after) ? null : after;
    const moves = ids.map((task) => {
      const args = { task, column, ...(last === undefined ? {} : { after: last }) };
      last = last === undefined ? undefined : task;
      return { op: "task.move", args };
    });
    this.client.mutateAll(moves);
    return this.say(t("said.moved_all", { n: ids.length, column: this.view.columns.get(column)?.title ?? "" }));
  }

  updateAll(ids, fields) {
    this.client.mutateAll(ids.map((task) => ({ op: "task.update", args: { task, ...fields } })));
  }

  toggleAll(ids, completed) {
    this.updateAll(ids, { completed });
    this.say(t(completed ? "said.completed_all" : "said.reopened_all", { n: ids.length }));
  }

  removeAll(ids) {
    const tasks = ids.map((id) => this.task(id)).filter(Boolean);
    if (tasks.length === 0) return;
    const [first] = tasks;
    this.client.mutateAll(tasks.map(({ id }) => ({ op: "task.delete", args: { task: id } })));
    const text = tasks.length === 1 ? t("said.deleted", { title: short(first.title) }) : t("said.deleted_all", { n: tasks.length });
    this.toasts.show(text, { step: true, actions: [[t("undo"), () => this.bringBack(tasks)]] });
  }

  /** By the undo of the client while the deletion is the last step there, else by a step of its own. */
  bringBack(tasks) {
    const { undo } = this.client;
    const same = undo.next?.ops.every((op) => op === "task.delete") && undo.next.tasks.join() === tasks.map(({ id }) => id).join();
    if (same && undo.undo().done) return;
    this.client.mutateAll(tasks.map(({ id }) => ({ op: "task.restore", args: { task: id } })));
  }

  // -- columns

  addColumn(title, after) {
    const args = { column: this.client.newId("k"), title, ...(after === undefined ? {} : { after }) };
    this.client.mutate("column.create", args);
    this.say(t("said.column_added", { title }));
  }

  updateColumn(column, fields) {
    this.client.mutate("column.update", { column, ...fields });
  }

  moveColumn(id, direction) {
    const columns = this.view.sortedColumns();
    const index = columns.findIndex((column) => column.id === id);
    const after = direction === "left" ? columns[index - 2] : columns[index + 1];
    if (index < 0 || (direction === "left" && index === 0) || (direction === "right" && after === undefined)) return;
    this.placeColumn(id, after?.id ?? null);
  }

  /** Puts a column behind `after`; null: first. */
  placeColumn(column, after) {
    const before = this.view.sortedColumns();
    const index = before.findIndex(({ id }) => id === column);
    if (index < 0 || (before[index - 1]?.id ?? null) === after) return;
    this.client.mutate("column.move", { column, after });
    const now = this.view.sortedColumns();
    const at = now.findIndex(({ id }) => id === column);
    this.say(t("said.column_moved", { title: now[at].title, at: at + 1, n: now.length }));
  }

  deleteColumn(column, moveTo) {
    const { title } = this.view.columns.get(column);
    this.client.mutate("column.delete", moveTo ? { column, move_to: moveTo } : { column });
    const back = () => {
      const { next } = this.client.undo; // it gives the column its cards back, too
      const same = next?.ops.length === 1 && next.ops[0] === "column.delete" && column in (next.changes[0].set.columns ?? {});
      if (!same || !this.client.undo.undo().done) this.client.mutate("column.restore", { column });
    };
    this.toasts.show(t("said.column_deleted", { title }), { step: true, actions: [[t("undo"), back]] });
  }

  // -- labels

  /** Makes a label and gives it to `task`: one step of undo. */
  addLabel(task, name, color) {
    const label = this.client.newId("l");
    this.client.mutateAll([
      { op: "label.create", args: { label, name, color } },
      { op: "task.update", args: { task, labels_add: [label] } },
    ]);
  }

  removeLabel(label) {
    const { name } = this.view.labels.get(label);
    this.client.mutate("label.delete", { label });
    const back = () => {
      const { next } = this.client.undo; // the undo of the client gives the label back to its cards, too
      const same = next?.ops.length === 1 && next.ops[0] === "label.delete" && label in (next.changes[0].set.labels ?? {});
      if (!same || !this.client.undo.undo().done) this.client.mutate("label.restore", { label });
    };
    this.toasts.show(t("said.label_deleted", { name }), { actions: [[t("undo"), back]] });
  }

  // -- members

  setMember(user, role, name) {
    this.client.mutate("member.set", { user, role });
    this.say(t("said.member_set", { name, role: t(`role.${role}`) }));
  }

  removeMember(user, name) {
    const { role } = this.view.members.get(user);
    const assigned = [...this.view.tasks.values()].filter((task) => task.assignees.includes(user));
    const again = assigned.map(({ id }) => ({ op: "task.update", args: { task: id, assignees_add: [user] } }));
    this.client.mutate("member.remove", { user });
    const back = () => this.client.mutateAll([{ op: "member.set", args: { user, role } }, ...again]);
    this.toasts.show(t("said.member_removed", { name }), { actions: [[t("undo"), back]] });
  }
}

export function short(text, length = 60) {
  const letters = [...text];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : text;
}
