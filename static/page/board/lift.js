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
    this.shown.lifted = { task: id, column: task.column, after: [] };
    this.hover(task.column, index);
    this.show(t("said.lifted", { title: task.title }));
  }

  /** Below the first `index` other cards of `column`. */
  hover(column, index) {
    const above = this.others(column).slice(0, index).map(({ id }) => id);
    Object.assign(this.shown.lifted, { column, after: above.reverse() });
  }

  carry(direction) {
    const { lifted } = this.shown;
    const { view } = this.client;
    const index = this.index();
    if (direction === "up") this.hover(lifted.column, Math.max(0, index - 1));
    else if (direction === "down") this.hover(lifted.column, index + 1);
    else {
      const there = this.actions.columnBeside(lifted.column, direction);
      if (!there) return;
      this.hover(there.id, index);
    }
    const title = view.columns.get(lifted.column)?.title ?? "";
    this.show(t("said.hovers", { column: title, at: this.index() + 1, n: this.others(lifted.column).length + 1 }));
  }

  index() {
    return this.shown.hovering(this.others(this.shown.lifted.column));
  }

  others(column) {
    return this.shown.in(this.client.view, column).filter((task) => task.id !== this.task);
  }

  drop() {
    const { task, column } = this.shown.lifted;
    const after = this.others(column)[this.index() - 1]?.id ?? null;
    this.shown.lifted = null;
    this.actions.say(t("said.put_down"));
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
