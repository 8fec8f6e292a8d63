// Moving a card by keys: Space lifts it, arrows carry it, Space puts it down, Escape brings it back. Only the last
// place is sent; until then the card is drawn where it hovers.

import { t } from "../i18n.js";

export class Lift {
  /** `redraw()` draws at once; `focus(task)`. */
  constructor({ client, shown, actions, say, redraw, focus }) {
    Object.assign(this, { client, shown, actions, say, redraw, focus });
  }

  get task() {
    return this.shown.lifted?.task;
  }

  up(id) {
    const { view } = this.client;
    const task = view.tasks.get(id);
    const index = this.shown.in(view, task.column).indexOf(task);
    this.shown.lifted = { task: id, column: task.column, index };
    this.show(t("said.lifted", { title: task.title }));
  }

  carry(direction) {
    const { lifted } = this.shown;
    const { view } = this.client;
    if (direction === "up") lifted.index = Math.max(0, lifted.index - 1);
    else if (direction === "down") lifted.index = Math.min(this.others(lifted.column).length, lifted.index + 1);
    else {
      const there = this.actions.columnBeside(lifted.column, direction);
      if (!there) return;
      lifted.column = there.id;
      lifted.index = Math.min(lifted.index, this.others(there.id).length);
    }
    const title = view.columns.get(lifted.column)?.title ?? "";
    this.show(t("said.hovers", { column: title, at: lifted.index + 1, n: this.others(lifted.column).length + 1 }));
  }

  others(column) {
    return this.shown.in(this.client.view, column).filter((task) => task.id !== this.task);
  }

  drop() {
    const { task, column, index } = this.shown.lifted;
    const after = this.others(column)[index - 1]?.id ?? null;
    this.shown.lifted = null;
    if (this.client.view.columns.has(column)) this.actions.move(task, column, after);
    this.redraw();
    this.focus(task);
  }

  cancel() {
    const { task } = this;
    if (task === undefined) return;
    this.shown.lifted = null;
    this.show(t("said.returned"), task);
  }

  /** The card may have been deleted by somebody else. */
  check() {
    if (this.task !== undefined && !this.client.view.tasks.has(this.task)) this.shown.lifted = null;
  }

  show(text, task = this.task) {
    this.redraw();
    this.focus(task);
    this.say(text);
  }
}
