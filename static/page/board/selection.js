// The cards that are chosen for one action together, and the bar that offers what can be done to them.

import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";

export class Selection extends EventTarget {
  constructor() {
    super();
    this.ids = new Set();
  }

  get size() {
    return this.ids.size;
  }

  has(id) {
    return this.ids.has(id);
  }

  toggle(id) {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.changed();
  }

  clear() {
    if (this.ids.size === 0) return;
    this.ids.clear();
    this.changed();
  }

  /** Those that are there, in the order of the board; the others are forgotten. */
  inOrder(view) {
    const ids = view.sortedColumns().flatMap((column) => view.tasksIn(column.id)).map(({ id }) => id);
    return ids.filter((id) => this.ids.has(id));
  }

  keepOnly(view) {
    const gone = [...this.ids].filter((id) => !view.tasks.has(id));
    for (const id of gone) this.ids.delete(id);
    if (gone.length > 0) this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

export class SelectionBar {
  constructor({ scope, selection, actions, client, moveTo, assign }) {
    Object.assign(this, { selection, client });
    this.text = h("span", { class: "selection-count" });
    const ids = () => selection.inOrder(client.view);
    const button = (key, drawing, run, tone = "") => h("button", { class: `quiet ${tone}`, type: "button", onclick: () => run(ids()) }, icon(drawing), h("span", {}, t(key)));
    const done = (run) => (chosen) => {
      run(chosen);
      selection.clear();
    };
    const bar = { class: "selection-bar", role: "toolbar", "aria-label": t("selection.label"), hidden: true };
    this.element = h("div", bar, this.text,
      button("move_to", "move", moveTo),
      button("complete", "check", done((chosen) => actions.updateAll(chosen, { completed: true }))),
      button("assign_me", "person", done(assign)),
      button("delete", "trash", done((chosen) => actions.removeAll(chosen)), "danger"),
      h("button", { class: "quiet", type: "button", "aria-label": t("selection.clear"), onclick: () => selection.clear() }, icon("close")));
    scope.add(this.element);
    scope.on(selection, "change", () => this.render());
    scope.ending(() => document.documentElement.removeAttribute("data-selecting"));
  }

  render() {
    this.element.hidden = this.selection.size === 0;
    document.documentElement.toggleAttribute("data-selecting", this.selection.size > 0);
    setText(this.text, t("selection.count", { n: this.selection.size }));
  }
}
